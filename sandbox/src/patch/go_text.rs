//! Values as Go prints them with `%v`, as they stand in the real server's messages: `map[image:x name:one]`.

use serde_json::Value;

pub(crate) fn go_text(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

/// As `go_text`, of several values in a list.
pub(super) fn go_list(values: &[Value]) -> String {
    let mut text = String::new();
    write_list(values, &mut text);
    text
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Null => text.push_str("<nil>"),
        Value::String(string) => text.push_str(string),
        Value::Array(items) => write_list(items, text),
        Value::Object(map) => {
            text.push_str("map[");
            for (place, (key, value)) in map.iter().enumerate() {
                if place > 0 {
                    text.push(' ');
                }
                text.push_str(key);
                text.push(':');
                write(value, text);
            }
            text.push(']');
        }
        Value::Bool(_) | Value::Number(_) => text.push_str(&value.to_string()),
    }
}

fn write_list(values: &[Value], text: &mut String) {
    text.push('[');
    for (place, value) in values.iter().enumerate() {
        if place > 0 {
            text.push(' ');
        }
        write(value, text);
    }
    text.push(']');
}

/// What Go makes of a value where it was told to print text (`%s`).
pub(super) fn go_as_string(value: &Value) -> String {
    match value {
        Value::String(string) => string.clone(),
        Value::Number(number) => format!("%!s({}={number})", go_kind(value)),
        Value::Bool(flag) => format!("%!s(bool={flag})"),
        Value::Null => "%!s(<nil>)".to_string(),
        Value::Array(_) | Value::Object(_) => go_text(value),
    }
}

/// The kind of the Go type that decoding without a type gives.
pub(super) fn go_kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nil",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "slice",
        Value::Object(_) => "map",
    }
}
