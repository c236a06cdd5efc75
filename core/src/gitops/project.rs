//! AppProjects: what Applications may do. Their rules are not acted on yet, so that a project which has any holds its Applications.

use serde_json::{Map, Value};

/// Fields that restrict nothing, or that are looked at here.
const KNOWN: [&str; 6] =
    ["description", "sourceRepos", "destinations", "clusterResourceWhitelist", "namespaceResourceWhitelist", "roles"];

/// Whether a project, by its `spec`, lets everything through.
pub fn is_open(spec: &Value) -> bool {
    let Some(fields) = spec.as_object() else { return false };
    let everything = |it: &Value| it["group"] == "*" && it["kind"] == "*";
    let anywhere = |it: &Value| it["namespace"] == "*" && (it["server"] == "*" || it["name"] == "*");
    fields.iter().all(|(field, value)| KNOWN.contains(&field.as_str()) || is_empty(value))
        // What is denied begins with an exclamation mark, beside whatever is allowed.
        && !denies(&spec["sourceRepos"])
        && !denies(&spec["destinations"])
        && has(&spec["sourceRepos"], |it| it == "*")
        && has(&spec["destinations"], anywhere)
        && has(&spec["clusterResourceWhitelist"], everything)
        && (spec["namespaceResourceWhitelist"].is_null() || has(&spec["namespaceResourceWhitelist"], everything))
}

fn has(list: &Value, what: impl Fn(&Value) -> bool) -> bool {
    list.as_array().is_some_and(|list| list.iter().any(what))
}

fn is_empty(value: &Value) -> bool {
    value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(Map::is_empty)
}

fn denies(rules: &Value) -> bool {
    match rules {
        Value::String(text) => text.starts_with('!'),
        Value::Array(list) => list.iter().any(denies),
        Value::Object(fields) => fields.values().any(denies),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_project_that_restricts_nothing_is_open() {
        let open = json!({
            "description": "Anything!",
            "sourceRepos": ["*"],
            "destinations": [{ "server": "*", "namespace": "*" }],
            "clusterResourceWhitelist": [{ "group": "*", "kind": "*" }],
            "syncWindows": [],
        });
        assert!(is_open(&open));
        for (field, value) in [
            ("sourceRepos", json!(["https://git.example.com/*"])),
            ("sourceRepos", json!(["*", "!https://git.example.com/secret"])),
            ("destinations", json!([{ "server": "*", "namespace": "shop" }])),
            (
                "destinations",
                json!([{ "server": "*", "namespace": "*" }, { "server": "*", "namespace": "!kube-system" }]),
            ),
            ("clusterResourceWhitelist", json!([])),
            ("clusterResourceBlacklist", json!([{ "group": "", "kind": "Namespace" }])),
            ("namespaceResourceWhitelist", json!([{ "group": "apps", "kind": "*" }])),
            ("syncWindows", json!([{ "kind": "deny" }])),
        ] {
            let mut spec = open.clone();
            spec[field] = value;
            assert!(!is_open(&spec), "{spec}");
        }
        assert!(!is_open(&json!(null)) && !is_open(&json!({})));
    }
}
