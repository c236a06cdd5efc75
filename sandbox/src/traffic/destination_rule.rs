//! Hosts of the mesh, and the subsets that `DestinationRule`s make of their pods.

use std::collections::BTreeMap;

use serde_json::Value;

use super::objects::Objects;
use crate::object;
use crate::read::{at, items, text};

/// The namespace and name of the Service that a host of the mesh is, as an object of some namespace names it: `web`, `web.shop`,
/// `web.shop.svc` or `web.shop.svc.cluster.local`. `None` where it is a host outside.
pub fn service<'a>(host: &'a str, namespace: &'a str) -> Option<(&'a str, &'a str)> {
    let mut labels = host.split('.');
    let name = labels.next().filter(|name| !name.is_empty() && !name.contains('*'))?;
    let namespace = labels.next().unwrap_or(namespace);
    match labels.collect::<Vec<_>>()[..] {
        [] | ["svc"] | ["svc", "cluster", "local"] => Some((namespace, name)),
        _ => None,
    }
}

/// The names by which requests in a mesh ask for a Service.
pub fn names(namespace: &str, name: &str) -> [String; 4] {
    let full = format!("{name}.{namespace}");
    [name.to_owned(), format!("{full}.svc"), format!("{full}.svc.cluster.local"), full]
}

/// The labels of a subset: those of the first rule for the Service that has it, seen from a namespace.
pub fn subset(
    objects: &Objects,
    from: &str,
    (namespace, name): (&str, &str),
    subset: &str,
) -> Option<BTreeMap<String, String>> {
    let places = if from == namespace { vec![from] } else { vec![from, namespace] };
    let rules = places
        .into_iter()
        .flat_map(|place| objects.all("DestinationRule").iter().filter(move |rule| object::namespace(rule) == place));
    let mut mine =
        rules.filter(|rule| service(text(rule, "spec.host"), object::namespace(rule)) == Some((namespace, name)));
    let found: &Value = mine.find_map(|rule| items(rule, "spec.subsets").iter().find(|it| it["name"] == subset))?;
    Some(object::texts(at(found, "labels")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_the_mesh_are_services() {
        for (host, expected) in [
            ("web", Some(("shop", "web"))),
            ("web.mesh", Some(("mesh", "web"))),
            ("web.mesh.svc", Some(("mesh", "web"))),
            ("web.mesh.svc.cluster.local", Some(("mesh", "web"))),
            ("www.example.com", None),
            ("*.mesh", None),
            ("", None),
        ] {
            assert_eq!(service(host, "shop"), expected, "{host}");
        }
    }
}
