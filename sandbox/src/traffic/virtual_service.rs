//! `VirtualService`s of Istio: their HTTP routes. What is told of them on the way (retries, timeouts, faults, rewrites) does not
//! decide who answers, and has no effect here; nor has the gateway that they name.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::condition::{Condition, Text};
use super::destination_rule::{names, service, subset};
use super::host::Host;
use super::objects::Objects;
use super::table::{Backend, Destination, Fixed, Mirror, Port, Rule, Share, Site};
use crate::object;
use crate::read::{at, entries, items, number, text};

/// The sites of all of them. Where several name a host, the routes of the older one go first.
pub fn sites(objects: &Objects) -> Vec<Site> {
    let mut by_host: BTreeMap<String, Vec<Arc<[Rule]>>> = BTreeMap::new();
    for it in objects.all("VirtualService") {
        let rules: Arc<[Rule]> = items(it, "spec.http").iter().flat_map(|route| rules(objects, it, route)).collect();
        let mut hosts: Vec<String> = items(it, "spec.hosts").iter().flat_map(|host| asked_as(it, host)).collect();
        hosts.sort_unstable();
        hosts.dedup();
        for host in hosts {
            by_host.entry(host).or_default().push(rules.clone());
        }
    }
    by_host.into_iter().map(|(host, rules)| Site { host: Host::deep(&host), rules }).collect()
}

/// The hosts of requests for a host of the manifest. One of the mesh has several names.
fn asked_as(virtual_service: &Value, host: &Value) -> Vec<String> {
    let host = host.as_str().unwrap_or_default();
    if host.is_empty() {
        return Vec::new();
    }
    match service(host, object::namespace(virtual_service)) {
        Some((namespace, name)) => names(namespace, name).into(),
        None => vec![host.to_owned()],
    }
}

/// A route as rules: one for each of its matches.
fn rules(objects: &Objects, it: &Value, route: &Value) -> Vec<Rule> {
    let plain = read(objects, it, route);
    match items(route, "match") {
        [] => vec![plain],
        all => all.iter().map(|found| Rule { when: conditions(found), ..plain.clone() }).collect(),
    }
}

fn read(objects: &Objects, it: &Value, route: &Value) -> Rule {
    if let Some(fixed) = fixed(route) {
        return Rule::to(Vec::new(), Err(fixed));
    }
    let routes = items(route, "route");
    let shares = routes.iter().map(|part| {
        // The only destination has all, whatever its weight is.
        let weight = if routes.len() == 1 { 1 } else { number(part, "weight").unwrap_or(0).max(0) as u64 };
        let added = entries(part, "headers.response.add").chain(entries(part, "headers.response.set"));
        let marks = added.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
        Share { weight, to: destination(objects, it, at(part, "destination")), marks: marks.collect() }
    });
    let one = Some(at(route, "mirror")).filter(|mirror| mirror.is_object());
    let percentage = at(route, "mirrorPercentage");
    let several = items(route, "mirrors").iter().map(|mirror| (at(mirror, "destination"), at(mirror, "percentage")));
    let mirrors = one.map(|one| (one, percentage)).into_iter().chain(several).filter_map(|(to, percentage)| {
        let percent = at(percentage, "value").as_f64().unwrap_or(100.0).clamp(0.0, 100.0);
        Some(Mirror { to: destination(objects, it, to).ok()?, per_million: (percent * 10_000.0) as u64 })
    });
    Rule { when: Vec::new(), shares: shares.collect(), mirrors: mirrors.collect() }
}

/// What a route answers by itself.
fn fixed(route: &Value) -> Option<Fixed> {
    if let Some(direct) = route.get("directResponse") {
        let status = number(direct, "status").and_then(|status| u16::try_from(status).ok()).unwrap_or(500);
        return Some(Fixed::new(status, text(direct, "body.string")));
    }
    let other = ["redirect", "delegate"].into_iter().find(|field| route.get(field).is_some())?;
    Some(Fixed::new(501, format!("the sandbox does not know {other} of a VirtualService")))
}

fn destination(objects: &Objects, it: &Value, to: &Value) -> Backend {
    let (from, host) = (object::namespace(it), text(to, "host"));
    let Some((namespace, name)) = service(host, from) else {
        return Err(Fixed::new(503, format!("the host {host:?} is not a Service of the sandbox")));
    };
    let labels = match to["subset"].as_str().filter(|subset| !subset.is_empty()) {
        None => BTreeMap::new(),
        Some(wanted) => subset(objects, from, (namespace, name), wanted).ok_or_else(|| {
            Fixed::new(503, format!("no DestinationRule for the Service {name:?} has the subset {wanted:?}"))
        })?,
    };
    let port = number(to, "port.number").map_or(Port::Only, Port::Number);
    Ok(Destination { namespace: namespace.to_owned(), service: name.to_owned(), port, labels })
}

/// What one match asks for, all of it.
fn conditions(found: &Value) -> Vec<Condition> {
    let mut when = Vec::new();
    let any_case = found["ignoreUriCase"] == true;
    let plain = [
        ("uri", Condition::Path as fn(Text) -> Condition),
        ("method", Condition::Method),
        ("authority", Condition::Host),
    ];
    for (field, condition) in plain {
        if let Some(asked) = found.get(field) {
            when.push(Condition::on(wanted(asked, any_case && field == "uri"), condition));
        }
    }
    let named = [
        ("headers", Condition::Header as fn(String, Text) -> Condition),
        ("withoutHeaders", Condition::NotHeader),
        ("queryParams", Condition::Query),
    ];
    for (field, condition) in named {
        let all = entries(found, field);
        when.extend(all.map(|(name, asked)| Condition::on(wanted(asked, false), |text| condition(name.clone(), text))));
    }
    // Requests come from outside the mesh, and by HTTP.
    let has = |field: &str| found.get(field).is_some_and(|asked| asked.as_object().is_none_or(|map| !map.is_empty()));
    let plain = found.get("scheme").is_none_or(|asked| wanted(asked, false).is_some_and(|scheme| scheme.holds("http")));
    if has("sourceLabels") || has("sourceNamespace") || !plain {
        when.push(Condition::Never);
    }
    when
}

/// What a text has to be.
fn wanted(asked: &Value, any_case: bool) -> Option<Text> {
    let is = |field: &str| asked[field].as_str();
    match (is("exact"), is("prefix"), is("regex")) {
        (Some(exact), _, _) if any_case => Text::in_any_case(exact),
        (Some(exact), _, _) => Some(Text::Exact(exact.to_owned())),
        (_, Some(prefix), _) if any_case => Text::regex_from_start(&regex::escape(prefix)),
        (_, Some(prefix), _) => Some(Text::Prefix(prefix.to_owned())),
        (_, _, Some(regex)) => Text::regex(regex),
        // Nothing is asked but that it is there.
        (None, None, None) => Some(Text::Any),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn hosts_share_the_routes_of_their_virtual_service() {
        let object = json!({
            "kind": "VirtualService", "metadata": { "name": "web", "namespace": "shop" },
            "spec": { "hosts": ["a.example.com", "b.example.com"], "http": [{ "match": [{}, {}] }] },
        });
        let sites = sites(&Objects::these([object]));
        let [one, other] = &sites[..] else { panic!("{sites:?}") };
        assert!(Arc::ptr_eq(&one.rules[0], &other.rules[0]), "many hosts with many routes would take all memory");
        assert_eq!(one.rules[0].len(), 2);
    }
}
