//! The replica counters of `status`.

use crate::api::{ReplicaSet, RolloutStatus};
use crate::revision::Revisions;

/// Counts pods by what the ReplicaSets' own status reports, for a canary.
pub fn count(status: &mut RolloutStatus, revisions: &Revisions<'_>) {
    let sum = |of: fn(&ReplicaSet) -> i32| revisions.all().map(of).sum::<i32>();
    status.replicas = sum(|rs| rs.observed().replicas);
    status.ready_replicas = sum(|rs| rs.observed().ready_replicas);
    status.available_replicas = sum(|rs| rs.observed().available_replicas);
    status.updated_replicas = revisions.new.map_or(0, |rs| rs.observed().replicas);
    status.hpa_replicas = status.replicas;
}

/// Whether an update moved between two statuses: its pods came, older ones went, or a decision was taken.
/// (Argo Rollouts measures the progress deadline from the last time that this held.)
pub fn progressed(before: &RolloutStatus, now: &RolloutStatus) -> bool {
    let old_pods = |status: &RolloutStatus| status.replicas - status.updated_replicas;
    now.updated_replicas != before.updated_replicas
        || old_pods(now) < old_pods(before)
        || now.ready_replicas > before.ready_replicas
        || now.available_replicas > before.available_replicas
        || now.stable_rs != before.stable_rs
        || now.current_step_index != before.current_step_index
        || now.current_step_hash != before.current_step_hash
}
