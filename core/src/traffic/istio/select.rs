//! Which routes of a VirtualService carry the weights.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

use super::ends::Ends;
use crate::api::{IstioVirtualService, TcpRoute, TlsRoute};

/// What a route carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Protocol {
    Http,
    Tls,
    Tcp,
}

impl Protocol {
    pub(super) const ALL: [Protocol; 3] = [Protocol::Http, Protocol::Tls, Protocol::Tcp];

    /// The field of a VirtualService that lists such routes.
    pub(super) fn field(self) -> &'static str {
        match self {
            Protocol::Http => "http",
            Protocol::Tls => "tls",
            Protocol::Tcp => "tcp",
        }
    }

    /// Such routes of a VirtualService.
    pub(super) fn routes(self, object: &Value) -> &[Value] {
        object["spec"][self.field()].as_array().map(Vec::as_slice).unwrap_or_default()
    }
}

/// A route, by its place in its list.
pub(crate) type Place = (Protocol, usize);

/// Why the routes that the manifest means cannot be told. The words are Argo Rollouts' as far as users may know them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unclear {
    /// There are no routes.
    Nothing,
    /// Something is wrong with routes of one protocol.
    Routes(Protocol, String),
}

impl fmt::Display for Unclear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unclear::Nothing => {
                f.write_str("Unable to get any of the HTTP, TCP or TLS routes for the Istio VirtualService")
            }
            Unclear::Routes(protocol, why) => {
                let protocol = protocol.field().to_uppercase();
                write!(f, "Istio VirtualService has invalid {protocol} routes. Error: {why}")
            }
        }
    }
}

/// The routes that carry the weights, as far as they can be told.
#[derive(Debug, Default)]
pub(crate) struct Selected {
    pub(crate) places: BTreeSet<Place>,
    /// What is wrong with others that the manifest means.
    pub(crate) unclear: Option<Unclear>,
}

impl Selected {
    fn add(&mut self, object: &Value, (protocol, index): Place, ends: &Ends) {
        match ends.are_in(&protocol.routes(object)[index]) {
            Ok(()) => drop(self.places.insert((protocol, index))),
            Err(why) => self.miss(protocol, why),
        }
    }

    fn miss(&mut self, protocol: Protocol, why: String) {
        self.unclear.get_or_insert(Unclear::Routes(protocol, why));
    }
}

/// The routes that the manifest names, or, where it names none, the only one there is beside those that the controller makes.
pub(crate) fn select(object: &Value, wanted: &IstioVirtualService, ends: &Ends, managed: &[String]) -> Selected {
    if Protocol::ALL.iter().all(|protocol| protocol.routes(object).is_empty()) {
        return Selected { unclear: Some(Unclear::Nothing), ..Selected::default() };
    }
    let IstioVirtualService { routes, tls_routes, tcp_routes, .. } = wanted;
    if routes.is_empty() && tls_routes.is_empty() && tcp_routes.is_empty() {
        return only(object, ends, managed);
    }
    let mut selected = Selected::default();
    let mut add = |protocol: Protocol, is_meant: &dyn Fn(&Value) -> bool, none: &dyn Fn() -> String| {
        let meant = |index: &usize| is_meant(&protocol.routes(object)[*index]);
        let found: Vec<usize> = (0..protocol.routes(object).len()).filter(meant).collect();
        if found.is_empty() {
            selected.miss(protocol, none());
        }
        for index in found {
            selected.add(object, (protocol, index), ends);
        }
    };
    for name in routes {
        add(Protocol::Http, &|route| route["name"] == name.as_str(), &|| format!("there is no route named {name:?}"));
    }
    for wanted in tls_routes {
        add(Protocol::Tls, &|route| is_tls(route, wanted), &|| "no route has the port and the SNI hosts".to_owned());
    }
    for wanted in tcp_routes {
        add(Protocol::Tcp, &|route| is_tcp(route, wanted), &|| "no route has the port".to_owned());
    }
    selected
}

/// The only route of the first protocol that has any, and with it those of the others that lead to both revisions too. Where somebody
/// has added more, those that lead to both are told all the same: an abort must reach them.
fn only(object: &Value, ends: &Ends, managed: &[String]) -> Selected {
    let mut selected = Selected::default();
    for protocol in Protocol::ALL {
        let routes = protocol.routes(object).iter().enumerate();
        let own: Vec<_> = routes.filter(|(_, route)| !is_managed(route, managed)).collect();
        let is_first = selected.places.is_empty() && !protocol.routes(object).is_empty();
        match own.len() {
            1 if is_first => selected.add(object, (protocol, own[0].0), ends),
            0 if is_first => {
                selected
                    .miss(protocol, "it has none beside managedRoutes; add the one that carries the weights".into());
            }
            _ => {
                if is_first {
                    selected.miss(protocol, "it has several routes; name those to edit".into());
                }
                let both = own.into_iter().filter(|(_, route)| ends.are_in(route).is_ok());
                selected.places.extend(both.map(|(index, _)| (protocol, index)));
            }
        }
    }
    selected
}

