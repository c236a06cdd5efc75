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
    /// Made anew where there are other Rollouts now. One that cannot be read writes nowhere.
    pub fn refresh(&mut self, all: &[Arc<DynamicObject>], whole: impl Fn(&DynamicObject) -> Option<Value>) {
        let newest = all.iter().filter_map(|it| version_number(it.metadata.resource_version.as_deref())).max();
        if self.of == (all.len(), newest) {
            return;
        }
        self.of = (all.len(), newest);
        self.rollouts.clear();
        let read = all.iter().filter_map(|rollout| serde_json::from_value::<Rollout>(whole(rollout)?).ok());
        for rollout in read.map(Arc::new) {
            for place in places(&rollout) {
                self.rollouts.entry(place).or_default().push(Arc::clone(&rollout));
            }
        }
    }

    /// The Rollouts that may write into an object.
    pub fn of(&self, key: &Key) -> Vec<Arc<Rollout>> {
        let place = (key.group.clone(), key.kind.clone(), key.namespace.clone());
        self.rollouts.get(&place).cloned().unwrap_or_default()
    }
}
