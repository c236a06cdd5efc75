//! What the real server has of an object before its first write: for a built-in kind not nothing, but the Go struct with
//! its zero values. Whoever creates an object does not come to own what is in there already.

use serde_json::{Map, Value, json};

use super::Manager;
use crate::schema::{Schema, Type};

/// The object that a create starts from.
pub(super) fn before_create(schema: &Schema, writer: &Manager, kind: &str) -> Value {
    if schema.custom {
        return json!({ "apiVersion": writer.api_version, "kind": kind });
    }
    schema.zero.get_or_init(|| zero(schema)).clone()
}

fn zero(schema: &Schema) -> Value {
    let is_required = |name: &String| schema.limits.as_ref().is_some_and(|limits| limits.required.contains(name));
    let mut fields = Map::new();
    for (name, field) in &schema.properties {
        if field.by_value && field.schema.kind == Type::Object {
            fields.insert(name.clone(), zero(&field.schema));
        } else if field.by_value || is_required(name) || is_time(&field.schema) {
            fields.insert(name.clone(), of_type(&field.schema));
        }
    }
    Value::Object(fields)
}

/// Times are structs that are written as null. Those that are pointers are too many here, which does no harm: a null
/// belongs to nobody.
fn is_time(schema: &Schema) -> bool {
    schema.kind == Type::String && schema.name.is_some()
}

fn of_type(schema: &Schema) -> Value {
    match schema.kind {
        Type::String if is_time(schema) => Value::Null,
        Type::String => json!(""),
        Type::Integer | Type::Number => json!(0),
        Type::Boolean => json!(false),
        Type::Any | Type::Object | Type::Array | Type::IntOrString => Value::Null,
    }
}
