//! The Services whose selectors the controller keeps on a revision.

use serde_json::Value;

use super::Search;
use crate::api::labels::{MANAGED_BY, POD_TEMPLATE_HASH};
use crate::validate::canary::CANARY;
use crate::validate::template;

const BLUE_GREEN: &str = "spec.strategy.blueGreen";

pub(super) fn check(search: &mut Search<'_>, template: Option<&Value>) {
    for (field, name) in managed(search) {
        if let Some(service) = search.find(&field, "", "Service", &name) {
            check_one(search, &field, &name, &service, template);
        }
    }
    // Root services are named in routes, and nothing is kept on them.
    for (field, name) in roots(search) {
        search.find(&field, "", "Service", &name);
    }
}

fn managed(search: &Search<'_>) -> Vec<(String, String)> {
    let strategy = &search.rollout.spec.strategy;
    let mut services = Vec::new();
    if let Some(blue_green) = &strategy.blue_green {
        services.push((format!("{BLUE_GREEN}.activeService"), Some(blue_green.active_service.clone())));
        services.push((format!("{BLUE_GREEN}.previewService"), blue_green.preview_service.clone()));
    }
    if let Some(canary) = &strategy.canary {
        services.push((format!("{CANARY}.canaryService"), canary.canary_service.clone()));
        services.push((format!("{CANARY}.stableService"), canary.stable_service.clone()));
        if let Some(pair) = &canary.ping_pong {
            services.push((format!("{CANARY}.pingPong.pingService"), Some(pair.ping_service.clone())));
            services.push((format!("{CANARY}.pingPong.pongService"), Some(pair.pong_service.clone())));
        }
    }
    named(services)
}

fn roots(search: &Search<'_>) -> Vec<(String, String)> {
    let routing = search.rollout.spec.strategy.canary.as_ref().and_then(|canary| canary.traffic_routing.as_ref());
    let Some(routing) = routing else { return Vec::new() };
    let alb = routing.alb.as_ref().and_then(|alb| alb.root_service.clone());
    let smi = routing.smi.as_ref().and_then(|smi| smi.root_service.clone());
    let field = |router: &str| format!("{CANARY}.trafficRouting.{router}.rootService");
    named(vec![(field("alb"), alb), (field("smi"), smi)])
}

fn named(services: Vec<(String, Option<String>)>) -> Vec<(String, String)> {
    services.into_iter().filter_map(|(field, name)| Some((field, name.filter(|name| !name.is_empty())?))).collect()
}

fn check_one(search: &mut Search<'_>, field: &str, name: &str, service: &Value, template: Option<&Value>) {
    let manager = service.get("metadata").and_then(|metadata| metadata.get("annotations")?.get(MANAGED_BY)?.as_str());
    if manager.is_some_and(|manager| Some(manager) != search.rollout.metadata.name.as_deref()) {
        search.found.invalid(field, &name, &format!("Service {name:?} is managed by another Rollout"));
    }
    let selector = service.pointer("/spec/selector").and_then(Value::as_object);
    if selector.is_none_or(serde_json::Map::is_empty) {
        // Of ours: the controller adds the revision to the selector, which then takes in pods of every workload.
        search.found.warn(field, format!("Service {name:?} has no selector, so nothing ties it to this rollout"));
    }
    let Some(template) = template else { return };
    let labels = template::labels(template);
    for (key, value) in selector.into_iter().flatten() {
        if key != POD_TEMPLATE_HASH && labels.get(key).map(String::as_str) != value.as_str() {
            let detail = format!("Service {name:?} has unmatch label {key:?} in rollout");
            search.found.invalid(field, &name, &detail);
        }
    }
}
