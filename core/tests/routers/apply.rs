//! What the API server makes of a write.

use serde_json::{Value, json};
use sluice_core::traffic::{ObjectKind, RouteAction, RouteWrite};

/// Carries a write out on a set of objects.
pub fn carry_out(objects: &mut Vec<Value>, write: &RouteWrite) {
    let at = objects.iter().position(|object| {
        let metadata = &object["metadata"];
        is_of(write.kind, object)
            && metadata["name"] == write.name.as_str()
            && metadata["namespace"] == write.namespace.as_str()
    });
    match (&write.action, at) {
        (RouteAction::Create(object), None) => {
            let mut object = object.clone();
            assert_eq!(object["metadata"]["name"], write.name.as_str());
            assert_eq!(object["apiVersion"], format!("{}/{}", write.kind.group, write.version));
            object["metadata"]["uid"] = json!(format!("uid-of-{}", write.name));
            object["metadata"]["generation"] = json!(1);
            objects.push(object);
        }
        (RouteAction::Patch(operations), Some(at)) => {
            change(&mut objects[at], operations);
        }
        (RouteAction::Delete(uid), Some(at)) => {
            assert_eq!(objects[at]["metadata"]["uid"], uid.as_str());
            objects.remove(at);
        }
        other => panic!("{other:?}"),
    }
}

/// Whether an object is of a kind, in whichever version.
pub fn is_of(kind: ObjectKind, object: &Value) -> bool {
    let version = object["apiVersion"].as_str().unwrap_or_default();
    object["kind"] == kind.kind && version.split('/').next() == Some(kind.group)
}

/// Whether two objects are the same one, changed or in another version.
pub fn is_same(one: &Value, other: &Value) -> bool {
    let group = |object: &Value| object["apiVersion"].as_str().unwrap_or_default().split('/').next().map(str::to_owned);
    let same = one["kind"] == other["kind"] && one["metadata"]["name"] == other["metadata"]["name"];
    same && group(one) == group(other)
}

/// Applies a JSON Patch, and counts what it changes.
pub fn change(object: &mut Value, operations: &[Value]) {
    let spec = object["spec"].clone();
    apply(object, operations);
    if object["spec"] != spec {
        let generation = object["metadata"]["generation"].as_i64().unwrap_or(0) + 1;
        object["metadata"]["generation"] = json!(generation);
    }
}

/// Applies a JSON Patch, as the API server would.
pub fn apply(object: &mut Value, operations: &[Value]) {
    let patch: json_patch::Patch = serde_json::from_value(json!(operations)).expect("a JSON Patch");
    json_patch::patch(object, &patch).unwrap_or_else(|error| panic!("{error}: {operations:#?}"));
}
