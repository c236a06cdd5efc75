//! S2, S6 and S12: a destination gets no more traffic than its pods can take, no router is told what does not add up, and an
//! abort gives back only what the stable revision can carry.

use crate::effect::{Effect, RouteChange, ServicePatch};
use crate::plan::Plan;
use crate::snapshot::Snapshot;
use crate::steps;

use super::traffic::{self, Traffic, available};
use super::{Invariant, Part, Violation};

pub(super) fn check(snapshot: &Snapshot, plan: &Plan, violations: &mut Vec<Violation>) {
    let Some(now) = traffic::of(snapshot) else { return };
    for (index, planned) in plan.effects.iter().enumerate() {
        let wrong = match &planned.effect {
            Effect::Route(change) => weight(snapshot, plan, &now, change),
            Effect::PatchService(patch) => moved(snapshot, &now, patch).map(|why| (Invariant::ServeBeforeShift, why)),
            _ => None,
        };
        if let Some((invariant, message)) = wrong {
            violations.push(Violation { invariant, part: Part::Effect(index), message });
        }
    }
}

fn weight(snapshot: &Snapshot, plan: &Plan, now: &Traffic<'_>, change: &RouteChange) -> Option<(Invariant, String)> {
    let RouteChange { router, routing, .. } = change;
    let (to, max) = (routing.weight.value(), routing.weight.max());
    let (lowest, highest) = now.weights.iter().find(|(name, ..)| name == router).map(|(_, low, high)| (*low, *high))?;
    if max != now.max {
        return Some((Invariant::Weights, format!("{router} would be told {to} of {max}, where all is {}", now.max)));
    }
    // Without a Service, the router leads elsewhere once nothing goes there any more.
    if routing.canary.hash != now.canary && (!routing.canary.service.is_empty() || highest > 0 || now.lags) {
        let message = format!("{router} would be told that the canary is {}, which it is not", routing.canary.hash);
        return Some((Invariant::Weights, message));
    }
    if let Some(why) = raised(snapshot, plan, now, to).filter(|_| to > lowest && to > stays(snapshot, now, highest)) {
        let message = format!("{router} would send {to} of {max} to the canary, although {why}");
        return Some((Invariant::ServeBeforeShift, message));
    }
    let serving = snapshot.served(now.canary_service, &now.canary, available(snapshot, &now.canary));
    if !routing.routes.is_empty() && !now.has_routes && serving == 0 {
        let message = format!("{router} would send certain requests to the canary, of which no pod is available");
        return Some((Invariant::ServeBeforeShift, message));
    }
    let carried = now.stable_carries(snapshot);
    if to < highest && max - to > carried {
        let invariant = if plan.status.abort { Invariant::Abort } else { Invariant::ServeBeforeShift };
        let message = format!("{router} would send {} of {max} to stable pods that carry {carried}", max - to);
        return Some((invariant, message));
    }
    None
}

/// The weight that stays where it is for want of stable pods to take it.
fn stays(snapshot: &Snapshot, now: &Traffic<'_>, highest: i32) -> i32 {
    (now.max - now.stable_carries(snapshot)).min(highest)
}

/// What speaks against a higher weight.
fn raised(snapshot: &Snapshot, plan: &Plan, now: &Traffic<'_>, to: i32) -> Option<String> {
    let status = &plan.status;
    if status.abort {
        return Some("the update was aborted".into());
    }
    if now.canary != status.current_pod_hash || status.stable_rs == status.current_pod_hash {
        return Some(format!("its destination leads to {}, which is not on trial", now.canary));
    }
    let (steps, index) = (now.strategy.steps(), traffic::index(plan));
    let asked = steps::weight_at(steps, index, now.max);
    let free = status.promote_full || snapshot.owned().all(|rs| !rs.has_hash(&status.stable_rs));
    if to > asked && !free {
        return Some(format!("step {index} asks for {asked}"));
    }
    let share = now.share(to);
    let needed = if status.promote_full { share } else { share.min(now.asked(index, to)) };
    let needed = now.strategy.needed(needed).max(1);
    let serving = snapshot.served(now.canary_service, &now.canary, available(snapshot, &now.canary));
    (serving < needed).then(|| format!("{serving} of {needed} pods are available"))
}

/// What speaks against pointing one of the two Services elsewhere.
fn moved(snapshot: &Snapshot, now: &Traffic<'_>, patch: &ServicePatch) -> Option<String> {
    let roles = now.strategy.roles(snapshot.rollout.status());
    let (name, change) = (&patch.target.name, patch.hash()?);
    let leaves = change.from.as_deref().filter(|from| available(snapshot, from) > 0)?;
    let to = change.to.as_deref().map_or(0, |to| available(snapshot, to));
    if roles.stable == name {
        let lowest = if now.lags { 0 } else { now.lowest() };
        let share = now.share(now.max - lowest);
        let needed = available(snapshot, leaves).min(share).min(now.carriers()).min(now.strategy.needed(now.replicas));
        return (to < needed).then(|| format!("Service {name} would be moved to {to} pods where {needed} are needed"));
    }
    if roles.canary != name || !now.reaches_canary() {
        return None;
    }
    // Where the stable revision cannot take it, the next canary may take over what the last one carries.
    let weak = available(snapshot, &now.stable) < now.carriers();
    let takes_over = weak && to >= now.share(now.highest()).max(1);
    (!takes_over).then(|| format!("Service {name} would be moved away from {leaves}, which gets requests by it"))
}
