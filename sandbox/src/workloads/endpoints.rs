//! EndpointSlices: the addresses behind a Service.

use std::sync::Arc;

use serde_json::{Value, json};

use super::pods;
use crate::object;
use crate::state::State;
use crate::write::{self, Call};

const RESOURCE: &str = "endpointslices.discovery.k8s.io";
const SERVICE_LABEL: &str = "kubernetes.io/service-name";
const MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
const MANAGER: &str = "endpointslice-controller.k8s.io";

/// Looks at one Service.
pub fn look(state: &mut State, namespace: &str, name: &str) {
    let Some(service) = state.store.get("services", namespace, name).cloned() else { return };
    let selector = object::texts(&service["spec"]["selector"]);
    if selector.is_empty() || object::is_deleting(&service) {
        return;
    }
    let members: Vec<Arc<Value>> = state
        .store
        .list("pods", Some(namespace))
        .filter(|pod| crate::selector::has_all(&selector, pod) && !pods::has_ended(pod))
        .filter(|pod| !pod["status"]["podIP"].is_null())
        .cloned()
        .collect();
    let endpoints: Vec<Value> = members.iter().map(|pod| endpoint(state, pod)).collect();
    let ports = ports(&service, members.first().map(AsRef::as_ref));
    let slice = existing(state, namespace, name);
    let resource = state.registry.known(RESOURCE);
    let call = Call::new(&resource, namespace, "kube-controller-manager");
    let Some(slice) = slice else {
        let mut labels = json!({ SERVICE_LABEL: name, MANAGED_BY: MANAGER });
        for (key, value) in object::labels(&service) {
            labels[key] = json!(value);
        }
        let _ = write::create(
            state,
            &call,
            json!({
                "metadata": {
                    "generateName": format!("{name}-"), "labels": labels, "ownerReferences": [object::owner_reference(&service)],
                },
                "addressType": "IPv4", "endpoints": endpoints, "ports": ports,
            }),
        );
        return;
    };
    let _ = write::update(state, &call, object::name(&slice), |current| {
        let mut new = current.clone();
        new["endpoints"] = json!(endpoints);
        new["ports"] = ports;
        Ok(new)
    });
}

fn existing(state: &State, namespace: &str, service: &str) -> Option<Arc<Value>> {
    let mut slices = state.store.list(RESOURCE, Some(namespace));
    slices
        .find(|slice| {
            let labels = object::labels(slice);
            labels.get(SERVICE_LABEL).is_some_and(|name| name == service)
                && labels.get(MANAGED_BY).is_some_and(|manager| manager == MANAGER)
        })
        .cloned()
}

fn endpoint(state: &State, pod: &Value) -> Value {
    let terminating = object::is_deleting(pod);
    let serving = pods::is_ready(pod);
    let node = pod["spec"]["nodeName"].as_str().unwrap_or_default();
    let zone = state
        .store
        .get("nodes", "", node)
        .map(|node| node["metadata"]["labels"]["topology.kubernetes.io/zone"].clone());
    let mut endpoint = json!({
        "addresses": [pod["status"]["podIP"]],
        "conditions": { "ready": serving && !terminating, "serving": serving, "terminating": terminating },
        "nodeName": node,
        "targetRef": {
            "kind": "Pod", "namespace": object::namespace(pod), "name": object::name(pod), "uid": object::uid(pod),
        },
    });
    if let Some(zone) = zone.filter(|zone| !zone.is_null()) {
        endpoint["zone"] = zone;
    }
    endpoint
}

/// The Service's ports as the pods have them; a target by name is looked up in a pod.
fn ports(service: &Value, pod: Option<&Value>) -> Value {
    let ports = service["spec"]["ports"].as_array().into_iter().flatten();
    let numbers = ports.filter_map(|port| {
        let number = match &port["targetPort"] {
            Value::String(name) => named_port(pod?, name)?,
            Value::Null => port["port"].as_i64()?,
            number => number.as_i64()?,
        };
        let protocol = port["protocol"].as_str().unwrap_or("TCP");
        Some(json!({ "name": port["name"].as_str().unwrap_or_default(), "port": number, "protocol": protocol }))
    });
    numbers.collect()
}

fn named_port(pod: &Value, name: &str) -> Option<i64> {
    let containers = pod["spec"]["containers"].as_array()?.iter();
    let mut ports = containers.flat_map(|container| container["ports"].as_array().into_iter().flatten());
    ports.find(|port| port["name"] == name)?["containerPort"].as_i64()
}
