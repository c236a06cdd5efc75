//! What has changed from one value to another, as sets of fields.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::element;
use super::ignored::Ignored;
use super::set::{Set, place};
use super::shape::{Shape, field, shape};
use crate::schema::Schema;

/// What is different.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    /// What the first has not, and the second has.
    pub added: Set,
    /// What both have, with other values.
    pub modified: Set,
    /// What the first has, and the second has not.
    pub removed: Set,
}

/// Compares two objects. Where only one of them has something, all that leads to its fields is counted as well.
pub fn compare(schema: &Schema, old: &Value, new: &Value) -> Comparison {
    compare_but(schema, old, new, &Ignored::default())
}

/// As `compare`, without the fields that are not to be looked at.
pub(super) fn compare_but(schema: &Schema, old: &Value, new: &Value, ignored: &Ignored) -> Comparison {
    let mut found = Below::default();
    if let (Value::Object(old), Value::Object(new)) = (old, new) {
        roots(schema, old, new, ignored, &mut found);
    }
    Comparison { added: Set(found.added), modified: Set(found.modified), removed: Set(found.removed) }
}

/// What is different below one place.
#[derive(Default)]
struct Below {
    added: Map<String, Value>,
    modified: Map<String, Value>,
    removed: Map<String, Value>,
}

impl Below {
    /// Takes over what was found below a step.
    fn take(&mut self, step: &str, below: Below, modified: bool) {
        let parts = [
            (&mut self.added, below.added, false),
            (&mut self.modified, below.modified, modified),
            (&mut self.removed, below.removed, false),
        ];
        for (into, from, is_member) in parts {
            if let Some(place) = place(is_member, from) {
                into.insert(step.to_string(), place);
            }
        }
    }
}

/// Two values that are not equal.
fn both(schema: &Schema, step: &str, old: &Value, new: &Value, found: &mut Below) {
    let shapes = (shape(schema, old), shape(schema, new));
    let mut below = Below::default();
    let is_modified = match shapes {
        (Shape::Fields(old), Shape::Fields(new)) => {
            fields(schema, old, new, &mut below);
            false
        }
        (Shape::Items(old), Shape::Items(new)) => {
            items(schema, old, new, &mut below);
            false
        }
        (Shape::Leaf, Shape::Leaf) => true,
        // Another shape: what it was is gone, what it is has come. Null takes the shape of the other.
        (first, second) => {
            contents(schema, first, &mut below.removed);
            contents(schema, second, &mut below.added);
            first == Shape::Leaf && !old.is_null()
                || second == Shape::Leaf && !new.is_null()
                || first.is_empty() && second.is_empty()
        }
    };
    found.take(step, below, is_modified);
}

/// Compares the fields of two structs or maps.
fn fields(schema: &Schema, old: &Map<String, Value>, new: &Map<String, Value>, found: &mut Below) {
    for (name, before) in old {
        one_field(schema, name, Some(before), new.get(name), found);
    }
    for (name, after) in new.iter().filter(|(name, _)| !old.contains_key(*name)) {
        one_field(schema, name, None, Some(after), found);
    }
}

fn one_field(schema: &Schema, name: &str, old: Option<&Value>, new: Option<&Value>, found: &mut Below) {
    if old == new {
        return;
    }
    let (schema, step) = (field(schema, name), element::field(name));
    match (old, new) {
        (Some(before), Some(after)) => both(schema, &step, before, after, found),
        (Some(before), None) => {
            found.removed.insert(step, whole(schema, before));
        }
        (None, Some(after)) => {
            found.added.insert(step, whole(schema, after));
        }
        (None, None) => {}
    }
}

/// Compares the roots of two objects. Their metadata is owned field by field, and never as such.
fn roots(schema: &Schema, old: &Map<String, Value>, new: &Map<String, Value>, ignored: &Ignored, found: &mut Below) {
    for name in all_names(old, new).filter(|name| !ignored.whole(name)) {
        if name != Ignored::PARTLY {
            one_field(schema, name, old.get(name), new.get(name), found);
            continue;
        }
        let nothing = Map::new();
        let [old, new] = [old, new].map(|side| side.get(name).and_then(Value::as_object).unwrap_or(&nothing));
        let mut below = Below::default();
        for part in all_names(old, new).filter(|part| !ignored.metadata(part)) {
            one_field(field(schema, name), part, old.get(part), new.get(part), &mut below);
        }
        found.take("f:metadata", below, false);
    }
}

fn all_names<'a>(old: &'a Map<String, Value>, new: &'a Map<String, Value>) -> impl Iterator<Item = &'a String> {
    old.keys().chain(new.keys().filter(|name| !old.contains_key(*name)))
}

fn items(schema: &Schema, old: &[Value], new: &[Value], found: &mut Below) {
    let mut sides: BTreeMap<String, (Vec<&Value>, Vec<&Value>)> = BTreeMap::new();
    for (item, step) in old.iter().filter_map(|item| Some((item, element::item(schema, item)?))) {
        sides.entry(step).or_default().0.push(item);
    }
    for (item, step) in new.iter().filter_map(|item| Some((item, element::item(schema, item)?))) {
        sides.entry(step).or_default().1.push(item);
    }
    let leaf = || Value::Object(Map::new());
    for (step, (old, new)) in sides {
        match (old.as_slice(), new.as_slice()) {
            (old, new) if old == new => {}
            ([before], [after]) => both(schema.item(), &step, before, after, found),
            ([], [after]) => {
                found.added.insert(step, whole(schema.item(), after));
            }
            ([before], []) => {
                found.removed.insert(step, whole(schema.item(), before));
            }
            // What is there twice is compared as a whole.
            ([_, _, ..], [_, _, ..]) => {
                found.modified.insert(step, leaf());
            }
            ([_, _, ..], rest) => {
                if let [after] = rest {
                    found.added.insert(step.clone(), whole(schema.item(), after));
                }
                found.removed.insert(step, leaf());
            }
            (rest, _) => {
                if let [before] = rest {
                    found.removed.insert(step.clone(), whole(schema.item(), before));
                }
                found.added.insert(step, leaf());
            }
        }
    }
}

/// A value that only one side has: it and all that is in it.
fn whole(schema: &Schema, value: &Value) -> Value {
    let mut below = Map::new();
    contents(schema, shape(schema, value), &mut below);
    place(true, below).unwrap_or_default()
}

fn contents(schema: &Schema, shape: Shape, into: &mut Map<String, Value>) {
    match shape {
        Shape::Leaf => {}
        Shape::Fields(fields) => {
            into.extend(fields.iter().map(|(name, value)| (element::field(name), whole(field(schema, name), value))));
        }
        Shape::Items(items) => {
            for item in items {
                if let Some(step) = element::item(schema, item) {
                    let twice = into.contains_key(&step);
                    let place = if twice { Value::Object(Map::new()) } else { whole(schema.item(), item) };
                    into.insert(step, place);
                }
            }
        }
    }
}
