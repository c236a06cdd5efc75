//! The errors of conversion: what the real server says when a strategic merge patch leads to a value that does not fit
//! its Go type. It does not decode JSON there, and so it has other words, and no path.

use serde_json::Value;

use super::{Schema, Type};

/// What the real server says when it converts this object, if it cannot.
pub fn conversion_error(schema: &Schema, value: &Value) -> Option<String> {
    let found = kind(value)?;
    match (schema.kind, value) {
        (Type::Object, Value::Object(fields)) => {
            fields.iter().find_map(|(name, value)| conversion_error(schema.property(name)?, value))
        }
        (Type::Object, _) if !schema.properties.is_empty() => Some(format!("cannot restore struct from: {found}")),
        (Type::Object, _) => Some(format!("cannot restore map from {found}")),
        (Type::Array, Value::Array(items)) => items.iter().find_map(|item| conversion_error(schema.item(), item)),
        (Type::Array, _) => Some(format!("cannot restore slice from {found}")),
        // Times have an own way to be read.
        (Type::String, _) if schema.name.is_some() => None,
        (Type::String, _) => (found != "string").then(|| "unrecognized type: string".to_string()),
        (Type::Boolean, _) => (found != "bool").then(|| "unrecognized type: bool".to_string()),
        (Type::Integer, _) if !value.is_number() => {
            let wanted = if schema.format.is_empty() { "int64" } else { &schema.format };
            Some(format!("unrecognized type: {wanted}"))
        }
        (Type::Any | Type::Integer | Type::Number | Type::IntOrString, _) => None,
    }
}

/// Null fits everywhere.
fn kind(value: &Value) -> Option<&'static str> {
    match value {
        Value::Null => None,
        Value::Bool(_) => Some("bool"),
        Value::Number(number) => Some(if number.is_f64() { "float64" } else { "int64" }),
        Value::String(_) => Some("string"),
        Value::Array(_) => Some("slice"),
        Value::Object(_) => Some("map"),
    }
}
