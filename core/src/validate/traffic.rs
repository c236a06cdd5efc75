//! Rules for traffic routing: which Services it needs, what only some routers can do, and which objects each names.

use super::canary::CANARY;
use super::problem::Problems;
use crate::api::{CanaryStrategy, GATEWAY_API_PLUGIN, GatewayApiTrafficRouting, PingPongSpec, TrafficRouting};

pub(super) fn check(canary: &CanaryStrategy, found: &mut Problems) {
    if let Some(ping_pong) = &canary.ping_pong {
        check_ping_pong(ping_pong, canary.traffic_routing.as_ref(), found);
    }
    let Some(routing) = &canary.traffic_routing else { return };
    if needs_services(routing, canary.ping_pong.is_some()) {
        let detail = "Canary service and Stable service must to be set to use Traffic Routing";
        for (name, service) in [("canaryService", &canary.canary_service), ("stableService", &canary.stable_service)] {
            if service.as_deref().unwrap_or_default().is_empty() {
                found.invalid(format!("{CANARY}.{name}"), &"", detail);
            }
        }
    }
}

/// Istio can tell revisions apart by subsets instead, ALB and Istio by ping-pong, and plugins by what they like.
fn needs_services(routing: &TrafficRouting, has_ping_pong: bool) -> bool {
    let istio = routing.istio.as_ref().is_some_and(|istio| istio.destination_rule.is_none() && !has_ping_pong);
    let alb = routing.alb.is_some() && !has_ping_pong;
    let always = [
        routing.smi.is_some(),
        routing.apisix.is_some(),
        routing.ambassador.is_some(),
        routing.nginx.is_some(),
        routing.app_mesh.is_some(),
        routing.traefik.is_some(),
    ];
    let gateway = routing.gateway_api.is_some() || routing.plugins.contains_key(GATEWAY_API_PLUGIN);
    istio || alb || (gateway && !has_ping_pong) || always.contains(&true)
}

fn check_ping_pong(ping_pong: &PingPongSpec, routing: Option<&TrafficRouting>, found: &mut Problems) {
    let field = format!("{CANARY}.pingPong");
    let router = routing.is_some_and(|routing| {
        let built_in = [routing.alb.is_some(), routing.istio.is_some(), routing.gateway_api.is_some()];
        built_in.contains(&true) || !routing.plugins.is_empty()
    });
    if !router {
        let detail = "Ping-pong feature works with the ALB, Istio, and plugin-based traffic routers only";
        found.invalid(field, ping_pong, detail);
        return;
    }
    let PingPongSpec { ping_service, pong_service } = ping_pong;
    for (name, service) in [("pingService", ping_service), ("pongService", pong_service)] {
        if service.is_empty() {
            let detail = "Ping service and Pong service must to be set to use Ping-Pong feature";
            found.invalid(format!("{field}.{name}"), service, detail);
        }
    }
    if !ping_service.is_empty() && ping_service == pong_service {
        let detail = "This rollout uses the same service for the ping and pong services, but two different services are required.";
        found.invalid(format!("{field}.pingService"), ping_service, detail);
    }
    let alb = routing.and_then(|routing| routing.alb.as_ref());
    if alb.is_some_and(|alb| alb.root_service.as_deref().unwrap_or_default().is_empty()) {
        let detail = "Root service field is required for the configuration with ALB and ping-pong feature enabled";
        found.invalid(format!("{CANARY}.trafficRouting.alb.rootService"), &"", detail);
    }
}

pub(super) fn check_max_weight(canary: &CanaryStrategy, found: &mut Problems) {
    let Some(routing) = &canary.traffic_routing else { return };
    let Some(weight) = routing.max_traffic_weight else { return };
    let field = format!("{CANARY}.trafficRouting.maxTrafficWeight");
    if routing.nginx.is_none() && routing.gateway_api.is_none() && routing.plugins.is_empty() {
        found.invalid(
            &field,
            &weight,
            "Canary maxTrafficWeight in traffic routing only supported in Nginx and Plugins",
        );
    }
    if weight < 1 {
        // Of ours: shares of nothing cannot be computed.
        found.invalid(&field, &weight, "must be greater than 0");
    }
}

