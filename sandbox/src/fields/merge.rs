//! Merges what is applied into what is there.

use std::collections::{HashMap, VecDeque};

use serde_json::{Map, Value};

use super::element;
use super::shape::{Shape, field, shape};
use crate::schema::Schema;

/// The live value with all that the applied one sets.
pub(super) fn merge(schema: &Schema, live: &Value, applied: &Value) -> Value {
    match (shape(schema, live), shape(schema, applied)) {
        (Shape::Fields(live), Shape::Fields(applied)) if !(live.is_empty() && applied.is_empty()) => {
            Value::Object(fields(schema, live, applied))
        }
        (Shape::Items(live), Shape::Items(applied)) if !(live.is_empty() && applied.is_empty()) => {
            Value::Array(items(schema, live, applied))
        }
        _ => applied.clone(),
    }
}

fn fields(schema: &Schema, live: &Map<String, Value>, applied: &Map<String, Value>) -> Map<String, Value> {
    let mut merged = live.clone();
    for (name, value) in applied {
        let value = match live.get(name) {
            Some(present) => merge(field(schema, name), present, value),
            None => value.clone(),
        };
        merged.insert(name.clone(), value);
    }
    merged
}

/// The items of both. Shared ones are in the order of the applied list; those that only the live list has stay before
/// the shared one that they were before, and new ones come where the applied list has them.
fn items(schema: &Schema, live: &[Value], applied: &[Value]) -> Vec<Value> {
    let steps = |list: &[Value]| -> Vec<String> {
        list.iter().enumerate().map(|(place, item)| step(schema, item, place)).collect()
    };
    let (live_steps, applied_steps) = (steps(live), steps(applied));
    // What is there twice is not merged.
    let mut present: HashMap<&str, Option<&Value>> = HashMap::new();
    for (step, item) in live_steps.iter().zip(live) {
        present.entry(step).and_modify(|found| *found = None).or_insert(Some(item));
    }
    let wanted: HashMap<&str, &Value> = applied_steps.iter().map(String::as_str).zip(applied).collect();
    let merged_item = |step: &str, item: &Value| match present.get(step) {
        Some(Some(live)) => merge(schema.item(), live, item),
        _ => item.clone(),
    };
    let mut shared: VecDeque<&str> =
        applied_steps.iter().map(String::as_str).filter(|step| present.contains_key(step)).collect();
    let mut next = shared.pop_front();
    let mut merged = Vec::with_capacity(live.len().max(applied.len()));
    let mut done: Vec<&str> = Vec::new();
    let (mut l, mut a) = (0, 0);
    while l < live.len() || a < applied.len() {
        if let (Some(ours), Some(theirs)) = (live_steps.get(l), applied_steps.get(a)) {
            if ours == theirs {
                merged.push(merged_item(theirs, &applied[a]));
                done.push(theirs);
                (l, a, next) = (l + 1, a + 1, shared.pop_front());
                continue;
            }
            if wanted.contains_key(ours.as_str()) && next.is_some_and(|next| next != ours) {
                l += 1;
                continue;
            }
        }
        if let Some(ours) = live_steps.get(l) {
            if !wanted.contains_key(ours.as_str()) {
                merged.push(live[l].clone());
                l += 1;
                continue;
            }
            if done.contains(&ours.as_str()) {
                l += 1;
            }
        }
        if let Some(theirs) = applied_steps.get(a) {
            merged.push(merged_item(theirs, &applied[a]));
            done.push(theirs);
            a += 1;
            if next == Some(theirs) {
                next = shared.pop_front();
            }
        }
    }
    merged
}

fn step(schema: &Schema, item: &Value, place: usize) -> String {
    element::item(schema, item).unwrap_or_else(|| format!("i:{place}"))
}
