//! The strategic merge patch: a merge patch that knows which lists are merged, by which key, and that takes directives.
//!
//! | in a patch | meaning |
//! |---|---|
//! | `$patch: replace`, `delete` | in a map: it is replaced, emptied; in an item: its list is replaced, it is deleted |
//! | `$retainKeys` | the map loses all other keys |
//! | `$setElementOrder/LIST` | the order that the items of the list shall have |
//! | `$deleteFromPrimitiveList/LIST` | the values that the list shall lose |

use serde_json::{Map, Value};

use super::PatchError;
use super::go_text::{go_as_string, go_text};
use super::{lists, order, without_nulls};
use crate::schema::{Schema, Strategy};

pub(super) const DIRECTIVE: &str = "$patch";
pub(super) const RETAIN_KEYS: &str = "$retainKeys";
pub(super) const SET_ORDER: &str = "$setElementOrder/";
pub(super) const DELETE_VALUES: &str = "$deleteFromPrimitiveList/";

/// Merges `patch` into `current`, an object of this schema.
pub fn strategic(schema: &Schema, current: &Value, patch: &Value) -> Result<Value, PatchError> {
    let patch = match patch {
        Value::Object(patch) => patch,
        Value::Null => return Ok(current.clone()),
        _ => {
            let kind = match patch {
                Value::Array(_) => "array",
                Value::String(_) => "string",
                Value::Bool(_) => "bool",
                _ => "number",
            };
            let detail = format!("json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}");
            return Err(PatchError::bad_request(detail));
        }
    };
    let mut merged = current.as_object().cloned().unwrap_or_default();
    merge_map(&mut merged, patch, schema)?;
    Ok(Value::Object(merged))
}

/// Merges one map into another.
pub(super) fn merge_map(
    into: &mut Map<String, Value>,
    patch: &Map<String, Value>,
    schema: &Schema,
) -> Result<(), PatchError> {
    if let Some(directive) = patch.get(DIRECTIVE) {
        match directive.as_str() {
            Some("replace") => {
                into.clone_from(patch);
                into.remove(DIRECTIVE);
            }
            Some("delete") => into.clear(),
            _ => return Err(unknown_directive(directive, patch)),
        }
        return Ok(());
    }
    retain_keys(into, patch)?;
    let ordered = order::set_orders(into, patch, schema)?;
    for (key, value) in patch {
        if key == RETAIN_KEYS || key.starts_with(SET_ORDER) || ordered.contains(&key.as_str()) {
            continue;
        }
        if let Some(list) = key.strip_prefix(DELETE_VALUES) {
            lists::delete_values(into, list, value)?;
            continue;
        }
        merge_value(into, key, value, schema)?;
    }
    Ok(())
}

fn merge_value(into: &mut Map<String, Value>, key: &str, value: &Value, schema: &Schema) -> Result<(), PatchError> {
    static NONE: Strategy = Strategy { merge: false, retain_keys: false, replace: false, key: None };
    let below = schema.property(key).unwrap_or(Schema::anything());
    let strategy = schema.properties.get(key).map_or(&NONE, |field| &field.strategy);
    match (into.get_mut(key), value) {
        (_, Value::Null) => {
            into.remove(key);
        }
        (None, _) => {
            if let Some(value) = without_directives(without_nulls(value)) {
                into.insert(key.to_string(), value);
            }
        }
        (Some(Value::Object(present)), Value::Object(patch)) if !strategy.replace => merge_map(present, patch, below)?,
        (Some(Value::Array(present)), Value::Array(patch)) if strategy.merge => {
            lists::merge_list(present, patch, below, strategy.key.as_deref())?;
        }
        (Some(present), _) => *present = value.clone(),
    }
    Ok(())
}

/// Lets go of the keys that are not named, and refuses a patch that sets one of those.
fn retain_keys(into: &mut Map<String, Value>, patch: &Map<String, Value>) -> Result<(), PatchError> {
    let Some(retained) = patch.get(RETAIN_KEYS) else { return Ok(()) };
    let bad = || PatchError::bad_request("invalid patch format of retainKeys");
    let retained = retained.as_array().ok_or_else(bad)?;
    if !retained.iter().all(Value::is_string) {
        return Err(bad());
    }
    let is_retained = |key: &str| retained.iter().any(|retained| retained == key);
    let is_data = |key: &str| !key.starts_with('$');
    if patch.iter().any(|(key, value)| is_data(key) && !value.is_null() && !is_retained(key)) {
        return Err(bad());
    }
    into.retain(|key, _| is_retained(key));
    Ok(())
}

pub(super) fn unknown_directive(directive: &Value, patch: &Map<String, Value>) -> PatchError {
    let patch = go_text(&Value::Object(patch.clone()));
    PatchError::internal(format!("unknown patch type: {} in map: {patch}", go_as_string(directive)))
}

/// What is new without the directives, which have nothing to work on; nothing if it says that it shall go.
pub(super) fn without_directives(value: Value) -> Option<Value> {
    match value {
        Value::Object(mut map) => {
            if map.get(DIRECTIVE).is_some_and(|directive| directive == "delete") {
                return None;
            }
            map.retain(|key, _| {
                key != DIRECTIVE && key != RETAIN_KEYS && !key.starts_with(SET_ORDER) && !key.starts_with(DELETE_VALUES)
            });
            let map = map.into_iter().filter_map(|(key, value)| Some((key, without_directives(value)?)));
            Some(Value::Object(map.collect()))
        }
        Value::Array(items) => Some(Value::Array(items.into_iter().filter_map(without_directives).collect())),
        other => Some(other),
    }
}
