//! Reading JSON whose shape the schema has checked already: what is not there reads as nothing.

use serde_json::{Map, Value};

static NULL: Value = Value::Null;

/// The value at a dotted path, or null.
pub(crate) fn at<'a>(value: &'a Value, path: &str) -> &'a Value {
    path.split('.').try_fold(value, |value, name| value.get(name)).unwrap_or(&NULL)
}

/// The text at a dotted path, or nothing.
pub(crate) fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    at(value, path).as_str().unwrap_or_default()
}

/// The whole number at a dotted path.
pub(crate) fn number(value: &Value, path: &str) -> Option<i64> {
    at(value, path).as_i64()
}

/// Whether there is `true` at a dotted path.
pub(crate) fn is_true(value: &Value, path: &str) -> bool {
    at(value, path) == &Value::Bool(true)
}

/// The items of the list at a dotted path.
pub(crate) fn items<'a>(value: &'a Value, path: &str) -> &'a [Value] {
    at(value, path).as_array().map_or(&[], Vec::as_slice)
}

/// The entries of the map at a dotted path.
pub(crate) fn entries<'a>(value: &'a Value, path: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    at(value, path).as_object().into_iter().flatten()
}

/// Whether there is nothing that Go would keep at a dotted path: nothing, or an empty text, list or map.
pub(crate) fn is_empty(value: &Value, path: &str) -> bool {
    match at(value, path) {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The map at a dotted path, made where there is none. A value of another type on the way is replaced.
pub(crate) fn make<'a>(value: &'a mut Value, path: &str) -> &'a mut Map<String, Value> {
    let target = path.split('.').fold(value, |value, name| object(value).entry(name).or_insert(Value::Null));
    object(target)
}

fn object(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    value.as_object_mut().expect("it was just made an object")
}
