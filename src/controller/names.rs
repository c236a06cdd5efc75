//! Which Rollouts name an object, so that a change of the object need not look at all of them.

use std::collections::{BTreeSet, HashMap};

use sluice_core::analysis::origin;
use sluice_core::api::Rollout;
use sluice_core::object_kind::ObjectKind;
use sluice_core::strategy::Strategy;
use sluice_core::traffic::{self, Pick};
use sluice_core::workload::WorkloadKind;

use super::analysis::TEMPLATES;
use super::children::Key;

/// What kind of object is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Named {
    /// A Service that is pointed at a revision.
    Service,
    /// A workload that has the template, or an object that a traffic router reads.
    Object(ObjectKind),
    /// A plugin that does a step.
    StepPlugin,
}

/// Rollouts by the objects that they name. One that picks objects by their labels names all of the namespace, by an empty name.
#[derive(Debug, Default)]
pub struct Names {
    rollouts: HashMap<(Named, Key), BTreeSet<Key>>,
    objects: HashMap<Key, Vec<(Named, Key)>>,
}

impl Names {
    /// Takes the manifest as it is now.
    pub fn read(&mut self, rollout: &Rollout) {
        self.forget(rollout);
        let key = key(rollout);
        let services = Strategy::of(rollout).into_iter().flat_map(Strategy::services);
        let services = services.map(|(_, service)| (Named::Service, (key.0.clone(), service.to_owned())));
        let workload = workload(rollout).map(|(kind, key)| (Named::Object(kind.object_kind()), key));
        let steps = step_plugins(rollout).map(|name| (Named::StepPlugin, (String::new(), name.to_owned())));
        let templates = templates(rollout);
        let objects: Vec<_> = services.chain(workload).chain(templates).chain(routed(rollout)).chain(steps).collect();
        for object in &objects {
            self.rollouts.entry(object.clone()).or_default().insert(key.clone());
        }
        if !objects.is_empty() {
            self.objects.insert(key, objects);
        }
    }

    /// Forgets a Rollout.
    pub fn forget(&mut self, rollout: &Rollout) {
        let key = key(rollout);
        for object in self.objects.remove(&key).into_iter().flatten() {
            if let Some(rollouts) = self.rollouts.get_mut(&object) {
                rollouts.remove(&key);
                if rollouts.is_empty() {
                    self.rollouts.remove(&object);
                }
            }
        }
    }

    /// The Rollouts that name an object.
    pub fn who_names(&self, kind: Named, object: &Key) -> BTreeSet<Key> {
        let by = |object: Key| self.rollouts.get(&(kind, object)).into_iter().flatten().cloned();
        by(object.clone()).chain(by((object.0.clone(), String::new()))).collect()
    }

    /// The Rollouts that name any object of this kind.
    pub fn who_names_any(&self, kind: Named) -> BTreeSet<Key> {
        let named = self.rollouts.iter().filter(|((named, _), _)| *named == kind);
        named.flat_map(|(_, rollouts)| rollouts.iter().cloned()).collect()
    }
}

/// The workload that a Rollout refers to: its kind, namespace and name.
pub fn workload(rollout: &Rollout) -> Option<(WorkloadKind, Key)> {
    let reference = rollout.spec.workload_ref.as_ref()?;
    let namespace = rollout.metadata.namespace.clone().unwrap_or_default();
    Some((WorkloadKind::of(reference)?, (namespace, reference.name.clone()?)))
}

/// The templates that a Rollout names. Each may name others of either kind.
fn templates(rollout: &Rollout) -> impl Iterator<Item = (Named, Key)> + use<> {
    let names_any = !origin::named(rollout).is_empty();
    let all = TEMPLATES.into_iter().filter(move |_| names_any);
    all.map(|kind| (Named::Object(kind), (String::new(), String::new())))
}

/// What the routers of a Rollout read, of today and of before.
fn routed(rollout: &Rollout) -> impl Iterator<Item = (Named, Key)> + use<> {
    let routers =
        traffic::named(rollout).into_iter().chain(traffic::former(rollout)).chain(traffic::aws::bound(rollout));
    routers.flat_map(|router| router.queries().into_iter().chain(router.asks())).map(|query| {
        let key = match query.pick {
            Pick::Named(name) => (query.namespace, name),
            Pick::Labelled(_) | Pick::Remembered(_) => (query.namespace, String::new()),
            // Plugins are in no namespace.
            Pick::Plugin(plane) => (String::new(), plane.plugin),
        };
        (Named::Object(query.kind), key)
    })
}

/// The plugins that do steps of a Rollout.
pub fn step_plugins(rollout: &Rollout) -> impl Iterator<Item = &str> {
    let steps = rollout.spec.strategy.canary.iter().flat_map(|canary| canary.steps.iter().flatten());
    steps.filter_map(|step| Some(step.plugin.as_ref()?.name.as_str()))
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
        assert_eq!(names.who_names(Named::Service, &object("front")), [object("api"), object("web")].into());
        names.read(&rollout("api", &behind("back")));
        names.forget(&rollout("web", &json!({})));
        let of = |service: &str| names.who_names(Named::Service, &object(service));
        assert_eq!((of("front"), of("back")), (BTreeSet::new(), [object("api")].into()));
    }

    #[test]
    fn a_workload_is_another_object_than_a_service_or_a_workload_of_another_kind_with_its_name() {
        let mut names = Names::default();
        let of = |version: &str, kind: &str| {
            let reference = json!({ "apiVersion": version, "kind": kind, "name": "web" });
            json!({ "workloadRef": reference, "strategy": { "canary": { "stableService": "web" } } })
        };
        let [deployment, template] =
            [WorkloadKind::Deployment, WorkloadKind::PodTemplate].map(|kind| Named::Object(kind.object_kind()));
        names.read(&rollout("a", &of("apps/v1", "Deployment")));
        names.read(&rollout("b", &of("v1", "PodTemplate")));
        assert_eq!(names.who_names(deployment, &object("web")), [object("a")].into());
        assert_eq!(names.who_names(template, &object("web")), [object("b")].into());
        assert_eq!(names.who_names(Named::Service, &object("web")), [object("a"), object("b")].into());
        assert_eq!(names.who_names_any(deployment), [object("a")].into());
        names.read(&rollout("a", &json!({})));
        assert_eq!(names.who_names_any(deployment), BTreeSet::new());
    }

    #[test]
    fn a_route_knows_who_names_it_from_another_namespace_or_by_its_labels() {
        let mut names = Names::default();
        let by = |gateway: &Value| json!({ "strategy": { "canary": { "trafficRouting": { "gatewayAPI": gateway } } } });
        names.read(&rollout("a", &by(&json!({ "httpRoute": "edge", "namespace": "gateways" }))));
        names.read(&rollout("b", &by(&json!({ "httpRouteSelector": { "matchLabels": { "app": "web" } } }))));
        let kind = |rollout: &Rollout| traffic::named(rollout)[0].queries()[0].kind;
        let routes = Named::Object(kind(&rollout("c", &by(&json!({ "httpRoute": "x" })))));
        let at = |namespace: &str| names.who_names(routes, &(namespace.to_owned(), "edge".to_owned()));
        assert_eq!((at("gateways"), at("shop")), ([object("a")].into(), [object("b")].into()));
    }
}
