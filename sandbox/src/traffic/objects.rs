//! The objects that decide where a request goes, as they are at one moment.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::object;
use crate::read::text;
use crate::store::Store;

/// Their kinds, and where the store has them.
const KINDS: [(&str, &str); 11] = [
    ("DestinationRule", "destinationrules.networking.istio.io"),
    ("EndpointSlice", "endpointslices.discovery.k8s.io"),
    ("Gateway", "gateways.gateway.networking.k8s.io"),
    ("GatewayClass", "gatewayclasses.gateway.networking.k8s.io"),
    ("HTTPRoute", "httproutes.gateway.networking.k8s.io"),
    ("Ingress", "ingresses.networking.k8s.io"),
    ("IngressClass", "ingressclasses.networking.k8s.io"),
    ("Namespace", "namespaces"),
    ("ReferenceGrant", "referencegrants.gateway.networking.k8s.io"),
    ("Service", "services"),
    ("VirtualService", "virtualservices.networking.istio.io"),
];
/// Pods are many, and only those of subsets are asked for.
const PODS: (&str, &str) = ("Pod", "pods");

/// The objects by kind; each kind in the order of age, then of name, in which routers prefer them.
#[derive(Clone, Debug, Default)]
pub struct Objects(BTreeMap<&'static str, Vec<Arc<Value>>>);

impl Objects {
    /// Those of a store.
    pub fn of(store: &Store) -> Objects {
        let listed = |(kind, key): (&'static str, &str)| (kind, store.list(key, None).cloned().collect());
        let mut objects = Objects(KINDS.into_iter().map(listed).collect());
        if !objects.all("DestinationRule").is_empty() {
            let (kind, pods) = listed(PODS);
            objects.0.insert(kind, pods);
        }
        objects.in_order()
    }

    /// These.
    pub fn these(objects: impl IntoIterator<Item = Value>) -> Objects {
        let mut these = Objects::default();
        for object in objects {
            let kind = KINDS.iter().chain([&PODS]).map(|(kind, _)| *kind).find(|kind| object["kind"] == *kind);
            if let Some(kind) = kind {
                these.0.entry(kind).or_default().push(Arc::new(object));
            }
        }
        these.in_order()
    }

    fn in_order(mut self) -> Objects {
        for objects in self.0.values_mut() {
            objects.sort_by(|one, other| age(one).cmp(&age(other)));
        }
        self
    }

    /// All of a kind.
    pub fn all(&self, kind: &str) -> &[Arc<Value>] {
        self.0.get(kind).map_or(&[], Vec::as_slice)
    }

    /// One; the namespace of those of the cluster is empty.
    pub fn get(&self, kind: &str, namespace: &str, name: &str) -> Option<&Value> {
        let found = self.all(kind).iter().find(|it| object::name(it) == name && object::namespace(it) == namespace);
        found.map(|object| &**object)
    }
}

/// Older ones first. Times of the API are texts that compare as times.
fn age(object: &Value) -> (&str, &str, &str) {
    (text(object, "metadata.creationTimestamp"), object::namespace(object), object::name(object))
}
