//! The merge patch of RFC 7396.
//!
//! The real server differs from it in one thing: nulls are also removed from what is new, in lists too.

use serde_json::Value;

use super::{PatchError, without_nulls};

/// Merges `patch` into `current`.
pub fn merge(current: &Value, patch: &Value) -> Result<Value, PatchError> {
    let kind = match patch {
        Value::Object(_) => {
            let mut merged = current.clone();
            merge_into(&mut merged, patch);
            return Ok(merged);
        }
        Value::Null => return Err(PatchError::bad_request("Invalid JSON Patch")),
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
    };
    let detail = format!("json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}");
    Err(PatchError::bad_request(format!("error decoding patch: {detail}")))
}

fn merge_into(current: &mut Value, patch: &Value) {
    let (Value::Object(current), Value::Object(patch)) = (&mut *current, patch) else {
        *current = without_nulls(patch);
        return;
    };
    for (key, value) in patch {
        match (value, current.get_mut(key)) {
            (Value::Null, _) => {
                current.remove(key);
            }
            (_, Some(present)) => merge_into(present, value),
            (_, None) => {
                current.insert(key.clone(), without_nulls(value));
            }
        }
    }
}
