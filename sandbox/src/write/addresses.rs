//! The addresses and ports that the API server gives to Services.

use serde_json::{Value, json};

use super::map;
use crate::state::State;

/// Gives a Service the cluster address and the node ports that its type needs and that it does not bring.
pub fn allocate(state: &State, service: &mut Value) {
    let kind = service["spec"]["type"].as_str().unwrap_or_default().to_owned();
    if kind == "ExternalName" {
        return;
    }
    let taken = |address: &str| state.store.list("services", None).any(|other| other["spec"]["clusterIP"] == address);
    if service["spec"]["clusterIP"].as_str().is_none_or(str::is_empty) {
        let free = (1..=u16::MAX).map(|n| format!("10.96.{}.{}", n >> 8, n & 0xff)).find(|address| !taken(address));
        let Some(address) = free else { return };
        map(service, "spec").insert("clusterIP".into(), json!(address));
    }
    let address = service["spec"]["clusterIP"].clone();
    map(service, "spec").entry("clusterIPs").or_insert_with(|| json!([address]));
    if !["NodePort", "LoadBalancer"].contains(&kind.as_str()) {
        return;
    }
    let used = |port: i64| {
        let services = state.store.list("services", None);
        let mut ports = services.flat_map(|service| service["spec"]["ports"].as_array().into_iter().flatten());
        ports.any(|other| other["nodePort"] == port)
    };
    let mut free = (30_000..32_768).filter(|port| !used(*port));
    for port in service["spec"]["ports"].as_array_mut().into_iter().flatten() {
        if port["nodePort"].is_null()
            && let Some(free) = free.next()
        {
            port["nodePort"] = json!(free);
        }
    }
}
