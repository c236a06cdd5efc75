//! What the caches know of the objects that a manifest refers to.

use std::borrow::Cow;
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::json;
use sluice_core::api::labels;
use sluice_core::validate::references::{Lookup, Reference, Surroundings};
use tokio::sync::watch;

use crate::controller::children::{Index, IndexedService};

/// The caches of a controller, for reviews. What is not cached is not asked for: nothing is said of it.
#[derive(Clone)]
pub struct Around {
    /// The Services.
    pub services: Arc<RwLock<Index<IndexedService>>>,
    /// Whether the caches are filled.
    pub filled: watch::Receiver<bool>,
    /// The namespace that they are of, or all.
    pub namespace: Option<String>,
}

impl Around {
    fn sees(&self, namespace: &str) -> bool {
        *self.filled.borrow() && self.namespace.as_deref().is_none_or(|seen| seen == namespace)
    }
}

impl Surroundings for Around {
    fn find(&self, wanted: &Reference<'_>) -> Lookup<'_> {
        let (("", "Service"), Some(namespace)) = ((wanted.group, wanted.kind), wanted.namespace) else {
            return Lookup::Unknown;
        };
        if !self.sees(namespace) {
            return Lookup::Unknown;
        }
        let services = self.services.read().unwrap_or_else(PoisonError::into_inner);
        let Some(found) = services.get(&(namespace.to_owned(), wanted.name.to_owned())) else {
            return Lookup::Absent("does not exist yet");
        };
        let manager = found.service.managed_by.iter().map(|rollout| (labels::MANAGED_BY, rollout));
        Lookup::Found(Cow::Owned(json!({
            "metadata": { "annotations": manager.collect::<std::collections::BTreeMap<_, _>>() },
            "spec": { "selector": found.service.selector },
        })))
    }
}
