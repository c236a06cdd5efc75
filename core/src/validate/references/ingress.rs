//! Ingresses of nginx and ALB: each must route to the Service whose traffic is split.

use serde_json::Value;

use super::Search;
use crate::api::CanaryStrategy;
use crate::validate::canary::CANARY;

pub(super) fn check(search: &mut Search<'_>) {
    let Some(canary) = &search.rollout.spec.strategy.canary else { return };
    let Some(routing) = &canary.traffic_routing else { return };
    let text = |name: &Option<String>| name.clone().unwrap_or_default();
    if let Some(nginx) = &routing.nginx {
        let backend = service_of(canary);
        let field = format!("{CANARY}.trafficRouting.nginx.stableIngress");
        check_all(search, &field, &text(&nginx.stable_ingress), &nginx.stable_ingresses, &backend, None);
    }
    if let Some(alb) = &routing.alb {
        let root = text(&alb.root_service);
        let backend = if root.is_empty() { service_of(canary) } else { root };
        let field = format!("{CANARY}.trafficRouting.alb.ingress");
        check_all(search, &field, &alb.ingress, &alb.ingresses, &backend, Some("use-annotation"));
    }
}

/// The Service that clients reach.
fn service_of(canary: &CanaryStrategy) -> String {
    canary.stable_service.clone().unwrap_or_default()
}

/// Each must lead to the Service, through this port where one is given.
fn check_all(search: &mut Search<'_>, field: &str, one: &str, several: &[String], backend: &str, port: Option<&str>) {
    let single = (!one.is_empty()).then(|| (field.to_owned(), one));
    let rest = several.iter().enumerate().map(|(index, name)| (format!("{field}es[{index}]"), name.as_str()));
    for (field, name) in single.into_iter().chain(rest) {
        let Some(ingress) = search.find(&field, "networking.k8s.io", "Ingress", name) else { continue };
        let paths = paths_to(&ingress, backend);
        if !backend.is_empty() && paths.is_empty() {
            let detail = format!("ingress `{name}` has no rules using service {backend} backend");
            search.found.invalid(field, &name, &detail);
        } else if let Some(port) = port.filter(|port| !paths.iter().any(|path| has_port(path, port))) {
            // Of ours: Argo Rollouts writes weights that no load balancer reads.
            search.found.warn(
                field,
                format!("no path to service {backend} has the port {port:?}, so its weights are not read"),
            );
        }
    }
}

fn has_port(path: &Value, port: &str) -> bool {
    let names = ["/backend/service/port/name", "/backend/servicePort"];
    names.iter().any(|pointer| path.pointer(pointer).and_then(Value::as_str) == Some(port))
}

fn paths_to(ingress: &Value, service: &str) -> Vec<Value> {
    let items =
        |value: &Value, pointer: &str| value.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default();
    let all = items(ingress, "/spec/rules").into_iter().flat_map(|rule| items(&rule, "/http/paths"));
    all.filter(|path| {
        let names = ["/backend/service/name", "/backend/serviceName"];
        names.iter().any(|pointer| path.pointer(pointer).and_then(Value::as_str) == Some(service))
    })
    .collect()
}
