//! Which Rollouts name an object, so that a change of the object need not look at all of them.

use std::collections::{BTreeSet, HashMap};

use sluice_core::api::Rollout;
use sluice_core::strategy::Strategy;
use sluice_core::workload::WorkloadKind;

use super::children::Key;
use super::workloads;

/// What kind of object is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Named {
    /// A Service that is pointed at a revision.
    Service,
    /// A workload that has the template.
    Workload(WorkloadKind),
}

/// Rollouts by the objects that they name.
#[derive(Debug, Default)]
pub struct Names {
    rollouts: HashMap<(Named, Key), BTreeSet<String>>,
    objects: HashMap<Key, Vec<(Named, Key)>>,
}

impl Names {
    /// Takes the manifest as it is now.
    pub fn read(&mut self, rollout: &Rollout) {
        self.forget(rollout);
        let (namespace, name) = key(rollout);
        let services = Strategy::of(rollout).into_iter().flat_map(Strategy::services);
        let services = services.map(|(_, service)| (Named::Service, (namespace.clone(), service.to_owned())));
        let workload = workloads::named(rollout).map(|(kind, key)| (Named::Workload(kind), key));
        let objects: Vec<_> = services.chain(workload).collect();
        for object in &objects {
            self.rollouts.entry(object.clone()).or_default().insert(name.clone());
        }
        if !objects.is_empty() {
            self.objects.insert((namespace, name), objects);
        }
    }

    /// Forgets a Rollout.
    pub fn forget(&mut self, rollout: &Rollout) {
        let key = key(rollout);
        for object in self.objects.remove(&key).into_iter().flatten() {
            if let Some(rollouts) = self.rollouts.get_mut(&object) {
                rollouts.remove(&key.1);
                if rollouts.is_empty() {
                    self.rollouts.remove(&object);
                }
            }
        }
    }

    /// The names of the Rollouts that name an object.
    pub fn who_names(&self, kind: Named, object: &Key) -> Vec<String> {
        self.rollouts.get(&(kind, object.clone())).into_iter().flatten().cloned().collect()
    }

    /// The Rollouts that name any object of this kind.
    pub fn who_names_any(&self, kind: Named) -> BTreeSet<Key> {
        let named = self.rollouts.iter().filter(|((named, _), _)| *named == kind);
        named
            .flat_map(|((_, (namespace, _)), names)| names.iter().map(|name| (namespace.clone(), name.clone())))
            .collect()
    }
}

fn key(rollout: &Rollout) -> Key {
    let metadata = &rollout.metadata;
    (metadata.namespace.clone().unwrap_or_default(), metadata.name.clone().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn rollout(name: &str, spec: &Value) -> Rollout {
        serde_json::from_value(json!({ "metadata": { "name": name, "namespace": "shop" }, "spec": spec }))
            .expect("a Rollout")
    }

    fn object(name: &str) -> Key {
        ("shop".to_owned(), name.to_owned())
    }

    #[test]
    fn a_service_knows_who_names_it_until_they_name_another() {
        let mut names = Names::default();
        let behind = |service: &str| json!({ "strategy": { "canary": { "stableService": service } } });
        names.read(&rollout("web", &behind("front")));
        names.read(&rollout("api", &behind("front")));
        assert_eq!(names.who_names(Named::Service, &object("front")), ["api", "web"]);
        names.read(&rollout("api", &behind("back")));
        names.forget(&rollout("web", &json!({})));
        let of = |service: &str| names.who_names(Named::Service, &object(service));
        assert_eq!((of("front"), of("back")), (Vec::new(), vec!["api".to_owned()]));
    }

    #[test]
    fn a_workload_is_another_object_than_a_service_or_a_workload_of_another_kind_with_its_name() {
        let mut names = Names::default();
        let of = |version: &str, kind: &str| {
            let reference = json!({ "apiVersion": version, "kind": kind, "name": "web" });
            json!({ "workloadRef": reference, "strategy": { "canary": { "stableService": "web" } } })
        };
        let [deployment, template] = [WorkloadKind::Deployment, WorkloadKind::PodTemplate].map(Named::Workload);
        names.read(&rollout("a", &of("apps/v1", "Deployment")));
        names.read(&rollout("b", &of("v1", "PodTemplate")));
        assert_eq!(names.who_names(deployment, &object("web")), ["a"]);
        assert_eq!(names.who_names(template, &object("web")), ["b"]);
        assert_eq!(names.who_names(Named::Service, &object("web")), ["a", "b"]);
        assert_eq!(names.who_names_any(deployment), [object("a")].into());
        names.read(&rollout("a", &json!({})));
        assert_eq!(names.who_names_any(deployment), BTreeSet::new());
    }
}
