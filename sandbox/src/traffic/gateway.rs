//! Gateways of the Gateway API: which routes they take, for which hosts.

use serde_json::Value;

use super::host::shared;
use super::objects::Objects;
use crate::object;
use crate::read::{at, items, text};

/// The group of its kinds.
pub const GROUP: &str = "gateway.networking.k8s.io";

/// Why a gateway does not take a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// For programs.
    pub reason: &'static str,
    /// For people.
    pub message: String,
}

/// The Gateway that a route names as its parent, and the class it is of; `None` where it names something else, or one that is not
/// there, or one that nobody runs.
pub fn parent<'a>(objects: &'a Objects, route: &Value, parent: &Value) -> Option<(&'a Value, &'a Value)> {
    let is = |field: &str, default: &str| parent[field].as_str().unwrap_or(default) == default;
    if !is("group", GROUP) || !is("kind", "Gateway") {
        return None;
    }
    let namespace = parent["namespace"].as_str().unwrap_or_else(|| object::namespace(route));
    let gateway = objects.get("Gateway", namespace, text(parent, "name"))?;
    Some((gateway, class(objects, gateway)?))
}

/// The class of a Gateway.
pub fn class<'a>(objects: &'a Objects, gateway: &Value) -> Option<&'a Value> {
    objects.get("GatewayClass", "", text(gateway, "spec.gatewayClassName"))
}

/// The listeners of a Gateway that take a route by this reference, each with the hosts that they share.
pub fn attach<'a>(
    objects: &Objects,
    gateway: &'a Value,
    route: &Value,
    parent: &Value,
) -> Result<Vec<(&'a Value, Vec<String>)>, Refused> {
    let refused = |reason, message: String| Err(Refused { reason, message });
    let all = items(gateway, "spec.listeners").iter();
    let named: Vec<&Value> = all
        .filter(|listener| matches!(text(listener, "protocol"), "HTTP" | "HTTPS"))
        .filter(|listener| parent["sectionName"].is_null() || parent["sectionName"] == listener["name"])
        .filter(|listener| parent["port"].is_null() || parent["port"] == listener["port"])
        .collect();
    if named.is_empty() {
        let name = object::name(gateway);
        return refused("NoMatchingParent", format!("the Gateway {name:?} has no listener for HTTP that this names"));
    }
    let allowed: Vec<&Value> = named.into_iter().filter(|it| allows(objects, gateway, it, route)).collect();
    if allowed.is_empty() {
        let namespace = object::namespace(route);
        let message = format!("no listener takes HTTPRoutes of the namespace {namespace:?}; see its allowedRoutes");
        return refused("NotAllowedByListeners", message);
    }
    let hosts: Vec<&str> = items(route, "spec.hostnames").iter().filter_map(Value::as_str).collect();
    let taken = allowed.into_iter().map(|listener| (listener, shared(text(listener, "hostname"), &hosts)));
    let taken: Vec<(&Value, Vec<String>)> = taken.filter(|(_, hosts)| !hosts.is_empty()).collect();
    if taken.is_empty() {
        let message = format!("no listener has one of the hosts {}", hosts.join(", "));
        return refused("NoMatchingListenerHostname", message);
    }
    Ok(taken)
}

/// Whether a listener takes routes of this kind and this namespace.
fn allows(objects: &Objects, gateway: &Value, listener: &Value, route: &Value) -> bool {
    let kinds = items(listener, "allowedRoutes.kinds");
    if !kinds.is_empty() && !kinds.iter().any(|kind| kind["kind"] == "HTTPRoute") {
        return false;
    }
    let namespace = object::namespace(route);
    match text(listener, "allowedRoutes.namespaces.from") {
        "All" => true,
        "Selector" => objects.get("Namespace", "", namespace).is_some_and(|namespace| {
            object::selects(at(listener, "allowedRoutes.namespaces.selector"), &object::labels(namespace))
        }),
        "None" => false,
        _ => namespace == object::namespace(gateway),
    }
}

/// Whether a route may refer to a Service of another namespace.
pub fn is_granted(objects: &Objects, from: &str, namespace: &str, service: &str) -> bool {
    let is_from = |entry: &Value| entry["group"] == GROUP && entry["kind"] == "HTTPRoute" && entry["namespace"] == from;
    let is_to = |entry: &Value| {
        text(entry, "group").is_empty()
            && entry["kind"] == "Service"
            && entry["name"].as_str().is_none_or(|name| name.is_empty() || name == service)
    };
    let there = objects.all("ReferenceGrant").iter().filter(|grant| object::namespace(grant) == namespace);
    from == namespace
        || there
            .into_iter()
            .any(|grant| items(grant, "spec.from").iter().any(is_from) && items(grant, "spec.to").iter().any(is_to))
}
