use super::*;

const MISSING: &str = "Canary service and Stable service must to be set to use Traffic Routing";

#[test]
fn most_routers_need_both_services() {
    let routers = [
        json!({"alb": {"ingress": "web", "servicePort": 80}}),
        json!({"istio": {"virtualService": {"name": "web"}}}),
        json!({"smi": {}}),
        json!({"apisix": {"route": {"name": "web"}}}),
        json!({"ambassador": {"mappings": ["web"]}}),
        json!({"nginx": {"stableIngress": "web"}}),
        json!({"appMesh": app_mesh("canary", "stable")}),
        json!({"traefik": {"weightedTraefikServiceName": "web"}}),
        json!({"gatewayAPI": {"httpRoute": "web"}}),
        json!({"plugins": {"argoproj-labs/gatewayAPI": {"httpRoute": "web"}}}),
    ];
    for routing in routers {
        canary_is_refused(&[
            (
                json!({"stableService": "a", "trafficRouting": routing}),
                &format!("canaryService: Invalid value: \"\": {MISSING}"),
            ),
            (
                json!({"canaryService": "a", "trafficRouting": routing}),
                &format!("stableService: Invalid value: \"\": {MISSING}"),
            ),
        ]);
        canary_is_fine(json!({"stableService": "a", "canaryService": "b", "trafficRouting": routing}));
    }
}

fn app_mesh(canary: &str, stable: &str) -> Value {
    let group = json!({"canaryVirtualNodeRef": {"name": canary}, "stableVirtualNodeRef": {"name": stable}});
    json!({"virtualService": {"name": "web"}, "virtualNodeGroup": group})
}

#[test]
fn a_gateway_is_configured_with_a_route_that_reads_and_a_cookie_that_can_be_sent() {
    let services = |routing: Value| json!({"stableService": "a", "canaryService": "b", "trafficRouting": routing});
    let cookie = |name: &str, age: i64| json!({"cookieName": name, "maxAge": age});
    let routed = |affinity: Value| json!({"gatewayAPI": {"httpRoute": "web", "sessionAffinity": affinity}});
    let field = "trafficRouting.gatewayAPI";
    let no_route = "names no route; set httpRoute, grpcRoute, tcpRoute or tlsRoute, or one of their lists or selectors";
    let no_name = "must be a name of letters, digits and !#$%&'*+-.^_`|~";
    let name = format!("{field}.sessionAffinity.cookieName: Invalid value");
    canary_is_refused(&[
        (services(json!({"gatewayAPI": {}})), &format!("{field}: {no_route}")),
        (
            services(json!({"plugins": {"argoproj-labs/gatewayAPI": {"httpRoutes": "web"}}})),
            "trafficRouting.plugins.argoproj-labs/gatewayAPI: invalid type: string \"web\", expected a sequence",
        ),
        (services(routed(cookie("a b", 1))), &format!("{name}: \"a b\": {no_name}")),
        (services(routed(cookie("", 1))), &format!("{name}: \"\": {no_name}")),
        (
            services(routed(cookie("a", 0))),
            &format!("{field}.sessionAffinity.maxAge: Invalid value: 0: must be greater than 0"),
        ),
    ]);
    canary_is_fine(services(routed(cookie("shop-version", 60))));
}

#[test]
fn a_router_names_what_carries_the_weights() {
    let services = |routing: Value| json!({"stableService": "a", "canaryService": "b", "trafficRouting": routing});
    let routing = "trafficRouting";
    canary_is_refused(&[
        (
            services(json!({"ambassador": {"mappings": []}})),
            &format!("{routing}.ambassador.mappings: names no Mapping, so nothing carries the weights"),
        ),
        (services(json!({"appMesh": {}})), &format!("{routing}.appMesh.virtualService.name: Required value")),
        (
            services(json!({"appMesh": app_mesh("", "stable")})),
            &format!("{routing}.appMesh.virtualNodeGroup.canaryVirtualNodeRef.name: Required value"),
        ),
        (
            services(json!({"appMesh": app_mesh("one", "one")})),
            &format!("{routing}.appMesh.virtualNodeGroup: the canary and the stable revision need a virtual node each"),
        ),
        (
            services(json!({"traefik": {"weightedTraefikServiceName": ""}})),
            &format!("{routing}.traefik.weightedTraefikServiceName: Required value"),
        ),
        (services(json!({"apisix": {}})), &format!("{routing}.apisix.route.name: Required value")),
        (
            services(json!({"apisix": {"route": {"name": "web"}}, "managedRoutes": [{"name": "web"}]})),
            &format!(
                "{routing}.managedRoutes[0].name: Invalid value: \"web\": is the name of the ApisixRoute itself, under which its copy would be made"
            ),
        ),
        (
            services(json!({"ambassador": {"mappings": ["web"]}, "plugins": {"a/b": {}}, "maxTrafficWeight": 1000})),
            &format!(
                "{routing}.maxTrafficWeight: Invalid value: 1000: the weights of Ambassador are percentages, so it must be 100"
            ),
        ),
    ]);
}

