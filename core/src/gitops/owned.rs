//! What Rollouts' controller writes into objects that Git has, too: weights and routes of traffic, the revisions that Services select, and
//! the size of a workload that a Rollout refers to. Git's values are where it begins; they are not put back in the middle of an update.

use jiff::Timestamp;
use serde_json::Value;

use super::key::Key;
use crate::api::Rollout;
use crate::api::labels::{MANAGED_BY, POD_TEMPLATE_HASH, ROUTED};
use crate::object_kind::ObjectKind;
use crate::selector;
use crate::sight::Sight;
use crate::strategy::Strategy;
use crate::traffic::{
    Answer, Destination, Pick, Query, RouteAction, Routing, Seen, TrafficRouter, View, Weight, named, operations,
    remembered_keys,
};

/// How often a router is asked to leave an object: some do it in steps.
const STEPS: usize = 8;

/// Has a manifest say what the object has wherever Rollouts' controller writes; whether it writes there. Some routers know their objects
/// by others.
pub fn keep<'a>(
    manifest: &mut Value,
    live: &Value,
    others: &[Value],
    rollouts: impl IntoIterator<Item = &'a Rollout>,
) -> bool {
    let key = Key::of(live);
    let mut is_written = false;
    for rollout in rollouts {
        if is_workload(rollout, &key) {
            keep_replicas(manifest, live);
            is_written = true;
        }
        if is_service(rollout, &key, live) {
            keep_hashes(manifest, live);
            is_written = true;
        }
        let (canary, stable) = ends(rollout);
        let max = Strategy::of(rollout).map_or(100, Strategy::max_weight);
        for router in named(rollout) {
            let queries = router.queries();
            let found = |object: &Value| queries.iter().find_map(|query| found(query, &Key::of(object), object));
            if let Some(seen) = found(live) {
                let others = others.iter().filter(|other| Key::of(other) != key).filter_map(found).collect();
                let ends = Ends { router: router.as_ref(), seen, others, canary: &canary, stable: &stable, max };
                keep_routes(manifest, live, &ends);
                keep_hashes(manifest, live);
                is_written = true;
            }
        }
    }
    is_written
}

/// Group, kind and namespace of everything that a Rollout's controller may write into beside what it makes itself.
pub fn places(rollout: &Rollout) -> Vec<(String, String, String)> {
    let routers = named(rollout);
    let queries = routers.iter().flat_map(|router| router.queries());
    let queries = queries.map(|query| (query.kind.group.to_owned(), query.kind.kind.to_owned(), query.namespace));
    let workload = rollout.spec.workload_ref.as_ref().map(|reference| {
        let (group, _) = super::key::split_version(reference.api_version.as_deref().unwrap_or_default());
        let namespace = rollout.metadata.namespace.clone().unwrap_or_default();
        (group.to_owned(), reference.kind.clone().unwrap_or_default(), namespace)
    });
    let service = (String::new(), "Service".to_owned(), rollout.metadata.namespace.clone().unwrap_or_default());
    let mut places: Vec<(String, String, String)> = queries.chain(workload).chain([service]).collect();
    places.sort();
    places.dedup();
    places
}

/// Whether a Rollout takes its pods from an object, and so sets its size.
fn is_workload(rollout: &Rollout, key: &Key) -> bool {
    let Some(reference) = &rollout.spec.workload_ref else { return false };
    let (group, _) = super::key::split_version(reference.api_version.as_deref().unwrap_or_default());
    rollout.metadata.namespace.as_deref() == Some(key.namespace.as_str())
        && group == key.group
        && reference.kind.as_deref() == Some(key.kind.as_str())
        && reference.name.as_deref() == Some(key.name.as_str())
}

/// Whether a Rollout says which revision a Service selects. One that it does not name any more is its own until it lets it go.
fn is_service(rollout: &Rollout, key: &Key, live: &Value) -> bool {
    let is_named = || {
        let mut services = Strategy::of(rollout).into_iter().flat_map(Strategy::services);
        services.any(|(_, service)| service == key.name)
    };
    let manager = live["metadata"]["annotations"][MANAGED_BY].as_str();
    rollout.metadata.namespace.as_deref() == Some(key.namespace.as_str())
        && key.group_kind() == ("", "Service")
        && (is_named() || manager.is_some() && manager == rollout.metadata.name.as_deref())
}

