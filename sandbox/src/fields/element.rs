//! The steps of paths: how an item of a list is named in a set, and how a path is shown to people.

use std::fmt::Write;

use serde_json::{Map, Value};

use crate::schema::{ListType, Schema};

/// The step to a property.
pub(super) fn field(name: &str) -> String {
    let mut step = String::with_capacity(name.len() + 2);
    step.push_str("f:");
    step.push_str(name);
    step
}

/// The step to an item of a list whose items have an identity; nothing for an item that has none.
pub(super) fn item(schema: &Schema, item: &Value) -> Option<String> {
    match &schema.list {
        ListType::Atomic => None,
        ListType::Set if item.is_null() || item.is_object() || item.is_array() => None,
        ListType::Set => Some(format!("v:{item}")),
        ListType::Map(keys) => {
            let item = item.as_object()?;
            let mut values = keys.iter().filter_map(|key| Some((key, schema.key_of(key, item)?))).collect::<Vec<_>>();
            values.sort_by_key(|(key, _)| *key);
            if values.is_empty() {
                return None;
            }
            let mut step = String::from("k:{");
            for (place, (key, value)) in values.iter().enumerate() {
                let comma = if place > 0 { "," } else { "" };
                let _ = write!(step, "{comma}\"{key}\":{value}");
            }
            step.push('}');
            Some(step)
        }
    }
}

/// Writes the steps of a set from outside as they are written here.
pub(super) fn canonicalize(set: &mut Map<String, Value>) {
    let is_odd = |step: &&String| step.starts_with("k:") || step.starts_with("v:");
    let steps: Vec<String> = set.keys().filter(is_odd).cloned().collect();
    for step in steps {
        let (kind, value) = step.split_at(2);
        let plain = serde_json::from_str::<Value>(value).map(|value| format!("{kind}{value}"));
        if let Ok(plain) = plain
            && plain != step
            && let Some(node) = set.remove(&step)
        {
            set.insert(plain, node);
        }
    }
    for node in set.values_mut() {
        if let Value::Object(below) = node {
            canonicalize(below);
        } else {
            *node = Value::Object(Map::new());
        }
    }
}

/// A step as people read it: `.spec`, `[name="c"]`, `[="x"]`, `[0]`.
pub(super) fn shown(step: &str, text: &mut String) {
    let (kind, value) = step.split_at_checked(2).unwrap_or((step, ""));
    let _ = match (kind, serde_json::from_str::<Value>(value)) {
        ("f:", _) => write!(text, ".{value}"),
        ("k:", Ok(Value::Object(keys))) => {
            let keys: Vec<String> = keys.iter().map(|(key, value)| format!("{key}={value}")).collect();
            write!(text, "[{}]", keys.join(","))
        }
        ("v:", _) => write!(text, "[={value}]"),
        _ => write!(text, "[{value}]"),
    };
}
