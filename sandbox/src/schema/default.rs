//! Fills in what the schema of a custom resource has defaults for.

use serde_json::{Map, Value};

use super::Schema;

/// Sets the defaults. A null where none may be counts as missing: it becomes the default, or goes.
pub fn default(schema: &Schema, value: &mut Value) {
    fill(schema, value, false);
}

/// The same for an object that an apply has made. The real server drops nulls where it reads a body, and no body was read here: one
/// that has no default stays, and is found to be wrong.
pub fn default_applied(schema: &Schema, value: &mut Value) {
    fill(schema, value, true);
}

fn fill(schema: &Schema, value: &mut Value, keeps_nulls: bool) {
    match value {
        Value::Object(object) => properties(schema, object, keeps_nulls),
        Value::Array(items) if schema.items.is_some() => {
            for item in items {
                fill(schema.item(), item, keeps_nulls);
            }
        }
        _ => {}
    }
}

fn properties(schema: &Schema, object: &mut Map<String, Value>, keeps_nulls: bool) {
    object.retain(|name, value| {
        let may_be_null = |property: &Schema| {
            property.nullable || schema.keeps_null(name, property) || keeps_nulls && property.default.is_none()
        };
        let stays = !value.is_null() || schema.property(name).is_none_or(may_be_null);
        if stays && let Some(property) = schema.property(name) {
            fill(property, value, keeps_nulls);
        }
        stays
    });
    for (name, field) in &schema.properties {
        if let Some(value) = &field.schema.default
            && !object.contains_key(name)
        {
            let mut value = value.clone();
            fill(&field.schema, &mut value, keeps_nulls);
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_null_that_an_apply_has_made_stays_unless_there_is_a_default() {
        let object = json!({ "type": "object" });
        let schema = Schema::of_crd_version(&json!({ "type": "object", "properties": {
            "map": object,
            "size": { "type": "integer", "default": 1 },
            "note": { "type": "string", "nullable": true },
            "items": { "type": "array", "items": { "type": "object", "properties": { "map": object } } },
        } }));
        let schema = schema.expect("a schema");
        let sent = json!({ "map": null, "size": null, "note": null, "items": [{ "map": null }] });
        let (mut read, mut applied) = (sent.clone(), sent);
        default(&schema, &mut read);
        default_applied(&schema, &mut applied);
        assert_eq!(read, json!({ "size": 1, "note": null, "items": [{}] }));
        assert_eq!(applied, json!({ "map": null, "size": 1, "note": null, "items": [{ "map": null }] }));
    }
}
