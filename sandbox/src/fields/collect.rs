//! The set of all fields that a value has: what an applier owns.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::element;
use super::set::{Set, place};
use super::shape::{Shape, field, shape};
use crate::schema::Schema;

/// The fields of a value. Structs and lists are not members themselves, their contents are.
pub fn set_of(schema: &Schema, value: &Value) -> Set {
    Set(below(schema, value))
}

fn below(schema: &Schema, value: &Value) -> Map<String, Value> {
    match shape(schema, value) {
        Shape::Leaf => Map::new(),
        Shape::Fields(fields) => {
            let places = fields.iter().filter_map(|(name, value)| {
                let under = field(schema, name);
                let is_leaf = match shape(under, value) {
                    Shape::Leaf => true,
                    Shape::Fields(fields) => fields.is_empty() || !schema.properties.contains_key(name),
                    Shape::Items(_) => !schema.properties.contains_key(name),
                };
                Some((element::field(name), place(is_leaf, below(under, value))?))
            });
            places.collect()
        }
        Shape::Items(items) => items_of(schema, items),
    }
}

/// An item that is there twice is one member, of which nothing below is owned.
fn items_of(schema: &Schema, items: &[Value]) -> Map<String, Value> {
    let mut places = Map::new();
    let mut twice = HashSet::new();
    for item in items {
        let Some(step) = element::item(schema, item) else { continue };
        if places.contains_key(&step) {
            twice.insert(step);
        } else if let Some(place) = place(true, below(schema.item(), item)) {
            places.insert(step, place);
        }
    }
    for step in twice {
        places.insert(step, Value::Object(Map::new()));
    }
    places
}

/// Adds the structs and lists that lead to members: whoever has set something in them has also made them.
pub(super) fn with_named(schema: &Schema, set: &Set) -> Set {
    Set(named(schema, &set.0))
}

fn named(schema: &Schema, set: &Map<String, Value>) -> Map<String, Value> {
    let places = set.iter().filter(|(step, _)| *step != super::set::SELF).filter_map(|(step, node)| {
        let name = step.strip_prefix("f:");
        let is_named = name.is_some_and(|name| schema.properties.contains_key(name));
        let under = name.map_or_else(|| schema.item(), |name| field(schema, name));
        let deeper = super::set::below(node).map(|below| named(under, below)).unwrap_or_default();
        Some((step.clone(), place(is_named || super::set::is_member(node), deeper)?))
    });
    places.collect()
}