fn keep_replicas(manifest: &mut Value, live: &Value) {
    let replicas = &live["spec"]["replicas"];
    if !replicas.is_null() && manifest["spec"].is_object() {
        manifest["spec"]["replicas"] = replicas.clone();
    }
}

fn ends(rollout: &Rollout) -> (Destination, Destination) {
    let Some(strategy) = Strategy::of(rollout) else { return Default::default() };
    let roles = strategy.roles(rollout.status());
    let to = |service: &str| Destination { service: service.to_owned(), hash: String::new() };
    (to(roles.canary), to(roles.stable))
}

/// An object as a router sees it that asks for it.
fn found(query: &Query, key: &Key, live: &Value) -> Option<Seen> {
    if query.namespace != key.namespace || (query.kind.group, query.kind.kind) != key.group_kind() {
        return None;
    }
    let map = |at: &str| live.pointer(at).and_then(|map| serde_json::from_value(map.clone()).ok()).unwrap_or_default();
    let is_meant = match &query.pick {
        Pick::Named(name) => *name == key.name,
        Pick::Labelled(labels) => selector::matches(labels, &map("/metadata/labels")),
        Pick::Remembered(owner) => {
            let annotation = live["metadata"]["annotations"][ROUTED].as_str().unwrap_or_default();
            remembered_keys(annotation).contains(owner)
        }
        Pick::Plugin(_) => false,
    };
    is_meant.then(|| seen(query.kind, key, live))
}

fn seen(kind: ObjectKind, key: &Key, object: &Value) -> Seen {
    Seen { kind, namespace: key.namespace.clone(), name: key.name.clone(), object: Sight::Found(object.clone()) }
}

/// A router, one of its objects, and what it leads to.
struct Ends<'a> {
    router: &'a dyn TrafficRouter,
    seen: Seen,
    others: Vec<Seen>,
    canary: &'a Destination,
    stable: &'a Destination,
    /// What all weights add up to.
    max: i32,
}

