//! Routings in the words of the protocol.

use sluice_plugin as protocol;

use crate::api::{self, SetHeaderRoute, SetMirrorRoute};
use crate::traffic::{Destination, Route, Routing};

/// A routing, and why a route of it cannot be said.
pub(super) fn routing(routing: &Routing, max: i32) -> (protocol::Routing, Option<String>) {
    let weighted = |to: &Destination, weight: i32| protocol::Weighted {
        destination: destination(to),
        weight: u32::try_from(weight).unwrap_or(0),
    };
    let routes: Vec<_> = routing.routes.iter().map(route).collect();
    let unclear = routes.iter().find_map(|route| route.as_ref().err().cloned());
    let said = protocol::Routing {
        canary: weighted(&routing.canary, routing.weight.value()),
        stable: weighted(&routing.stable, routing.rest()),
        additional: routing.additional.iter().map(|(to, share)| weighted(to, *share)).collect(),
        total: u32::try_from(max).unwrap_or(0).max(1),
        routes: routes.into_iter().flatten().collect(),
    };
    (said, unclear)
}

/// A destination.
pub(super) fn destination(to: &Destination) -> protocol::Destination {
    protocol::Destination { service: to.service.clone(), hash: to.hash.clone() }
}

fn route(route: &Route) -> Result<protocol::Route, String> {
    match route {
        Route::Header(route) => header(route).map(protocol::Route::Header),
        Route::Mirror(route) => mirror(route).map(protocol::Route::Mirror),
    }
}

fn header(route: &SetHeaderRoute) -> Result<protocol::HeaderRoute, String> {
    let one = |it: &api::HeaderRoutingMatch| {
        let header_value = text(&route.name, it.header_value.as_ref())?;
        Ok(protocol::HeaderMatch { header_name: it.header_name.clone(), header_value })
    };
    let matches = route.matches.iter().map(one).collect::<Result<_, String>>()?;
    Ok(protocol::HeaderRoute { name: route.name.clone(), matches })
}

fn mirror(route: &SetMirrorRoute) -> Result<protocol::MirrorRoute, String> {
    let maybe = |it: Option<&api::StringMatch>| it.map(|it| text(&route.name, Some(it))).transpose();
    let one = |it: &api::RouteMatch| {
        let header = |(name, value): (&String, &api::StringMatch)| Ok((name.clone(), text(&route.name, Some(value))?));
        Ok(protocol::RequestMatch {
            method: maybe(it.method.as_ref())?,
            path: maybe(it.path.as_ref())?,
            headers: it.headers.iter().map(header).collect::<Result<_, String>>()?,
        })
    };
    let matches = route.matches.iter().map(one).collect::<Result<_, String>>()?;
    let percentage = u8::try_from(route.percentage.unwrap_or(100).clamp(0, 100)).unwrap_or(100);
    Ok(protocol::MirrorRoute { name: route.name.clone(), matches, percentage })
}

fn text(route: &str, matched: Option<&api::StringMatch>) -> Result<protocol::StringMatch, String> {
    let set = matched.map(|it| (it.exact.clone(), it.prefix.clone(), it.regex.clone())).unwrap_or_default();
    Ok(match set {
        (Some(exact), None, None) => protocol::StringMatch::Exact(exact),
        (None, Some(prefix), None) => protocol::StringMatch::Prefix(prefix),
        (None, None, Some(regex)) => protocol::StringMatch::Regex(regex),
        _ => return Err(format!("route {route:?}: a match needs exactly one of exact, prefix and regex")),
    })
}
