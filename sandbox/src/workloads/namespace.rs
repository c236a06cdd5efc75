//! Namespaces: what a new one has, and how one ends.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::object;
use crate::state::State;
use crate::write::{self, Call, DeleteOptions};

/// Looks at one.
pub fn look(state: &mut State, name: &str) {
    let Some(namespace) = state.store.get("namespaces", "", name).cloned() else { return };
    if object::is_deleting(&namespace) { empty(state, &namespace) } else { furnish(state, name) }
}

/// The service account that pods use, and the root certificate that they trust.
fn furnish(state: &mut State, namespace: &str) {
    for (key, object) in [
        ("serviceaccounts", json!({ "metadata": { "name": "default" } })),
        (
            "configmaps",
            json!({
                "metadata": { "name": "kube-root-ca.crt", "annotations": { "kubernetes.io/description":
                    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters." } },
                "data": { "ca.crt": "" },
            }),
        ),
    ] {
        if state.store.get(key, namespace, object::name(&object)).is_none() {
            let resource = state.registry.known(key);
            let _ = write::create(state, &Call::new(&resource, namespace, "kube-controller-manager"), object);
        }
    }
}

/// Deletes what is in it, and then lets it go.
fn empty(state: &mut State, namespace: &Value) {
    let name = object::name(namespace);
    let mut left = false;
    let resources: Vec<_> = state.registry.iter().filter(|resource| resource.namespaced).cloned().collect();
    for resource in resources {
        let objects: Vec<Arc<Value>> = state.store.list(&resource.key, Some(name)).cloned().collect();
        for object in objects {
            let call = Call::new(&resource, name, "kube-controller-manager");
            if !object::is_deleting(&object) {
                let _ = write::delete(state, &call, object::name(&object), &DeleteOptions::default());
            }
            left |= state.store.get(&resource.key, name, object::name(&object)).is_some();
        }
    }
    if !left {
        let resource = state.registry.known("namespaces");
        let _ = write::update(
            state,
            &Call { part: write::Part::Finalizers, ..Call::new(&resource, "", "kube-controller-manager") },
            name,
            |current| {
                let mut new = current.clone();
                new["spec"]["finalizers"] = json!([]);
                Ok(new)
            },
        );
    }
}
