//! CustomResourceDefinitions: accepted, established, and with them gone, their objects.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::object;
use crate::state::State;
use crate::write::{self, Call, DeleteOptions};

const RESOURCE: &str = "customresourcedefinitions.apiextensions.k8s.io";
const CLEANUP: &str = "customresourcecleanup.apiextensions.k8s.io";

/// Looks at one.
pub fn look(state: &mut State, name: &str) {
    let Some(definition) = state.store.get(RESOURCE, "", name).cloned() else { return };
    if object::is_deleting(&definition) {
        end(state, &definition);
        return;
    }
    state.registry.define(&definition);
    if object::condition(&definition, "Established").is_some() {
        return;
    }
    let time = object::time(state.now);
    let condition = |kind: &str, reason: &str, message: &str| json!({ "type": kind, "status": "True", "reason": reason, "message": message, "lastTransitionTime": time });
    let stored: Vec<&Value> = definition["spec"]["versions"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|version| version["storage"] == true)
        .map(|version| &version["name"])
        .collect();
    let status = json!({
        "acceptedNames": definition["spec"]["names"],
        "conditions": [
            condition("NamesAccepted", "NoConflicts", "no conflicts found"),
            condition("Established", "InitialNamesAccepted", "the initial names have been accepted"),
        ],
        "storedVersions": stored,
    });
    let resource = state.registry.known(RESOURCE);
    let _ = write::update(state, &Call::new(&resource, "", "kube-apiserver").status(), name, |current| {
        let mut new = current.clone();
        new["status"] = status;
        Ok(new)
    });
    let _ = write::update(state, &Call::new(&resource, "", "kube-apiserver"), name, |current| {
        let mut new = current.clone();
        new["metadata"]["finalizers"] = json!([CLEANUP]);
        Ok(new)
    });
}

/// Deletes the objects, and then lets the definition go.
fn end(state: &mut State, definition: &Value) {
    let name = object::name(definition);
    if let Some(resource) = state.registry.key(name).cloned() {
        let objects: Vec<Arc<Value>> = state.store.list(&resource.key, None).cloned().collect();
        for object in objects {
            let call = Call::new(&resource, object::namespace(&object), "kube-apiserver");
            let _ = write::delete(state, &call, object::name(&object), &DeleteOptions::default());
        }
    }
    state.registry.undefine(definition);
    let resource = state.registry.known(RESOURCE);
    let _ = write::update(state, &Call::new(&resource, "", "kube-apiserver"), name, |current| {
        let mut new = current.clone();
        new["metadata"]["finalizers"] = json!([]);
        Ok(new)
    });
}
