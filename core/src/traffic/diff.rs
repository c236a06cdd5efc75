//! The smallest JSON Patch (RFC 6902) that turns one object into another, with a `test` of everything that it replaces: it applies
//! where the object still reads as it was observed, whatever else somebody has changed.

use serde_json::{Map, Value, json};

/// The fields by which elements of lists are known: backends, and those of meshes.
const NAMES: [&str; 5] = ["name", "service", "serviceName", "virtualNodeRef", "destination"];

/// The operations that turn `before` into `after`; none where they are the same.
pub fn operations(before: &Value, after: &Value) -> Vec<Value> {
    let mut operations = Vec::new();
    if let Some(uid) = before.pointer("/metadata/uid").filter(|_| before != after) {
        operations.push(test("/metadata/uid", uid));
    }
    change(&mut operations, "", before, after);
    // That a label or an annotation is not there cannot be tested: then all of the object must be as it was seen.
    let adds = |operation: &Value| {
        operation["op"] == "add" && operation["path"].as_str().is_some_and(|path| path.starts_with("/metadata/"))
    };
    if let Some(version) = before.pointer("/metadata/resourceVersion").filter(|_| operations.iter().any(adds)) {
        operations.insert(0, test("/metadata/resourceVersion", version));
    }
    operations
}

fn change(operations: &mut Vec<Value>, path: &str, before: &Value, after: &Value) {
    match (before, after) {
        _ if before == after => {}
        (Value::Object(before), Value::Object(after)) => change_map(operations, path, before, after),
        (Value::Array(before), Value::Array(after)) => change_list(operations, path, before, after),
        _ => {
            operations.push(test(path, before));
            operations.push(json!({ "op": "replace", "path": path, "value": after }));
        }
    }
}

fn change_map(operations: &mut Vec<Value>, path: &str, before: &Map<String, Value>, after: &Map<String, Value>) {
    for (key, value) in before {
        let path = format!("{path}/{}", escape(key));
        if let Some(to) = after.get(key) {
            change(operations, &path, value, to);
        } else {
            operations.push(test(&path, value));
            operations.push(json!({ "op": "remove", "path": path }));
        }
    }
    for (key, value) in after.iter().filter(|(key, _)| !before.contains_key(*key)) {
        operations.push(json!({ "op": "add", "path": format!("{path}/{}", escape(key)), "value": value }));
    }
}

/// What both lists begin and end with stays; between, elements are changed one by one, then removed or added.
fn change_list(operations: &mut Vec<Value>, path: &str, before: &[Value], after: &[Value]) {
    let shorter = before.len().min(after.len());
    let first = before.iter().zip(after).take_while(|(before, after)| before == after).count();
    let last = before.iter().rev().zip(after.iter().rev()).take_while(|(before, after)| before == after).count();
    let last = last.min(shorter - first);
    let (from, to) = (&before[first..before.len() - last], &after[first..after.len() - last]);
    let both = from.len().min(to.len());
    for (index, (from, to)) in from.iter().zip(to).enumerate() {
        let path = format!("{path}/{}", first + index);
        // The number alone does not say that it is still the same element.
        for field in NAMES {
            if let Some(name) = from.get(field).filter(|name| to.get(field) == Some(*name) && from != to) {
                operations.push(test(&format!("{path}/{field}"), name));
            }
        }
        change(operations, &path, from, to);
    }
    for (index, gone) in from.iter().enumerate().skip(both).rev() {
        let path = format!("{path}/{}", first + index);
        operations.push(test(&path, gone));
        operations.push(json!({ "op": "remove", "path": path }));
    }
    if let Some(next) = before.get(first + both).filter(|_| to.len() > from.len()) {
        operations.push(test(&format!("{path}/{}", first + both), next));
    }
    for (index, new) in to.iter().enumerate().skip(both) {
        operations.push(json!({ "op": "add", "path": format!("{path}/{}", first + index), "value": new }));
    }
}

fn test(path: &str, value: &Value) -> Value {
    json!({ "op": "test", "path": path, "value": value })
}

/// A map key as a JSON Pointer segment (RFC 6901).
fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_weight_is_replaced_where_its_name_and_the_old_value_still_stand() {
        let refs = |weight: i32| json!({"metadata": {"uid": "u"}, "refs": [{"name": "a", "weight": 1}, {"name": "b", "weight": weight}]});
        assert_eq!(
            operations(&refs(1), &refs(2)),
            [
                json!({"op": "test", "path": "/metadata/uid", "value": "u"}),
                json!({"op": "test", "path": "/refs/1/name", "value": "b"}),
                json!({"op": "test", "path": "/refs/1/weight", "value": 1}),
                json!({"op": "replace", "path": "/refs/1/weight", "value": 2}),
            ]
        );
    }

    #[test]
    fn what_comes_to_the_front_of_a_list_moves_nothing_else() {
        let (before, after) = (json!({"rules": ["a", "b"]}), json!({"rules": ["new", "a", "b"]}));
        assert_eq!(
            operations(&before, &after),
            [
                json!({"op": "test", "path": "/rules/0", "value": "a"}),
                json!({"op": "add", "path": "/rules/0", "value": "new"}),
            ]
        );
        assert_eq!(
            operations(&after, &before),
            [json!({"op": "test", "path": "/rules/0", "value": "new"}), json!({"op": "remove", "path": "/rules/0"}),]
        );
    }

    fn json_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![Just(json!(null)), any::<bool>().prop_map(|b| json!(b)), (0..3).prop_map(|n| json!(n))];
        leaf.prop_recursive(4, 24, 4, |inner| {
            let map = prop::collection::btree_map("[ab/~]|name", inner.clone(), 0..4);
            prop_oneof![
                prop::collection::vec(inner, 0..4).prop_map(|list| json!(list)),
                map.prop_map(|map| json!(map)),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_operations_turn_one_object_into_the_other(before in json_value(), after in json_value()) {
            let (before, after) = (json!({"x": before}), json!({"x": after}));
            let patch: json_patch::Patch = serde_json::from_value(json!(operations(&before, &after))).expect("a patch");
            let mut patched = before;
            json_patch::patch(&mut patched, &patch).expect("it applies");
            prop_assert_eq!(patched, after);
        }
    }
}
