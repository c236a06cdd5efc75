//! How a value is owned: as a whole, field by field, or item by item.

use std::sync::OnceLock;

use serde_json::{Map, Value};

use crate::schema::{ListType, Schema};

/// How one value is owned under its schema.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Shape<'a> {
    /// As a whole.
    Leaf,
    /// Field by field.
    Fields(&'a Map<String, Value>),
    /// Item by item.
    Items(&'a [Value]),
}

pub(super) fn shape<'a>(schema: &Schema, value: &'a Value) -> Shape<'a> {
    match value {
        Value::Object(fields) if !schema.atomic => Shape::Fields(fields),
        Value::Array(items) if schema.list != ListType::Atomic => Shape::Items(items),
        _ => Shape::Leaf,
    }
}

impl Shape<'_> {
    /// There is nothing to go into.
    pub(super) fn is_empty(self) -> bool {
        match self {
            Shape::Leaf => true,
            Shape::Fields(fields) => fields.is_empty(),
            Shape::Items(items) => items.is_empty(),
        }
    }
}

/// What a field looks like; what is named nowhere is owned as its values suggest.
pub(super) fn field<'a>(schema: &'a Schema, name: &str) -> &'a Schema {
    static UNTYPED: OnceLock<Schema> = OnceLock::new();
    schema.property(name).unwrap_or_else(|| UNTYPED.get_or_init(Schema::default))
}
