//! Removes what a schema does not name, as the real server does before it stores an object.

use serde_json::{Map, Value};

use super::path::Path;
use super::{Schema, Type};

/// Removes the unknown fields, and gives their paths as strict decoding names them.
pub fn prune(schema: &Schema, value: &mut Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut path = Path::default();
    // The metadata of a custom resource is decoded before the rest of it is looked at.
    if schema.custom
        && let (Some(property), Some(metadata)) = (schema.property("metadata"), value.get_mut("metadata"))
    {
        let mark = path.enter("metadata");
        below(property, metadata, &mut path, &mut found);
        path.leave(mark);
    }
    below(schema, value, &mut path, &mut found);
    found
}

fn below(schema: &Schema, value: &mut Value, path: &mut Path, found: &mut Vec<String>) {
    match value {
        Value::Object(object) => fields(schema, object, path, found),
        Value::Array(items) if !(schema.preserves_unknown && schema.items.is_none()) => {
            for (index, item) in items.iter_mut().enumerate() {
                let mark = path.enter_item(index);
                below(schema.item_to_prune(), item, path, found);
                path.leave(mark);
            }
        }
        _ => {}
    }
}

fn fields(schema: &Schema, object: &mut Map<String, Value>, path: &mut Path, found: &mut Vec<String>) {
    object.retain(|name, value| {
        let Some(property) = schema.property(name) else {
            if !schema.preserves_unknown {
                found.push(path.child(name));
            }
            return schema.preserves_unknown;
        };
        if value.is_object() || value.is_array() {
            let mark = path.enter(name);
            below(property, value, path, found);
            path.leave(mark);
        }
        true
    });
}

impl Schema {
    /// Items of which nothing is said are kept where a list is, and emptied where none belongs.
    fn item_to_prune(&self) -> &Schema {
        match (&self.items, self.kind) {
            (None, Type::Array) => free_form(),
            _ => self.item(),
        }
    }
}

fn free_form() -> &'static Schema {
    static FREE_FORM: std::sync::OnceLock<Schema> = std::sync::OnceLock::new();
    FREE_FORM.get_or_init(|| Schema { preserves_unknown: true, ..Schema::default() })
}
