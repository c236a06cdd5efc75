//! Where traffic goes: `EndpointSlice`s, Endpoints, Ingresses and `NetworkPolicies`.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde_json::{Value, json};

use super::common::{PROTOCOLS, immutable, one_of, port, selector};
use super::names::{self, report};
use crate::read::{at, is_empty, items, number, text};
use crate::refusal::Cause;

const ADDRESS_TYPES: [&str; 3] = ["FQDN", "IPv4", "IPv6"];
const LOOPBACK: &str = "may not be in the loopback range (127.0.0.0/8, ::1/128)";

/// An `EndpointSlice`; with `old`, an update of it.
pub(super) fn endpoint_slice(out: &mut Vec<Cause>, object: &Value, old: Option<&Value>) {
    let kind = text(object, "addressType");
    if kind.is_empty() {
        out.push(Cause::required("addressType", ""));
    }
    if !kind.is_empty() && !ADDRESS_TYPES.contains(&kind) {
        out.push(Cause::not_supported("addressType", &json!(kind), &ADDRESS_TYPES));
    }
    if let Some(old) = old
        && kind != text(old, "addressType")
    {
        return immutable(out, "addressType", at(object, "addressType"), at(old, "addressType"));
    }
    for (index, endpoint) in items(object, "endpoints").iter().enumerate() {
        let field = format!("endpoints[{index}]");
        if is_empty(endpoint, "addresses") {
            out.push(Cause::required(format!("{field}.addresses"), "must contain at least 1 address"));
        }
        for (index, address) in items(endpoint, "addresses").iter().filter_map(Value::as_str).enumerate() {
            slice_address(out, &format!("{field}.addresses"), index, address, kind);
        }
        let hostname = text(endpoint, "hostname");
        if !hostname.is_empty() {
            report(out, &format!("{field}.hostname"), hostname, names::dns_label(hostname));
        }
    }
    let mut taken = BTreeSet::new();
    for (index, entry) in items(object, "ports").iter().enumerate() {
        let field = format!("ports[{index}]");
        let name = text(entry, "name");
        if !name.is_empty() {
            report(out, &format!("{field}.name"), name, names::dns_label(name));
        }
        if !taken.insert(name) {
            out.push(Cause::duplicate(format!("{field}.name"), &json!(name)));
        }
        one_of(out, entry, &field, "protocol", &PROTOCOLS);
    }
}

fn slice_address(out: &mut Vec<Cause>, list: &str, index: usize, address: &str, kind: &str) {
    let field = format!("{list}[{index}]");
    if kind == "FQDN" {
        return report(out, &field, address, names::dns_subdomain(address.strip_suffix('.').unwrap_or(address)));
    }
    let wrong = names::ip_address(address);
    if !wrong.is_empty() {
        return report(out, &field, address, wrong);
    }
    let is_other = address.contains(':') == (kind == "IPv4");
    if is_other && matches!(kind, "IPv4" | "IPv6") {
        out.push(Cause::invalid(list, &json!(address), &format!("must be an {kind} address")));
    }
    special_address(out, &field, address);
}

/// Addresses that no endpoint can have.
fn special_address(out: &mut Vec<Cause>, field: &str, address: &str) {
    let Ok(parsed) = address.parse::<IpAddr>() else { return };
    let mut wrong = |detail: &str| out.push(Cause::invalid(field, &json!(address), detail));
    if parsed.is_unspecified() {
        wrong("may not be unspecified (0.0.0.0 or ::)");
    }
    if parsed.is_loopback() {
        wrong(LOOPBACK);
    }
}

