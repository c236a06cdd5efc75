//! The routes that lead to the active Service of blue-green. They carry no weights, but their gateways show when they have heard
//! where the Service leads; until then, requests may go where it led before.

use crate::api::WaitingOn;
use crate::snapshot::Service;
use crate::status::waiting;
use crate::traffic::{Destination, Routed, Routing, Weight};

use super::draft::Draft;
use super::lacking;
use super::traffic::{self, Traffic};

/// What the routes and the Service say.
pub(super) fn observe(d: &Draft<'_>) -> Traffic {
    let service = traffic::roles(d).stable;
    let hash = d.s.service(service).and_then(Service::leads_to).unwrap_or_default();
    let (none, stable) = (Destination::default(), Destination { service: service.to_owned(), hash: hash.to_owned() });
    let observe = |routed: &Routed| routed.observe(d.s.now, &none, &stable);
    let observed = d.s.routers.iter().map(observe).collect();
    Traffic { stable, observed, ..Traffic::default() }
}

/// Has the routes say where the Service leads.
pub(super) fn tell(d: &mut Draft<'_>) {
    let (snapshot, routing) = (d.s, routing(d));
    for routed in &snapshot.routers {
        traffic::tell(d, routed, &routing);
    }
    if let Some(on) = unknown(d) {
        d.wait(&on.reason, on.object, on.message);
    }
}

/// What the routes to the active Service are to say.
fn routing(d: &Draft<'_>) -> Routing {
    let (canary, weight) = (Destination::default(), Weight::new(0, d.strategy.max_weight()));
    Routing { canary, stable: d.traffic.stable.clone(), weight, additional: Vec::new(), routes: Vec::new() }
}

/// Whether every gateway that can say so has heard where the active Service leads.
pub(super) fn is_known(d: &Draft<'_>) -> bool {
    unknown(d).is_none()
}

/// What of that is lacking.
fn unknown(d: &Draft<'_>) -> Option<WaitingOn> {
    let service = &d.traffic.stable.service;
    if d.s.routers.is_empty() {
        return None;
    }
    let selected = d.s.service(service).and_then(Service::hash).unwrap_or_default();
    if selected != d.traffic.stable.hash {
        return Some(lacking::elsewhere(service));
    }
    let routing = routing(d);
    d.s.routers.iter().zip(&d.traffic.observed).find_map(|(routed, observed)| {
        let answer = routed.router.change(routed.view(d.s.now), &routing);
        if let Some(trouble) = answer.trouble.as_ref().or(observed.trouble.as_ref()) {
            return Some(lacking::in_trouble(trouble));
        }
        let lags = !answer.writes.is_empty() || observed.verified == Some(false);
        let object = observed.behind.clone().unwrap_or_else(|| format!("TrafficRouter/{}", routed.router.name()));
        let whose = if observed.aws.is_some() { "AWS" } else { "its gateway" };
        let detail = lacking::in_detail(observed);
        let message = format!("{whose} has not confirmed yet that it knows where Service {service} leads{detail}");
        lags.then(|| WaitingOn::new(waiting::VERIFICATION, Some(object), message))
    })
}