#[test]
fn subsets_plugins_and_ping_pong_do_without_them() {
    let rule = json!({"name": "web", "canarySubsetName": "canary", "stableSubsetName": "stable"});
    let istio = json!({"istio": {"virtualService": {"name": "web"}, "destinationRule": rule}});
    canary_is_fine(json!({"trafficRouting": istio}));
    canary_is_fine(json!({"trafficRouting": {"plugins": {"a/b": {}}}}));
    canary_is_fine(ping_pong("a", "b", alb(json!({"rootService": "root"}))));
}

fn alb(changes: Value) -> Value {
    let mut alb = json!({"ingress": "web", "servicePort": 80});
    for (key, value) in changes.as_object().into_iter().flatten() {
        alb[key] = value.clone();
    }
    json!({"alb": alb})
}

fn ping_pong(first: &str, second: &str, routing: Value) -> Value {
    json!({"pingPong": {"pingService": first, "pongService": second}, "trafficRouting": routing})
}

#[test]
fn ping_pong_has_rules_of_its_own() {
    let needed = "Ping service and Pong service must to be set to use Ping-Pong feature";
    let routers = "Ping-pong feature works with the ALB, Istio, and plugin-based traffic routers only";
    let pair = "{\"pingService\":\"a\",\"pongService\":\"b\"}";
    canary_is_refused(&[
        (ping_pong("a", "b", json!({"smi": {}})), &format!("pingPong: Invalid value: {pair}: {routers}")),
        (ping_pong("a", "b", Value::Null), &format!("pingPong: Invalid value: {pair}: {routers}")),
        (
            ping_pong("", "b", alb(json!({"rootService": "r"}))),
            &format!("pingPong.pingService: Invalid value: \"\": {needed}"),
        ),
        (
            ping_pong("a", "", alb(json!({"rootService": "r"}))),
            &format!("pingPong.pongService: Invalid value: \"\": {needed}"),
        ),
        (
            ping_pong("a", "a", alb(json!({"rootService": "r"}))),
            "pingPong.pingService: Invalid value: \"a\": This rollout uses the same service for the ping and pong services, but two different services are required.",
        ),
        (
            ping_pong("a", "b", alb(json!({}))),
            "trafficRouting.alb.rootService: Invalid value: \"\": Root service field is required for the configuration with ALB and ping-pong feature enabled",
        ),
    ]);
}

#[test]
fn only_some_routers_have_another_sum_of_weights() {
    let services = |routing: Value| json!({"stableService": "a", "canaryService": "b", "trafficRouting": routing});
    canary_is_refused(&[
        (
            services(json!({"smi": {}, "maxTrafficWeight": 1000})),
            "trafficRouting.maxTrafficWeight: Invalid value: 1000: Canary maxTrafficWeight in traffic routing only supported in Nginx and Plugins",
        ),
        (
            services(json!({"plugins": {"a/b": {}}, "maxTrafficWeight": 0})),
            "trafficRouting.maxTrafficWeight: Invalid value: 0: must be greater than 0",
        ),
    ]);
    canary_is_fine(services(json!({"nginx": {"stableIngress": "web"}, "maxTrafficWeight": 1000})));
}

