//! How a strategic merge patch goes into the lists that are merged: by key where items are maps, as sets of values
//! otherwise.

use serde_json::{Map, Value};

use super::PatchError;
use super::go_text::{go_kind, go_list, go_text};
use super::order::arrange;
use super::strategic::{DIRECTIVE, merge_map, unknown_directive};
use crate::schema::Schema;

/// Merges a list into one that is there. Items that both have, or only the patch, are in the order of the patch.
pub(super) fn merge_list(
    into: &mut Vec<Value>,
    patch: &[Value],
    schema: &Schema,
    key: Option<&str>,
) -> Result<(), PatchError> {
    if patch.is_empty() {
        return Ok(());
    }
    check_kinds(into, patch)?;
    let before = into.clone();
    match patch[0] {
        Value::Array(_) => return Err(PatchError::internal("lists of lists are not supported")),
        Value::Object(_) => {
            let key = key.ok_or_else(|| PatchError::internal("cannot merge lists without merge key"))?;
            let named = merge_maps(into, patch, schema, key)?;
            arrange(into, &named, &before, Some(key));
        }
        _ => {
            for value in patch {
                if !into.contains(value) {
                    into.push(value.clone());
                }
            }
            arrange(into, patch, &before, None);
        }
    }
    Ok(())
}

/// Merges items by their key, and gives the items of the patch that are no directives.
fn merge_maps(into: &mut Vec<Value>, patch: &[Value], schema: &Schema, key: &str) -> Result<Vec<Value>, PatchError> {
    let mut plain = Vec::new();
    let mut replaces = false;
    for item in patch {
        let map = as_map(item)?;
        match map.get(DIRECTIVE) {
            None => plain.push(item.clone()),
            Some(directive) => match directive.as_str() {
                Some("delete") => {
                    let value = map.get(key).ok_or_else(|| no_key(map, key))?;
                    into.retain(|present| present.get(key) != Some(value));
                }
                Some("replace") => replaces = true,
                Some("merge") => {
                    return Err(PatchError::internal("merging lists cannot yet be specified in the patch"));
                }
                _ => return Err(unknown_directive(directive, map)),
            },
        }
    }
    if replaces {
        into.clone_from(&plain);
        return Ok(plain);
    }
    for item in &plain {
        let map = as_map(item)?;
        let value = map.get(key).ok_or_else(|| no_key(map, key))?;
        match into.iter_mut().find(|present| present.get(key) == Some(value)) {
            Some(Value::Object(present)) => merge_map(present, map, schema.item())?,
            _ => into.push(item.clone()),
        }
    }
    Ok(plain)
}

/// Takes values out of a list of plain values. What is no list is passed over.
pub(super) fn delete_values(into: &mut Map<String, Value>, list: &str, values: &Value) -> Result<(), PatchError> {
    if let (Some(Value::Array(present)), Value::Array(values)) = (into.get_mut(list), values) {
        check_kinds(present, values)?;
        present.retain(|value| !values.contains(value));
    }
    Ok(())
}

/// All items of both lists are of one kind.
fn check_kinds(present: &[Value], patch: &[Value]) -> Result<(), PatchError> {
    let mut kinds = present.iter().chain(patch).map(go_kind);
    let first = kinds.next();
    if kinds.all(|kind| Some(kind) == first) {
        return Ok(());
    }
    let lists: Vec<String> = [present, patch].iter().map(|list| go_list(list)).collect();
    Err(PatchError::internal(format!("list element types are not identical: [{}]", lists.join(" "))))
}

fn as_map(item: &Value) -> Result<&Map<String, Value>, PatchError> {
    item.as_object().ok_or_else(|| {
        PatchError::internal(format!("expected a map[string]interface {{}}, but received a {}", go_kind(item)))
    })
}

pub(super) fn no_key(map: &Map<String, Value>, key: &str) -> PatchError {
    let map = go_text(&Value::Object(map.clone()));
    PatchError::internal(format!("map: {map} does not contain declared merge key: {key}"))
}
