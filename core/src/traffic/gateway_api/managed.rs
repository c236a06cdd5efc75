//! Rules for certain requests (`setHeaderRoute`, `setMirrorRoute`), one for each rule that has the weights.

use serde_json::{Value, json};

use super::super::memory::{Memories, Memory};
use super::super::routers::Client;
use super::super::{Route, Routing};
use super::home::Home;
use super::matches;
use crate::api::{SetHeaderRoute, SetMirrorRoute};
use crate::identity::hash::fingerprint;
use crate::object_kind::ObjectKind;

/// Whether the router has made a rule: one of `managedRoutes`, or one that is remembered, by its name or by its contents, as older releases
/// of the API drop the names of rules. Where nothing is remembered, what Argo Rollouts' plugin has made is taken over.
pub(super) fn is_managed(rule: &Value, client: &Client, home: Home<'_>, memory: &Memory) -> bool {
    // Rollouts of several namespaces may call their rules the same.
    if home.is_foreign(rule) {
        return false;
    }
    let Some(name) = rule["name"].as_str() else {
        return !memory.rules.is_empty() && is_remembered(&digest(rule), memory);
    };
    let known = client.managed.iter().any(|managed| managed == name);
    let made = memory.rules.iter().any(|made| made.split_once(' ').is_some_and(|(_, made)| made == name));
    let of_plugin = || {
        let numbered = |managed: &String| {
            let rest = name.strip_prefix(managed.as_str()).and_then(|rest| rest.strip_prefix('-'));
            rest.is_some_and(is_number)
        };
        let leads_to_one = rule["backendRefs"].as_array().is_some_and(|backends| backends.len() == 1);
        *memory == Memory::default() && leads_to_one && client.managed.iter().any(numbered)
    };
    known || made || of_plugin()
}

fn is_remembered(digest: &str, memory: &Memory) -> bool {
    memory.rules.iter().any(|made| made.split(' ').next() == Some(digest))
}

/// Leaves the names away that the API has dropped before: writing them again would change nothing.
pub(super) fn without_dropped_names(made: &mut [Value], before: &[Value], memory: &Memory) {
    let unnamed: Vec<String> = before.iter().filter(|rule| rule["name"].is_null()).map(digest).collect();
    for rule in made {
        let digest = digest(rule);
        if is_remembered(&digest, memory) && unnamed.contains(&digest) {
            rule.as_object_mut().and_then(|rule| rule.remove("name"));
        }
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a route has any rule that was made for a rollout.
pub(super) fn has_any(route: &Value, client: &Client) -> bool {
    let (home, memory) = (Home::of(route, client), Memories::of(route, client).get().cloned().unwrap_or_default());
    route["spec"]["rules"].as_array().into_iter().flatten().any(|rule| is_managed(rule, client, home, &memory))
}

/// What is remembered of a rule: its contents, and its name.
pub(super) fn remembered(rule: &Value) -> String {
    format!("{} {}", digest(rule), rule["name"].as_str().unwrap_or_default())
}

/// The contents of a rule but for its name, and its weights, which change.
fn digest(rule: &Value) -> String {
    let mut rule = rule.clone();
    if let Some(rule) = rule.as_object_mut() {
        rule.remove("name");
    }
    for backend in rule["backendRefs"].as_array_mut().into_iter().flatten() {
        backend["weight"] = Value::Null;
    }
    format!("{:08x}", fingerprint(sorted(&rule).to_string().as_bytes()))
}

/// The same with the keys of every map in order.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut pairs: Vec<_> = map.iter().map(|(key, value)| (key.clone(), sorted(value))).collect();
            pairs.sort_by(|(one, _), (other, _)| one.cmp(other));
            Value::Object(pairs.into_iter().collect())
        }
        Value::Array(list) => list.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

/// The rules in force, in the order of their precedence.
pub(super) fn rules(
    kind: ObjectKind,
    home: Home<'_>,
    routing: &Routing,
    sources: &[Value],
) -> Result<Vec<Value>, String> {
    let is_canary = |backend: &Value| home.is(backend, &routing.canary.service);
    let mut all = Vec::new();
    for route in &routing.routes {
        let made = named(route.name(), sources, |source| match route {
            Route::Header(header) => header_rule(kind, header, source, &is_canary).map(Some),
            Route::Mirror(mirror) => mirror_rule(kind, mirror, source, &is_canary),
        })?;
        if made.is_empty() {
            return Err(format!("none of its rules has requests that the route {:?} asks for", route.name()));
        }
        all.extend(made);
    }
    Ok(all)
}

/// Makes a rule from each of the sources. The second one is called `name-1`, and so on.
pub(super) fn named(
    name: &str,
    sources: &[Value],
    rule_of: impl Fn(&Value) -> Result<Option<Value>, String>,
) -> Result<Vec<Value>, String> {
    // Of two rules that match the same, the first one counts; that is to be the one made from the narrower one.
    let mut narrowest: Vec<&Value> = sources.iter().collect();
    narrowest.sort_by_key(|rule| std::cmp::Reverse(matches::longest_path(rule)));
    let mut made = Vec::new();
    for source in narrowest {
        let Some(mut rule) = rule_of(source)? else { continue };
        let count = made.len();
        rule["name"] = json!(if count == 0 { name.to_owned() } else { format!("{name}-{count}") });
        made.push(rule);
    }
    Ok(made)
}

/// A rule by which requests with these headers go to the canary; everything else is as in the rule that has the weights.
fn header_rule(
    kind: ObjectKind,
    route: &SetHeaderRoute,
    source: &Value,
    is_canary: &impl Fn(&Value) -> bool,
) -> Result<Value, String> {
    let mut rule = source.clone();
    rule["matches"] = json!(matches::with_headers(kind, source, &route.matches)?);
    let backends = rule["backendRefs"].as_array_mut().into_iter().flatten();
    let mut only: Vec<Value> = backends.filter(|backend| is_canary(backend)).map(|backend| backend.clone()).collect();
    for backend in &mut only {
        backend["weight"] = json!(1);
    }
    rule["backendRefs"] = json!(only);
    Ok(rule)
}

/// A rule by which such requests go where they went before, and copies of them to the canary; none where the other rule has no such
/// requests.
fn mirror_rule(
    kind: ObjectKind,
    route: &SetMirrorRoute,
    source: &Value,
    is_canary: &impl Fn(&Value) -> bool,
) -> Result<Option<Value>, String> {
    let mut rule = source.clone();
    let narrowed = matches::narrowed(kind, source, &route.matches)?;
    if narrowed.is_empty() {
        return Ok(None);
    }
    rule["matches"] = json!(narrowed);
    let backends = source["backendRefs"].as_array().into_iter().flatten();
    let mut to = backends.into_iter().find(|backend| is_canary(backend)).cloned().unwrap_or_default();
    for field in ["weight", "filters"] {
        if let Some(to) = to.as_object_mut() {
            to.remove(field);
        }
    }
    let mut mirror = json!({ "backendRef": to });
    if let Some(percent) = route.percentage.filter(|percent| *percent != 100) {
        mirror["percent"] = json!(percent);
    }
    let mut filters = source["filters"].as_array().cloned().unwrap_or_default();
    filters.push(json!({ "type": "RequestMirror", "requestMirror": mirror }));
    rule["filters"] = json!(filters);
    Ok(Some(rule))
}
