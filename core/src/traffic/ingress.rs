//! Ingresses, which several data planes read.

use std::collections::BTreeSet;

use serde_json::Value;

use super::ObjectKind;
use super::object::{Pick, Query, Seen, Trouble};
pub(super) use super::share::share;

/// The kind.
pub const INGRESS: ObjectKind =
    ObjectKind { group: "networking.k8s.io", kind: "Ingress", plural: "ingresses", versions: &["v1"] };

/// The names of the Ingresses that a manifest names, each once.
pub(super) fn names<'a>(one: &'a str, several: &'a [String]) -> Vec<&'a str> {
    let mut met = BTreeSet::new();
    let all = std::iter::once(one).chain(several.iter().map(String::as_str));
    all.filter(|name| !name.is_empty() && met.insert(*name)).collect()
}

pub(super) fn query(namespace: &str, name: &str) -> Query {
    Query { kind: INGRESS, namespace: namespace.to_owned(), pick: Pick::Named(name.to_owned()) }
}

/// The paths of a rule.
pub(super) fn paths(rule: &Value) -> impl Iterator<Item = &Value> {
    rule["http"]["paths"].as_array().into_iter().flatten()
}

/// The paths of all rules.
pub(super) fn all_paths(ingress: &Value) -> impl Iterator<Item = &Value> {
    ingress["spec"]["rules"].as_array().into_iter().flatten().flat_map(paths)
}

/// Whether a path leads to a Service.
pub(super) fn leads_to(path: &Value, service: &str) -> bool {
    !service.is_empty() && path["backend"]["service"]["name"] == service
}

/// That no path of an Ingress leads to the Service whose traffic is divided.
pub(super) fn no_rules(seen: &Seen, service: &str) -> Trouble {
    let name = &seen.name;
    seen.trouble(format!("ingress `{name}` has no rules using service {service} backend; add a path that leads to it"))
}

/// An annotation's text.
pub(super) fn annotation<'a>(ingress: &'a Value, key: &str) -> Option<&'a str> {
    ingress["metadata"]["annotations"][key].as_str()
}

/// A prefix of annotations as the manifest gives it, or another one.
pub(super) fn prefix(given: Option<&String>, otherwise: &str) -> String {
    given.filter(|given| !given.is_empty()).map_or_else(|| otherwise.to_owned(), Clone::clone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ingress_that_is_named_twice_is_one() {
        let several = ["b".to_owned(), "a".to_owned(), "b".to_owned(), String::new()];
        assert_eq!(names("a", &several), ["a", "b"]);
        assert_eq!(names("", &[]), [""; 0]);
    }
}
