//! The smallest JSON Merge Patch (RFC 7386) between two values.

use serde_json::{Map, Value};

/// What turns `before` into `after`, or `None` where they are equal. A list is replaced whole; a field that is gone becomes
/// `null`. Fields that neither side knows are left alone by construction.
pub fn merge_patch(before: &Value, after: &Value) -> Option<Value> {
    if before == after {
        return None;
    }
    let (Value::Object(old), Value::Object(new)) = (before, after) else {
        return Some(after.clone());
    };
    let mut patch = Map::new();
    for key in old.keys().filter(|key| !new.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    for (key, value) in new {
        let change = match old.get(key) {
            Some(old) => merge_patch(old, value),
            None => Some(value.clone()),
        };
        if let Some(change) = change {
            patch.insert(key.clone(), change);
        }
    }
    Some(Value::Object(patch))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_changed_is_written() {
        let before = json!({"a": 1, "b": {"c": 1, "d": 2}, "gone": true, "list": [1, 2]});
        let after = json!({"a": 1, "b": {"c": 1, "d": 3}, "list": [2], "new": "x"});
        let expected = json!({"b": {"d": 3}, "gone": null, "list": [2], "new": "x"});
        assert_eq!(merge_patch(&before, &after), Some(expected));
    }

    #[test]
    fn equal_values_need_no_write() {
        assert_eq!(merge_patch(&json!({"a": [1]}), &json!({"a": [1]})), None);
    }
}
