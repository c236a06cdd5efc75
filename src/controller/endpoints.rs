//! The ready endpoints of Services, by the revision of their pods. They are watched from the moment in which the first Rollout with a
//! traffic router needs them: requests go where `EndpointSlices` say, which is later than where a selector points.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::TryStreamExt as _;
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointSlice};
use kube::runtime::reflector::Store;
use kube::runtime::{WatchStreamExt as _, watcher};
use sluice_core::api::labels;
use sluice_core::sight::Sight;
use sluice_core::traffic::aws::Led;

use super::caches::{Scope, Touch, map_event, touch_each};
use super::children::{Child, Index, IndexedPod, Key, Owner, version_number};
use super::context::Context;
use super::lazy::{Lazy, Sighted};
use super::names::Named;
use super::object::Observed;

/// Label of `EndpointSlices`: the Service whose endpoints they are.
const SERVICE: &str = "kubernetes.io/service-name";

/// The ready endpoints of one `EndpointSlice`.
#[derive(Clone, Debug)]
pub struct Slice {
    namespace: String,
    name: String,
    service: String,
    version: Option<u64>,
    /// `IPv4`, `IPv6`: a Service of both has slices of both.
    family: String,
    /// Names of ready pods, with their addresses.
    ready: Vec<(String, String)>,
}

impl Child for Slice {
    fn key(&self) -> Key {
        (self.namespace.clone(), self.name.clone())
    }

    fn owner(&self) -> Owner {
        Owner::Manager(self.namespace.clone(), self.service.clone())
    }

    fn resource_version(&self) -> Option<u64> {
        self.version
    }
}

impl Slice {
    fn of(slice: EndpointSlice) -> Slice {
        let metadata = slice.metadata;
        let service = metadata.labels.and_then(|mut labels| labels.remove(SERVICE));
        let is_ready = |conditions: Option<&k8s_openapi::api::discovery::v1::EndpointConditions>| {
            conditions.and_then(|conditions| conditions.ready).unwrap_or(true)
        };
        let ready = slice.endpoints.into_iter().flatten().filter(|endpoint| is_ready(endpoint.conditions.as_ref()));
        let pod = |target: k8s_openapi::api::core::v1::ObjectReference| {
            target.name.filter(|_| target.kind.as_deref() == Some("Pod"))
        };
        // Of several addresses only the first one is anybody's.
        let pod = |endpoint: Endpoint| Some((pod(endpoint.target_ref?)?, endpoint.addresses.into_iter().next()?));
        Slice {
            namespace: metadata.namespace.unwrap_or_default(),
            name: metadata.name.unwrap_or_default(),
            service: service.unwrap_or_default(),
            version: version_number(metadata.resource_version.as_deref()),
            family: slice.address_type,
            ready: ready.filter_map(pod).collect(),
        }
    }
}

/// Ready endpoints of a Service by revision; pods of no revision are not counted.
pub type ByRevision = BTreeMap<String, i32>;

/// The cache.
pub type Endpoints = Lazy<Slice>;

/// The endpoints of a Service; `None` before the first list.
pub fn of_service(cache: &Endpoints, pods: &Index<IndexedPod>, service: &Key) -> Option<Sight<ByRevision>> {
    let index = match cache.read() {
        Sighted::NotYet => return None,
        Sighted::Absent(why) | Sighted::Refused(why) => return Some(Sight::Unreadable(why)),
        Sighted::Index(index) => index,
    };
    let (namespace, name) = service;
    // A pod may be in two slices while it moves from one to the other, and must be in those of every family.
    let mut families: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for slice in index.of(&Owner::Manager(namespace.clone(), name.clone())) {
        let names = slice.ready.iter().map(|(pod, _)| pod.clone());
        families.entry(slice.family.clone()).or_default().extend(names);
    }
    let in_all = families.into_values().reduce(|all, one| all.intersection(&one).cloned().collect());
    let mut ready: ByRevision = BTreeMap::new();
    for pod in in_all.unwrap_or_default() {
        let pod = pods.get(&(namespace.clone(), pod));
        if let Some(hash) = pod.and_then(|indexed| indexed.pod.labels.get(labels::POD_TEMPLATE_HASH)) {
            *ready.entry(hash.clone()).or_default() += 1;
        }
    }
    Some(Sight::Found(ready))
}

/// The ready endpoints of a Service by their addresses, and their revisions; `None` before the first list.
pub fn led(cache: &Endpoints, pods: &Index<IndexedPod>, service: &Key) -> Option<Result<Led, String>> {
    let index = match cache.read() {
        Sighted::NotYet => return None,
        Sighted::Absent(why) | Sighted::Refused(why) => return Some(Err(why)),
        Sighted::Index(index) => index,
    };
    let (namespace, name) = service;
    let slices = index.of(&Owner::Manager(namespace.clone(), name.clone()));
    let mut led = Led::default();
    for (pod, address) in slices.iter().flat_map(|slice| &slice.ready) {
        let pod = pods.get(&(namespace.clone(), pod.clone()));
        led.revisions.extend(pod.and_then(|indexed| indexed.pod.labels.get(labels::POD_TEMPLATE_HASH)).cloned());
        led.addresses.insert(address.clone());
    }
    Some(Ok(led))
}

/// Keeps the cache, once somebody needs it, until the task is stopped.
pub async fn watch(scope: Scope, context: Arc<Context>, rollouts: Store<Observed>, touch: Touch) {
    context.endpoints.wanted().await;
    let config = watcher::Config::default().labels(SERVICE);
    let events = watcher::watcher(scope.api::<EndpointSlice>(), config).default_backoff();
    let moved = |slice: Option<&Arc<Slice>>| {
        let names = context.names();
        let concerned = match slice {
            Some(slice) => names.who_names(Named::Service, &(slice.namespace.clone(), slice.service.clone())),
            None => names.who_names_any(Named::Service),
        };
        drop(names);
        touch_each(&touch, &rollouts, concerned);
    };
    let events = events.inspect_err(|error| {
        tracing::warn!(%error, "cannot watch EndpointSlices; where there is no list, available pods have to do");
    });
    context.endpoints.keep(events.map_ok(|event| map_event(event, Slice::of)), moved).await;
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_ready_pods_of_a_slice_count() {
        let slice: EndpointSlice = serde_json::from_value(json!({
            "metadata": { "name": "web-x", "namespace": "shop", "labels": { (SERVICE): "web" }, "resourceVersion": "7" },
            "addressType": "IPv4",
            "endpoints": [
                { "addresses": ["10.0.0.1"], "conditions": { "ready": true }, "targetRef": { "kind": "Pod", "name": "a" } },
                { "addresses": ["10.0.0.2"], "conditions": { "ready": false }, "targetRef": { "kind": "Pod", "name": "b" } },
                { "addresses": ["10.0.0.3"], "targetRef": { "kind": "Pod", "name": "c" } },
                { "addresses": ["10.0.0.4"], "targetRef": { "kind": "VM", "name": "d" } },
            ],
        }))
        .expect("an EndpointSlice");
        let slice = Slice::of(slice);
        let ready: Vec<_> = slice.ready.iter().map(|(pod, address)| (pod.as_str(), address.as_str())).collect();
        assert_eq!((slice.service.as_str(), ready), ("web", vec![("a", "10.0.0.1"), ("c", "10.0.0.3")]));
    }
}
