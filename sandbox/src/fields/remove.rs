//! Removes fields from a value: what an applier has let go of, unless somebody else has it too.

use serde_json::{Map, Value};

use super::collect::{set_of, with_named};
use super::element;
use super::set::{Set, below, is_member};
use super::shape::field;
use crate::schema::{ListType, Schema};

/// Removes from `merged` what is in the applier's `last` set and which neither its new set nor that of anybody else has.
pub(super) fn let_go(schema: &Schema, merged: &Value, last: &Set, owned: &Set) -> Value {
    let last = with_named(schema, last);
    let all = with_named(schema, &set_of(schema, merged));
    let first = without(schema, merged, &last.0);

    // What somebody has comes back.
    let mut kept = with_named(schema, &set_of(schema, &first));
    kept.unite(&with_named(schema, owned));
    let mut gone = all.clone();
    gone.subtract(&kept);
    let second = without(schema, merged, &gone.0);

    // And what went along with its list or its item, but was never the applier's.
    let kept = with_named(schema, &set_of(schema, &second));
    let mut gone = all;
    gone.subtract(&kept);
    without(schema, merged, &gone.intersection(&last).0)
}

/// The value without the members of a set.
fn without(schema: &Schema, value: &Value, set: &Map<String, Value>) -> Value {
    match value {
        Value::Object(fields) if !schema.atomic => {
            let stays = fields.iter().filter_map(|(name, value)| {
                let value = match set.get(&element::field(name)) {
                    Some(node) => remaining(field(schema, name), value, node)?,
                    None => value.clone(),
                };
                Some((name.clone(), value))
            });
            Value::Object(stays.collect())
        }
        Value::Array(items) if schema.list != ListType::Atomic => {
            let stays =
                items.iter().filter_map(|item| match element::item(schema, item).and_then(|step| set.get(&step)) {
                    Some(node) => remaining(schema.item(), item, node),
                    None => Some(item.clone()),
                });
            Value::Array(stays.collect())
        }
        _ => value.clone(),
    }
}

/// What is left of a value; nothing if it goes itself, or all that was in it.
fn remaining(schema: &Schema, value: &Value, node: &Value) -> Option<Value> {
    if is_member(node) {
        return None;
    }
    let left = without(schema, value, below(node)?);
    let is_empty = left.as_object().is_some_and(Map::is_empty) || left.as_array().is_some_and(Vec::is_empty);
    (!is_empty).then_some(left)
}
