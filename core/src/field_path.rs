//! Fields of objects by their paths, for arguments with `valueFrom.fieldRef`: in the notation of the downward API under
//! `metadata`, else with dots and brackets.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::Value;

/// A field below `metadata`, as the downward API gives it to pods: a label or an annotation that is not there is empty.
pub fn of_metadata(metadata: &ObjectMeta, path: &str) -> Result<String, String> {
    let text = |value: &Option<String>| Ok(value.clone().unwrap_or_default());
    let map = |name: &str, entries: Option<&BTreeMap<String, String>>| {
        let rest = path.strip_prefix(name)?;
        if rest.is_empty() {
            return Some(lines(entries));
        }
        let key = rest.strip_prefix("['")?.strip_suffix("']").filter(|key| !key.is_empty())?;
        Some(entries.and_then(|entries| entries.get(key)).cloned().unwrap_or_default())
    };
    match path {
        "metadata.name" => text(&metadata.name),
        "metadata.namespace" => text(&metadata.namespace),
        "metadata.uid" => text(&metadata.uid),
        _ => map("metadata.labels", metadata.labels.as_ref())
            .or_else(|| map("metadata.annotations", metadata.annotations.as_ref()))
            .ok_or_else(|| format!("unsupported fieldPath: {path}")),
    }
}

/// All entries of a map, one a line, as the downward API writes them.
fn lines(entries: Option<&BTreeMap<String, String>>) -> String {
    let mut lines = String::new();
    for (key, value) in entries.into_iter().flatten() {
        // Writing to a text does not fail.
        let _ = writeln!(lines, "{key}={value:?}");
    }
    lines.truncate(lines.trim_end().len());
    lines
}

/// A field of any object: names between dots, `[0]` into a list, `['key']` into a map with dots in its keys. What is not a text is
/// given as JSON.
pub fn of_object(object: &Value, path: &str) -> Result<String, String> {
    let wrong = || format!("there is no {path:?} in it");
    let mut at = object;
    let mut rest = path;
    while !rest.is_empty() {
        let step;
        (step, rest) = next(rest).ok_or_else(|| format!("cannot read the path {path:?}"))?;
        at = match (at, step) {
            (Value::Object(entries), Step::Key(key)) => entries.get(key),
            (Value::Array(items), Step::Index(index)) => items.get(index),
            _ => None,
        }
        .ok_or_else(wrong)?;
    }
    Ok(match at {
        Value::String(text) => text.clone(),
        Value::Null => return Err(wrong()),
        other => other.to_string(),
    })
}

enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

/// The first step of a path, and what follows it.
fn next(path: &str) -> Option<(Step<'_>, &str)> {
    let (step, rest) = if let Some(quoted) = path.strip_prefix("['") {
        let (key, rest) = quoted.split_once("']")?;
        (Step::Key(key), rest)
    } else if let Some(index) = path.strip_prefix('[') {
        let (index, rest) = index.split_once(']')?;
        (Step::Index(index.parse().ok()?), rest)
    } else {
        let end = path.find(['.', '[']).unwrap_or(path.len());
        (Step::Key(Some(&path[..end]).filter(|key| !key.is_empty())?), &path[end..])
    };
    match rest.strip_prefix('.') {
        Some("") => None,
        Some(rest) => Some((step, rest)),
        None if rest.is_empty() || rest.starts_with('[') => Some((step, rest)),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn metadata_is_given_as_the_downward_api_does() {
        let metadata = json!({"name": "web", "namespace": "shop", "labels": {"b": "2", "a": "x\"y"}});
        let metadata: ObjectMeta = serde_json::from_value(metadata).expect("metadata");
        for (path, expected) in [
            ("metadata.name", "web"),
            ("metadata.namespace", "shop"),
            ("metadata.uid", ""),
            ("metadata.labels['b']", "2"),
            ("metadata.labels['c']", ""),
            ("metadata.annotations['c']", ""),
            ("metadata.labels", "a=\"x\\\"y\"\nb=\"2\""),
            ("metadata.annotations", ""),
        ] {
            assert_eq!(of_metadata(&metadata, path), Ok(expected.to_owned()), "{path}");
        }
        for path in ["metadata.generation", "metadata.labels['']", "metadata.labels.b", "spec.replicas", ""] {
            assert_eq!(of_metadata(&metadata, path), Err(format!("unsupported fieldPath: {path}")));
        }
    }

    #[test]
    fn other_fields_have_dots_and_brackets() {
        let object = json!({
            "spec": {"replicas": 2, "paused": true, "list": [{"image": "a:1"}, [7]], "map": {"a.b/c": "x"}, "none": null},
        });
        for (path, expected) in [
            ("spec.replicas", "2"),
            ("spec.paused", "true"),
            ("spec.list[0].image", "a:1"),
            ("spec.list[1][0]", "7"),
            ("spec.list[1]", "[7]"),
            ("spec.map['a.b/c']", "x"),
            ("['spec'].replicas", "2"),
        ] {
            assert_eq!(of_object(&object, path), Ok(expected.to_owned()), "{path}");
        }
        for path in ["spec.none", "spec.other", "spec.list[2]", "spec.replicas.x", "spec[0]"] {
            assert_eq!(of_object(&object, path), Err(format!("there is no {path:?} in it")));
        }
        for path in ["spec.", ".spec", "spec..x", "spec[", "spec[x]", "spec['a", "spec[0]x"] {
            assert!(of_object(&object, path).is_err(), "{path}");
        }
    }
}
