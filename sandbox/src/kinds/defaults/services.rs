//! Defaults of Services, in a cluster that has IPv4 alone. Addresses and node ports are allocated elsewhere.

use serde_json::{Value, json};

use super::fill::Literal::{Bool, Empty, Number, Text};
use super::fill::{apply, drop_field, each, unset, zero};
use crate::read::{is_empty, items, text};

/// Three hours.
const AFFINITY_SECONDS: i64 = 10_800;

/// A Service.
pub(super) fn default(service: &mut Value) {
    apply(
        service,
        &[
            zero("spec!", "type", Text("ClusterIP")),
            zero("spec!", "sessionAffinity", Text("None")),
            zero("spec.ports[]", "protocol", Text("TCP")),
            unset("status!", "loadBalancer", Empty),
        ],
    );
    each(service, "spec.ports[]", &mut target_port);
    each(service, "spec", &mut |spec| {
        match text(spec, "sessionAffinity") {
            "ClientIP" => {
                apply(spec, &[unset("sessionAffinityConfig!.clientIP!", "timeoutSeconds", Number(AFFINITY_SECONDS))]);
            }
            "None" => drop_field(spec, "", "sessionAffinityConfig"),
            _ => {}
        }
        let kind = text(spec, "type").to_owned();
        if matches!(kind.as_str(), "ClusterIP" | "NodePort" | "LoadBalancer") {
            apply(spec, &[unset("", "internalTrafficPolicy", Text("Cluster"))]);
        }
        if matches!(kind.as_str(), "NodePort" | "LoadBalancer") || !is_empty(spec, "externalIPs") {
            apply(spec, &[zero("", "externalTrafficPolicy", Text("Cluster"))]);
        }
        if kind == "LoadBalancer" {
            apply(spec, &[unset("", "allocateLoadBalancerNodePorts", Bool(true))]);
        }
    });
}

/// What follows from the addresses of a Service that has some.
pub(super) fn admit(service: &mut Value) {
    each(service, "spec", &mut |spec| {
        if matches!(text(spec, "type"), "ClusterIP" | "NodePort" | "LoadBalancer") {
            addresses(spec);
        }
    });
}

/// A port's target is the port itself, unless the Service says otherwise.
fn target_port(port: &mut Value) {
    let number = port.get("port").cloned().unwrap_or(json!(0));
    let Some(port) = port.as_object_mut() else { return };
    let target = port.entry("targetPort").or_insert(Value::Null);
    if target.is_null() || target == 0 || target == "" {
        *target = number;
    }
}

/// The list of addresses repeats the single one, and says which families there are.
fn addresses(spec: &mut Value) {
    let address = text(spec, "clusterIP").to_owned();
    let headless_without_selector = address == "None" && is_empty(spec, "selector");
    let family = if address.contains(':') { "IPv6" } else { "IPv4" };
    let first = items(spec, "clusterIPs").first().cloned();
    let Some(fields) = spec.as_object_mut() else { return };
    let mut add = |field: &str, value: Value| {
        let field = fields.entry(field).or_insert(Value::Null);
        if field.is_null() || field == "" || field.as_array().is_some_and(Vec::is_empty) {
            *field = value;
        }
    };
    match first {
        None if !address.is_empty() => add("clusterIPs", json!([address])),
        Some(first) if address.is_empty() => add("clusterIP", first),
        _ => {}
    }
    // Whoever makes such endpoints by hand may have both families, even where the cluster has one.
    let both = headless_without_selector && fields.get("ipFamilyPolicy").is_none_or(Value::is_null);
    add_families(fields, if both { json!(["IPv4", "IPv6"]) } else { json!([family]) });
    let policy = if both { "RequireDualStack" } else { "SingleStack" };
    apply(spec, &[unset("", "ipFamilyPolicy", Text(policy))]);
}

fn add_families(fields: &mut serde_json::Map<String, Value>, families: Value) {
    let field = fields.entry("ipFamilies").or_insert(Value::Null);
    if field.as_array().is_none_or(Vec::is_empty) {
        *field = families;
    }
}
