//! The replica counters of `status`.

use crate::api::{ReplicaSet, RolloutStatus};
use crate::planted::{self, Bug};
use crate::revision::Revisions;

/// Counts pods by what the ReplicaSets' own status reports, for a canary that wants `replicas`.
///
/// An autoscaler takes the pods that it is told of for those that it asked for. Pods beyond them, which an update adds for a
/// while, would make it ask for more, so it is not told of them. (Argo Rollouts counts every pod.)
pub fn count(status: &mut RolloutStatus, revisions: &Revisions<'_>, replicas: i32) {
    let sum = |of: fn(&ReplicaSet) -> i32| revisions.all().map(of).sum::<i32>();
    status.replicas = sum(|rs| rs.observed().replicas);
    status.ready_replicas = sum(|rs| rs.observed().ready_replicas);
    status.available_replicas = sum(|rs| rs.observed().available_replicas);
    status.updated_replicas = revisions.new.map_or(0, |rs| rs.observed().replicas);
    let fed_back = planted::is(Bug::FeedsTheAutoscaler);
    status.hpa_replicas = if fed_back { status.replicas } else { status.replicas.min(replicas) };
}

/// Counts pods for blue-green: those are ready and available that the active Service selects. Before the first switch they are
/// the new revision's.
pub fn count_blue_green(status: &mut RolloutStatus, revisions: &Revisions<'_>, active: &str, replicas: i32) {
    count(status, revisions, replicas);
    let serving = if active.is_empty() { revisions.new } else { revisions.with_hash(active) };
    let of_serving = |of: fn(&ReplicaSet) -> i32| serving.map_or(0, of);
    status.ready_replicas = of_serving(|rs| rs.observed().ready_replicas);
    status.available_replicas = of_serving(|rs| rs.observed().available_replicas);
    if !planted::is(Bug::FeedsTheAutoscaler) {
        status.hpa_replicas = of_serving(|rs| rs.observed().replicas);
    }
}

/// Whether an update moved between two statuses: its pods came, older ones went, or a decision was taken.
/// (Argo Rollouts measures the progress deadline from the last time that this held.) More ready or available pods count only where
/// they are `farther` than before.
pub fn progressed(before: &RolloutStatus, now: &RolloutStatus, farther: bool) -> bool {
    let old_pods = |status: &RolloutStatus| status.replicas - status.updated_replicas;
    now.updated_replicas != before.updated_replicas
        || old_pods(now) < old_pods(before)
        || (farther && now.ready_replicas > before.ready_replicas)
        || (farther && now.available_replicas > before.available_replicas)
        || now.stable_rs != before.stable_rs
        || now.current_step_index != before.current_step_index
        || now.current_step_hash != before.current_step_hash
        || selectors(now) != selectors(before)
}

/// What the Services of a blue-green update select.
fn selectors(status: &RolloutStatus) -> Option<(&str, &str)> {
    status.blue_green.as_ref().map(|s| (s.active_selector.as_str(), s.preview_selector.as_str()))
}
