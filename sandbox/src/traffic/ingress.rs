//! Ingresses: who reads them, and their paths.

use std::collections::BTreeMap;

use serde_json::Value;

use super::condition::{Condition, Text};
use super::host::Host;
use super::objects::Objects;
use super::table::{Backend, Destination, Fixed, Port, Rule, Site};
use super::{alb, nginx};
use crate::object;
use crate::read::{at, items, number, text};

/// What the class of the load balancers of AWS is run by.
const ALB: &str = "ingress.k8s.aws/alb";
const CLASS: &str = "kubernetes.io/ingress.class";

/// A path of an Ingress.
#[derive(Clone, Copy, Debug)]
pub struct Path<'a> {
    /// Whose it is.
    pub ingress: &'a Value,
    /// Which rule has it, counted through all of them; `None` for a default backend.
    pub rule: Option<usize>,
    /// Its host; empty for all.
    pub host: &'a str,
    /// The path.
    pub path: &'a str,
    /// How it is meant: `Exact`, `Prefix` or `ImplementationSpecific`.
    pub kind: &'a str,
    /// Where it leads.
    pub backend: &'a Value,
}

/// The sites of all Ingresses.
pub fn sites(objects: &Objects) -> Vec<Site> {
    let all = objects.all("Ingress").iter().map(|ingress| &**ingress);
    let (alb, other): (Vec<&Value>, Vec<&Value>) = all.partition(|ingress| is_alb(objects, ingress));
    let mut sites = nginx::sites(&other);
    sites.extend(alb::sites(&alb));
    sites
}

/// Whether a load balancer of AWS reads it. Everything else is read as ingress-nginx does.
fn is_alb(objects: &Objects, ingress: &Value) -> bool {
    let annotated = object::annotation(ingress, CLASS).unwrap_or_default();
    let class = text(ingress, "spec.ingressClassName");
    let class = if class.is_empty() { annotated } else { class };
    match objects.get("IngressClass", "", class) {
        Some(class) => text(class, "spec.controller") == ALB,
        None => class == "alb",
    }
}

/// All paths of these, with those of the default backends, which come last.
pub fn paths<'a>(ingresses: &[&'a Value]) -> Vec<Path<'a>> {
    let (mut paths, mut rules) = (Vec::new(), 0);
    for ingress in ingresses {
        for rule in items(ingress, "spec.rules") {
            rules += 1;
            for path in items(rule, "http.paths") {
                paths.push(Path {
                    ingress,
                    rule: Some(rules),
                    host: text(rule, "host"),
                    path: path["path"].as_str().filter(|path| !path.is_empty()).unwrap_or("/"),
                    kind: text(path, "pathType"),
                    backend: at(path, "backend"),
                });
            }
        }
    }
    let defaults = ingresses.iter().filter_map(|ingress| {
        Some(Path { ingress, rule: None, host: "", path: "/", kind: "Prefix", backend: default_backend(ingress)? })
    });
    paths.extend(defaults);
    paths
}

/// Where an Ingress sends what none of its rules is for.
pub fn default_backend(ingress: &Value) -> Option<&Value> {
    Some(at(ingress, "spec.defaultBackend")).filter(|backend| backend.is_object())
}

/// The Service that a backend is.
pub fn service(ingress: &Value, backend: &Value) -> Backend {
    let name = text(backend, "service.name");
    if name.is_empty() {
        return Err(Fixed::new(503, "the backend of the Ingress is not a Service"));
    }
    let port = match (number(backend, "service.port.number"), text(backend, "service.port.name")) {
        (Some(number), _) => Port::Number(number),
        (None, "") => Port::Only,
        (None, name) => Port::Name(name.to_owned()),
    };
    Ok(destination(ingress, name, port))
}

/// A Service of an Ingress's namespace.
pub fn destination(ingress: &Value, name: &str, port: Port) -> Destination {
    let namespace = object::namespace(ingress).to_owned();
    Destination { namespace, service: name.to_owned(), port, labels: BTreeMap::new() }
}

/// How well a path is named: the smaller the better.
pub type Rank = (u8, std::cmp::Reverse<usize>);

/// Puts rules in the order of their ranks, host by host; equal ones stay as they are.
pub fn by_host(rules: impl IntoIterator<Item = (String, Rank, Rule)>) -> Vec<Site> {
    let mut hosts: BTreeMap<String, Vec<(Rank, Rule)>> = BTreeMap::new();
    for (host, rank, rule) in rules {
        hosts.entry(host).or_default().push((rank, rule));
    }
    let site = |(host, mut rules): (String, Vec<(Rank, Rule)>)| {
        rules.sort_by_key(|(rank, _)| *rank);
        Site { host: Host::flat(&host), rules: vec![rules.into_iter().map(|(_, rule)| rule).collect()] }
    };
    hosts.into_iter().map(site).collect()
}

/// A path that has to be this one, or one that begins so, label by label.
pub fn plain(path: &Path<'_>) -> Text {
    if path.kind == "Exact" { Text::Exact(path.path.to_owned()) } else { Text::below(path.path) }
}

/// The condition on a path.
pub fn on_path(text: Option<Text>) -> Condition {
    Condition::on(text, Condition::Path)
}
