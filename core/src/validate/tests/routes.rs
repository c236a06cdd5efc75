use super::*;

fn routed(routing: Value, step: Value) -> Value {
    json!({"stableService": "a", "canaryService": "b", "trafficRouting": routing, "steps": [step]})
}

fn istio() -> Value {
    json!({"istio": {"virtualService": {"name": "web"}}, "managedRoutes": [{"name": "r"}]})
}

fn alb() -> Value {
    json!({"alb": {"ingress": "web", "servicePort": 80}, "managedRoutes": [{"name": "r"}]})
}

fn header(value: Value) -> Value {
    json!({"setHeaderRoute": {"name": "r", "match": [{"headerName": "x", "headerValue": value}]}})
}

#[test]
fn only_some_routers_have_routes_of_their_own() {
    let header_route =
        "Invalid value: {\"name\":\"r\"}: SetHeaderRoute requires TrafficRouting, supports Istio and ALB and Apisix";
    let mirror_route =
        "Invalid value: {\"name\":\"r\"}: SetMirrorRoute requires TrafficRouting, supports Istio and Plugins";
    let (header, mirror) = (json!({"setHeaderRoute": {"name": "r"}}), json!({"setMirrorRoute": {"name": "r"}}));
    for routing in [Value::Null, json!({"smi": {}})] {
        canary_is_refused(&[(routed(routing, header.clone()), &format!("steps[0].setHeaderRoute: {header_route}"))]);
    }
    for routing in [Value::Null, json!({"smi": {}}), alb()] {
        canary_is_refused(&[(routed(routing, mirror.clone()), &format!("steps[0].setMirrorRoute: {mirror_route}"))]);
    }
    let plugin = json!({"plugins": {"a/b": {}}, "managedRoutes": [{"name": "r"}]});
    for routing in [istio(), plugin] {
        canary_is_fine(routed(routing.clone(), header.clone()));
        canary_is_fine(routed(routing, mirror.clone()));
    }
}

#[test]
fn a_match_says_one_thing() {
    let value = "steps[0].setHeaderRoute.match[0].headerValue: Invalid value:";
    let missed = "StringMatch value missed, match value must have one of the following: exact, regex, prefix";
    let several = "StringMatch match value must have exactly one of the following: exact, regex, prefix";
    canary_is_refused(&[
        (routed(istio(), header(Value::Null)), &format!("{value} null: {missed}")),
        (routed(istio(), header(json!({}))), &format!("{value} {{}}: {missed}")),
        (
            routed(istio(), header(json!({"exact": "a", "regex": "b"}))),
            &format!("{value} {{\"exact\":\"a\",\"regex\":\"b\"}}: {several}"),
        ),
        (
            routed(alb(), header(json!({"prefix": "a"}))),
            &format!(
                "{value} {{\"prefix\":\"a\"}}: SetHeaderRoute match value invalid. ALB supports 'exact' value only"
            ),
        ),
    ]);
    let mirror = |part: Value| routed(istio(), json!({"setMirrorRoute": {"name": "r", "match": [part]}}));
    let part = "steps[0].setMirrorRoute.match[0]";
    canary_is_refused(&[
        (mirror(json!({"method": {}})), &format!("{part}.method: Invalid value: {{}}: {missed}")),
        (
            mirror(json!({"path": {"exact": "/", "prefix": "/"}})),
            &format!("{part}.path: Invalid value: {{\"exact\":\"/\",\"prefix\":\"/\"}}: {several}"),
        ),
        (mirror(json!({"headers": {"x": {}}})), &format!("{part}.headers[x]: Invalid value: {{}}: {missed}")),
    ]);
    canary_is_fine(mirror(json!({"method": {"exact": "GET"}, "headers": {"x": {"regex": ".*"}}})));
}

#[test]
fn a_route_is_a_managed_one() {
    let unmanaged = json!({"istio": {"virtualService": {"name": "web"}}});
    let unknown = "Steps define a route that does not exist in spec.strategy.canary.trafficRouting.managedRoutes";
    canary_is_refused(&[
        (
            routed(unmanaged, json!({"setHeaderRoute": {"name": "r"}})),
            "trafficRouting.managedRoutes: Required value: Rollout has missing field 'spec.strategy.canary.trafficRouting.managedRoutes'",
        ),
        (
            routed(istio(), json!({"setMirrorRoute": {"name": "s"}})),
            &format!("steps[0].setMirrorRoute.name: Invalid value: \"s\": {unknown}"),
        ),
    ]);
}

#[test]
fn a_mirror_copies_a_percentage() {
    canary_is_refused(&[(
        routed(istio(), json!({"setMirrorRoute": {"name": "r", "percentage": 101}})),
        "steps[0].setMirrorRoute.percentage: Invalid value: 101: must be between 0 and 100",
    )]);
}
