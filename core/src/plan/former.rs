//! Routers that the manifest does not name any more: what they did is undone, and only then forgotten. (Argo Rollouts tells a router
//! that was taken out nothing, so it keeps its last weights.)

use serde_json::json;

use crate::api::{ReplicaSet, labels};
use crate::effect::Entry;
use crate::snapshot::Service;
use crate::traffic::{Answer, Destination, Recorded, Routed, Routing, View, Weight, recorded};

use super::draft::Draft;
use super::traffic;

/// The annotation that names the routers, where it has to change: not before those that it names are done with.
pub(super) fn record(d: &Draft<'_>) -> Option<Entry> {
    let annotations = d.s.rollout.metadata.annotations.as_ref();
    let now = annotations.and_then(|map| map.get(labels::ROUTES_BY)).map(String::as_str);
    let next = Recorded::of(d.strategy).map(|next| json!(next).to_string());
    let done = recorded(&d.s.rollout)
        .is_none_or(|before| answers(d, &before).iter().all(|(_, _, answer)| answer.is_nothing()));
    if done { Entry::change(labels::ROUTES_BY, now, next.as_deref()) } else { None }
}

/// Has former routers undo what they did, once the stable revision can take all of the traffic.
pub(super) fn release(d: &mut Draft<'_>) {
    let Some(before) = recorded(&d.s.rollout) else { return };
    let max = before.traffic_routing.max_weight();
    for (router, routing, answer) in answers(d, &before) {
        if answer.is_nothing() {
            continue;
        }
        let serving = d.revisions.stable.map_or(0, ReplicaSet::certain);
        let serving = d.s.served(&routing.stable.service, &routing.stable.hash, serving);
        if serving < traffic::carriers(d) {
            let message =
                format!("{router} gives its {max} back once {} stable pods are available", traffic::carriers(d));
            d.wait("Weight", Some(format!("TrafficRouter/{router}")), message);
            continue;
        }
        if let Some(object) = answer.behind.clone().filter(|_| answer.writes.is_empty()) {
            let message = format!("{router} has not confirmed yet that nothing goes to the canary any more");
            d.wait("Verification", Some(object), message);
        }
        traffic::carry_out(d, &router, &routing, answer);
    }
}

/// What each of them has left to undo. An object that a router of today reads too is not undone.
fn answers(d: &Draft<'_>, before: &Recorded) -> Vec<(String, Routing, Answer)> {
    let kept: Vec<_> =
        d.s.routers
            .iter()
            .flat_map(|routed| &routed.objects)
            .map(|seen| (seen.kind, &seen.namespace, &seen.name))
            .collect();
    let (canary, stable) = before.services(d.before());
    let to = |service: &str| Destination {
        service: service.to_owned(),
        hash: d.s.service(service).and_then(Service::leads_to).unwrap_or_default().to_owned(),
    };
    let routing = Routing {
        canary: to(&canary),
        stable: to(&stable),
        weight: Weight::new(0, before.traffic_routing.max_weight()),
        additional: Vec::new(),
        routes: Vec::new(),
    };
    let answer = |routed: &Routed| {
        let mut objects = routed.objects.clone();
        objects.retain(|seen| !kept.contains(&(seen.kind, &seen.namespace, &seen.name)));
        let view = View { objects: &objects, now: d.s.now };
        (
            routed.router.name().to_owned(),
            routing.clone(),
            routed.router.release(view, &routing.canary, &routing.stable),
        )
    };
    d.s.former.iter().map(answer).collect()
}
