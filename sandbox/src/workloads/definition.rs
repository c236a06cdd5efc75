//! CustomResourceDefinitions: accepted, established, and with them gone, their objects.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::object;
use crate::state::State;
use crate::write::delete::CLEANUP;
use crate::write::{self, Call, DeleteOptions};

const RESOURCE: &str = "customresourcedefinitions.apiextensions.k8s.io";
const MANAGER: &str = "kube-apiserver";

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
    let _ = write::update(state, &Call::new(&resource, "", MANAGER).status(), name, |current| {
        let mut new = current.clone();
        new["status"] = status;
        Ok(new)
    });
    let _ = write::update(state, &Call::new(&resource, "", MANAGER), name, |current| {
        let mut new = current.clone();
        new["metadata"]["finalizers"] = json!([CLEANUP]);
        Ok(new)
    });
}

/// Deletes the objects, and lets the definition go when they are gone.
fn end(state: &mut State, definition: &Value) {
    if !object::finalizers(definition).any(|name| name == CLEANUP) {
        return;
    }
    let name = object::name(definition);
    terminating(state, name, "True", "InstanceDeletionInProgress", "CustomResource deletion is in progress");
    let mut left = false;
    if let Some(resource) = state.registry.key(name).cloned() {
        let objects: Vec<Arc<Value>> = state.store.list(&resource.key, None).cloned().collect();
        for object in objects {
            let (namespace, name) = (object::namespace(&object), object::name(&object));
            if !object::is_deleting(&object) {
                let call = Call::new(&resource, namespace, MANAGER);
                let _ = write::delete(state, &call, name, &DeleteOptions::default());
            }
            left |= state.store.get(&resource.key, namespace, name).is_some();
        }
    }
    if left {
        return;
    }
    state.registry.undefine(definition);
    terminating(state, name, "False", "InstanceDeletionCompleted", "removed all instances");
    let resource = state.registry.known(RESOURCE);
    let _ = write::update(state, &Call::new(&resource, "", MANAGER), name, |current| {
        let mut new = current.clone();
        let kept: Vec<&str> = object::finalizers(current).filter(|name| *name != CLEANUP).collect();
        new["metadata"]["finalizers"] = json!(kept);
        Ok(new)
    });
}

fn terminating(state: &mut State, name: &str, status: &str, reason: &str, message: &str) {
    let (resource, now) = (state.registry.known(RESOURCE), state.now);
    let _ = write::update(state, &Call::new(&resource, "", MANAGER).status(), name, |current| {
        let mut new = current.clone();
        let condition = json!({ "type": "Terminating", "status": status, "reason": reason, "message": message });
        object::set_condition(&mut new, condition, now);
        Ok(new)
    });
}
