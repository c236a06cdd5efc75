//! The JSON patch of RFC 6902, with the leniency of the library that the real server uses: `replace` also adds to a map,
//! `copy` of what is missing copies null, a `test` for null holds where nothing is, negative indexes count from the end.
//! Clients come to rely on it, so a stricter library would not do. Whatever fails, the answer is the same.

use serde_json::{Map, Value};

use super::PatchError;

/// The most operations that the real server takes.
const MOST_OPERATIONS: usize = 10_000;
/// The most bytes of JSON that the real server lets `copy` add.
const MOST_COPIED: usize = 3 * 1024 * 1024;

/// Applies the operations of `patch`, in their order, all of them or none.
pub fn json(current: &Value, patch: &Value) -> Result<Value, PatchError> {
    let operations = operations(patch)?;
    let mut patched = current.clone();
    let mut copied = 0;
    for operation in operations {
        count_copy(&mut patched, operation, &mut copied)?;
        apply(&mut patched, operation).ok_or_else(PatchError::rejected)?;
    }
    Ok(patched)
}

fn operations(patch: &Value) -> Result<&Vec<Value>, PatchError> {
    let wrong = |kind: &str, wanted: &str| {
        let detail = format!("json: cannot unmarshal {kind} into Go value of type {wanted}");
        Err(PatchError::bad_request(format!("error decoding patch: {detail}")))
    };
    let list = match patch {
        Value::Array(list) => list,
        Value::Null => return Err(PatchError::bad_request("Invalid JSON Patch")),
        Value::Bool(_) => return wrong("bool", "[]handlers.jsonPatchOp"),
        Value::Number(_) => return wrong("number", "[]handlers.jsonPatchOp"),
        Value::String(_) => return wrong("string", "[]handlers.jsonPatchOp"),
        Value::Object(_) => return wrong("object", "[]handlers.jsonPatchOp"),
    };
    if list.len() > MOST_OPERATIONS {
        let count = list.len();
        let message = format!("The allowed maximum operations in a JSON patch is {MOST_OPERATIONS}, got {count}");
        return Err(PatchError { code: 413, reason: "RequestEntityTooLarge", message, causes: Vec::new() });
    }
    Ok(list)
}

/// Takes what an operation copies from the room that a patch has for copies.
fn count_copy(document: &mut Value, operation: &Value, copied: &mut usize) -> Result<(), PatchError> {
    let from = operation.get("from").and_then(Value::as_str).filter(|_| operation["op"] == "copy");
    if let Some((parent, key)) = from.and_then(|from| split(document, from)) {
        *copied += read(parent, &key).map_or(0, |value| value.to_string().len());
    }
    if *copied > MOST_COPIED {
        let message = format!(
            "Unable to complete the copy, the accumulated size increase of copy is {copied}, exceeding the limit \
             {MOST_COPIED}"
        );
        return Err(PatchError { code: 422, reason: "Invalid", message, causes: Vec::new() });
    }
    Ok(())
}

fn apply(document: &mut Value, operation: &Value) -> Option<()> {
    let text = |key: &str| operation.get(key).and_then(Value::as_str);
    let value = || operation.get("value").cloned().unwrap_or(Value::Null);
    match text("op")? {
        "add" => add(document, text("path")?, value()),
        "remove" => take(document, text("path")?).map(drop),
        "replace" => replace(document, text("path")?, value()),
        "move" => {
            let moved = take(document, text("from")?)?;
            add(document, text("path")?, moved)
        }
        "copy" => {
            let (parent, key) = split(document, text("from")?)?;
            let copied = read(parent, &key)?.clone();
            add(document, text("path")?, copied)
        }
        "test" => {
            let path = text("path")?;
            if path.is_empty() {
                return (*document == value()).then_some(());
            }
            let (parent, key) = split(document, path)?;
            (*read(parent, &key)? == value()).then_some(())
        }
        _ => None,
    }
}

/// The map or list that a path leads into, and what it names there.
fn split<'a>(document: &'a mut Value, path: &str) -> Option<(&'a mut Value, String)> {
    let (way, last) = path.rsplit_once('/')?;
    let mut parent = document;
    for step in way.split('/').skip(1) {
        parent = match parent {
            Value::Object(map) => map.get_mut(&decoded(step))?,
            Value::Array(items) => {
                let place = place(step, items.len())?;
                items.get_mut(place)?
            }
            _ => return None,
        };
    }
    Some((parent, decoded(last)))
}

fn decoded(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
}

/// An index of a list of this many items, of which negative ones count from the end.
fn place(step: &str, count: usize) -> Option<usize> {
    let index: i64 = step.parse().ok()?;
    let index = if index < 0 { index + i64::try_from(count).ok()? } else { index };
    usize::try_from(index).ok()
}

/// What is there. What is missing in a map is null; beyond the end of a list, nothing can be.
fn read<'a>(parent: &'a Value, key: &str) -> Option<&'a Value> {
    match parent {
        Value::Object(map) => Some(map.get(key).unwrap_or(&Value::Null)),
        Value::Array(items) => items.get(place(key, items.len())?),
        _ => None,
    }
}

fn add(document: &mut Value, path: &str, value: Value) -> Option<()> {
    match split(document, path)? {
        (Value::Object(map), key) => put(map, key, value),
        (Value::Array(items), key) => {
            let at = if key == "-" { items.len() } else { place(&key, items.len() + 1)? };
            if at > items.len() {
                return None;
            }
            items.insert(at, value);
        }
        _ => return None,
    }
    Some(())
}

fn replace(document: &mut Value, path: &str, value: Value) -> Option<()> {
    if path.is_empty() {
        *document = value;
        return Some(());
    }
    match split(document, path)? {
        (Value::Object(map), key) => put(map, key, value),
        (Value::Array(items), key) => {
            let place = place(&key, items.len())?;
            *items.get_mut(place)? = value;
        }
        _ => return None,
    }
    Some(())
}

fn put(map: &mut Map<String, Value>, key: String, value: Value) {
    map.insert(key, value);
}

fn take(document: &mut Value, path: &str) -> Option<Value> {
    match split(document, path)? {
        (Value::Object(map), key) => map.remove(&key),
        (Value::Array(items), key) => {
            let place = place(&key, items.len()).filter(|place| *place < items.len())?;
            Some(items.remove(place))
        }
        _ => None,
    }
}
