//! What controllers of pods do with them: claim, create, delete.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{events, pods};
use crate::object;
use crate::state::State;
use crate::write::{self, Call, DeleteOptions};

/// Who writes.
pub const MANAGER: &str = "kube-controller-manager";

/// A controller of pods.
#[derive(Clone, Copy, Debug)]
pub struct Keeper {
    /// Its name in events.
    pub component: &'static str,
    /// The finalizer that holds its pods until it has counted them.
    pub finalizer: Option<&'static str>,
}

impl Keeper {
    /// The pods that an owner controls. Orphans that match are adopted, members that no longer match are released.
    pub fn members(self, state: &mut State, owner: &Value) -> Vec<Arc<Value>> {
        let selector = &owner["spec"]["selector"];
        let candidates: Vec<Arc<Value>> = state
            .store
            .list("pods", Some(object::namespace(owner)))
            .filter(|pod| object::controller_uid(pod).is_none_or(|uid| uid == object::uid(owner)))
            .cloned()
            .collect();
        let mut members = Vec::new();
        for pod in candidates {
            let mine = object::controller_uid(&pod).is_some();
            let matches = object::selects(selector, &object::labels(&pod));
            match (mine, matches) {
                (true, true) => members.push(pod),
                (true, false) => self.release(state, owner, &pod),
                (false, true) if pods::is_active(&pod) && !object::is_deleting(owner) => {
                    members.extend(self.adopt(state, owner, &pod));
                }
                (false, _) => {}
            }
        }
        members
    }

    fn adopt(self, state: &mut State, owner: &Value, pod: &Value) -> Option<Arc<Value>> {
        change(state, pod, |owners, finalizers| {
            owners.push(object::owner_reference(owner));
            let missing = self.finalizer.filter(|own| !finalizers.iter().any(|name| name == own));
            finalizers.extend(missing.map(Value::from));
        })
    }

    fn release(self, state: &mut State, owner: &Value, pod: &Value) {
        change(state, pod, |owners, finalizers| {
            owners.retain(|reference| reference["uid"] != owner["metadata"]["uid"]);
            finalizers.retain(|name| self.finalizer.is_none_or(|own| name != own));
        });
    }

    /// Whether a pod still waits to be counted.
    pub fn holds(self, pod: &Value) -> bool {
        self.finalizer.is_some_and(|own| object::finalizers(pod).any(|name| name == own))
    }

    /// Lets a pod go, as far as this controller is concerned.
    pub fn let_go(self, state: &mut State, pod: &Value) {
        change(state, pod, |_, finalizers| finalizers.retain(|name| self.finalizer.is_none_or(|own| name != own)));
    }

    /// Creates a pod from the owner's template. An error is what the API server said.
    pub fn create(self, state: &mut State, owner: &Value) -> Result<(), String> {
        let resource = state.registry.known("pods");
        let call = Call::new(&resource, object::namespace(owner), MANAGER);
        let template = &owner["spec"]["template"];
        let mut metadata = template["metadata"].clone();
        if let Some(fields) = metadata.as_object_mut() {
            fields.retain(|field, _| ["labels", "annotations", "finalizers"].contains(&field.as_str()));
        } else {
            metadata = json!({});
        }
        if let Some(own) = self.finalizer {
            let given = object::finalizers(template).filter(|name| *name != own);
            metadata["finalizers"] = given.chain([own]).collect();
        }
        metadata["generateName"] = json!(format!("{}-", object::name(owner)));
        metadata["ownerReferences"] = json!([object::owner_reference(owner)]);
        let pod = json!({ "metadata": metadata, "spec": template["spec"] });
        match write::create(state, &call, pod) {
            Ok(made) => {
                let message = format!("Created pod: {}", object::name(&made));
                events::tell(state, owner, self.component, "Normal", "SuccessfulCreate", &message);
                Ok(())
            }
            Err(refusal) => {
                let message = format!("Error creating: {}", refusal.message);
                events::tell(state, owner, self.component, "Warning", "FailedCreate", &message);
                Err(refusal.message)
            }
        }
    }

    /// Deletes a pod of the owner.
    pub fn delete(self, state: &mut State, owner: &Value, pod: &Value) {
        let resource = state.registry.known("pods");
        let call = Call::new(&resource, object::namespace(owner), MANAGER);
        if write::delete(state, &call, object::name(pod), &DeleteOptions::default()).is_ok() {
            let message = format!("Deleted pod: {}", object::name(pod));
            events::tell(state, owner, self.component, "Normal", "SuccessfulDelete", &message);
        }
    }
}

/// Changes the owners and the finalizers of a pod.
fn change(state: &mut State, pod: &Value, change: impl FnOnce(&mut Vec<Value>, &mut Vec<Value>)) -> Option<Arc<Value>> {
    let resource = state.registry.known("pods");
    let call = Call::new(&resource, object::namespace(pod), MANAGER);
    let written = write::update(state, &call, object::name(pod), |current| {
        let mut new = current.clone();
        let mut owners: Vec<Value> = object::owners(current).cloned().collect();
        let mut finalizers: Vec<Value> = object::finalizers(current).map(Value::from).collect();
        change(&mut owners, &mut finalizers);
        let metadata = write::map(&mut new, "metadata");
        for (field, list) in [("ownerReferences", owners), ("finalizers", finalizers)] {
            if list.is_empty() {
                metadata.remove(field);
            } else {
                metadata.insert(field.to_owned(), list.into());
            }
        }
        Ok(new)
    });
    // Gone in the meantime is fine: nobody claims it any more.
    written.ok()
}
