//! EndpointSlices: one for each set of ports that the pods have; without pods, one without endpoints.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Group, MANAGER, labels, serves, stamp, target};
use crate::object;
use crate::state::State;
use crate::workloads::pods;
use crate::write::{self, Call, DeleteOptions};

const RESOURCE: &str = "endpointslices.discovery.k8s.io";
const SERVICE: &str = "kubernetes.io/service-name";
const MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
const CONTROLLER: &str = "endpointslice-controller.k8s.io";

/// Makes the slices of a Service show these pods.
pub fn write(state: &mut State, service: &Value, groups: &[Group], trigger: Option<&str>) {
    let mut left = existing(state, service);
    let mut wanted: Vec<(Value, Value)> = groups
        .iter()
        .map(|group| (group.pods.iter().map(|pod| endpoint(state, pod)).collect(), json!(group.ports)))
        .collect();
    if wanted.is_empty() {
        wanted.push((Value::Null, Value::Null));
    }
    // A slice with the same ports is changed; without one, any that is left over becomes it.
    let mut pairs: Vec<(Option<Arc<Value>>, Value, Value)> = Vec::new();
    for (endpoints, ports) in wanted {
        let same = left.iter().position(|slice| slice["ports"] == ports).map(|at| left.remove(at));
        pairs.push((same, endpoints, ports));
    }
    for (slice, endpoints, ports) in pairs {
        match slice.or_else(|| left.pop()) {
            Some(slice) => change(state, service, &slice, &endpoints, &ports, trigger),
            None => create(state, service, &endpoints, &ports, trigger),
        }
    }
    let resource = state.registry.known(RESOURCE);
    for slice in left {
        let call = Call::new(&resource, object::namespace(&slice), MANAGER);
        // Gone in the meantime is what was wanted.
        let _ = write::delete(state, &call, object::name(&slice), &DeleteOptions::default());
    }
}

fn existing(state: &State, service: &Value) -> Vec<Arc<Value>> {
    let slices = state.store.list(RESOURCE, Some(object::namespace(service)));
    let ours = slices.filter(|slice| {
        let labels = object::labels(slice);
        let has = |label: &str, value: &str| labels.get(label).is_some_and(|text| text == value);
        has(SERVICE, object::name(service)) && has(MANAGED_BY, CONTROLLER)
    });
    ours.cloned().collect()
}

fn create(state: &mut State, service: &Value, endpoints: &Value, ports: &Value, trigger: Option<&str>) {
    let resource = state.registry.known(RESOURCE);
    let mut slice = json!({
        "metadata": {
            "generateName": format!("{}-", object::name(service)),
            "labels": labels(service, &[(SERVICE, object::name(service)), (MANAGED_BY, CONTROLLER)]),
            "ownerReferences": [object::owner_reference(service)],
        },
        "addressType": "IPv4", "endpoints": endpoints, "ports": ports,
    });
    stamp(&mut slice, trigger);
    // It is refused where the namespace is going away, and then nobody needs it.
    let _ = write::create(state, &Call::new(&resource, object::namespace(service), MANAGER), slice);
}

fn change(state: &mut State, service: &Value, slice: &Value, endpoints: &Value, ports: &Value, trigger: Option<&str>) {
    let labels = labels(service, &[(SERVICE, object::name(service)), (MANAGED_BY, CONTROLLER)]);
    if slice["endpoints"] == *endpoints && slice["ports"] == *ports && slice["metadata"]["labels"] == labels {
        return;
    }
    let resource = state.registry.known(RESOURCE);
    let call = Call::new(&resource, object::namespace(slice), MANAGER);
    // Gone in the meantime is fine: its end makes us look again.
    let _ = write::update(state, &call, object::name(slice), |current| {
        let mut new = current.clone();
        new["metadata"]["labels"] = labels;
        new["endpoints"] = endpoints.clone();
        new["ports"] = ports.clone();
        stamp(&mut new, trigger);
        Ok(new)
    });
}

fn endpoint(state: &State, pod: &Value) -> Value {
    let node = pod["spec"]["nodeName"].as_str().unwrap_or_default();
    let zone = state
        .store
        .get("nodes", "", node)
        .map(|node| node["metadata"]["labels"]["topology.kubernetes.io/zone"].clone());
    let mut endpoint = json!({
        "addresses": [pod["status"]["podIP"]],
        "conditions": {
            "ready": serves(pod), "serving": pods::is_ready(pod), "terminating": object::is_deleting(pod),
        },
        "nodeName": node,
        "targetRef": target(pod),
    });
    if let Some(zone) = zone.filter(|zone| !zone.is_null()) {
        endpoint["zone"] = zone;
    }
    endpoint
}
