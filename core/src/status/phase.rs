//! `status.phase` and `status.message`: the rollout in one word and one sentence.
//!
//! Health checks of GitOps tools and `kubectl argo rollouts status` are built on both, so order and texts are those of Argo
//! Rollouts.

use jiff::Timestamp;

use crate::api::{Rollout, RolloutStatus};

use super::conditions::{self, kind, reason};
use crate::strategy::Strategy;

/// The rollout in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The revision asked for serves alone.
    Healthy,
    /// Work is under way.
    Progressing,
    /// A person or time has to pass.
    Paused,
    /// It cannot go on by itself.
    Degraded,
}

impl Phase {
    /// As it stands in `status.phase`.
    pub fn as_str(self) -> &'static str {
        match self {
            Phase::Healthy => "Healthy",
            Phase::Progressing => "Progressing",
            Phase::Paused => "Paused",
            Phase::Degraded => "Degraded",
        }
    }
}

/// The phase that a status amounts to, the first match in a fixed order. While the ReplicaSets' own status is older than their
/// spec (`observed` is false), its counters cannot say that all is well. (Argo Rollouts believes them.)
pub fn phase(rollout: &Rollout, status: &RolloutStatus, observed: bool, now: Timestamp) -> (Phase, String) {
    if let Some(invalid) = conditions::get(status, kind::INVALID_SPEC) {
        return (Phase::Degraded, format!("{}: {}", kind::INVALID_SPEC, invalid.message));
    }
    if let Some(progressing) = conditions::get(status, kind::PROGRESSING)
        && [reason::ABORTED, reason::TIMED_OUT].contains(&progressing.reason.as_str())
    {
        return (Phase::Degraded, format!("{}: {}", progressing.reason, progressing.message));
    }
    if rollout.spec.paused {
        return (Phase::Paused, "manually paused".into());
    }
    if let Some(pause) = status.pause_conditions.first() {
        return (Phase::Paused, pause.reason.clone());
    }
    let late = (!observed).then_some("updated replicas are still becoming available");
    progress(rollout, status, now)
        .or(late)
        .map_or((Phase::Healthy, String::new()), |message| (Phase::Progressing, message.into()))
}

fn progress(rollout: &Rollout, status: &RolloutStatus, now: Timestamp) -> Option<&'static str> {
    let replicas = rollout.spec.replicas.unwrap_or(1);
    if restart_due(rollout, status, now) {
        return Some("rollout is restarting");
    }
    if status.updated_replicas < replicas {
        return Some("more replicas need to be updated");
    }
    if status.available_replicas < status.updated_replicas {
        return Some("updated replicas are still becoming available");
    }
    match Strategy::of(rollout) {
        // Old pods may stay for their scale-down delay.
        Some(Strategy::BlueGreen(_)) => {
            let active = status.blue_green.as_ref().map_or("", |status| status.active_selector.as_str());
            if active.is_empty() || active != status.current_pod_hash {
                return Some("active service cutover pending");
            }
        }
        Some(strategy) if strategy.is_routed() => {}
        _ if status.replicas > status.updated_replicas => return Some("old replicas are pending termination"),
        _ => {}
    }
    if status.stable_rs.is_empty() || status.stable_rs != status.current_pod_hash {
        let blue_green = rollout.spec.strategy.blue_green.as_ref();
        let analysed = blue_green.is_some_and(|blue_green| blue_green.post_promotion_analysis.is_some());
        return Some(if analysed { "waiting for analysis to complete" } else { "waiting for all steps to complete" });
    }
    None
}

/// Whether pods from before `spec.restartAt` are still to be replaced.
pub fn restart_due(rollout: &Rollout, status: &RolloutStatus, now: Timestamp) -> bool {
    let restarted_at = status.restarted_at.as_ref();
    rollout.spec.restart_at.as_ref().is_some_and(|at| at.0 <= now && Some(at) != restarted_at)
}

/// What a client should show: the stored phase, unless it speaks of an older manifest or of a resume not yet acted on.
pub fn shown(rollout: &Rollout) -> (String, String) {
    let status = rollout.status();
    let observing = |what: &str| (Phase::Progressing.as_str().to_owned(), what.to_owned());
    if !rollout.is_manifest_observed() {
        return observing("waiting for rollout spec update to be observed");
    }
    if status.controller_pause && status.pause_conditions.is_empty() && !rollout.spec.paused {
        return observing("waiting for rollout to unpause");
    }
    if !rollout.is_workload_observed() {
        return observing("waiting for rollout spec update to be observed for the reference workload");
    }
    (status.phase.clone(), status.message.clone())
}