impl Ends<'_> {
    /// An object in which everything goes to the stable destination, and nothing is left that the router has made.
    fn at_rest(&self, object: &Value) -> Value {
        let mut object = object.clone();
        self.settle(&mut object, |view| self.router.release(view, self.canary, self.stable));
        // What a router does not have to say it leaves out: having said something else, it has to.
        self.tell(&mut object, 1);
        self.tell(&mut object, 0);
        object
    }

    /// Has the router say this weight, and no more.
    fn tell(&self, object: &mut Value, weight: i32) {
        let routing = Routing {
            canary: self.canary.clone(),
            stable: self.stable.clone(),
            weight: Weight::new(weight, self.max),
            additional: Vec::new(),
            routes: Vec::new(),
        };
        self.settle(object, |view| self.router.change(view, &routing));
    }

    /// Does what the router says until there is no more to do.
    fn settle(&self, object: &mut Value, ask: impl Fn(View<'_>) -> Answer) {
        for _ in 0..STEPS {
            if !self.changed(object, &ask) {
                return;
            }
        }
    }

    /// The canary's weight.
    fn weight(&self) -> i32 {
        let objects = self.all(self.seen.clone());
        let view = View { objects: &objects, now: Timestamp::MAX };
        self.router.observe(view, self.canary, self.stable).lowest
    }

    fn all(&self, seen: Seen) -> Vec<Seen> {
        std::iter::once(seen).chain(self.others.iter().cloned()).collect()
    }

    /// Does what a router says to this one object; whether that was anything.
    fn changed(&self, object: &mut Value, ask: impl Fn(View<'_>) -> Answer) -> bool {
        let seen = Seen { object: Sight::Found(object.clone()), ..self.seen.clone() };
        let objects = self.all(seen);
        let answer = ask(View { objects: &objects, now: Timestamp::MAX });
        let patches = answer.writes.into_iter().filter_map(|write| match write.action {
            RouteAction::Patch(operations) if write.name == self.seen.name && write.kind == self.seen.kind => {
                Some(operations)
            }
            _ => None,
        });
        let done: Vec<bool> = patches.map(|operations| patched(object, &operations)).collect();
        done.contains(&true)
    }
}

/// Applies a JSON Patch, if all of it can be.
fn patched(object: &mut Value, operations: &[Value]) -> bool {
    let patch = serde_json::from_value::<json_patch::Patch>(Value::Array(operations.to_vec()));
    patch.is_ok_and(|patch| json_patch::patch(object, &patch).is_ok())
}

/// Puts the routes of the object into the manifest: what sets the object apart from one at rest is done to the manifest at rest. Where
/// Git has changed what that is about, the weight alone is kept, and the router makes its routes again.
fn keep_routes(manifest: &mut Value, live: &Value, ends: &Ends<'_>) {
    let mut routed = ends.at_rest(manifest);
    // Metadata is kept apart: what Git does not say there is nobody's business.
    let is_below = |operation: &Value| {
        let path = operation["path"].as_str().unwrap_or_default();
        !path.starts_with("/metadata") && !path.starts_with("/status")
    };
    let mut changes = operations(&ends.at_rest(live), live);
    changes.retain(is_below);
    if !patched(&mut routed, &changes) {
        ends.tell(&mut routed, ends.weight());
    }
    for (name, value) in manifest["metadata"]["annotations"].as_object_mut().into_iter().flatten() {
        let kept = &live["metadata"]["annotations"][name];
        // Some routers write annotations, which Git may have, too.
        if routed["metadata"]["annotations"][name] != *value && kept.is_string() {
            *value = kept.clone();
        }
    }
    routed["metadata"] = manifest["metadata"].take();
    *manifest = routed;
}

/// Puts the revisions into the manifest that parts of the object are about, such as subsets: lists are gone through by the names of
/// their items, or by their places.
fn keep_hashes(manifest: &mut Value, live: &Value) {
    match (manifest, live) {
        (Value::Object(manifest), Value::Object(live)) => {
            for (name, value) in live {
                let is_alone =
                    |it: &Value| it.as_object().is_some_and(|it| it.len() == 1 && it.contains_key(POD_TEMPLATE_HASH));
                if name == POD_TEMPLATE_HASH || (!manifest.contains_key(name) && is_alone(value)) {
                    manifest.insert(name.clone(), value.clone());
                } else if let Some(own) = manifest.get_mut(name).filter(|_| name != "metadata" && name != "status") {
                    keep_hashes(own, value);
                }
            }
        }
        (Value::Array(manifest), Value::Array(live)) => {
            for (at, own) in manifest.iter_mut().enumerate() {
                let named = live.iter().find(|item| item["name"].is_string() && item["name"] == own["name"]);
                if let Some(item) = named.or_else(|| live.get(at).filter(|item| item["name"].is_null())) {
                    keep_hashes(own, item);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn service(selector: &Value, annotations: &Value) -> Value {
        let metadata = json!({ "name": "web", "namespace": "shop", "annotations": annotations });
        json!({ "apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": { "selector": selector } })
    }

    fn rollout(namespace: &str, service: &str) -> Rollout {
        serde_json::from_value(json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": { "name": "web", "namespace": namespace },
            "spec": { "strategy": { "canary": { "stableService": service, "canaryService": "trial" } } },
        }))
        .expect("a Rollout")
    }

    /// The API server takes a selector as a whole: without the revision, an apply would take it away.
    #[test]
    fn the_revision_that_a_service_selects_is_kept() {
        let now = json!({ "app": "web", "rollouts-pod-template-hash": "5f6" });
        let git = json!({ "app": "web", "tier": "front" });
        let merged = json!({ "app": "web", "tier": "front", "rollouts-pod-template-hash": "5f6" });
        let managed = json!({ "argo-rollouts.argoproj.io/managed-by-rollouts": "web" });
        for (namespace, service_name, annotations, is_kept) in [
            ("shop", "web", json!({}), true),
            ("shop", "other", managed.clone(), true),
            ("shop", "other", json!({}), false),
            ("elsewhere", "web", managed, false),
        ] {
            let rollout = rollout(namespace, service_name);
            let mut manifest = service(&git, &json!({}));
            assert_eq!(keep(&mut manifest, &service(&now, &annotations), &[], [&rollout]), is_kept);
            assert_eq!(manifest["spec"]["selector"], if is_kept { merged.clone() } else { git.clone() });
        }
        let place = (String::new(), "Service".to_owned(), "shop".to_owned());
        assert!(places(&rollout("shop", "web")).contains(&place));
    }
}
