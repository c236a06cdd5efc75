//! What a canary's routers still lack of what is aimed at, in words.

use crate::api::{ReplicaSet, WaitingOn};
use crate::status::waiting;
use crate::steps;
use crate::traffic::{Answer, Observed, Routing, Trouble};

use super::draft::{Draft, object_of};
use super::routed;
use super::traffic::{routing, target};

/// What the routers still lack of what is aimed at now.
pub(super) fn now(d: &Draft<'_>, index: usize) -> Option<WaitingOn> {
    of_all(d, target(d, index), index)
}

/// What the routers still lack of a step. What is aimed at may be less than that for now, as long as there is nowhere to send
/// the requests.
pub(super) fn of_step(d: &Draft<'_>, index: usize) -> Option<WaitingOn> {
    let wanted = routed::asked_canary(d, index);
    if wanted == 0 || d.strategy.needed(wanted) == 0 || d.revisions.stable.is_none() {
        return now(d, index);
    }
    let new = d.revisions.new?;
    if let Some(trouble) = d.traffic.observed.iter().find_map(|observed| observed.trouble.as_ref()) {
        return Some(in_trouble(trouble));
    }
    if !new.has_hash(&d.traffic.canary.hash) {
        let service = d.traffic.canary.service.as_str();
        return Some(if service.is_empty() { led_later(new) } else { elsewhere(service) });
    }
    if new.size().serving() == 0 {
        let message = "none of its pods is available to get requests";
        return Some(WaitingOn::new(waiting::PODS, Some(object_of(new)), message));
    }
    of_all(d, steps::weight_at(d.steps, index, d.strategy.max_weight()), index)
}

/// That a Service has not followed yet.
pub(super) fn elsewhere(service: &str) -> WaitingOn {
    WaitingOn::new("ServicePods", Some(format!("Service/{service}")), "it leads to another version still")
}

/// What a destination waits for that a router itself leads to a revision.
pub(super) fn led_later(to: &ReplicaSet) -> WaitingOn {
    WaitingOn::new(waiting::PODS, Some(object_of(to)), "requests are led to its pods once enough of them are available")
}

fn of_all(d: &Draft<'_>, weight: i32, index: usize) -> Option<WaitingOn> {
    let wanted = routing(d, weight, index);
    let mut routers = d.s.routers.iter().zip(&d.traffic.observed);
    routers.find_map(|(routed, observed)| {
        let answer = routed.router.change(routed.view(d.s.now), &wanted);
        of_router(routed.router.name(), observed, &wanted, &answer)
    })
}

fn of_router(name: &str, observed: &Observed, wanted: &Routing, answer: &Answer) -> Option<WaitingOn> {
    let (weight, max) = (wanted.weight.value(), wanted.weight.max());
    let router = || format!("TrafficRouter/{name}");
    let on = |reason: &str, message: String| Some(WaitingOn::new(reason, Some(router()), message));
    if let Some(trouble) = answer.trouble.as_ref().or(observed.trouble.as_ref()) {
        return Some(in_trouble(trouble));
    }
    let now = if observed.lowest == weight { observed.highest } else { observed.lowest };
    if let Some(held) = answer.held.as_ref().filter(|_| answer.writes.is_empty()) {
        let message =
            format!("{name} sends {now} of {max} to the canary, and goes on to {weight} once it can: {}", held.message);
        return Some(WaitingOn::new(waiting::VERIFICATION, Some(held.object.clone()), message));
    }
    if let Some(behind) = observed.behind.as_ref().filter(|_| now != weight && answer.writes.is_empty()) {
        let message = format!(
            "{name} sends {now} of {max} to the canary, and goes on to {weight} once what it was told before is confirmed{}",
            in_detail(observed)
        );
        return Some(WaitingOn::new(waiting::VERIFICATION, Some(behind.clone()), message));
    }
    if now != weight {
        return on("Weight", format!("{name} sends {now} of {max} to the canary, on the way to {weight}"));
    }
    if !answer.writes.is_empty() {
        return on("Weight", format!("{name} is being told where requests go"));
    }
    if observed.verified != Some(false) {
        return None;
    }
    if let Some(until) = observed.until {
        let message =
            format!("{name} is given until {until} to send {weight} of {max} to the canary (propagationDelaySeconds)");
        return Some(WaitingOn::new(
            waiting::VERIFICATION,
            Some(observed.behind.clone().unwrap_or_else(router)),
            message,
        ));
    }
    let detail = in_detail(observed);
    let message = format!("{name} has not confirmed yet that it sends {weight} of {max} to the canary{detail}");
    Some(WaitingOn::new(waiting::VERIFICATION, Some(observed.behind.clone().unwrap_or_else(router)), message))
}

/// What is lacking of a confirmation, to be put behind it.
pub(super) fn in_detail(observed: &Observed) -> String {
    observed.lag.as_ref().map_or(String::new(), |lag| format!(": {lag}"))
}

/// What a router cannot do, as what the rollout waits for.
pub(super) fn in_trouble(trouble: &Trouble) -> WaitingOn {
    WaitingOn::new(waiting::ROUTING, Some(trouble.object.clone()), trouble.message.clone())
}

/// What keeps the traffic of a completed update from being where it belongs.
pub(super) fn not_arrived(d: &Draft<'_>) -> Option<WaitingOn> {
    if !d.strategy.is_routed() || !d.is_complete() {
        return None;
    }
    if d.traffic.stable.hash != d.status.stable_rs {
        return Some(elsewhere(&d.traffic.stable.service));
    }
    now(d, d.index())
}
