//! The rules of a route: their weights.

use serde_json::Value;

use super::super::memory::Memory;
use super::super::routers::Client;
use super::super::share::{self, rescaled};
use super::super::{Destination, Routing};

/// What APISIX takes a backend without a weight for.
const DEFAULT_WEIGHT: i64 = 100;

/// Whether a backend is the Service of this name.
pub(super) fn is_backend(backend: &Value, service: &str) -> bool {
    backend["serviceName"] == service && !service.is_empty()
}

/// Whether a rule is one of the rollout's: it is asked for, and leads to both Services.
pub(super) fn is_own(rule: &Value, names: &[String], canary: &str, stable: &str) -> bool {
    let is_asked =
        names.is_empty() || rule["name"].as_str().is_some_and(|name| names.iter().any(|asked| asked == name));
    let backends = || rule["backends"].as_array().into_iter().flatten();
    let leads_to = |service: &str| backends().any(|backend| is_backend(backend, service));
    is_asked && leads_to(canary) && leads_to(stable)
}

/// The route with its weights, by the numbers that were in use and those that are to be.
pub(super) fn written(
    before: &Value,
    names: &[String],
    client: &Client,
    routing: &Routing,
    (was, next): (&Memory, &Memory),
) -> Result<Value, String> {
    let Routing { canary, stable, weight, .. } = routing;
    let mut route = before.clone();
    let mut count = 0;
    for rule in route.pointer_mut("/spec/http").and_then(Value::as_array_mut).into_iter().flatten() {
        if !is_own(rule, names, &canary.service, &stable.service) {
            continue;
        }
        count += 1;
        let scale = if next.doubled { 2 } else { 1 };
        let Some(backends) = rule["backends"].as_array_mut() else { continue };
        share::weigh(backends, |backend| {
            let share =
                |to: &Destination, share: i32| is_backend(backend, &to.service).then_some(i64::from(share) * scale);
            let foreign = || Some(rescaled(backend["weight"].as_i64()?, was, next));
            share(canary, weight.value()).or_else(|| share(stable, weight.rest())).or_else(foreign)
        });
    }
    if count > 0 {
        return Ok(route);
    }
    Err(unfit(before, names, client, routing).unwrap_or_default())
}

/// What keeps rules from having the weights.
pub(super) fn unfit(route: &Value, names: &[String], client: &Client, routing: &Routing) -> Option<String> {
    let (canary, stable) = (&routing.canary.service, &routing.stable.service);
    let rules = || route["spec"]["http"].as_array().into_iter().flatten();
    let what_next = "add the one that is missing, with weight 0";
    if names.is_empty() {
        let any = rules().any(|rule| is_own(rule, names, canary, stable));
        let message = format!("none of its rules has both Services {stable:?} and {canary:?} as backends; {what_next}");
        return (!any).then_some(message);
    }
    names.iter().find_map(|name| {
        let Some(rule) = rules().find(|rule| rule["name"] == name.as_str()) else {
            let rollout = &client.name;
            return Some(format!(
                "it has no rule {name:?}, which the Rollout {rollout:?} names; add it, or name another"
            ));
        };
        let message =
            format!("its rule {name:?} has not both Services {stable:?} and {canary:?} as backends; {what_next}");
        (!is_own(rule, names, canary, stable)).then_some(message)
    })
}

/// The canary's share in each rule of the rollout, out of `max`.
pub(super) fn shares(
    route: &Value,
    names: &[String],
    client: &Client,
    canary: &Destination,
    stable: &Destination,
) -> Vec<i32> {
    let rules = route["spec"]["http"].as_array().into_iter().flatten();
    let rules = rules.filter(|rule| is_own(rule, names, &canary.service, &stable.service));
    let share = |rule: &Value| {
        let backends = rule["backends"].as_array()?;
        let weight = |to: &Destination| {
            let found = backends.iter().find(|backend| is_backend(backend, &to.service));
            found.map(|backend| share::weight_of(backend, DEFAULT_WEIGHT))
        };
        let (canary, stable) = (weight(canary)?, weight(stable)?);
        Some(share::share(canary, canary + stable, client.max))
    };
    rules.filter_map(share).collect()
}
