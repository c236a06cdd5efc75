//! Removes what Go does not write: nulls, and lists and maps without anything in them.

use serde_json::{Map, Value};

use super::{Schema, Type};

/// Removes it from an object that the real server keeps as a Go struct; of a custom resource, from its metadata.
pub fn tidy(schema: &Schema, value: &mut Value) {
    if !schema.custom {
        node(schema, value);
    } else if let (Some(schema), Some(metadata)) = (schema.property("metadata"), value.get_mut("metadata")) {
        node(schema, metadata);
    }
}

fn node(schema: &Schema, value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, value| schema.properties.get(name).is_none_or(|_| stays(schema, name, value)));
            below(schema, fields);
        }
        Value::Array(items) => items.iter_mut().for_each(|item| node(schema.item(), item)),
        _ => {}
    }
}

fn below(schema: &Schema, fields: &mut Map<String, Value>) {
    for (name, value) in fields {
        if (value.is_object() || value.is_array())
            && let Some(property) = schema.property(name)
        {
            node(property, value);
        }
    }
}

fn stays(schema: &Schema, name: &str, value: &Value) -> bool {
    let Some(field) = schema.properties.get(name) else { return true };
    let is_required = schema.limits.as_ref().is_some_and(|limits| limits.required.iter().any(|field| field == name));
    if is_required || field.by_value {
        return true;
    }
    let property = &*field.schema;
    match value {
        Value::Null => property.kind == Type::Any,
        Value::Array(items) => !items.is_empty() || property.kind != Type::Array,
        Value::Object(map) => !map.is_empty() || !property.properties.is_empty() || property.additional.is_none(),
        _ => true,
    }
}
