//! Namespaces: what a new one has, and how one ends.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::object;
use crate::resource::Resource;
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

/// Deletes what is in it, says what remains, and lets it go when nothing does.
fn empty(state: &mut State, namespace: &Value) {
    let name = object::name(namespace);
    let mut left = Left::default();
    // Pods go first, so that what they may need is there to the end.
    let pods = state.registry.known("pods");
    clear(state, &pods, name, &mut left);
    if !left.resources.is_empty() {
        tell(state, name, &Left::default());
        return;
    }
    let others = |resource: &&Arc<Resource>| resource.namespaced && resource.key != pods.key;
    let resources: Vec<Arc<Resource>> = state.registry.iter().filter(others).cloned().collect();
    for resource in &resources {
        clear(state, resource, name, &mut left);
    }
    tell(state, name, &left);
    if !left.resources.is_empty() {
        return;
    }
    let resource = state.registry.known("namespaces");
    let call = Call { part: write::Part::Finalizers, ..Call::new(&resource, "", "kube-controller-manager") };
    let _ = write::update(state, &call, name, |current| {
        let mut new = current.clone();
        if let Some(finalizers) = new["spec"]["finalizers"].as_array_mut() {
            finalizers.retain(|finalizer| finalizer != "kubernetes");
        }
        Ok(new)
    });
}

/// What is still in a namespace that is going.
#[derive(Default)]
struct Left {
    /// How many objects of each resource, by plural and group.
    resources: BTreeMap<String, usize>,
    /// How many objects wait for each finalizer.
    finalizers: BTreeMap<String, usize>,
}

fn clear(state: &mut State, resource: &Arc<Resource>, namespace: &str, left: &mut Left) {
    let objects: Vec<Arc<Value>> = state.store.list(&resource.key, Some(namespace)).cloned().collect();
    for object in objects {
        if !object::is_deleting(&object) {
            let call = Call::new(resource, namespace, "kube-controller-manager");
            let _ = write::delete(state, &call, object::name(&object), &DeleteOptions::default());
        }
        let Some(there) = state.store.get(&resource.key, namespace, object::name(&object)) else { continue };
        *left.resources.entry(format!("{}.{}", resource.plural, resource.group)).or_default() += 1;
        for finalizer in object::finalizers(there) {
            *left.finalizers.entry(finalizer.to_owned()).or_default() += 1;
        }
    }
}

/// Writes the conditions that say how far it is.
fn tell(state: &mut State, name: &str, left: &Left) {
    let now = state.now;
    let resource = state.registry.known("namespaces");
    let call = Call::new(&resource, "", "kube-controller-manager").status();
    let _ = write::update(state, &call, name, |current| {
        let mut new = current.clone();
        for (kind, status, reason, message) in conditions_of(left) {
            let condition = json!({ "type": kind, "status": status, "reason": reason, "message": message });
            object::set_condition(&mut new, condition, now);
        }
        Ok(new)
    });
}

/// Type, status, reason and message of each condition.
type Condition = (&'static str, &'static str, &'static str, String);

fn conditions_of(left: &Left) -> [Condition; 5] {
    let never = |kind, reason, message: &str| (kind, "False", reason, message.to_owned());
    let counted = |counts: &BTreeMap<String, usize>, verb: &str| {
        let mut each: Vec<String> =
            counts.iter().map(|(name, count)| format!("{name} {verb} {count} resource instances")).collect();
        each.sort();
        each.join(", ")
    };
    let (content, finalizers) = ("NamespaceContentRemaining", "NamespaceFinalizersRemaining");
    [
        never("NamespaceDeletionDiscoveryFailure", "ResourcesDiscovered", "All resources successfully discovered"),
        never(
            "NamespaceDeletionGroupVersionParsingFailure",
            "ParsedGroupVersions",
            "All legacy kube types successfully parsed",
        ),
        never(
            "NamespaceDeletionContentFailure",
            "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization",
        ),
        if left.resources.is_empty() {
            never(content, "ContentRemoved", "All content successfully removed")
        } else {
            let message = format!("Some resources are remaining: {}", counted(&left.resources, "has"));
            (content, "True", "SomeResourcesRemain", message)
        },
        if left.finalizers.is_empty() {
            never(finalizers, "ContentHasNoFinalizers", "All content-preserving finalizers finished")
        } else {
            let message =
                format!("Some content in the namespace has finalizers remaining: {}", counted(&left.finalizers, "in"));
            (finalizers, "True", "SomeFinalizersRemain", message)
        },
    ]
}
