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
        check_all(search, &field, &text(&nginx.stable_ingress), &nginx.stable_ingresses, "es", &backend);
    }
    if let Some(alb) = &routing.alb {
        let root = text(&alb.root_service);
        let backend = if root.is_empty() { service_of(canary) } else { root };
        let field = format!("{CANARY}.trafficRouting.alb.ingress");
        check_all(search, &field, &alb.ingress, &alb.ingresses, "es", &backend);
    }
}

/// The Service that clients reach.
fn service_of(canary: &CanaryStrategy) -> String {
    canary.stable_service.clone().unwrap_or_default()
}

fn check_all(search: &mut Search<'_>, field: &str, one: &str, several: &[String], plural: &str, backend: &str) {
    let single = (!one.is_empty()).then(|| (field.to_owned(), one));
    let rest = several.iter().enumerate().map(|(index, name)| (format!("{field}{plural}[{index}]"), name.as_str()));
    for (field, name) in single.into_iter().chain(rest) {
        let Some(ingress) = search.find(&field, "networking.k8s.io", "Ingress", name) else { continue };
        if !backend.is_empty() && !routes_to(&ingress, backend) {
            let detail = format!("ingress `{name}` has no rules using service {backend} backend");
            search.found.invalid(field, &name, &detail);
        }
    }
}

fn routes_to(ingress: &Value, service: &str) -> bool {
    let items =
        |value: &Value, pointer: &str| value.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default();
    items(ingress, "/spec/rules").iter().flat_map(|rule| items(rule, "/http/paths")).any(|path| {
        let names = ["/backend/service/name", "/backend/serviceName"];
        names.iter().any(|pointer| path.pointer(pointer).and_then(Value::as_str) == Some(service))
    })
}
