//! Endpoints: the same in the older API, under the name of the Service.

use serde_json::{Value, json};

use super::{Group, MANAGER, labels, serves, stamp, target};
use crate::object;
use crate::state::State;
use crate::write::{self, Call, DeleteOptions};

const RESOURCE: &str = "endpoints";
const MANAGED_BY: &str = "endpoints.kubernetes.io/managed-by";
const CONTROLLER: &str = "endpoint-controller";

/// Makes the Endpoints of a Service show these pods. Those that are leaving are not in there.
pub fn write(state: &mut State, service: &Value, groups: &[Group], trigger: Option<&str>) {
    let (namespace, name) = (object::namespace(service), object::name(service));
    let subsets: Vec<Value> = groups.iter().filter_map(subset).collect();
    let headless = service["spec"]["clusterIP"] == "None";
    let mut own = vec![(MANAGED_BY, CONTROLLER)];
    own.extend(headless.then_some(("service.kubernetes.io/headless", "")));
    let labels = labels(service, &own);
    let propose = |mut new: Value| {
        new["metadata"]["labels"] = labels.clone();
        if subsets.is_empty() {
            drop_field(&mut new, "subsets");
        } else {
            new["subsets"] = json!(subsets);
        }
        stamp(&mut new, trigger);
        new
    };
    let resource = state.registry.known(RESOURCE);
    let call = Call::new(&resource, namespace, MANAGER);
    // A refusal says that the namespace is going away, and then nobody needs them.
    let _ = match state.store.get(RESOURCE, namespace, name) {
        None => write::create(state, &call, propose(json!({ "metadata": { "name": name } }))),
        Some(found) if found["metadata"]["labels"] == labels && shows(found, &subsets) => return,
        Some(_) => write::update(state, &call, name, |current| Ok(propose(current.clone()))),
    };
}

/// The Service is gone, and so are its Endpoints.
pub fn remove(state: &mut State, namespace: &str, name: &str) {
    let ours = state.store.get(RESOURCE, namespace, name);
    if ours.is_some_and(|found| object::labels(found).get(MANAGED_BY).is_some_and(|manager| manager == CONTROLLER)) {
        let resource = state.registry.known(RESOURCE);
        // Gone in the meantime is what was wanted.
        let _ = write::delete(state, &Call::new(&resource, namespace, MANAGER), name, &DeleteOptions::default());
    }
}

fn shows(found: &Value, subsets: &[Value]) -> bool {
    found["subsets"].as_array().map_or(&[][..], Vec::as_slice) == subsets
}

fn subset(group: &Group) -> Option<Value> {
    let staying = || group.pods.iter().filter(|pod| !object::is_deleting(pod));
    let mut subset = json!({});
    for (field, ready) in [("addresses", true), ("notReadyAddresses", false)] {
        let addresses: Vec<Value> = staying().filter(|pod| serves(pod) == ready).map(|pod| address(pod)).collect();
        if !addresses.is_empty() {
            subset[field] = json!(addresses);
        }
    }
    if !group.ports.is_empty() {
        subset["ports"] = json!(group.ports.iter().map(named).collect::<Vec<_>>());
    }
    staying().next().map(|_| subset)
}

fn address(pod: &Value) -> Value {
    json!({ "ip": pod["status"]["podIP"], "nodeName": pod["spec"]["nodeName"], "targetRef": target(pod) })
}

/// A port without a name does not have an empty one here.
fn named(port: &Value) -> Value {
    let mut port = port.clone();
    if port["name"] == "" {
        drop_field(&mut port, "name");
    }
    port
}

fn drop_field(object: &mut Value, field: &str) {
    if let Some(fields) = object.as_object_mut() {
        fields.remove(field);
    }
}
