//! Garbage: what is left of owners that are gone, and what owners wait for that go last.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::{Value, json};

use crate::object;
use crate::state::State;
use crate::store::{Change, ResourceKey};
use crate::write::{self, Call, DeleteOptions};

/// Resource, namespace and name of an object.
type Place = (ResourceKey, String, String);

/// Who depends on whom, and who is there.
#[derive(Debug, Default)]
pub struct Dependents {
    of: HashMap<String, BTreeSet<Place>>,
    there: HashMap<String, Place>,
}

impl Dependents {
    /// Keeps up with a change.
    pub fn follow(&mut self, change: &Change) {
        let object = &change.after;
        let place =
            (Arc::clone(&change.resource), object::namespace(object).to_owned(), object::name(object).to_owned());
        for owner in change.before.iter().flat_map(|before| object::owners(before)) {
            let uid = owner["uid"].as_str().unwrap_or_default();
            if let Some(dependents) = self.of.get_mut(uid) {
                dependents.remove(&place);
                if dependents.is_empty() {
                    self.of.remove(uid);
                }
            }
        }
        if change.deleted {
            self.there.remove(object::uid(object));
            return;
        }
        for owner in object::owners(object) {
            self.of.entry(owner["uid"].as_str().unwrap_or_default().to_owned()).or_default().insert(place.clone());
        }
        self.there.insert(object::uid(object).to_owned(), place);
    }
}

/// Looks at the dependents of an owner, which may be gone or going, and at its own owners.
pub fn look(state: &mut State, dependents: &Dependents, uid: &str) {
    let places: Vec<Place> = dependents.of.get(uid).into_iter().flatten().cloned().collect();
    let Some(place) = dependents.there.get(uid) else {
        for place in &places {
            collect(state, dependents, place);
        }
        return;
    };
    collect(state, dependents, place);
    let Some(owner) = find(state, place).filter(|owner| object::is_deleting(owner)) else { return };
    let waits_for = |finalizer: &str| object::finalizers(&owner).any(|name| name == finalizer);
    if waits_for("orphan") {
        for place in &places {
            drop_owner(state, place, uid);
        }
        drop_finalizer(state, place, "orphan");
    } else if waits_for("foregroundDeletion") {
        let mut blocked = false;
        for dependent in &places {
            let Some(object) = find(state, dependent) else { continue };
            let blocks =
                object::owners(&object).any(|owner| owner["uid"] == uid && owner["blockOwnerDeletion"] == true);
            if !object::is_deleting(&object) {
                let options =
                    DeleteOptions { propagation: Some(write::Propagation::Foreground), ..DeleteOptions::default() };
                delete(state, dependent, &options);
            }
            blocked |= blocks && find(state, dependent).is_some();
        }
        if !blocked {
            drop_finalizer(state, place, "foregroundDeletion");
        }
    }
}

fn find(state: &State, (resource, namespace, name): &Place) -> Option<Arc<Value>> {
    state.store.get(resource, namespace, name).cloned()
}

/// Deletes an object none of whose owners is there any more.
fn collect(state: &mut State, dependents: &Dependents, place: &Place) {
    let Some(object) = find(state, place).filter(|object| !object::is_deleting(object)) else { return };
    let mut owners = object::owners(&object).filter_map(|owner| owner["uid"].as_str()).peekable();
    if owners.peek().is_some() && owners.all(|owner| !dependents.there.contains_key(owner)) {
        delete(state, place, &DeleteOptions::default());
    }
}

fn delete(state: &mut State, (key, namespace, name): &Place, options: &DeleteOptions) {
    let Some(resource) = state.registry.key(key).cloned() else { return };
    let call = Call::new(&resource, namespace, "kube-controller-manager");
    // Gone in the meantime is what was wanted.
    let _ = write::delete(state, &call, name, options);
}

fn drop_owner(state: &mut State, place: &Place, uid: &str) {
    change(state, place, |metadata| {
        if let Some(owners) = metadata["ownerReferences"].as_array_mut() {
            owners.retain(|owner| owner["uid"] != uid);
        }
        remove_empty(metadata, "ownerReferences");
    });
}

fn drop_finalizer(state: &mut State, place: &Place, finalizer: &str) {
    change(state, place, |metadata| {
        if let Some(finalizers) = metadata["finalizers"].as_array_mut() {
            finalizers.retain(|name| name != finalizer);
        }
        remove_empty(metadata, "finalizers");
    });
}

fn remove_empty(metadata: &mut Value, field: &str) {
    if metadata[field] == json!([])
        && let Some(fields) = metadata.as_object_mut()
    {
        fields.remove(field);
    }
}

fn change(state: &mut State, (key, namespace, name): &Place, change: impl FnOnce(&mut Value)) {
    let Some(resource) = state.registry.key(key).cloned() else { return };
    let call = Call::new(&resource, namespace, "kube-controller-manager");
    let _ = write::update(state, &call, name, |current| {
        let mut new = current.clone();
        change(&mut new["metadata"]);
        Ok(new)
    });
}