/// Endpoints, which are old but not gone.
pub(super) fn endpoints(out: &mut Vec<Cause>, object: &Value) {
    for (index, subset) in items(object, "subsets").iter().enumerate() {
        let field = format!("subsets[{index}]");
        if is_empty(subset, "addresses") && is_empty(subset, "notReadyAddresses") {
            out.push(Cause::required(&field, "must specify `addresses` or `notReadyAddresses`"));
        }
        for list in ["addresses", "notReadyAddresses"] {
            for (index, address) in items(subset, list).iter().enumerate() {
                let (field, ip) = (format!("{field}.{list}[{index}].ip"), text(address, "ip"));
                let wrong = names::ip_address(ip);
                if wrong.is_empty() {
                    special_address(out, &field, ip);
                } else {
                    report(out, &field, ip, wrong);
                    report(out, &field, ip, vec!["must be a valid IP address".to_owned()]);
                }
            }
        }
        let ports = items(subset, "ports");
        for (index, entry) in ports.iter().enumerate() {
            let (field, name) = (format!("{field}.ports[{index}]"), text(entry, "name"));
            if name.is_empty() && ports.len() > 1 {
                out.push(Cause::required(format!("{field}.name"), ""));
            } else if !name.is_empty() {
                report(out, &format!("{field}.name"), name, names::dns_label(name));
            }
            port(out, &format!("{field}.port"), number(entry, "port").unwrap_or_default());
            one_of(out, entry, &field, "protocol", &PROTOCOLS);
        }
    }
}

/// An Ingress.
pub(super) fn ingress(out: &mut Vec<Cause>, object: &Value) {
    let spec = at(object, "spec");
    if is_empty(spec, "rules") && at(spec, "defaultBackend").is_null() {
        let detail = "either `defaultBackend` or `rules` must be specified";
        out.push(Cause::invalid("spec", &Value::Null, detail));
    }
    if !at(spec, "defaultBackend").is_null() {
        backend(out, "spec.defaultBackend", at(spec, "defaultBackend"));
    }
    for (index, rule) in items(spec, "rules").iter().enumerate() {
        let field = format!("spec.rules[{index}]");
        host(out, &format!("{field}.host"), text(rule, "host"));
        for (index, path) in items(rule, "http.paths").iter().enumerate() {
            ingress_path(out, &format!("{field}.http.paths[{index}]"), path);
        }
    }
}

fn host(out: &mut Vec<Cause>, field: &str, host: &str) {
    if host.is_empty() {
        return;
    }
    if host.parse::<IpAddr>().is_ok() {
        return out.push(Cause::invalid(field, &json!(host), "must be a DNS name, not an IP address"));
    }
    report(out, field, host, names::dns_subdomain(host.strip_prefix("*.").unwrap_or(host)));
}

fn ingress_path(out: &mut Vec<Cause>, field: &str, path: &Value) {
    let kind = text(path, "pathType");
    let value = text(path, "path");
    match kind {
        "" => out.push(Cause::required(format!("{field}.pathType"), "pathType must be specified")),
        "Exact" | "Prefix" if !value.starts_with('/') => {
            out.push(Cause::invalid(format!("{field}.path"), &json!(value), "must be an absolute path"));
        }
        _ => one_of(out, path, field, "pathType", &["Exact", "ImplementationSpecific", "Prefix"]),
    }
    backend(out, &format!("{field}.backend"), at(path, "backend"));
}

fn backend(out: &mut Vec<Cause>, field: &str, backend: &Value) {
    let service = at(backend, "service");
    if service.is_null() {
        if at(backend, "resource").is_null() {
            out.push(Cause::invalid(field, &json!(""), "resource or service backend is required"));
        }
        return;
    }
    names::required(out, &format!("{field}.service.name"), text(service, "name"), names::dns_1035_label);
    if is_empty(service, "port.name") && number(service, "port.number").unwrap_or_default() == 0 {
        out.push(Cause::required(field, "port name or number is required"));
    }
}

/// A `NetworkPolicy`.
pub(super) fn network_policy(out: &mut Vec<Cause>, object: &Value) {
    let spec = at(object, "spec");
    selector(out, "spec.podSelector", at(spec, "podSelector"));
    for (index, kind) in items(spec, "policyTypes").iter().enumerate() {
        if !matches!(kind.as_str(), Some("Ingress" | "Egress")) {
            out.push(Cause::not_supported(format!("spec.policyTypes[{index}]"), kind, &["Ingress", "Egress"]));
        }
    }
}
