//! Rules for traffic routing: which Services it needs, what only some routers can do, and which objects each names.

use super::canary::CANARY;
use super::problem::Problems;
use crate::api::{
    AlbTrafficRouting, AppMeshVirtualNodeReference, CanaryStrategy, GATEWAY_API_PLUGIN, GatewayApiTrafficRouting,
    NginxTrafficRouting, PingPongSpec, SessionAffinity, TrafficRouting,
};

/// The highest weight of a target group that AWS knows.
const HEAVIEST_TARGET_GROUP: i32 = 999;

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
    if routing.alb.is_some() && weight > HEAVIEST_TARGET_GROUP {
        // Of ours: AWS refuses it.
        let detail =
            format!("must not be greater than {HEAVIEST_TARGET_GROUP}, the most that AWS lets a target group weigh");
        found.invalid(&field, &weight, &detail);
    }
    for (router, is_set) in [("Ambassador", routing.ambassador.is_some()), ("App Mesh", routing.app_mesh.is_some())] {
        if is_set && weight != 100 {
            // Of ours: Argo Rollouts writes the larger weights into them.
            found.invalid(&field, &weight, &format!("the weights of {router} are percentages, so it must be 100"));
        }
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
        check_annotations(&format!("{field}.nginx"), nginx, found);
    }
    if let Some(alb) = &routing.alb {
        let both = "Either Ingress or Ingresses must be configured.";
        either(&format!("{field}.alb.ingress"), !alb.ingress.is_empty(), !alb.ingresses.is_empty(), both, found);
        check_names(&format!("{field}.managedRoutes"), alb, canary, found);
        if let Some(sticky) = alb.stickiness_config.as_ref().filter(|sticky| sticky.enabled) {
            // Of ours: Argo Rollouts says it when it writes the annotation.
            if !(1..=604_800).contains(&sticky.duration_seconds) {
                let field = format!("{field}.alb.stickinessConfig.durationSeconds");
                found.invalid(field, &sticky.duration_seconds, "must be between 1 and 604800 seconds");
            }
        }
    }
    if let Some(istio) = &routing.istio {
        check_affinity(&format!("{field}.istio"), istio.session_affinity.as_ref(), found);
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
    check_meshes(&field, routing, found);
    match routing.gateway_apis() {
        Ok(gateways) => {
            let fields = [format!("{field}.gatewayAPI"), format!("{field}.plugins.{GATEWAY_API_PLUGIN}")];
            for (name, gateway) in gateways {
                check_gateway(&fields[usize::from(name == GATEWAY_API_PLUGIN)], &gateway, found);
            }
        }
        Err(error) => found.error(format!("{field}.plugins.{GATEWAY_API_PLUGIN}"), error),
    }
    found.not_negative(&format!("{field}.propagationDelaySeconds"), routing.propagation_delay_seconds);
    if routing.router_names().is_empty() {
        found.warn(field, "names no router, so nothing carries the weights");
    }
}

/// Of ours: without an object nothing carries the weights, and an object for two purposes serves neither.
fn check_meshes(field: &str, routing: &TrafficRouting, found: &mut Problems) {
    if routing.ambassador.as_ref().is_some_and(|one| one.mappings.iter().all(String::is_empty)) {
        found.error(format!("{field}.ambassador.mappings"), "names no Mapping, so nothing carries the weights");
    }
    if let Some(mesh) = &routing.app_mesh {
        let service = mesh.virtual_service.as_ref().map_or("", |service| service.name.as_str());
        let group = mesh.virtual_node_group.clone().unwrap_or_default();
        let name = |node: Option<AppMeshVirtualNodeReference>| node.unwrap_or_default().name;
        let (canary, stable) = (name(group.canary_virtual_node_ref), name(group.stable_virtual_node_ref));
        for (part, name) in [
            ("virtualService.name", service),
            ("virtualNodeGroup.canaryVirtualNodeRef.name", &canary),
            ("virtualNodeGroup.stableVirtualNodeRef.name", &stable),
        ] {
            if name.is_empty() {
                found.required(format!("{field}.appMesh.{part}"), "");
            }
        }
        if !canary.is_empty() && canary == stable {
            let field = format!("{field}.appMesh.virtualNodeGroup");
            found.error(field, "the canary and the stable revision need a virtual node each");
        }
    }
    if routing.traefik.as_ref().is_some_and(|traefik| traefik.weighted_traefik_service_name.is_empty()) {
        found.required(format!("{field}.traefik.weightedTraefikServiceName"), "");
    }
    if let Some(apisix) = &routing.apisix {
        let name = apisix.route.as_ref().map_or("", |route| route.name.as_str());
        if name.is_empty() {
            found.required(format!("{field}.apisix.route.name"), "");
        }
        for (index, _) in routing.managed_routes.iter().enumerate().filter(|(_, route)| route.name == name) {
            let detail = "is the name of the ApisixRoute itself, under which its copy would be made";
            found.invalid(format!("{field}.managedRoutes[{index}].name"), &name, detail);
        }
    }
}

/// Of ours: what is no name cannot be sent as a cookie.
fn check_affinity(field: &str, affinity: Option<&SessionAffinity>, found: &mut Problems) {
    let Some(SessionAffinity { cookie_name, max_age }) = affinity else { return };
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if cookie_name.is_empty() || !cookie_name.bytes().all(is_token) {
        let detail = "must be a name of letters, digits and !#$%&'*+-.^_`|~";
        found.invalid(format!("{field}.sessionAffinity.cookieName"), cookie_name, detail);
    }
    if let Some(seconds) = max_age.filter(|seconds| *seconds <= 0) {
        found.invalid(format!("{field}.sessionAffinity.maxAge"), &seconds, "must be greater than 0");
    }
}

/// Of ours: without a route nothing carries the weights.
pub(super) fn check_gateway(field: &str, gateway: &GatewayApiTrafficRouting, found: &mut Problems) {
    check_affinity(field, gateway.session_affinity.as_ref(), found);
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

/// Of ours: the weight would be out of something else than the steps say.
fn check_annotations(field: &str, nginx: &NginxTrafficRouting, found: &mut Problems) {
    let all = [
        ("additionalIngressAnnotations", &nginx.additional_ingress_annotations),
        ("canaryIngressAnnotations", &nginx.canary_ingress_annotations),
    ];
    for (name, annotations) in all {
        for key in annotations.keys().filter(|key| key.rsplit('/').next() == Some("canary-weight-total")) {
            found.warn(format!("{field}.{name}[{key}]"), "has no effect; set trafficRouting.maxTrafficWeight instead");
        }
    }
}

/// Of ours: the action of a route and that of the Service would be the same annotation.
fn check_names(field: &str, alb: &AlbTrafficRouting, canary: &CanaryStrategy, found: &mut Problems) {
    let root = alb.root_service.as_deref().filter(|root| !root.is_empty()).or(canary.stable_service.as_deref());
    let routes = canary.traffic_routing.iter().flat_map(|routing| &routing.managed_routes);
    for (index, _) in routes.enumerate().filter(|(_, route)| Some(route.name.as_str()) == root) {
        let message = "no route can have the name of the Service whose action carries the weights";
        found.warn(format!("{field}[{index}].name"), message);
    }
}

fn either(field: &str, one: bool, several: bool, rule: &str, found: &mut Problems) {
    match (one, several) {
        (true, true) => found.error(field, format!("Invalid value: {rule} Both are configured.")),
        (false, false) => found.error(field, format!("Invalid value: {rule} Neither are configured.")),
        _ => {}
    }
}
