//! Istio: the routes of a VirtualService that are named must be there and lead to both revisions.

use serde_json::Value;

use super::{Reference, Search};
use crate::api::{CanaryStrategy, IstioTrafficRouting, IstioVirtualService, TlsRoute};
use crate::validate::canary::CANARY;

const GROUP: &str = "networking.istio.io";

pub(super) fn check(search: &mut Search<'_>) {
    let Some(canary) = &search.rollout.spec.strategy.canary else { return };
    let Some(routing) = &canary.traffic_routing else { return };
    let Some(istio) = &routing.istio else { return };
    let field = format!("{CANARY}.trafficRouting.istio");
    let single = istio.virtual_service.iter().map(|service| (format!("{field}.virtualService"), service));
    let several = istio.virtual_services.iter().enumerate();
    let several = several.map(|(index, service)| (format!("{field}.virtualServices[{index}]"), service));
    for (field, wanted) in single.chain(several) {
        // A name may carry its namespace: `web.other`.
        let (name, namespace) = match wanted.name.split_once('.') {
            Some((name, namespace)) => (name, Some(namespace)),
            None => (wanted.name.as_str(), search.rollout.metadata.namespace.as_deref()),
        };
        let reference = Reference { group: GROUP, kind: "VirtualService", namespace, name };
        let name_field = format!("{field}.name");
        let Some(object) = search.find_in(&name_field, reference) else { continue };
        let managed: Vec<&str> = routing.managed_routes.iter().map(|route| route.name.as_str()).collect();
        if let Err(detail) = check_routes(wanted, &object, &managed, &hosts(canary, istio)) {
            search.found.invalid(name_field, &wanted.name, &detail);
        }
    }
    if let Some(rule) = &istio.destination_rule {
        search.find(&format!("{field}.destinationRule.name"), GROUP, "DestinationRule", &rule.name);
    }
}

/// How the destinations of both revisions are known: by subset, else by the first label of the host.
fn hosts<'a>(canary: &'a CanaryStrategy, istio: &'a IstioTrafficRouting) -> Vec<(&'static str, &'a str)> {
    if let Some(rule) = &istio.destination_rule {
        return vec![("subset", rule.canary_subset_name.as_str()), ("subset", rule.stable_subset_name.as_str())];
    }
    let services = [&canary.canary_service, &canary.stable_service];
    services.into_iter().flatten().map(|service| ("host", service.as_str())).collect()
}

fn check_routes(
    wanted: &IstioVirtualService,
    object: &Value,
    managed: &[&str],
    destinations: &[(&str, &str)],
) -> Result<(), String> {
    let list =
        |kind: &str| object.pointer(&format!("/spec/{kind}")).and_then(Value::as_array).cloned().unwrap_or_default();
    let (http, tls, tcp) = (list("http"), list("tls"), list("tcp"));
    if http.is_empty() && tls.is_empty() && tcp.is_empty() {
        return Err("Unable to get any of the HTTP, TCP or TLS routes for the Istio VirtualService".into());
    }
    let invalid = |kind: &str, error: String| format!("Istio VirtualService has invalid {kind} routes. Error: {error}");
    let asks_http =
        !wanted.routes.is_empty() || (wanted.tls_routes.is_empty() && wanted.tcp_routes.is_empty() && !http.is_empty());
    if asks_http {
        check_http(wanted, &http, managed, destinations).map_err(|error| invalid("HTTP", error))?;
    }
    for route in &wanted.tls_routes {
        let found = tls.iter().find(|candidate| matches_tls(candidate, route));
        let found = found.ok_or_else(|| invalid("TLS", "no route has the port and the SNI hosts".into()))?;
        leads_to(found, destinations).map_err(|error| invalid("TLS", error))?;
    }
    for route in &wanted.tcp_routes {
        let has_port =
            |candidate: &&Value| route.port.is_none() || ports(candidate).any(|port| Some(port) == route.port);
        let found = tcp.iter().find(has_port).ok_or_else(|| invalid("TCP", "no route has the port".into()))?;
        leads_to(found, destinations).map_err(|error| invalid("TCP", error))?;
    }
    Ok(())
}

fn check_http(
    wanted: &IstioVirtualService,
    http: &[Value],
    managed: &[&str],
    destinations: &[(&str, &str)],
) -> Result<(), String> {
    let name = |route: &Value| route.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    if wanted.routes.is_empty() {
        let mut own = http.iter().filter(|route| !managed.contains(&name(route).as_str()));
        return match (own.next(), own.next()) {
            (Some(only), None) => leads_to(only, destinations),
            _ => Err("it has several routes; name those to edit".into()),
        };
    }
    for route in &wanted.routes {
        let found = http.iter().find(|candidate| name(candidate) == *route);
        leads_to(found.ok_or_else(|| format!("there is no route named {route:?}"))?, destinations)?;
    }
    Ok(())
}

fn leads_to(route: &Value, destinations: &[(&str, &str)]) -> Result<(), String> {
    let targets = route.get("route").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for (field, wanted) in destinations.iter().filter(|(_, wanted)| !wanted.is_empty()) {
        let leads = targets.iter().any(|target| {
            let text = target.get("destination").and_then(|to| to.get(field)?.as_str()).unwrap_or_default();
            let text = if *field == "host" { text.split('.').next().unwrap_or_default() } else { text };
            text == *wanted
        });
        if !leads {
            return Err(format!("no destination has the {field} {wanted:?}"));
        }
    }
    Ok(())
}

fn matches_tls(candidate: &Value, wanted: &TlsRoute) -> bool {
    let port = wanted.port.is_none() || ports(candidate).any(|port| Some(port) == wanted.port);
    let hosts: Vec<&str> = conditions(candidate)
        .filter_map(|one| one.get("sniHosts")?.as_array())
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    port && wanted.sni_hosts.iter().all(|host| hosts.contains(&host.as_str()))
}

fn ports(route: &Value) -> impl Iterator<Item = i64> {
    conditions(route).filter_map(|one| one.get("port")?.as_i64())
}

fn conditions(route: &Value) -> impl Iterator<Item = &Value> {
    route.get("match").and_then(Value::as_array).into_iter().flatten()
}
