//! Which Rollouts write into which objects.

use std::collections::HashMap;
use std::sync::Arc;

use kube::api::DynamicObject;
use serde_json::Value;
use sluice_core::api::Rollout;
use sluice_core::gitops::key::Key;
use sluice_core::gitops::owned::places;

use crate::controller::children::version_number;

/// The Rollouts that may write into objects, by group, kind and namespace of those.
#[derive(Default)]
pub struct Writers {
    /// How many Rollouts it was made of, and the newest version among them.
    of: (usize, Option<u64>),
    rollouts: HashMap<(String, String, String), Vec<Arc<Rollout>>>,
}

impl Writers {
    /// Of all Rollouts; nothing where they are the same as before. One that cannot be read writes nowhere.
    pub fn anew(&self, all: &[Arc<DynamicObject>], whole: impl Fn(&DynamicObject) -> Option<Value>) -> Option<Writers> {
        let newest = all.iter().filter_map(|it| version_number(it.metadata.resource_version.as_deref())).max();
        let mut anew = Writers { of: (all.len(), newest), rollouts: HashMap::new() };
        if self.of == anew.of {
            return None;
        }
        let read = all.iter().filter_map(|rollout| serde_json::from_value::<Rollout>(whole(rollout)?).ok());
        for rollout in read.map(Arc::new) {
            for place in places(&rollout) {
                anew.rollouts.entry(place).or_default().push(Arc::clone(&rollout));
            }
        }
        Some(anew)
    }

    /// The Rollouts that may write into an object.
    pub fn of(&self, key: &Key) -> &[Arc<Rollout>] {
        let place = (key.group.clone(), key.kind.clone(), key.namespace.clone());
        self.rollouts.get(&place).map_or(&[], Vec::as_slice)
    }
}
