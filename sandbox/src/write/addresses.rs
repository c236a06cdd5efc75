//! The addresses and ports that the API server gives to Services.

use serde_json::{Value, json};

use super::map;
use crate::object;
use crate::refusal::Cause;
use crate::state::State;

/// The node ports that are given out, and the addresses that `10.96.0.0/16` begins with.
const NODE_PORTS: std::ops::Range<i64> = 30_000..32_768;

/// Gives a Service the cluster address and the node ports that its type needs and that it does not bring.
pub fn allocate(state: &State, service: &mut Value) {
    let kind = service["spec"]["type"].as_str().unwrap_or_default().to_owned();
    if kind == "ExternalName" {
        return;
    }
    if service["spec"]["clusterIP"].as_str().is_none_or(str::is_empty) {
        let addresses = (1..=u16::MAX).map(|n| format!("10.96.{}.{}", n >> 8, n & 0xff));
        let free = addresses.into_iter().find(|address| !has_address(state, service, address));
        let Some(address) = free else { return };
        map(service, "spec").insert("clusterIP".into(), json!(address));
    }
    let address = service["spec"]["clusterIP"].clone();
    map(service, "spec").entry("clusterIPs").or_insert_with(|| json!([address]));
    if !["NodePort", "LoadBalancer"].contains(&kind.as_str()) {
        return;
    }
    let free: Vec<i64> = NODE_PORTS.filter(|port| !has_port(state, service, *port)).collect();
    let mut free = free.into_iter();
    for port in service["spec"]["ports"].as_array_mut().into_iter().flatten() {
        if port["nodePort"].is_null()
            && let Some(free) = free.next()
        {
            port["nodePort"] = json!(free);
        }
    }
}

/// What a Service wants that another one has already.
pub fn check(state: &State, service: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let address = service["spec"]["clusterIP"].as_str().filter(|address| !["", "None"].contains(address));
    if let Some(address) = address.filter(|address| has_address(state, service, address)) {
        let why = format!("failed to allocate IP {address}: provided IP is already allocated");
        causes.push(Cause::invalid("spec.clusterIPs", &service["spec"]["clusterIPs"], &why));
    }
    for (index, port) in service["spec"]["ports"].as_array().into_iter().flatten().enumerate() {
        if port["nodePort"].as_i64().is_some_and(|number| has_port(state, service, number)) {
            let field = format!("spec.ports[{index}].nodePort");
            causes.push(Cause::invalid(field, &port["nodePort"], "provided port is already allocated"));
        }
    }
    causes
}

fn others<'a>(state: &'a State, service: &'a Value) -> impl Iterator<Item = &'a Value> {
    let all = state.store.list("services", None).map(AsRef::as_ref);
    all.filter(|other: &&Value| object::uid(other) != object::uid(service))
}

fn has_address(state: &State, service: &Value, address: &str) -> bool {
    others(state, service).any(|other| other["spec"]["clusterIP"] == address)
}

/// Whether another Service has a node port, or this one has it at another of its ports.
fn has_port(state: &State, service: &Value, port: i64) -> bool {
    let count = |service: &Value| {
        let ports = service["spec"]["ports"].as_array().into_iter().flatten();
        ports.filter(|other| other["nodePort"] == port).count()
    };
    others(state, service).any(|other| count(other) > 0) || count(service) > 1
}
