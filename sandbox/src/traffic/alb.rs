//! Ingresses as the load balancer controller of AWS reads them, with its annotations for actions and conditions.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use super::condition::{Condition, Text};
use super::host::Host;
use super::ingress::{self, Path, Rank};
use super::table::{Backend, Fixed, Port, Rule, Share, Site};
use crate::object;
use crate::read::{at, items, number, text};

const PREFIX: &str = "alb.ingress.kubernetes.io";
/// The port by which a backend says that it is the name of an action.
const BY_ANNOTATION: &str = "use-annotation";

/// The sites of these Ingresses. A load balancer has one list of rules for all hosts, and every host that one of them names is a site
/// with all of them. So far as the sandbox goes there is one load balancer, and all Ingresses are of its group.
pub fn sites(ingresses: &[&Value]) -> Vec<Site> {
    let mut ingresses = ingresses.to_vec();
    ingresses.sort_by_key(|ingress| (order(ingress), object::namespace(ingress), object::name(ingress)));
    let mut paths = ingress::paths(&ingresses);
    paths.sort_by_key(|path| (path.rule.is_none(), path.rule, rank(path)));
    let mut hosts = BTreeSet::new();
    let rules: Arc<[Rule]> = paths.iter().map(|path| rule(path, &mut hosts)).collect();
    let site = |host: String| Site { host: Host::deep(&host), rules: vec![rules.clone()] };
    hosts.into_iter().map(site).collect()
}

/// The place of an Ingress in its group.
fn order(ingress: &Value) -> i64 {
    object::annotation(ingress, &format!("{PREFIX}/group.order")).and_then(|order| order.parse().ok()).unwrap_or(0)
}

/// Exact paths first, then the longest, then the patterns as they stand there.
fn rank(path: &Path<'_>) -> Rank {
    match path.kind {
        "Exact" => (0, Reverse(0)),
        "Prefix" => (1, Reverse(path.path.len())),
        _ => (2, Reverse(0)),
    }
}

/// The rule of a path; its hosts are added to those that have one.
fn rule(path: &Path<'_>, sites: &mut BTreeSet<String>) -> Rule {
    let name = text(path.backend, "service.name");
    let own = match path.kind {
        "Exact" | "Prefix" => Some(ingress::plain(path)),
        _ => Text::wildcards(path.path, false),
    };
    let mut asked = Asked::default();
    asked.paths.push(ingress::on_path(own));
    asked.hosts.extend(Some(path.host).filter(|host| !host.is_empty()).map(str::to_owned));
    asked.add(path.ingress, name);
    let shares = if text(path.backend, "service.port.name") == BY_ANNOTATION {
        action(path.ingress, name)
    } else {
        vec![Share::new(1, ingress::service(path.ingress, path.backend))]
    };
    let Asked { hosts, paths, mut others } = asked;
    if hosts.is_empty() {
        sites.insert(String::new());
    } else {
        // A pattern of another form than `*.example.com` may be for every host.
        let odd = |host: &str| host.strip_prefix("*.").unwrap_or(host).contains(['*', '?']);
        sites.extend(hosts.iter().map(|host| if odd(host) { String::new() } else { host.to_ascii_lowercase() }));
        others.push(Condition::Any(hosts.iter().map(|host| Condition::on(pattern(host), Condition::Host)).collect()));
    }
    others.push(Condition::Any(paths));
    Rule { when: others, shares, mirrors: Vec::new() }
}

/// An annotation that is JSON. Its keys are read in any case, and are in lower case here.
fn annotation(ingress: &Value, kind: &str, name: &str) -> Option<Result<Value, Fixed>> {
    let key = format!("{PREFIX}/{kind}.{name}");
    let read = serde_json::from_str(object::annotation(ingress, &key)?).map(lowered);
    Some(read.map_err(|error| Fixed::new(503, format!("the annotation {key} is not JSON: {error}"))))
}

/// The same with all keys in lower case. What was read is not deep.
fn lowered(value: Value) -> Value {
    match value {
        Value::Object(map) => map.into_iter().map(|(key, value)| (key.to_ascii_lowercase(), lowered(value))).collect(),
        Value::Array(items) => items.into_iter().map(lowered).collect(),
        other => other,
    }
}

