//! The scale subresource: how large something is and should be, wherever it keeps that.

use serde_json::{Map, Value, json};

use crate::refusal::Refusal;
use crate::resource::{Resource, Scale};

/// A size that an object has; 0 where it does not say.
pub fn size(object: &Value, pointer: &str) -> i64 {
    object.pointer(pointer).and_then(Value::as_i64).unwrap_or(0)
}

/// The Scale of an object.
pub fn shown(resource: &Resource, paths: &Scale, object: &Value) -> Value {
    let metadata = &object["metadata"];
    let shown = ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"];
    let metadata: Map<String, Value> = shown
        .iter()
        .filter(|field| !metadata[**field].is_null())
        .map(|field| ((*field).to_owned(), metadata[*field].clone()))
        .collect();
    let mut status = json!({ "replicas": size(object, &paths.status_replicas) });
    let selector = selector(resource, paths, object);
    if !selector.is_empty() {
        status["selector"] = json!(selector);
    }
    let mut spec = json!({});
    match size(object, &paths.spec_replicas) {
        0 => {}
        replicas => spec["replicas"] = json!(replicas),
    }
    json!({ "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata, "spec": spec, "status": status })
}

/// Which pods count, as a line of text; empty where the object does not say.
pub fn selector(resource: &Resource, paths: &Scale, object: &Value) -> String {
    let line = match (&paths.selector, resource.is_custom()) {
        (Some(pointer), _) => object.pointer(pointer).and_then(Value::as_str).map(str::to_owned),
        (None, false) => serde_json::from_value(object["spec"]["selector"].clone())
            .ok()
            .map(|selector| sluice_core::selector::to_line(&selector)),
        (None, true) => None,
    };
    line.unwrap_or_default()
}

/// The scale of a custom resource that does not say its size cannot be shown.
pub fn check_sized(resource: &Resource, paths: &Scale, object: &Value) -> Result<(), Refusal> {
    if !resource.is_custom() || object.pointer(&paths.spec_replicas).is_some() {
        return Ok(());
    }
    let message = format!("the spec replicas field {:?} does not exist", paths.spec_replicas.replace('/', "."));
    let details = json!({ "causes": [{ "message": message }] });
    Err(Refusal::with(500, "InternalError", format!("Internal error occurred: {message}"), details))
}

/// Sets a field, and makes the maps on the way to it.
pub fn set(object: &mut Value, pointer: &str, value: Value) -> Result<(), Refusal> {
    let mut at = object;
    for key in pointer.trim_start_matches('/').split('/') {
        if !at.is_object() && !at.is_null() {
            let path = pointer.replace('/', ".");
            let message = format!("value cannot be set because {path} leads through {at}, which is not a map");
            return Err(Refusal::with(
                500,
                "InternalError",
                format!("Internal error occurred: {message}"),
                Value::Null,
            ));
        }
        at = &mut at[key];
    }
    *at = value;
    Ok(())
}
