//! Cells that many kinds share.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::read::{at, entries, items, number, text};

/// What stands where there is nothing.
pub(super) const NONE: &str = "<none>";

/// The name of an object.
pub(super) fn name(object: &Value) -> Value {
    json!(text(object, "metadata.name"))
}

/// A number, or 0.
pub(super) fn count(object: &Value, path: &str) -> Value {
    json!(number(object, path).unwrap_or_default())
}

/// A text, or `<none>`.
pub(super) fn text_or_none(object: &Value, path: &str) -> Value {
    or_none(text(object, path))
}

/// `<none>` in the place of an empty text.
pub(super) fn or_none(text: &str) -> Value {
    json!(if text.is_empty() { NONE } else { text })
}

/// A number or a text as it is written, or another text where there is none.
pub(super) fn written(value: &Value, otherwise: &str) -> String {
    match value {
        Value::Null => otherwise.to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Labels on one line.
pub(super) fn labels(labels: &Value) -> Value {
    let pairs: Vec<String> = labels
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    or_none(&pairs.join(","))
}

/// A label selector on one line, ordered by key.
pub(super) fn selector(selector: &Value) -> Value {
    let exact = entries(selector, "matchLabels")
        .map(|(key, value)| (key.as_str(), format!("{key}={}", value.as_str().unwrap_or_default())));
    let expressions = items(selector, "matchExpressions").iter().map(|requirement| {
        let key = text(requirement, "key");
        let mut values: Vec<&str> = items(requirement, "values").iter().filter_map(Value::as_str).collect();
        values.sort_unstable();
        let values = values.join(",");
        let term = match text(requirement, "operator") {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "DoesNotExist" => format!("!{key}"),
            _ => key.to_owned(),
        };
        (key, term)
    });
    let mut terms: Vec<(&str, String)> = exact.chain(expressions).collect();
    terms.sort_by_key(|(key, _)| *key);
    or_none(&terms.into_iter().map(|(_, term)| term).collect::<Vec<_>>().join(","))
}

/// Names and images of the containers of a pod's spec.
pub(super) fn containers(spec: &Value) -> [Value; 2] {
    ["name", "image"].map(|field| {
        let all: Vec<&str> = items(spec, "containers").iter().map(|container| text(container, field)).collect();
        json!(all.join(","))
    })
}

/// The first few of a list, and how many there are beyond them.
pub(super) fn first_few(all: &[String], limit: usize, separator: &str) -> String {
    let shown = all[..all.len().min(limit)].join(separator);
    if all.len() > limit { format!("{shown} + {} more...", all.len() - limit) } else { shown }
}

/// The texts in a field of all items of a list.
pub(super) fn texts(object: &Value, list: &str, field: &str) -> Vec<String> {
    items(object, list)
        .iter()
        .map(|item| text(item, field))
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The cells of a kind that has none of its own.
pub(super) fn created_at(object: &Value, _: Timestamp) -> Vec<Value> {
    vec![name(object), at(object, "metadata.creationTimestamp").clone()]
}