/// Where an action sends requests.
fn action(ingress: &Value, name: &str) -> Vec<Share> {
    let broken = |fixed: Fixed| vec![Share::new(1, Err(fixed))];
    let action = match annotation(ingress, "actions", name) {
        None => return broken(Fixed::new(503, format!("the Ingress has no annotation {PREFIX}/actions.{name}"))),
        Some(Err(fixed)) => return broken(fixed),
        Some(Ok(action)) => action,
    };
    match text(&action, "type").to_ascii_lowercase().as_str() {
        "forward" => {
            let groups = items(&action, "forwardconfig.targetgroups");
            // A load balancer gives the only group everything.
            let only = groups.len() == 1;
            let weight =
                |group: &Value| if only { 1 } else { number(group, "weight").unwrap_or(1).clamp(0, 999) as u64 };
            groups.iter().map(|group| Share::new(weight(group), group_of(ingress, group))).collect()
        }
        "fixed-response" => {
            let config = at(&action, "fixedresponseconfig");
            let status = text(config, "statuscode").parse().unwrap_or(503);
            broken(Fixed::new(status, text(config, "messagebody")))
        }
        other => broken(Fixed::new(501, format!("the sandbox does not know the action {other:?} of a load balancer"))),
    }
}

fn group_of(ingress: &Value, group: &Value) -> Backend {
    let name = text(group, "servicename");
    if name.is_empty() {
        return Err(Fixed::new(503, "a target group without serviceName is not in the sandbox"));
    }
    let port = match at(group, "serviceport") {
        Value::String(text) => text.parse().map_or_else(|_| Port::Name(text.clone()), Port::Number),
        other => other.as_i64().map_or(Port::Only, Port::Number),
    };
    Ok(ingress::destination(ingress, name, port))
}

/// What a rule asks for: one of the hosts, one of the paths, and all others.
#[derive(Debug, Default)]
struct Asked {
    hosts: Vec<String>,
    paths: Vec<Condition>,
    others: Vec<Condition>,
}

impl Asked {
    /// Adds what an annotation asks for: hosts and paths beside those of the rule, and whatever else there is.
    fn add(&mut self, ingress: &Value, name: &str) {
        let all = match annotation(ingress, "conditions", name) {
            None => return,
            Some(Ok(Value::Array(all))) => all,
            Some(_) => return self.others.push(Condition::Never),
        };
        for asked in &all {
            let values = |path: &str| items(asked, path).iter().filter_map(Value::as_str);
            match text(asked, "field") {
                "host-header" => self.hosts.extend(values("hostheaderconfig.values").map(str::to_owned)),
                "path-pattern" => self.paths.extend(
                    values("pathpatternconfig.values").map(|value| ingress::on_path(Text::wildcards(value, false))),
                ),
                _ => self.others.push(one(asked)),
            }
        }
    }
}

/// A text with wildcards, in any case.
fn pattern(value: &str) -> Option<Text> {
    Text::wildcards(value, true)
}

/// One of several values has to be there. Only methods are compared by case.
fn one(asked: &Value) -> Condition {
    let values = |path: &str| items(asked, path).iter().filter_map(Value::as_str);
    Condition::Any(match text(asked, "field") {
        "http-header" => {
            let name = text(asked, "httpheaderconfig.httpheadername");
            let header = |text| Condition::Header(name.to_owned(), text);
            values("httpheaderconfig.values").map(|value| Condition::on(pattern(value), header)).collect()
        }
        "http-request-method" => values("httprequestmethodconfig.values")
            .map(|value| Condition::Method(Text::Exact(value.to_owned())))
            .collect(),
        "query-string" => items(asked, "querystringconfig.values").iter().map(parameter).collect(),
        _ => Vec::new(),
    })
}

/// A parameter of the query; one without a name may have any.
fn parameter(pair: &Value) -> Condition {
    let name = Some(text(pair, "key")).filter(|name| !name.is_empty());
    let name = name.map_or(Some(Text::Any), pattern);
    Condition::on(name, |name| Condition::on(pattern(text(pair, "value")), |value| Condition::AnyQuery(name, value)))
}
