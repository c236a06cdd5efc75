//! Objects as the API server shows them in messages: as JSON, with the metadata in the order of its Go type.

use serde_json::{Map, Value};

const METADATA: [&str; 15] = [
    "name",
    "generateName",
    "namespace",
    "selfLink",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "labels",
    "annotations",
    "ownerReferences",
    "finalizers",
    "managedFields",
];
const MANAGED_FIELDS: [&str; 7] =
    ["manager", "operation", "apiVersion", "time", "fieldsType", "fieldsV1", "subresource"];

/// An object as a line of JSON.
pub fn in_gos_order(object: &Value) -> String {
    let Value::Object(fields) = object else { return object.to_string() };
    written(fields, &[], |name, value| match (name, value) {
        ("metadata", Value::Object(metadata)) => written(metadata, &METADATA, |name, value| match (name, value) {
            ("managedFields", Value::Array(entries)) => {
                let entries: Vec<String> = entries.iter().map(entry).collect();
                format!("[{}]", entries.join(","))
            }
            _ => value.to_string(),
        }),
        _ => value.to_string(),
    })
}

fn entry(entry: &Value) -> String {
    match entry {
        Value::Object(fields) => written(fields, &MANAGED_FIELDS, |_, value| value.to_string()),
        _ => entry.to_string(),
    }
}

/// The fields in this order, the others after them.
fn written(fields: &Map<String, Value>, order: &[&str], write: impl Fn(&str, &Value) -> String) -> String {
    let first = order.iter().filter_map(|name| fields.get_key_value(*name));
    let others = fields.iter().filter(|(name, _)| !order.contains(&name.as_str()));
    let each: Vec<String> = first
        .chain(others)
        .map(|(name, value)| format!("{}:{}", Value::from(name.as_str()), write(name, value)))
        .collect();
    format!("{{{}}}", each.join(","))
}