#[test]
fn a_router_names_one_object_or_several_and_not_both() {
    let services = |routing: Value| json!({"stableService": "a", "canaryService": "b", "trafficRouting": routing});
    let nginx = "trafficRouting.nginx.stableIngress: Invalid value: Either StableIngress or StableIngresses must be configured.";
    let ingress = "trafficRouting.alb.ingress: Invalid value: Either Ingress or Ingresses must be configured.";
    let istio = "either VirtualService or VirtualServices must be configured";
    canary_is_refused(&[
        (
            services(json!({"nginx": {"stableIngress": "a", "stableIngresses": ["b"]}})),
            &format!("{nginx} Both are configured."),
        ),
        (services(json!({"nginx": {}})), &format!("{nginx} Neither are configured.")),
        (services(alb(json!({"ingresses": ["b"]}))), &format!("{ingress} Both are configured.")),
        (services(json!({"alb": {"servicePort": 80}})), &format!("{ingress} Neither are configured.")),
        (
            services(json!({"istio": {
                "virtualService": {"name": "web"},
                "destinationRule": {"name": "web", "canarySubsetName": "one", "stableSubsetName": "one"},
            }})),
            "trafficRouting.istio.destinationRule.canarySubsetName: Invalid value: \"one\": must be another subset than stableSubsetName",
        ),
        (services(json!({"istio": {}})), &format!("trafficRouting.istio.virtualService: Invalid value: \"\": {istio}")),
        (
            services(json!({"istio": {"virtualService": {"name": "web"}, "virtualServices": [{"name": "other"}]}})),
            &format!("trafficRouting.istio.virtualService: Invalid value: \"web\": {istio}"),
        ),
        (
            services(alb(json!({"stickinessConfig": {"enabled": true, "durationSeconds": 0}}))),
            "trafficRouting.alb.stickinessConfig.durationSeconds: Invalid value: 0: must be between 1 and 604800 seconds",
        ),
    ]);
}

#[test]
fn a_data_plane_hears_no_earlier_than_it_is_told() {
    let services = |delay: i32| {
        let routing = json!({"nginx": {"stableIngress": "web"}, "propagationDelaySeconds": delay});
        json!({"stableService": "a", "canaryService": "b", "trafficRouting": routing})
    };
    let field = "trafficRouting.propagationDelaySeconds";
    canary_is_refused(&[(services(-1), &format!("{field}: Invalid value: -1: must be greater than or equal to 0"))]);
    canary_is_fine(services(0));
    canary_is_fine(services(30));
}

#[test]
fn what_an_ingress_says_of_weights_is_the_routers_alone() {
    let services = |routing: Value| json!({"stableService": "a", "canaryService": "b", "trafficRouting": routing});
    let warned = |routing: Value, expected: &str| {
        let rollout = with("/spec/strategy/canary", services(routing));
        warns(&rollout, &[&format!("spec.strategy.canary.trafficRouting.{expected}")]);
    };
    let nginx = |name: &str, key: &str| json!({"nginx": {"stableIngress": "web", name: {key: "1000"}}});
    let effect = "has no effect; set trafficRouting.maxTrafficWeight instead";
    let key = "nginx.ingress.kubernetes.io/canary-weight-total";
    warned(
        nginx("additionalIngressAnnotations", "canary-weight-total"),
        &format!("nginx.additionalIngressAnnotations[canary-weight-total]: {effect}"),
    );
    warned(nginx("canaryIngressAnnotations", key), &format!("nginx.canaryIngressAnnotations[{key}]: {effect}"));
    canary_is_fine(services(nginx("additionalIngressAnnotations", "canary-by-header")));

    let named = |name: &str| json!({"alb": alb(json!({}))["alb"], "managedRoutes": [{"name": "x"}, {"name": name}]});
    let name = "no route can have the name of the Service whose action carries the weights";
    warned(named("a"), &format!("managedRoutes[1].name: {name}"));
    canary_is_fine(services(named("b")));

    let heavy = |weight: i32| json!({"alb": alb(json!({}))["alb"], "plugins": {"a/b": {}}, "maxTrafficWeight": weight});
    canary_is_refused(&[(
        services(heavy(1000)),
        "trafficRouting.maxTrafficWeight: Invalid value: 1000: must not be greater than 999, the most that AWS lets a target group weigh",
    )]);
    canary_is_fine(services(heavy(999)));
}
