//! Which Rollouts name a Service, so that a change of the Service need not look at all of them.

use std::collections::{BTreeSet, HashMap};

use sluice_core::api::Rollout;
use sluice_core::strategy::Strategy;

/// Namespace and name.
type Key = (String, String);

/// Rollouts by the Services that they name.
#[derive(Debug, Default)]
pub struct Names {
    rollouts: HashMap<Key, BTreeSet<String>>,
    services: HashMap<Key, Vec<String>>,
}

impl Names {
    /// Takes the manifest as it is now.
    pub fn read(&mut self, rollout: &Rollout) {
        self.forget(rollout);
        let (namespace, name) = key(rollout);
        let named = Strategy::of(rollout).into_iter().flat_map(Strategy::services);
        let services: Vec<String> = named.map(|(_, service)| service.to_owned()).collect();
        for service in &services {
            self.rollouts.entry((namespace.clone(), service.clone())).or_default().insert(name.clone());
        }
        if !services.is_empty() {
            self.services.insert((namespace, name), services);
        }
    }

    /// Forgets a Rollout.
    pub fn forget(&mut self, rollout: &Rollout) {
        let key = key(rollout);
        for service in self.services.remove(&key).into_iter().flatten() {
            let service = (key.0.clone(), service);
            if let Some(rollouts) = self.rollouts.get_mut(&service) {
                rollouts.remove(&key.1);
                if rollouts.is_empty() {
                    self.rollouts.remove(&service);
                }
            }
        }
    }

    /// The names of the Rollouts that name a Service.
    pub fn of(&self, service: &Key) -> Vec<String> {
        self.rollouts.get(service).into_iter().flatten().cloned().collect()
    }
}

fn key(rollout: &Rollout) -> Key {
    let metadata = &rollout.metadata;
    (metadata.namespace.clone().unwrap_or_default(), metadata.name.clone().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rollout(name: &str, stable: &str) -> Rollout {
        serde_json::from_value(json!({
            "metadata": { "name": name, "namespace": "shop" },
            "spec": { "strategy": { "canary": { "stableService": stable } } },
        }))
        .expect("a Rollout")
    }

    #[test]
    fn a_service_knows_who_names_it_until_they_name_another() {
        let mut names = Names::default();
        let service = |name: &str| ("shop".to_owned(), name.to_owned());
        names.read(&rollout("web", "front"));
        names.read(&rollout("api", "front"));
        assert_eq!(names.of(&service("front")), ["api", "web"]);
        names.read(&rollout("api", "back"));
        names.forget(&rollout("web", "whatever"));
        assert_eq!((names.of(&service("front")), names.of(&service("back"))), (Vec::new(), vec!["api".to_owned()]));
    }
}
