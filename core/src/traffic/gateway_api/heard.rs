//! Whether gateways have taken a route up, by its status.

use serde_json::Value;

use super::super::heard::all;

/// Whether every gateway has seen a route as it is; `None` where one does not say.
pub(super) fn heard(route: &Value) -> Option<bool> {
    let generation = generation(route);
    let each: Vec<Option<bool>> = entries(route).iter().map(|entry| has_seen(entry, generation)).collect();
    all(&each)
}

/// Why no gateway takes a route up.
pub(super) fn refusal(route: &Value) -> Option<String> {
    let (entries, generation) = (entries(route), generation(route));
    let refused = |entry: &&Value| {
        let accepted = condition(entry, "Accepted");
        accepted.is_some_and(|it| it["status"] == "False") && has_seen(entry, generation) != Some(false)
    };
    let first = entries.first().filter(|_| entries.iter().all(refused))?;
    let said = condition(first, "Accepted")?["message"].as_str().unwrap_or_default();
    Some(format!("{} does not accept it: {said}", first["controllerName"].as_str().unwrap_or("its gateway")))
}

fn generation(route: &Value) -> i64 {
    route["metadata"]["generation"].as_i64().unwrap_or(0)
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

/// Whether the gateway of an entry has seen a generation, by the conditions that every one of them keeps.
fn has_seen(entry: &Value, generation: i64) -> Option<bool> {
    let kept = ["Accepted", "ResolvedRefs"].iter().filter_map(|kind| condition(entry, kind));
    let seen: Vec<Option<bool>> =
        kept.map(|condition| Some(condition["observedGeneration"].as_i64()? >= generation)).collect();
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
