//! The sizes of a canary with traffic routers: whatever carries traffic keeps its pods until the traffic is known to have left.

use crate::api::ReplicaSet;
use crate::planted::{self, Bug};
use crate::replicas::{CanaryScale, RoutedCanary, Split};
use crate::steps;

use super::draft::Draft;
use super::{delay, lacking, scale, services, traffic};

/// The sizes that a step asks for.
pub(super) fn desired(d: &Draft<'_>, index: usize) -> Split {
    if d.is_first_on_trial() {
        return Split { canary: scale::of_first(d, index), stable: 0 };
    }
    if d.status.stable_rs.is_empty() || d.revisions.other_stable().is_none() {
        return Split { canary: d.s.replicas(), stable: 0 };
    }
    let traffic = &d.traffic;
    // Both destinations may still lead to the stable revision, which then serves all. Otherwise it must be able to take what it is
    // about to get.
    let lowest = traffic.lowest.min(traffic::target(d, index));
    let leads_to_new = d.revisions.new.is_some_and(|new| new.has_hash(&traffic.canary.hash));
    let highest = if leads_to_new { traffic.highest } else { 0 };
    let in_use = if traffic.canary.hash == d.status.stable_rs { (0, 0) } else { (lowest, highest) };
    let desired = RoutedCanary { in_use, ..asked(d, index, traffic.lowest) }.desired();
    let takes_over = traffic::carrier_of_last_resort(d).unwrap_or(0);
    Split { canary: desired.canary.max(takes_over), ..desired }
}

/// The canary's pods by the step alone, whatever routers do.
pub(super) fn asked_canary(d: &Draft<'_>, index: usize) -> i32 {
    asked(d, index, 0).desired().canary
}

/// What a step asks for, where routers give the canary `lowest` at least.
fn asked(d: &Draft<'_>, index: usize, lowest: i32) -> RoutedCanary {
    let (replicas, max) = (d.s.replicas(), d.strategy.max_weight());
    let (weight, scale) = if d.status.promote_full {
        (lowest, CanaryScale::Pods(replicas))
    } else if d.status.abort {
        (0, CanaryScale::Weight)
    } else {
        (steps::weight_at(d.steps, index, max), steps::scale_at(d.steps, index))
    };
    let (min_pods, dynamic) = (d.strategy.min_pods(), d.strategy.is_dynamic());
    RoutedCanary { replicas, max, weight, in_use: (weight, weight), scale, min_pods, dynamic }
}

/// Moves the ReplicaSets one pass towards their sizes. A paused rollout keeps the pods that it has.
pub(super) fn resize(d: &mut Draft<'_>) {
    release_replaced(d);
    let halted = d.s.rollout.spec.paused;
    let wanted = desired(d, d.index());
    let Some(new) = d.revisions.new else {
        // An idle Service selects the pods before there are any: load balancers then gate their readiness.
        let first = if halted || d.status.abort || d.strategy.takes_turns() { 0 } else { wanted.canary };
        scale::create(d, first);
        if let Some(stable) = d.revisions.other_stable().filter(|stable| !halted && wanted.stable > stable.wanted()) {
            scale::set_size(d, stable, wanted.stable);
        }
        return;
    };
    if scale::stands_still(d) {
        return;
    }
    if let Some(stable) = d.revisions.other_stable() {
        delay::keep(d, stable);
        let early = planted::is(Bug::ShrinksBeforeTheShift);
        // Where nobody can say when the last request has come, the last pods go after the promotion, with its delay.
        let in_the_dark = d.traffic.is_in_the_dark && wanted.stable == 0;
        let may_shrink = early || !d.strategy.is_dynamic() || !(d.begins || d.traffic.lags() || in_the_dark);
        scale::set_size(d, stable, if may_shrink { wanted.stable } else { wanted.stable.max(stable.wanted()) });
    }
    resize_new(d, new, wanted.canary);
    drain_old(d);
}

fn resize_new(d: &mut Draft<'_>, new: &ReplicaSet, wanted: i32) {
    let follows_weight = d.strategy.is_dynamic() && !d.strategy.has_abort_delay();
    match d.revisions.other_stable().filter(|_| d.status.abort && !follows_weight) {
        Some(stable) if is_settled(d) && !d.traffic.reaches_canary() => delay::drain_aborted(d, new, stable),
        Some(_) => scale::annotate_desired(d, new),
        // Whoever scales a complete rollout down is obeyed at once.
        None if wanted < new.wanted() && !d.is_complete() => shrink_new(d, new, wanted),
        None => {
            delay::keep(d, new);
            scale::set_size(d, new, if awaits_its_service(d, new) { new.wanted() } else { wanted });
        }
    }
}

fn shrink_new(d: &mut Draft<'_>, new: &ReplicaSet, wanted: i32) {
    let follows = d.strategy.is_dynamic() && wanted > 0;
    // Its steps begin with the next observation, and the stable Service may not have left it yet.
    let used = d.begins
        || d.traffic.lags()
        || new.has_hash(&d.traffic.stable.hash)
        || (!follows && !is_settled(d))
        || (wanted == 0 && d.traffic.reaches_canary());
    if used {
        delay::keep(d, new);
        scale::set_size(d, new, new.wanted());
    } else if wanted == 0 && d.traffic.is_in_the_dark {
        delay::drain_late(d, new);
    } else {
        delay::keep(d, new);
        scale::set_size(d, new, wanted);
    }
}

/// Whether the Service that is to lead to a new revision must select its pods before there are any.
fn awaits_its_service(d: &Draft<'_>, new: &ReplicaSet) -> bool {
    let waits = d.strategy.takes_turns()
        && !d.is_complete()
        && new.wanted() == 0
        && traffic::carrier_of_last_resort(d).is_none();
    waits && !services::selects(d, traffic::roles(d).canary, new)
}

/// Whether the routers do what is asked of them now.
fn is_settled(d: &Draft<'_>) -> bool {
    lacking::now(d, d.index()).is_none()
}

/// Takes away the pods of old revisions once no traffic can reach them.
fn drain_old(d: &mut Draft<'_>) {
    if !traffic::is_told(d) && !planted::is(Bug::ShrinksBeforeTheShift) {
        return;
    }
    delay::drain_old(d, |d, rs| {
        let names: Vec<&str> = d.strategy.services().map(|(_, name)| name).collect();
        let by_router =
            (rs.has_hash(&d.traffic.canary.hash) && d.traffic.reaches_canary()) || rs.has_hash(&d.traffic.stable.hash);
        by_router || services::is_used(d, &names, rs)
    });
}

/// A canary that another one replaces in the middle has served few, and goes as soon as nothing leads there any more; unless nobody
/// can say when that is.
fn release_replaced(d: &mut Draft<'_>) {
    let before = d.before();
    if !d.begins || d.traffic.is_in_the_dark || before.current_pod_hash == before.stable_rs {
        return;
    }
    let replaced = d.revisions.old.iter().copied().find(|rs| rs.has_hash(&before.current_pod_hash));
    if let Some(rs) = replaced.filter(|rs| rs.wanted() > 0 && rs.scale_down_deadline().is_none()) {
        delay::end(d, rs);
    }
}
