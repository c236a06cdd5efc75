//! The addresses behind a Service: its EndpointSlices, and the Endpoints of the older API.

mod older;
mod ports;
mod slices;
mod triggers;

use std::sync::Arc;

use serde_json::{Map, Value, json};

pub use self::triggers::Triggers;
use super::pods;
use crate::object;
use crate::state::State;
use crate::write;

const MANAGER: &str = "kube-controller-manager";

/// When what an object shows has changed.
const TRIGGER: &str = "endpoints.kubernetes.io/last-change-trigger-time";

/// Pods with the same ports.
struct Group {
    ports: Vec<Value>,
    pods: Vec<Arc<Value>>,
}

/// Looks at one Service.
pub fn look(state: &mut State, triggers: &mut Triggers, namespace: &str, name: &str) {
    let Some(service) = state.store.get("services", namespace, name).cloned() else {
        triggers.forget(namespace, name);
        older::remove(state, namespace, name);
        return;
    };
    let selector = object::texts(&service["spec"]["selector"]);
    if selector.is_empty() || object::is_deleting(&service) {
        return;
    }
    let members: Vec<Arc<Value>> = state
        .store
        .list("pods", Some(namespace))
        .filter(|pod| crate::selector::has_all(&selector, pod) && !pods::has_ended(pod))
        .filter(|pod| !pod["status"]["podIP"].is_null())
        .cloned()
        .collect();
    let trigger = triggers.changed(&service, &members);
    let mut groups: Vec<Group> = Vec::new();
    for pod in members {
        let ports = ports::of(&service, &pod);
        match groups.iter_mut().find(|group| group.ports == ports) {
            Some(group) => group.pods.push(pod),
            None => groups.push(Group { ports, pods: vec![pod] }),
        }
    }
    slices::write(state, &service, &groups, trigger.as_deref());
    older::write(state, &service, &groups, trigger.as_deref());
}

/// Whether a pod is ready and stays.
fn serves(pod: &Value) -> bool {
    pods::is_ready(pod) && !object::is_deleting(pod)
}

/// The reference by which an address names its pod.
fn target(pod: &Value) -> Value {
    json!({ "kind": "Pod", "namespace": object::namespace(pod), "name": object::name(pod), "uid": object::uid(pod) })
}

/// The labels of the Service, and our own.
fn labels(service: &Value, own: &[(&str, &str)]) -> Value {
    let inherited = object::labels(service).into_iter().map(|(name, value)| (name, json!(value)));
    let own = own.iter().map(|(name, value)| ((*name).to_owned(), json!(value)));
    Value::Object(inherited.chain(own).collect::<Map<_, _>>())
}

/// Notes when what an object shows has changed.
fn stamp(object: &mut Value, trigger: Option<&str>) {
    let annotations = write::map(write::child(object, "metadata"), "annotations");
    match trigger {
        Some(time) => annotations.insert(TRIGGER.into(), json!(time)),
        None => annotations.remove(TRIGGER),
    };
    if annotations.is_empty() {
        write::map(object, "metadata").remove("annotations");
    }
}
