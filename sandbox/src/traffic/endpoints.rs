//! The addresses behind a destination: those of its Service's EndpointSlices that are ready now.

use serde_json::Value;

use super::objects::Objects;
use super::table::{Destination, Port};
use crate::network::Endpoint;
use crate::object;
use crate::read::{items, number, text};

const SERVICE: &str = "kubernetes.io/service-name";

/// The addresses, each with its port; or why there can be none.
pub fn ready(objects: &Objects, to: &Destination) -> Result<Vec<Endpoint>, String> {
    let Destination { namespace, service: name, .. } = to;
    let Some(service) = objects.get("Service", namespace, name) else {
        return Err(format!("there is no Service {name:?} in the namespace {namespace:?}"));
    };
    let ports = items(service, "spec.ports");
    let port = match &to.port {
        Port::Only => ports.first(),
        Port::Number(number) => ports.iter().find(|port| port["port"] == *number),
        Port::Name(name) => ports.iter().find(|port| port["name"] == name.as_str()),
    };
    let Some(port) = port else { return Err(format!("the Service {name:?} has no port {:?}", to.port)) };
    let port = text(port, "name");
    let slices = objects.all("EndpointSlice").iter().filter(|slice| {
        object::namespace(slice) == namespace && object::labels(slice).get(SERVICE).is_some_and(|of| of == name)
    });
    let mut endpoints = Vec::new();
    for slice in slices {
        let Some(port) = items(slice, "ports").iter().find(|it| text(it, "name") == port) else { continue };
        let Some(port) = number(port, "port") else { continue };
        let ready =
            items(slice, "endpoints").iter().filter(|endpoint| is_ready(endpoint) && is_of(objects, endpoint, to));
        endpoints.extend(ready.filter_map(|endpoint| Some((endpoint["addresses"][0].as_str()?.to_owned(), port))));
    }
    Ok(endpoints)
}

/// One that does not say counts as ready.
fn is_ready(endpoint: &Value) -> bool {
    endpoint["conditions"]["ready"] != false
}

/// Whether its pod is one of the subset.
fn is_of(objects: &Objects, endpoint: &Value, to: &Destination) -> bool {
    if to.labels.is_empty() {
        return true;
    }
    let pod = objects.get("Pod", &to.namespace, text(endpoint, "targetRef.name"));
    pod.is_some_and(|pod| crate::selector::has_all(&to.labels, pod))
}
