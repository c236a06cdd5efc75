//! Whether what is applied fits its schema: unlike other writes, an apply cannot do with what it does not know.

use std::collections::HashSet;

use serde_json::Value;

use super::element::{item, shown};
use super::entries::text;
use crate::patch::PatchError;
use crate::patch::go_text::go_text;
use crate::schema::{ListType, Schema, Type};

/// Refuses an applied object that does not fit.
pub(super) fn check(schema: &Schema, applied: &Value) -> Result<(), PatchError> {
    let mut found = Vec::new();
    node(schema, applied, &mut String::new(), &mut found);
    let list = match found.as_slice() {
        [] => return Ok(()),
        [only] => only.clone(),
        several => format!("errors:\n  {}", several.join("\n  ")),
    };
    let (group, version) = text(applied, "apiVersion").split_once('/').unwrap_or(("", text(applied, "apiVersion")));
    let metadata = applied.get("metadata").unwrap_or(&Value::Null);
    let object = format!("{}/{}; {group}/{version}", text(metadata, "namespace"), text(metadata, "name"));
    let kind = text(applied, "kind");
    let message = format!("failed to create typed patch object ({object}, Kind={kind}): {list}");
    Err(PatchError::internal(message))
}

fn node(schema: &Schema, value: &Value, path: &mut String, found: &mut Vec<String>) {
    if value.is_null() {
        return;
    }
    if let Some(mistake) = mistake(schema, value) {
        found.push(format!("{path}: {mistake}"));
        return;
    }
    let mark = path.len();
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                path.push('.');
                path.push_str(name);
                match schema.property(name) {
                    Some(property) => node(property, value, path, found),
                    None if schema.preserves_unknown || schema.is_untyped() => {}
                    None => found.push(format!("{path}: field not declared in schema")),
                }
                path.truncate(mark);
            }
        }
        Value::Array(items) => {
            let mut seen = HashSet::new();
            for (index, each) in items.iter().enumerate() {
                let step = match (&schema.list, item(schema, each)) {
                    (ListType::Atomic, _) => format!("i:{index}"),
                    (_, Some(step)) => step,
                    (list, None) => {
                        found.push(format!("{path}: element {index}: {}", no_identity(list, each)));
                        continue;
                    }
                };
                let mut named = String::new();
                shown(&step, &mut named);
                if !seen.insert(step) {
                    found.push(format!("{path}: duplicate entries for key {named}"));
                }
                path.push_str(&named);
                node(schema.item(), each, path, found);
                path.truncate(mark);
            }
        }
        _ => {}
    }
}

fn mistake(schema: &Schema, value: &Value) -> Option<String> {
    let unlike = |wanted: &str| Some(format!("expected {wanted}, got &{{{}}}", go_text(value)));
    match (schema.kind, value) {
        _ if schema.is_untyped() => None,
        (Type::Object, value) if !value.is_object() => unlike("map"),
        (Type::Array, value) if !value.is_array() => unlike("list"),
        (Type::String, value) if !value.is_string() => {
            Some(format!("expected string, got &value.valueUnstructured{{Value:{}}}", go_text(value)))
        }
        (Type::Boolean, value) if !value.is_boolean() => unlike("boolean"),
        (Type::Integer | Type::Number, value) if !value.is_number() => {
            let kind = match value {
                Value::String(_) => "string",
                Value::Bool(_) => "bool",
                Value::Array(_) => "[]interface {}",
                _ => "map[string]interface {}",
            };
            Some(format!("expected numeric (int or float), got {kind}"))
        }
        (Type::Any | Type::IntOrString, Value::Object(_) | Value::Array(_)) => unlike("any scalar"),
        _ => None,
    }
}

fn no_identity(list: &ListType, item: &Value) -> String {
    match (list, item) {
        (ListType::Map(_), Value::Null) => "associative list with keys may not have a null element".to_string(),
        (ListType::Map(keys), Value::Object(_)) => {
            let keys: Vec<String> = keys.iter().map(|key| format!("{key:?}")).collect();
            let keys = keys.join(" ");
            format!(
                "associative list with keys has an element that omits all key fields [{keys}] (and doesn't have default \
                 values for any key fields)"
            )
        }
        (ListType::Map(_), _) => "associative list with keys may not have non-map elements".to_string(),
        (_, Value::Null) => "associative list without keys has an element that's an explicit null".to_string(),
        (_, Value::Array(_)) => "not supported: associative list with lists as elements".to_string(),
        _ => "associative list without keys has an element that's a map type".to_string(),
    }
}

impl Schema {
    /// Nothing is said of it; a quantity, of which several types are, is a scalar.
    fn is_untyped(&self) -> bool {
        self.kind == Type::Any && self.limits.is_none()
    }
}
