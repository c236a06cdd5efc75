//! Whether gateways have taken a route up, by its status.

use serde_json::Value;

use super::super::heard::{all, is_current};
use super::home::Home;

/// Whether every gateway has seen a route as it is; `None` where one does not say.
pub(super) fn heard(route: &Value) -> Option<bool> {
    let each: Vec<Option<bool>> = entries(route).iter().map(|entry| has_seen(entry, route)).collect();
    all(&each)
}

/// Why no gateway takes a route up.
pub(super) fn refusal(route: &Value) -> Option<String> {
    let entries = entries(route);
    let refused = |entry: &&Value| {
        let accepted = condition(entry, "Accepted");
        accepted.is_some_and(|it| it["status"] == "False") && has_seen(entry, route) != Some(false)
    };
    let first = entries.first().filter(|_| entries.iter().all(refused))?;
    let said = condition(first, "Accepted")?["message"].as_str().unwrap_or_default();
    Some(format!("{} does not accept it: {said}", first["controllerName"].as_str().unwrap_or("its gateway")))
}

/// Why a gateway answers with errors where it should send requests to these Services. What it says of other backends is nobody's here.
pub(super) fn unresolved(route: &Value, home: Home<'_>, services: [&str; 2]) -> Option<String> {
    let rules = route["spec"]["rules"].as_array().into_iter().flatten();
    let mut backends = rules.filter_map(|rule| rule["backendRefs"].as_array()).flatten();
    let is_ours = |backend: &Value| services.iter().any(|service| home.is(backend, service));
    let has_others = backends.any(|backend| !is_ours(backend));
    let said = |entry: &&Value| {
        let resolved = condition(entry, "ResolvedRefs")?;
        let message = resolved["message"].as_str().unwrap_or_default();
        let concerns = services.iter().any(|service| !service.is_empty() && message.contains(service));
        let wrong = resolved["status"] == "False" && is_current(resolved, route) != Some(false);
        let by = entry["controllerName"].as_str().unwrap_or("its gateway");
        (wrong && (concerns || !has_others)).then(|| format!("{by} does not find its backends: {message}"))
    };
    entries(route).iter().find_map(said)
}

/// What the gateways say that the route asks for by `parentRefs`. An entry of one that it does not ask for any more is stale, and a
/// parent without an entry is one that nobody minds, such as a Service without a mesh.
fn entries(route: &Value) -> Vec<&Value> {
    let parents: Vec<&Value> = route["spec"]["parentRefs"].as_array().into_iter().flatten().collect();
    let all = route["status"]["parents"].as_array().into_iter().flatten();
    all.filter(|entry| parents.iter().any(|parent| is_same(parent, &entry["parentRef"]))).collect()
}

fn condition<'a>(entry: &'a Value, kind: &str) -> Option<&'a Value> {
    entry["conditions"].as_array()?.iter().find(|condition| condition["type"] == kind)
}

/// Whether the gateway of an entry has seen the route as it is, by the conditions that every one of them keeps.
fn has_seen(entry: &Value, route: &Value) -> Option<bool> {
    let kept = ["Accepted", "ResolvedRefs"].iter().filter_map(|kind| condition(entry, kind));
    let seen: Vec<Option<bool>> = kept.map(|condition| is_current(condition, route)).collect();
    all(&seen)
}

/// Whether two references name the same parent; what they leave out has a default.
fn is_same(one: &Value, other: &Value) -> bool {
    let defaults = [("group", super::GROUP), ("kind", "Gateway"), ("name", ""), ("sectionName", "")];
    let same = |(field, default): &(&str, &str)| {
        one[*field].as_str().unwrap_or(default) == other[*field].as_str().unwrap_or(default)
    };
    let [at, there] = [one, other].map(|reference| reference["namespace"].as_str());
    defaults.iter().all(same) && one["port"] == other["port"] && (at == there || at.is_none() || there.is_none())
}
