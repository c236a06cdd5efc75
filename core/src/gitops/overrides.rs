//! What a file in the folder of a source says over the Application itself: `.argocd-source.yaml` for all Applications of the folder,
//! and `.argocd-source-NAME.yaml` for one.

use serde_json::{Map, Value};

use super::unsupported;
use crate::api::ApplicationSource;

/// What a file may say; the rest says where manifests come from, which is for the Application alone.
const FIELDS: [&str; 4] = ["helm", "kustomize", "directory", "plugin"];

/// The files for an Application, the later one over the earlier one. The name of one that is not in the controller's own namespace
/// begins with its namespace.
pub fn files(home: &str, namespace: &str, name: &str) -> [String; 2] {
    let own = if namespace.is_empty() || namespace == home { name.to_owned() } else { format!("{namespace}_{name}") };
    [".argocd-source.yaml".to_owned(), format!(".argocd-source-{own}.yaml")]
}

/// A source with what a file says over it: objects are put into each other, lists take each other's place, and a null takes away.
///
/// # Errors
/// What the file may not say, or what is not acted on yet.
pub fn over(source: &ApplicationSource, said: &Value) -> Result<ApplicationSource, String> {
    let fields = match said {
        Value::Null => return Ok(source.clone()),
        Value::Object(fields) => fields,
        _ => return Err("it is no object".to_owned()),
    };
    if let Some(other) = fields.keys().find(|field| !FIELDS.contains(&field.as_str())) {
        return Err(format!("{other} is for the Application itself to say; a file may say {}", FIELDS.join(", ")));
    }
    let mut merged = serde_json::to_value(source).map_err(|error| error.to_string())?;
    merge(&mut merged, said);
    let merged: ApplicationSource = serde_json::from_value(merged).map_err(|error| error.to_string())?;
    match unsupported::fields(&merged).next() {
        Some(field) => Err(format!("{field} is not supported yet")),
        None => Ok(merged),
    }
}

fn merge(into: &mut Value, said: &Value) {
    let Value::Object(said) = said else {
        *into = said.clone();
        return;
    };
    if !into.is_object() {
        *into = Value::Object(Map::new());
    }
    let Value::Object(fields) = into else { return };
    for (name, value) in said {
        if value.is_null() {
            fields.remove(name);
        } else {
            merge(fields.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn source() -> ApplicationSource {
        let source = json!({
            "repoURL": "https://example.com/web", "path": "app",
            "helm": { "valuesObject": { "a": 1, "b": { "c": 2 } }, "parameters": [{ "name": "x", "value": "1" }] },
        });
        serde_json::from_value(source).expect("a source")
    }

    #[test]
    fn a_file_says_something_over_the_application() {
        let said = json!({
            "helm": { "valuesObject": { "b": { "d": 3 }, "a": null }, "parameters": [{ "name": "y", "value": "2" }] },
        });
        let merged = over(&source(), &said).expect("a source");
        let helm = serde_json::to_value(merged.helm).expect("a value");
        assert_eq!(
            helm,
            json!({ "valuesObject": { "b": { "c": 2, "d": 3 } }, "parameters": [{ "name": "y", "value": "2" }] })
        );
        let merged = over(&source(), &json!({ "kustomize": { "images": ["web:2"] } })).expect("a source");
        assert_eq!(merged.kustomize.expect("said").images, ["web:2"]);
        assert_eq!(over(&source(), &Value::Null), Ok(source()));
        assert_eq!(over(&source(), &json!({ "helm": null })).expect("a source").helm, None);
    }

    #[test]
    fn where_manifests_come_from_is_for_the_application_alone() {
        for said in [
            json!({ "repoURL": "https://example.com/other" }),
            json!({ "path": "other" }),
            json!({ "targetRevision": "other" }),
            json!({ "chart": "other" }),
            json!({ "ref": "other" }),
            json!({ "kustomise": {} }),
            json!(["helm"]),
            json!("helm"),
            json!({ "helm": "values.yaml" }),
            json!({ "kustomize": { "version": "v4" } }),
        ] {
            assert!(over(&source(), &said).is_err(), "{said}");
        }
    }

    #[test]
    fn files_are_named_after_the_application() {
        assert_eq!(files("argocd", "argocd", "web"), [".argocd-source.yaml", ".argocd-source-web.yaml"]);
        assert_eq!(files("argocd", "team", "web")[1], ".argocd-source-team_web.yaml");
    }
}
