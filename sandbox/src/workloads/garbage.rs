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

const FOREGROUND: &str = "foregroundDeletion";
const ORPHAN: &str = "orphan";

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
    if waits_for(&owner, ORPHAN) {
        for place in &places {
            drop_owners(state, place, |owner| owner == uid);
        }
        drop_finalizer(state, place, ORPHAN);
    } else if waits_for(&owner, FOREGROUND) {
        let mut blocked = false;
        for dependent in &places {
            collect(state, dependents, dependent);
            let holds = |owner: &Value| owner["uid"] == uid && owner["blockOwnerDeletion"] == true;
            blocked |= find(state, dependent).is_some_and(|object| object::owners(&object).any(holds));
        }
        if !blocked {
            drop_finalizer(state, place, FOREGROUND);
        }
    }
}

/// What an owner means for its dependent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    /// It keeps its dependent.
    Keeps,
    /// It goes after its dependents.
    Waits,
    /// It is not there.
    Gone,
}

fn meaning(state: &State, dependents: &Dependents, uid: &str) -> Owner {
    match dependents.there.get(uid).map(|place| find(state, place)) {
        None => Owner::Gone,
        Some(Some(owner)) if object::is_deleting(&owner) && waits_for(&owner, FOREGROUND) => Owner::Waits,
        Some(_) => Owner::Keeps,
    }
}

fn waits_for(object: &Value, finalizer: &str) -> bool {
    object::finalizers(object).any(|name| name == finalizer)
}

fn find(state: &State, (resource, namespace, name): &Place) -> Option<Arc<Value>> {
    state.store.get(resource, namespace, name).cloned()
}

/// Deletes an object that no owner keeps; where one does, it forgets the others.
fn collect(state: &mut State, dependents: &Dependents, place: &Place) {
    let Some(object) = find(state, place).filter(|object| !object::is_deleting(object)) else { return };
    let uids = object::owners(&object).map(|owner| owner["uid"].as_str().unwrap_or_default());
    let owners: Vec<(&str, Owner)> = uids.map(|uid| (uid, meaning(state, dependents, uid))).collect();
    let is = |wanted| move |(_, owner): &(&str, Owner)| *owner == wanted;
    if owners.iter().any(is(Owner::Keeps)) {
        let others: Vec<&str> = owners.iter().filter(|owner| !is(Owner::Keeps)(owner)).map(|(uid, _)| *uid).collect();
        if !others.is_empty() {
            drop_owners(state, place, |uid| others.contains(&uid));
        }
    } else if !owners.is_empty() {
        let has_dependents = dependents.of.get(object::uid(&object)).is_some_and(|of| !of.is_empty());
        let in_turn = has_dependents && owners.iter().any(is(Owner::Waits));
        let propagation = in_turn.then_some(write::Propagation::Foreground);
        delete(state, place, &DeleteOptions { propagation, ..DeleteOptions::default() });
    }
}

fn delete(state: &mut State, (key, namespace, name): &Place, options: &DeleteOptions) {
    let Some(resource) = state.registry.key(key).cloned() else { return };
    let call = Call::new(&resource, namespace, "kube-controller-manager");
    // Gone in the meantime is what was wanted.
    let _ = write::delete(state, &call, name, options);
}

fn drop_owners(state: &mut State, place: &Place, is_dropped: impl Fn(&str) -> bool) {
    change(state, place, |metadata| {
        if let Some(owners) = metadata["ownerReferences"].as_array_mut() {
            owners.retain(|owner| !is_dropped(owner["uid"].as_str().unwrap_or_default()));
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