/// Whether the controller makes a route (`managedRoutes`).
pub(super) fn is_managed(route: &Value, managed: &[String]) -> bool {
    route["name"].as_str().is_some_and(|name| managed.iter().any(|managed| managed == name))
}

fn is_tls(route: &Value, wanted: &TlsRoute) -> bool {
    let hosts: Vec<&str> =
        conditions(route).filter_map(|one| one["sniHosts"].as_array()).flatten().filter_map(Value::as_str).collect();
    has_port(route, wanted.port) && wanted.sni_hosts.iter().all(|host| hosts.contains(&host.as_str()))
}

fn is_tcp(route: &Value, wanted: &TcpRoute) -> bool {
    has_port(route, wanted.port)
}

fn has_port(route: &Value, wanted: Option<i64>) -> bool {
    wanted.is_none() || conditions(route).any(|one| one["port"].as_i64() == wanted)
}

fn conditions(route: &Value) -> impl Iterator<Item = &Value> {
    route["match"].as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wanted(fields: Value) -> IstioVirtualService {
        let mut fields = fields;
        fields["name"] = json!("web");
        serde_json::from_value(fields).expect("a VirtualService to edit")
    }

    fn places(spec: &Value, fields: Value) -> Result<Vec<(&'static str, usize)>, String> {
        let ends = Ends::new("b", "a", None);
        let found = select(&json!({ "spec": spec }), &wanted(fields), &ends, &["beta".to_owned()]);
        match found.unclear {
            Some(unclear) => Err(unclear.to_string()),
            None => Ok(found.places.into_iter().map(|(protocol, index)| (protocol.field(), index)).collect()),
        }
    }

    fn both(name: &str, condition: &Value) -> Value {
        let route = json!([{"destination": {"host": "a"}}, {"destination": {"host": "b"}}]);
        json!({"name": name, "match": [condition], "route": route})
    }

    #[test]
    fn routes_are_found_by_name_by_port_and_by_sni_hosts() {
        let spec = json!({
            "http": [both("beta", &json!({})), both("one", &json!({})), both("two", &json!({}))],
            "tls": [both("", &json!({"port": 443, "sniHosts": ["x", "y"]})), both("", &json!({"port": 8443, "sniHosts": ["x"]}))],
            "tcp": [both("", &json!({"port": 25})), both("", &json!({"port": 26}))],
        });
        for (fields, expected) in [
            (json!({"routes": ["two", "one"]}), vec![("http", 1), ("http", 2)]),
            (json!({"tlsRoutes": [{"port": 443}]}), vec![("tls", 0)]),
            (json!({"tlsRoutes": [{"sniHosts": ["x"]}]}), vec![("tls", 0), ("tls", 1)]),
            (json!({"tlsRoutes": [{"port": 443, "sniHosts": ["y", "x"]}]}), vec![("tls", 0)]),
            (json!({"tcpRoutes": [{"port": 26}], "routes": ["one"]}), vec![("http", 1), ("tcp", 1)]),
        ] {
            assert_eq!(places(&spec, fields.clone()), Ok(expected), "{fields}");
        }
        for (fields, expected) in [
            (
                json!({"routes": ["three"]}),
                "Istio VirtualService has invalid HTTP routes. Error: there is no route named \"three\"",
            ),
            (
                json!({"tlsRoutes": [{"port": 1}]}),
                "Istio VirtualService has invalid TLS routes. Error: no route has the port and the SNI hosts",
            ),
            (
                json!({}),
                "Istio VirtualService has invalid HTTP routes. Error: it has several routes; name those to edit",
            ),
        ] {
            assert_eq!(places(&spec, fields.clone()), Err(expected.to_owned()), "{fields}");
        }
    }

    #[test]
    fn what_is_wrong_with_one_route_keeps_none_of_the_others_from_being_told() {
        let broken = json!({"name": "two", "route": [{"destination": {"host": "a"}}]});
        let object = json!({"spec": {"http": [both("one", &json!({})), broken]}});
        let ends = Ends::new("b", "a", None);
        for fields in [json!({"routes": ["one", "two", "three"]}), json!({})] {
            let found = select(&object, &wanted(fields.clone()), &ends, &[]);
            assert_eq!(found.places, [(Protocol::Http, 0)].into(), "{fields}");
            assert!(found.unclear.is_some(), "{fields}");
        }
    }

    #[test]
    fn where_none_is_named_the_only_one_beside_managed_routes_is_meant() {
        let one = json!({"http": [both("beta", &json!({})), both("one", &json!({}))]});
        assert_eq!(places(&one, json!({})), Ok(vec![("http", 1)]));
        let passthrough =
            json!({"tls": [both("", &json!({}))], "tcp": [{"route": [{"destination": {"host": "mail"}}]}]});
        assert_eq!(places(&passthrough, json!({})), Ok(vec![("tls", 0)]));
        let nothing = "Unable to get any of the HTTP, TCP or TLS routes for the Istio VirtualService";
        assert_eq!(places(&json!(null), json!({})), Err(nothing.to_owned()));
    }
}
