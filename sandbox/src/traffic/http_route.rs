//! `HTTPRoute`s of the Gateway API.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::condition::{Condition, Text};
use super::gateway::{self, Refused};
use super::host::Host;
use super::objects::Objects;
use super::table::{Destination, Fixed, Mirror, Port, Rule, Share, Site};
use crate::object;
use crate::read::{at, items, number, text};

/// What a match asks for, the better named the smaller: an exact path, then an expression, then the longest prefix; a method; the
/// number of headers and of parameters.
type Rank = (u8, Reverse<usize>, bool, Reverse<usize>, Reverse<usize>);

/// The sites of all routes that a gateway takes.
pub fn sites(objects: &Objects) -> Vec<Site> {
    let mut by_host: BTreeMap<String, Vec<(Rank, Rule)>> = BTreeMap::new();
    for route in objects.all("HTTPRoute") {
        let mut hosts: Vec<String> = items(route, "spec.parentRefs")
            .iter()
            .filter_map(|parent| {
                let (gateway, _) = gateway::parent(objects, route, parent)?;
                gateway::attach(objects, gateway, route, parent).ok()
            })
            .flatten()
            .flat_map(|(_, hosts)| hosts)
            .collect();
        hosts.sort_unstable();
        hosts.dedup();
        let rules = rules(objects, route);
        for host in hosts {
            by_host.entry(host).or_default().extend(rules.iter().cloned());
        }
    }
    let site = |(host, mut rules): (String, Vec<(Rank, Rule)>)| {
        // Equal ones stay in the order of the routes' age, and of their places there.
        rules.sort_by_key(|(rank, _)| *rank);
        Site { host: Host::deep(&host), rules: vec![rules.into_iter().map(|(_, rule)| rule).collect()] }
    };
    by_host.into_iter().map(site).collect()
}

fn rules(objects: &Objects, route: &Value) -> Vec<(Rank, Rule)> {
    let mut rules = Vec::new();
    for rule in items(route, "spec.rules") {
        let plain = read(objects, route, rule);
        let all = [Value::Null];
        let matches = items(rule, "matches");
        for found in if matches.is_empty() { &all } else { matches } {
            let (rank, when) = conditions(found);
            rules.push((rank, Rule { when, ..plain.clone() }));
        }
    }
    rules
}

/// Where a rule sends requests.
fn read(objects: &Objects, route: &Value, rule: &Value) -> Rule {
    let filters = items(rule, "filters");
    if let Some(fixed) = unknown(filters, &["RequestMirror"]) {
        return Rule::to(Vec::new(), Err(fixed));
    }
    let added = marks(filters);
    let shares = items(rule, "backendRefs").iter().map(|backend| {
        let mut marks = added.clone();
        let own = items(backend, "filters");
        marks.extend(self::marks(own));
        let weight = number(backend, "weight").unwrap_or(1).clamp(0, 1_000_000) as u64;
        let to = resolve(objects, route, backend).map_err(|refused| Fixed::new(500, refused.message));
        let to = to.and_then(|to| unknown(own, &[]).map_or(Ok(to), Err));
        Share { weight, to, marks }
    });
    let mirrors = filters.iter().filter(|filter| filter["type"] == "RequestMirror").filter_map(|filter| {
        let mirror = at(filter, "requestMirror");
        let to = resolve(objects, route, at(mirror, "backendRef")).ok()?;
        Some(Mirror { to, per_million: copied(mirror) })
    });
    Rule { when: Vec::new(), shares: shares.collect(), mirrors: mirrors.collect() }
}

/// The answer where there is a filter that is not known here, or not in this place. What others change on the way, no pod here looks
/// at.
fn unknown(filters: &[Value], known: &[&str]) -> Option<Fixed> {
    let passed_over = ["ResponseHeaderModifier", "RequestHeaderModifier", "URLRewrite"];
    let mut kinds = filters.iter().map(|filter| text(filter, "type"));
    let kind = kinds.find(|kind| !known.contains(kind) && !passed_over.contains(kind))?;
    Some(Fixed::new(501, format!("the sandbox does not know the filter {kind} in this place of an HTTPRoute")))
}

