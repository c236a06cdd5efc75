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
    // A Go struct has nothing where there is a null.
    let nulls = schema.custom;
    let first = without(schema, merged, &last.0, nulls);

    // What somebody has comes back.
    let mut kept = with_named(schema, &set_of(schema, &first));
    kept.unite(&with_named(schema, owned));
    let mut gone = all.clone();
    gone.subtract(&kept);
    let second = without(schema, merged, &gone.0, nulls);

    // And what went along with its list or its item, but was never the applier's.
    let kept = with_named(schema, &set_of(schema, &second));
    let mut gone = all;
    gone.subtract(&kept);
    without(schema, merged, &gone.intersection(&last).0, nulls)
}

/// The value without the members of a set; `nulls` says whether what becomes empty becomes a null.
fn without(schema: &Schema, value: &Value, set: &Map<String, Value>, nulls: bool) -> Value {
    match value {
        Value::Object(fields) if !schema.atomic => {
            let stays = fields.iter().filter_map(|(name, value)| {
                let value = match set.get(&element::field(name)) {
                    Some(node) => remaining(field(schema, name), value, node, nulls)?,
                    None => value.clone(),
                };
                Some((name.clone(), value))
            });
            Value::Object(stays.collect())
        }
        Value::Array(items) if schema.list != ListType::Atomic => {
            let stays =
                items.iter().filter_map(|item| match element::item(schema, item).and_then(|step| set.get(&step)) {
                    Some(node) => remaining(schema.item(), item, node, nulls),
                    None => Some(item.clone()),
                });
            Value::Array(stays.collect())
        }
        _ => value.clone(),
    }
}

/// What is left of a value; nothing if it goes itself, and a null, or nothing, if all goes that was in it.
fn remaining(schema: &Schema, value: &Value, node: &Value, nulls: bool) -> Option<Value> {
    if is_member(node) {
        return None;
    }
    let left = without(schema, value, below(node)?, nulls);
    let is_empty = left.as_object().is_some_and(Map::is_empty) || left.as_array().is_some_and(Vec::is_empty);
    if is_empty { nulls.then_some(Value::Null) } else { Some(left) }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::fields::{Manager, apply};
    use crate::schema::Schema;

    /// What the schema merges of the real API server makes of applies by the same manager, one after the other: recorded with
    /// `sigs.k8s.io/structured-merge-diff` v6.3.0.
    #[test]
    fn what_an_apply_empties_becomes_null() {
        let text = json!({ "type": "string" });
        let texts = json!({ "type": "object", "additionalProperties": text });
        let port = json!({ "type": "object", "required": ["name"], "properties": { "name": text, "extra": texts } });
        let keyed = json!({
            "type": "array", "items": port, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
        });
        let spec = json!({ "type": "object", "properties": {
            "labels": texts, "ports": keyed, "inner": { "type": "object", "properties": { "a": text, "b": text } },
            "raw": { "type": "object", "x-kubernetes-preserve-unknown-fields": true },
        } });
        let schema =
            Schema::of_crd_version(&json!({ "type": "object", "properties": { "spec": spec } })).expect("a schema");
        let writer =
            Manager { name: "alice".to_owned(), api_version: "example.com/v1".to_owned(), ..Manager::default() };
        let specs = [
            [json!({ "labels": { "a": "b" } }), json!({ "labels": {} }), json!({ "labels": null })],
            [json!({ "labels": {} }), json!({ "labels": {} }), json!({ "labels": {} })],
            [json!({ "labels": { "a": "b" } }), json!({}), json!(null)],
            [json!({ "labels": {} }), json!({}), json!(null)],
            [json!({ "inner": { "a": "x" } }), json!({ "inner": {} }), json!({ "inner": null })],
            [json!({ "inner": { "a": "x" } }), json!({ "inner": { "b": "v" } }), json!({ "inner": { "b": "v" } })],
            [
                json!({ "raw": { "m": { "a": "b" }, "z": 1 } }),
                json!({ "raw": { "m": {}, "z": 1 } }),
                json!({ "raw": { "m": null, "z": 1 } }),
            ],
            [
                json!({ "raw": { "m": { "a": "b" }, "z": 1 } }),
                json!({ "raw": { "z": 1 } }),
                json!({ "raw": { "z": 1 } }),
            ],
            [
                json!({ "raw": { "m": { "a": { "x": "v" } } } }),
                json!({ "raw": { "m": { "a": {} } } }),
                json!({ "raw": { "m": { "a": null } } }),
            ],
            [
                json!({ "ports": [{ "name": "a", "extra": { "x": "v" } }] }),
                json!({ "ports": [{ "name": "a", "extra": {} }] }),
                json!({ "ports": [{ "name": "a", "extra": null }] }),
            ],
            [
                json!({ "ports": [{ "name": "a", "extra": { "x": "v" } }] }),
                json!({ "ports": [{ "name": "a" }] }),
                json!({ "ports": [{ "name": "a" }] }),
            ],
        ];
        let object =
            |spec: &Value| json!({ "apiVersion": "example.com/v1", "kind": "Thing", "metadata": {}, "spec": spec });
        for [first, second, expected] in specs {
            let live = apply(&schema, None, &object(&first), &writer, false).expect("it is applied");
            let live = apply(&schema, Some(&live), &object(&second), &writer, false).expect("it is applied");
            assert_eq!(live["spec"], expected, "{first}, then {second}");
        }
    }
}
