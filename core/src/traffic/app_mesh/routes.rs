//! The routes of a virtual router: their weights.

use serde_json::Value;

use super::super::Routing;
use super::super::routers::Client;
use super::super::share;
use super::nodes::Nodes;

const PROTOCOLS: [&str; 4] = ["httpRoute", "http2Route", "grpcRoute", "tcpRoute"];

/// The destinations of a route.
fn targets(route: &Value) -> Option<&Vec<Value>> {
    PROTOCOLS.iter().find_map(|protocol| route[*protocol]["action"]["weightedTargets"].as_array())
}

fn targets_mut(route: &mut Value) -> Option<&mut Vec<Value>> {
    let protocol = PROTOCOLS.iter().find(|protocol| route[**protocol]["action"]["weightedTargets"].is_array())?;
    route[*protocol]["action"]["weightedTargets"].as_array_mut()
}

/// Whether a route leads to the two nodes, and nowhere else.
fn is_fit(route: &Value, nodes: &Nodes) -> bool {
    let Some([one, other]) = targets(route).map(Vec::as_slice) else { return false };
    let leads = |canary: &Value, stable: &Value| nodes.is(canary, &nodes.canary) && nodes.is(stable, &nodes.stable);
    leads(one, other) || leads(other, one)
}

fn is_own(route: &Value, names: &[String], nodes: &Nodes) -> bool {
    let is_asked =
        names.is_empty() || route["name"].as_str().is_some_and(|name| names.iter().any(|asked| asked == name));
    is_asked && is_fit(route, nodes)
}

/// The canary's share in a route of the rollout, out of `max`.
fn share(route: &Value, nodes: &Nodes, max: i32) -> i32 {
    let weight = |name: &str| {
        let of_node = targets(route).into_iter().flatten().filter(|target| nodes.is(target, name));
        of_node.map(|target| share::weight_of(target, 0)).sum::<i64>()
    };
    let (canary, stable) = (weight(&nodes.canary), weight(&nodes.stable));
    share::share(canary, canary + stable, max)
}

/// The canary's share in each route of the rollout, out of `max`.
pub(super) fn shares(router: &Value, names: &[String], nodes: &Nodes, client: &Client) -> Vec<i32> {
    let all = router["spec"]["routes"].as_array().into_iter().flatten();
    all.filter(|route| is_own(route, names, nodes)).map(|route| share(route, nodes, client.max)).collect()
}

/// The virtual router with its weights, as far as the nodes may get more, and what keeps routes from having them.
pub(super) fn written(
    before: &Value,
    names: &[String],
    nodes: &Nodes,
    routing: &Routing,
    (canary_may_grow, stable_may_grow): (bool, bool),
) -> (Value, Option<String>) {
    let mut router = before.clone();
    let weight = routing.weight;
    for route in router.pointer_mut("/spec/routes").and_then(Value::as_array_mut).into_iter().flatten() {
        if !is_own(route, names, nodes) {
            continue;
        }
        let now = share(route, nodes, weight.max());
        let waits = (weight.value() > now && !canary_may_grow) || (weight.value() < now && !stable_may_grow);
        let Some(targets) = targets_mut(route).filter(|_| !waits) else { continue };
        share::weigh(targets, |target| {
            let weight = if nodes.is(target, &nodes.canary) { weight.value() } else { weight.rest() };
            Some(weight.into())
        });
    }
    (router, unfit(before, names, nodes))
}

/// What keeps routes from having the weights.
fn unfit(router: &Value, names: &[String], nodes: &Nodes) -> Option<String> {
    let all = || router["spec"]["routes"].as_array().into_iter().flatten();
    let both = format!("the virtual nodes {:?} and {:?}", nodes.stable, nodes.canary);
    if names.is_empty() {
        let message =
            format!("none of its routes has {both}, and no others, as its weighted targets; add such a route");
        return (!all().any(|route| is_fit(route, nodes))).then_some(message);
    }
    names.iter().find_map(|name| {
        let Some(route) = all().find(|route| route["name"] == name.as_str()) else {
            return Some(format!("it has no route {name:?}; add it, or name another in virtualService.routes"));
        };
        let message = format!("its route {name:?} has not {both}, and no others, as its weighted targets");
        (!is_fit(route, nodes)).then_some(message)
    })
}
