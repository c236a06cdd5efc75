//! Services.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::common::{PROTOCOLS, one_of, port, port_or_name};
use super::metadata::labels;
use super::names::{self, report};
use crate::read::{at, is_empty, items, number, text};
use crate::refusal::Cause;

const DAY: i64 = 86_400;

/// A Service; with `old`, an update of it.
pub(super) fn service(out: &mut Vec<Cause>, object: &Value, old: Option<&Value>) {
    let spec = at(object, "spec");
    if let Some(old) = old {
        fixed_addresses(out, spec, at(old, "spec"));
    }
    let kind = text(spec, "type");
    match kind {
        "LoadBalancer" | "NodePort" => no_headless(out, spec, kind),
        "ExternalName" => external_name(out, spec),
        _ => {}
    }
    let all_ports = items(spec, "ports");
    let is_headless = text(spec, "clusterIP") == "None";
    if all_ports.is_empty() && !is_headless && kind != "ExternalName" {
        out.push(Cause::required("spec.ports", ""));
    }
    ports(out, all_ports, kind);
    labels(out, "spec.selector", at(spec, "selector"));
    affinity(out, spec);
    addresses(out, spec);
    one_of(out, spec, "spec", "type", &["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"]);
    duplicate_ports(out, all_ports);
    external_traffic(out, spec, kind);
    one_of(out, spec, "spec", "internalTrafficPolicy", &["Cluster", "Local"]);
    one_of(out, spec, "spec", "ipFamilyPolicy", &["PreferDualStack", "RequireDualStack", "SingleStack"]);
    one_of(out, spec, "spec", "trafficDistribution", &["PreferClose", "PreferSameZone", "PreferSameNode"]);
    if kind != "LoadBalancer" {
        for name in ["loadBalancerClass", "allocateLoadBalancerNodePorts"] {
            if !at(spec, name).is_null() {
                out.push(Cause::forbidden(format!("spec.{name}"), "may only be used when `type` is 'LoadBalancer'"));
            }
        }
    }
}

fn no_headless(out: &mut Vec<Cause>, spec: &Value, kind: &str) {
    if text(spec, "clusterIP") == "None" {
        let detail = format!("may not be set to 'None' for {kind} services");
        out.push(Cause::invalid("spec.clusterIPs[0]", &json!("None"), &detail));
    }
}

fn external_name(out: &mut Vec<Cause>, spec: &Value) {
    if !is_empty(spec, "clusterIPs") || !is_empty(spec, "clusterIP") {
        out.push(Cause::forbidden("spec.clusterIPs", "may not be set for ExternalName services"));
    }
    let name = text(spec, "externalName");
    let rule = |name: &str| names::dns_subdomain(name.strip_suffix('.').unwrap_or(name));
    names::required(out, "spec.externalName", name, rule);
}

fn ports(out: &mut Vec<Cause>, ports: &[Value], kind: &str) {
    let mut taken = BTreeSet::new();
    for (index, entry) in ports.iter().enumerate() {
        let field = format!("spec.ports[{index}]");
        let name = text(entry, "name");
        if name.is_empty() && ports.len() > 1 {
            out.push(Cause::required(format!("{field}.name"), ""));
        } else if !name.is_empty() {
            let field = format!("{field}.name");
            report(out, &field, name, names::dns_label(name));
            if !taken.insert(name) {
                out.push(Cause::duplicate(field, &json!(name)));
            }
        }
        port(out, &format!("{field}.port"), number(entry, "port").unwrap_or_default());
        one_of(out, entry, &field, "protocol", &PROTOCOLS);
        port_or_name(out, &format!("{field}.targetPort"), at(entry, "targetPort"));
        let app_protocol = text(entry, "appProtocol");
        if !app_protocol.is_empty() {
            report(out, &format!("{field}.appProtocol"), app_protocol, names::qualified(app_protocol));
        }
        if kind == "ClusterIP" && number(entry, "nodePort").is_some_and(|port| port != 0) {
            out.push(Cause::forbidden(format!("{field}.nodePort"), "may not be used when `type` is 'ClusterIP'"));
        }
    }
}

/// The same number in the same protocol, told with the port as the API server holds it.
fn duplicate_ports(out: &mut Vec<Cause>, ports: &[Value]) {
    let mut taken = BTreeSet::new();
    for (index, entry) in ports.iter().enumerate() {
        let (protocol, number) = (text(entry, "protocol"), number(entry, "port").unwrap_or_default());
        if !taken.insert((protocol, number)) {
            let message = format!(
                "Duplicate value: {{\"Name\":\"\",\"Protocol\":{protocol:?},\"AppProtocol\":null,\"Port\":{number},\
                 \"TargetPort\":0,\"NodePort\":0}}"
            );
            out.push(Cause { reason: "FieldValueDuplicate", message, field: format!("spec.ports[{index}]") });
        }
    }
}

fn affinity(out: &mut Vec<Cause>, spec: &Value) {
    one_of(out, spec, "spec", "sessionAffinity", &["ClientIP", "None"]);
    if text(spec, "sessionAffinity") == "ClientIP"
        && let Some(seconds) = number(spec, "sessionAffinityConfig.clientIP.timeoutSeconds")
        && !(1..=DAY).contains(&seconds)
    {
        let detail = format!("must be greater than 0 and less than {DAY}");
        out.push(Cause::invalid("spec.sessionAffinityConfig.clientIP.timeoutSeconds", &json!(seconds), &detail));
    }
}

fn addresses(out: &mut Vec<Cause>, spec: &Value) {
    for (list, may_be_none) in [("clusterIPs", true), ("externalIPs", false)] {
        for (index, address) in items(spec, list).iter().filter_map(Value::as_str).enumerate() {
            if !(may_be_none && address == "None") {
                report(out, &format!("spec.{list}[{index}]"), address, names::ip_address(address));
            }
        }
    }
}

fn external_traffic(out: &mut Vec<Cause>, spec: &Value, kind: &str) {
    let policy = text(spec, "externalTrafficPolicy");
    let is_reachable = matches!(kind, "NodePort" | "LoadBalancer") || !is_empty(spec, "externalIPs");
    if is_reachable {
        one_of(out, spec, "spec", "externalTrafficPolicy", &["Cluster", "Local"]);
    } else if !policy.is_empty() {
        let detail = "may only be set for externally-accessible services";
        out.push(Cause::invalid("spec.externalTrafficPolicy", &json!(policy), detail));
    }
}

/// Addresses stay with a Service for as long as it has any.
fn fixed_addresses(out: &mut Vec<Cause>, new: &Value, old: &Value) {
    let had = |spec: &Value| !matches!(text(spec, "type"), "ExternalName") && !is_empty(spec, "clusterIPs");
    if !had(old) || text(new, "type") == "ExternalName" {
        return;
    }
    let (first, second) = (items(new, "clusterIPs"), items(old, "clusterIPs"));
    let single = text(new, "clusterIP");
    let moved = !single.is_empty() && single != text(old, "clusterIP");
    if moved || (!first.is_empty() && first[0] != second[0]) {
        let list = if moved { json!([single]) } else { json!(first) };
        out.push(Cause::invalid("spec.clusterIPs[0]", &list, "may not change once set"));
    }
}
