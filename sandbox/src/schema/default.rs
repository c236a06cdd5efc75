//! Fills in what the schema of a custom resource has defaults for.

use serde_json::{Map, Value};

use super::Schema;

/// Sets the defaults. A null where none may be counts as missing: it becomes the default, or goes.
pub fn default(schema: &Schema, value: &mut Value) {
    match value {
        Value::Object(object) => properties(schema, object),
        Value::Array(items) if schema.items.is_some() => {
            for item in items {
                default(schema.item(), item);
            }
        }
        _ => {}
    }
}

fn properties(schema: &Schema, object: &mut Map<String, Value>) {
    object.retain(|name, value| {
        let stays = !value.is_null()
            || schema.property(name).is_none_or(|property| property.nullable || schema.keeps_null(name, property));
        if stays && let Some(property) = schema.property(name) {
            default(property, value);
        }
        stays
    });
    for (name, field) in &schema.properties {
        if let Some(value) = &field.schema.default
            && !object.contains_key(name)
        {
            let mut value = value.clone();
            default(&field.schema, &mut value);
            object.insert(name.clone(), value);
        }
    }
}

impl Schema {
    /// Where nothing is said of a value, null is as good as any; only named properties lose it.
    fn keeps_null(&self, name: &str, property: &Schema) -> bool {
        !self.properties.contains_key(name) || property.kind == super::Type::Any && property.preserves_unknown
    }
}