/// Which objects the routers are told to edit: one, or several, and never both ways at once.
pub(super) fn check_objects(canary: &CanaryStrategy, found: &mut Problems) {
    let Some(routing) = &canary.traffic_routing else { return };
    let field = format!("{CANARY}.trafficRouting");
    if let Some(nginx) = &routing.nginx {
        let one = nginx.stable_ingress.as_ref().is_some_and(|name| !name.is_empty());
        let both = "Either StableIngress or StableIngresses must be configured.";
        either(&format!("{field}.nginx.stableIngress"), one, !nginx.stable_ingresses.is_empty(), both, found);
    }
    if let Some(alb) = &routing.alb {
        let both = "Either Ingress or Ingresses must be configured.";
        either(&format!("{field}.alb.ingress"), !alb.ingress.is_empty(), !alb.ingresses.is_empty(), both, found);
        if let Some(sticky) = alb.stickiness_config.as_ref().filter(|sticky| sticky.enabled) {
            // Of ours: Argo Rollouts says it when it writes the annotation.
            if !(1..=604_800).contains(&sticky.duration_seconds) {
                let field = format!("{field}.alb.stickinessConfig.durationSeconds");
                found.invalid(field, &sticky.duration_seconds, "must be between 1 and 604800 seconds");
            }
        }
    }
    if let Some(istio) = &routing.istio {
        if istio.virtual_service.is_none() == istio.virtual_services.is_empty() {
            let detail = "either VirtualService or VirtualServices must be configured";
            let name = istio.virtual_service.as_ref().map_or("", |service| service.name.as_str());
            found.invalid(format!("{field}.istio.virtualService"), &name, detail);
        }
        if let Some(rule) = &istio.destination_rule {
            for (name, subset) in
                [("canarySubsetName", &rule.canary_subset_name), ("stableSubsetName", &rule.stable_subset_name)]
            {
                if subset.is_empty() {
                    found.warn(format!("{field}.istio.destinationRule.{name}"), "no subset is kept on that revision");
                }
            }
            if !rule.canary_subset_name.is_empty() && rule.canary_subset_name == rule.stable_subset_name {
                // Of ours: one subset cannot lead to two revisions.
                let detail = "must be another subset than stableSubsetName";
                found.invalid(
                    format!("{field}.istio.destinationRule.canarySubsetName"),
                    &rule.canary_subset_name,
                    detail,
                );
            }
        }
    }
    match routing.gateway_apis() {
        Ok(gateways) => {
            let fields = [format!("{field}.gatewayAPI"), format!("{field}.plugins.{GATEWAY_API_PLUGIN}")];
            for (name, gateway) in gateways {
                check_gateway(&fields[usize::from(name == GATEWAY_API_PLUGIN)], &gateway, found);
            }
        }
        Err(error) => found.error(format!("{field}.plugins.{GATEWAY_API_PLUGIN}"), error),
    }
    if routing.router_names().is_empty() {
        found.warn(field, "names no router, so nothing carries the weights");
    }
}

/// Of ours: without a route nothing carries the weights.
pub(super) fn check_gateway(field: &str, gateway: &GatewayApiTrafficRouting, found: &mut Problems) {
    let one = [&gateway.http_route, &gateway.grpc_route, &gateway.tcp_route, &gateway.tls_route];
    let several = [&gateway.http_routes, &gateway.grpc_routes, &gateway.tcp_routes, &gateway.tls_routes];
    let selectors = [
        &gateway.http_route_selector,
        &gateway.grpc_route_selector,
        &gateway.tcp_route_selector,
        &gateway.tls_route_selector,
    ];
    let any = one.iter().any(|name| name.as_ref().is_some_and(|name| !name.is_empty()))
        || several.iter().any(|routes| !routes.is_empty())
        || selectors.iter().any(|selector| selector.is_some());
    if !any {
        found.error(
            field,
            "names no route; set httpRoute, grpcRoute, tcpRoute or tlsRoute, or one of their lists or selectors",
        );
    }
}

fn either(field: &str, one: bool, several: bool, rule: &str, found: &mut Problems) {
    match (one, several) {
        (true, true) => found.error(field, format!("Invalid value: {rule} Both are configured.")),
        (false, false) => found.error(field, format!("Invalid value: {rule} Neither are configured.")),
        _ => {}
    }
}
