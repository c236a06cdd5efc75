//! Services and what traffic passes on its way.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::cells::{NONE, first_few, labels, name, or_none, selector, text_or_none, texts, written};
use super::duration::age;
use crate::read::{at, is_empty, items, number, text};

/// How many of a list are shown.
const SHOWN: usize = 3;

/// The cells of a Service.
pub(super) fn service(object: &Value, now: Timestamp) -> Vec<Value> {
    let kind = text(object, "spec.type");
    vec![
        name(object),
        json!(kind),
        or_none(items(object, "spec.clusterIPs").first().and_then(Value::as_str).unwrap_or_default()),
        json!(external_address(object, kind)),
        or_none(&service_ports(object)),
        age(object, now),
        labels(at(object, "spec.selector")),
    ]
}

fn external_address(service: &Value, kind: &str) -> String {
    let external: Vec<String> =
        items(service, "spec.externalIPs").iter().filter_map(Value::as_str).map(str::to_owned).collect();
    match kind {
        "ExternalName" => text(service, "spec.externalName").to_owned(),
        "LoadBalancer" => {
            let mut all = ingress_addresses(service);
            all.extend(external);
            if all.is_empty() { "<pending>".to_owned() } else { all.join(",") }
        }
        _ if external.is_empty() => NONE.to_owned(),
        _ => external.join(","),
    }
}

/// The addresses of a load balancer, by number or name.
fn ingress_addresses(object: &Value) -> Vec<String> {
    let address = |ingress: &Value| match text(ingress, "ip") {
        "" => text(ingress, "hostname").to_owned(),
        ip => ip.to_owned(),
    };
    items(object, "status.loadBalancer.ingress").iter().map(address).collect()
}

fn service_ports(service: &Value) -> String {
    let shown = |port: &Value| {
        let number = |name: &str| number(port, name).unwrap_or_default();
        let outside = match number("nodePort") {
            0 => String::new(),
            node_port => format!(":{node_port}"),
        };
        format!("{}{outside}/{}", number("port"), text(port, "protocol"))
    };
    items(service, "spec.ports").iter().map(shown).collect::<Vec<_>>().join(",")
}

/// The cells of an `EndpointSlice`.
pub(super) fn endpoint_slice(object: &Value, now: Timestamp) -> Vec<Value> {
    let ports: Vec<String> =
        items(object, "ports").iter().map(|port| written(at(port, "port"), text(port, "name"))).collect();
    let addresses: Vec<String> = items(object, "endpoints")
        .iter()
        .flat_map(|endpoint| items(endpoint, "addresses"))
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    let or_unset = |all: &[String]| if all.is_empty() { "<unset>".to_owned() } else { first_few(all, SHOWN, ",") };
    vec![
        name(object),
        json!(text(object, "addressType")),
        json!(or_unset(&ports)),
        json!(or_unset(&addresses)),
        age(object, now),
    ]
}

/// The cells of Endpoints.
pub(super) fn endpoints(object: &Value, now: Timestamp) -> Vec<Value> {
    let mut all = Vec::new();
    for subset in items(object, "subsets") {
        let ports = items(subset, "ports");
        let addresses = || items(subset, "addresses").iter().map(|address| text(address, "ip"));
        if ports.is_empty() {
            all.extend(addresses().map(str::to_owned));
        }
        for port in ports {
            let port = number(port, "port").unwrap_or_default();
            all.extend(
                addresses().map(|ip| if ip.contains(':') { format!("[{ip}]:{port}") } else { format!("{ip}:{port}") }),
            );
        }
    }
    vec![name(object), or_none(&first_few(&all, SHOWN, ",")), age(object, now)]
}

/// The cells of an Ingress.
pub(super) fn ingress(object: &Value, now: Timestamp) -> Vec<Value> {
    let hosts = texts(object, "spec.rules", "host");
    let hosts = if hosts.is_empty() { "*".to_owned() } else { first_few(&hosts, SHOWN, ",") };
    vec![
        name(object),
        text_or_none(object, "spec.ingressClassName"),
        json!(hosts),
        json!(ingress_addresses(object).join(",")),
        json!(if is_empty(object, "spec.tls") { "80" } else { "80, 443" }),
        age(object, now),
    ]
}

/// The cells of a `NetworkPolicy`.
pub(super) fn network_policy(object: &Value, now: Timestamp) -> Vec<Value> {
    vec![name(object), selector(at(object, "spec.podSelector")), age(object, now)]
}
