//! `status.duration`: how long an update took, and how much of that it waited for people.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::api::{RolloutDuration, RolloutStatus};
use crate::time;

/// How an update ended, as `status.duration.completionStatus` and the label of the duration metrics.
pub mod completion {
    /// Every step was walked.
    pub const PROMOTED: &str = "Promoted";
    /// A person promoted it fully.
    pub const FAST_PROMOTED: &str = "FastPromoted";
    /// It was aborted.
    pub const ABORTED: &str = "Aborted";
    /// Another update replaced it.
    pub const SUPERSEDED: &str = "Superseded";
    /// The manifest went back to an older revision.
    pub const ROLLED_BACK: &str = "RolledBack";
    /// The same, skipping the steps.
    pub const FAST_ROLLED_BACK: &str = "FastRolledBack";
}

/// Begins to measure.
pub fn start(status: &mut RolloutStatus, now: Timestamp) {
    status.duration = Some(RolloutDuration { rollout_started_at: Some(stored(now)), ..RolloutDuration::default() });
}

/// Whether an update is being measured.
pub fn is_running(status: &RolloutStatus) -> bool {
    status.duration.as_ref().is_some_and(|d| d.rollout_started_at.is_some() && d.finished_at.is_none())
}

/// Marks a running update as on its way back; it keeps its start.
pub fn mark(status: &mut RolloutStatus, how: &str) {
    if let Some(duration) = &mut status.duration {
        how.clone_into(&mut duration.completion_status);
    }
}

/// Ends the measurement. A mark set on the way says more than `how` and is kept.
pub fn finish(status: &mut RolloutStatus, now: Timestamp, how: &str) {
    if !is_running(status) {
        return;
    }
    manual_pause(status, now, false);
    if let Some(duration) = &mut status.duration {
        duration.finished_at = Some(stored(now));
        if duration.completion_status.is_empty() {
            how.clone_into(&mut duration.completion_status);
        }
    }
}

/// Records whether the update waits for a person now.
pub fn manual_pause(status: &mut RolloutStatus, now: Timestamp, pausing: bool) {
    if !is_running(status) {
        return;
    }
    let Some(duration) = &mut status.duration else { return };
    match (&duration.manual_pause_started_at, pausing) {
        (None, true) => duration.manual_pause_started_at = Some(stored(now)),
        (Some(since), false) => {
            duration.total_manual_pause_duration_seconds += now.duration_since(since.0).as_secs().max(0);
            duration.manual_pause_started_at = None;
        }
        _ => {}
    }
}

fn stored(now: Timestamp) -> Time {
    Time(time::floor_to_second(now))
}

/// One update's times, for the metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// How it ended; one of [`completion`].
    pub how: String,
    /// From start to end.
    pub total_seconds: i64,
    /// Of it, waiting for people.
    pub manual_pause_seconds: i64,
}

/// The update that a change of the status ended, if any.
pub fn finished(before: &RolloutStatus, after: &RolloutStatus, now: Timestamp) -> Option<Finished> {
    if !is_running(before) {
        return None;
    }
    let (old, new) = (before.duration.as_ref()?, after.duration.as_ref()?);
    let (measured, end, how) = match (&new.finished_at, new.rollout_started_at == old.rollout_started_at) {
        (Some(end), true) => (new, end.0, new.completion_status.as_str()),
        (_, false) => (old, now, completion::SUPERSEDED),
        (None, true) => return None,
    };
    Some(Finished {
        how: how.to_owned(),
        total_seconds: end.duration_since(measured.rollout_started_at.as_ref()?.0).as_secs(),
        manual_pause_seconds: measured.total_manual_pause_duration_seconds,
    })
}
