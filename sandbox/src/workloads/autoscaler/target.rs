//! What an autoscaler scales, by way of its scale subresource.

use std::sync::Arc;

use serde_json::{Value, json};

use super::metrics::Size;
use crate::read::{at, text};
use crate::refusal::Refusal;
use crate::resource::{Resource, Scale};
use crate::selector::Selection;
use crate::state::State;
use crate::write::{self, Call, Part};
use crate::{object, scale};

/// Who writes.
const MANAGER: &str = "kube-controller-manager";

/// The target of an autoscaler.
pub struct Target {
    resource: Arc<Resource>,
    paths: Scale,
    object: Arc<Value>,
    /// Its size.
    pub size: Size,
    /// Which pods are its own, as a line of text; empty where it does not say.
    pub selector: String,
    selection: Selection,
}

impl Target {
    /// The target that an autoscaler names, or why its scale cannot be had.
    pub fn of(state: &State, autoscaler: &Value) -> Result<Target, String> {
        let reference = at(autoscaler, "spec.scaleTargetRef");
        let (group, kind) =
            (text(reference, "apiVersion").split('/').next().unwrap_or_default(), text(reference, "kind"));
        // Its version does not matter.
        let resource = state.registry.iter().find(|resource| resource.group == group && resource.kind == kind);
        let resource = resource.ok_or_else(|| format!("no matches for kind {kind:?} in group {group:?}"))?;
        let paths = resource.scale.clone().ok_or_else(|| Refusal::no_such_path().message)?;
        let name = text(reference, "name");
        let found = state.store.get(&resource.key, object::namespace(autoscaler), name);
        let object = found.cloned().ok_or_else(|| Refusal::not_found(resource, name).message)?;
        scale::check_sized(resource, &paths, &object).map_err(|refusal| refusal.message)?;
        let size = Size {
            wanted: scale::size(&object, &paths.spec_replicas),
            observed: scale::size(&object, &paths.status_replicas),
        };
        let selector = scale::selector(resource, &paths, &object);
        let selection = Selection::parse(resource, &selector, "").map_err(|refusal| {
            let why = refusal.message;
            format!(
                "received an object from a /scale endpoint which was not convertible to autoscaling Scale: failed to \
                 parse target selector: couldn't parse the selector string {selector:?}: {why}"
            )
        })?;
        Ok(Target { resource: Arc::clone(resource), paths, object, size, selector, selection })
    }

    /// Whether it selects this pod.
    pub fn selects(&self, pod: &Value) -> bool {
        self.selection.matches(pod)
    }

    /// Gives it another size, if it is still as it was seen.
    pub fn resize(&self, state: &mut State, replicas: i64) -> Result<(), Refusal> {
        let call = Call::new(&self.resource, object::namespace(&self.object), MANAGER);
        let call = Call { part: Part::Scale, trusted: false, ..call };
        let mut new = (*self.object).clone();
        scale::set(&mut new, &self.paths.spec_replicas, json!(replicas))?;
        write::update(state, &call, object::name(&self.object), |_| Ok(new)).map(|_| ())
    }
}
