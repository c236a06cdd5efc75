//! Routers that the manifest does not name any more: what they did is undone, and only then forgotten. (Argo Rollouts tells a router
//! that was taken out nothing, so it keeps its last weights.)

use serde_json::json;

use crate::api::{ReplicaSet, labels};
use crate::effect::Entry;
use crate::snapshot::Service;
use crate::status::waiting;
use crate::traffic::{Answer, Destination, Observed, Recorded, Routed, Routing, recorded};

use super::draft::Draft;
use super::{scale, traffic};

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
            d.traffic.is_held = true;
            let message = format!("{router} has not confirmed yet that nothing goes to the canary any more");
            d.wait(waiting::VERIFICATION, Some(object), message);
        }
        // Under a name of its own: what is asked of a router of today is no measure for it.
        traffic::carry_out(d, &format!("former {router}"), &routing, answer);
    }
}

/// Whether the pods have to stay as they are, because a former router has not given everything back; the stable revision is made
/// whole for what it is to get.
pub(super) fn keeps_pods(d: &mut Draft<'_>) -> bool {
    let busy = recorded(&d.s.rollout).is_some_and(|before| answers(d, &before).iter().any(|(.., it)| !it.is_nothing()));
    if let Some(stable) = d.revisions.other_stable().filter(|_| busy && !d.s.rollout.spec.paused) {
        scale::set_size(d, stable, stable.wanted().max(d.s.replicas()));
    }
    busy
}

/// What former routers still do, as far as it has to be undone.
pub(super) fn observe(d: &Draft<'_>) -> Vec<Observed> {
    let Some(before) = recorded(&d.s.rollout) else { return Vec::new() };
    let routing = back(d, &before);
    let left = left(d).into_iter();
    // One that has nothing left to undo does nothing any more.
    let busy = left.filter(|it| !it.release(d.s.now, &routing.canary, &routing.stable).is_nothing());
    busy.map(|it| it.observe(d.s.now, &routing.canary, &routing.stable)).collect()
}

/// What each of them has left to undo.
fn answers(d: &Draft<'_>, before: &Recorded) -> Vec<(String, Routing, Answer)> {
    let routing = back(d, before);
    let answer = |left: Routed| {
        let answer = left.release(d.s.now, &routing.canary, &routing.stable);
        (left.router.name().to_owned(), routing.clone(), answer)
    };
    left(d).into_iter().map(answer).collect()
}

/// Former routers with the objects that no router of today reads too.
fn left(d: &Draft<'_>) -> Vec<Routed> {
    let kept: Vec<_> = d.s.routers.iter().flat_map(|routed| &routed.objects).collect();
    let left = |routed: &Routed| {
        let mut objects = routed.objects.clone();
        objects.retain(|seen| !kept.iter().any(|kept| kept.is_same(seen)));
        Routed { objects, router: routed.router.clone() }
    };
    d.s.former.iter().map(left).collect()
}

/// Everything to the stable Service of before.
fn back(d: &Draft<'_>, before: &Recorded) -> Routing {
    let (canary, stable) = before.services(d.before());
    let to = |service: &str| Destination {
        service: service.to_owned(),
        hash: d.s.service(service).and_then(Service::leads_to).unwrap_or_default().to_owned(),
    };
    Routing::back_to(&to(&canary), &to(&stable), before.traffic_routing.max_weight())
}