/// The headers that filters add to answers.
fn marks(filters: &[Value]) -> Vec<(String, String)> {
    let modifiers = filters.iter().map(|filter| at(filter, "responseHeaderModifier"));
    let added = modifiers.flat_map(|modifier| items(modifier, "set").iter().chain(items(modifier, "add")));
    added.map(|header| (text(header, "name").to_owned(), text(header, "value").to_owned())).collect()
}

/// How many requests in a million are copied.
fn copied(mirror: &Value) -> u64 {
    let part = match (number(mirror, "percent"), number(mirror, "fraction.numerator")) {
        (Some(percent), _) => (percent, 100),
        (None, Some(numerator)) => (numerator, number(mirror, "fraction.denominator").unwrap_or(100)),
        (None, None) => (1, 1),
    };
    (part.0.clamp(0, 1_000_000_000) as u64).saturating_mul(1_000_000) / part.1.max(1) as u64
}

/// The Service that a backend is, or why it is none.
pub fn resolve(objects: &Objects, route: &Value, backend: &Value) -> Result<Destination, Refused> {
    let refused = |reason, message: String| Err(Refused { reason, message });
    let (group, kind) = (text(backend, "group"), backend["kind"].as_str().unwrap_or("Service"));
    if !group.is_empty() || kind != "Service" {
        return refused("InvalidKind", format!("the backend kind {kind:?} of the group {group:?} is not supported"));
    }
    let here = object::namespace(route);
    let (namespace, name) = (backend["namespace"].as_str().unwrap_or(here), text(backend, "name"));
    if !gateway::is_granted(objects, here, namespace, name) {
        let message = format!("no ReferenceGrant lets it refer to the Service {name:?} of the namespace {namespace:?}");
        return refused("RefNotPermitted", message);
    }
    if objects.get("Service", namespace, name).is_none() {
        return refused("BackendNotFound", format!("there is no Service {name:?} in the namespace {namespace:?}"));
    }
    let port = number(backend, "port").map_or(Port::Only, Port::Number);
    Ok(Destination { namespace: namespace.to_owned(), service: name.to_owned(), port, labels: BTreeMap::new() })
}

/// The first backend of a route that is none.
pub fn unresolved(objects: &Objects, route: &Value) -> Option<Refused> {
    let rules = items(route, "spec.rules").iter();
    let mut all = rules.flat_map(|rule| {
        let filters = items(rule, "filters").iter();
        let mirrors = filters.filter(|filter| filter["type"] == "RequestMirror");
        items(rule, "backendRefs").iter().chain(mirrors.map(|filter| at(filter, "requestMirror.backendRef")))
    });
    all.find_map(|backend| resolve(objects, route, backend).err())
}

fn conditions(found: &Value) -> (Rank, Vec<Condition>) {
    let path = found["path"]["value"].as_str().unwrap_or("/");
    let (kind, text) = match text(found, "path.type") {
        "Exact" => (0, Some(Text::Exact(path.to_owned()))),
        "RegularExpression" => (1, Text::regex(path)),
        _ => (2, Some(Text::below(path))),
    };
    let mut when = vec![Condition::on(text, Condition::Path)];
    let method = found["method"].as_str();
    when.extend(method.map(|method| Condition::Method(Text::Exact(method.to_owned()))));
    let headers = first_of_each(items(found, "headers"), str::to_ascii_lowercase);
    let query = first_of_each(items(found, "queryParams"), str::to_owned);
    when.extend(headers.iter().map(|header| named(header, Condition::Header)));
    when.extend(query.iter().map(|parameter| named(parameter, Condition::Query)));
    // A slash at the end of a prefix says nothing.
    let length = if kind == 2 { path.trim_end_matches('/').len() } else { path.len() };
    ((kind, Reverse(length), method.is_none(), Reverse(headers.len()), Reverse(query.len())), when)
}

/// Of several with the same name the first one counts.
fn first_of_each(all: &[Value], same: impl Fn(&str) -> String) -> Vec<&Value> {
    let mut seen = BTreeSet::new();
    all.iter().filter(|one| seen.insert(same(text(one, "name")))).collect()
}

/// A header or a parameter by its name.
fn named(found: &Value, condition: impl FnOnce(String, Text) -> Condition) -> Condition {
    let value = text(found, "value");
    let is = match text(found, "type") {
        "RegularExpression" => Text::regex(value),
        _ => Some(Text::Exact(value.to_owned())),
    };
    Condition::on(is, |is| condition(text(found, "name").to_owned(), is))
}
