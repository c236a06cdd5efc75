//! Ingresses as the load balancer controller of AWS reads them, with its annotations for actions and conditions.

use std::cmp::Reverse;

use serde_json::Value;

use super::condition::{Condition, Text};
use super::ingress::{self, Path, Rank};
use super::table::{Backend, Fixed, Port, Rule, Share, Site};
use crate::object;
use crate::read::{at, items, number, text};

const PREFIX: &str = "alb.ingress.kubernetes.io";
/// The port by which a backend says that it is the name of an action.
const BY_ANNOTATION: &str = "use-annotation";

/// The sites of these Ingresses.
pub fn sites(ingresses: &[&Value]) -> Vec<Site> {
    let rules = ingress::paths(ingresses).into_iter().map(|path| {
        let name = text(path.backend, "service.name");
        let (rank, on_path) = condition(&path);
        let mut when = vec![on_path];
        when.extend(conditions(path.ingress, name));
        let shares = if text(path.backend, "service.port.name") == BY_ANNOTATION {
            action(path.ingress, name)
        } else {
            vec![Share::new(1, ingress::service(path.ingress, path.backend))]
        };
        (path.host.to_owned(), rank, Rule { when, shares, mirrors: Vec::new() })
    });
    ingress::by_host(rules)
}

/// Exact paths first, then the longest, then the patterns as they stand there.
fn condition(path: &Path<'_>) -> (Rank, Condition) {
    let length = Reverse(path.path.len());
    match path.kind {
        "Exact" => ((0, length), ingress::on_path(Some(ingress::plain(path)))),
        "Prefix" => ((1, length), ingress::on_path(Some(ingress::plain(path)))),
        _ => ((2, Reverse(0)), ingress::on_path(Text::wildcards(path.path, false))),
    }
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

/// What an annotation asks for besides the path.
fn conditions(ingress: &Value, name: &str) -> Vec<Condition> {
    match annotation(ingress, "conditions", name) {
        None => Vec::new(),
        Some(Ok(Value::Array(all))) => all.iter().map(one).collect(),
        Some(_) => vec![Condition::Never],
    }
}

/// One of several values has to be there. Only paths and methods are compared by case.
fn one(asked: &Value) -> Condition {
    let values = |path: &str| items(asked, path).iter().filter_map(Value::as_str);
    let pattern = |value: &str| Text::wildcards(value, true);
    Condition::Any(match text(asked, "field") {
        "http-header" => {
            let name = text(asked, "httpheaderconfig.httpheadername");
            let header = |text| Condition::Header(name.to_owned(), text);
            values("httpheaderconfig.values").map(|value| Condition::on(pattern(value), header)).collect()
        }
        "host-header" => {
            values("hostheaderconfig.values").map(|value| Condition::on(pattern(value), Condition::Host)).collect()
        }
        "path-pattern" => values("pathpatternconfig.values")
            .map(|value| Condition::on(Text::wildcards(value, false), Condition::Path))
            .collect(),
        "http-request-method" => values("httprequestmethodconfig.values")
            .map(|value| Condition::Method(Text::Exact(value.to_owned())))
            .collect(),
        "query-string" => items(asked, "querystringconfig.values")
            .iter()
            .map(|pair| {
                Condition::on(pattern(text(pair, "value")), |is| Condition::Query(text(pair, "key").to_owned(), is))
            })
            .collect(),
        _ => Vec::new(),
    })
}
