//! `progressDeadlineSeconds`: how long an update may go without progress.

use jiff::{SignedDuration, Timestamp};

use crate::api::{Rollout, RolloutStatus};
use crate::time;

use super::conditions::{self, kind, reason};

/// What applies when the manifest is silent.
const DEFAULT_SECONDS: i32 = 600;

/// `spec.progressDeadlineSeconds`.
pub fn seconds(rollout: &Rollout) -> i32 {
    rollout.spec.progress_deadline_seconds.unwrap_or(DEFAULT_SECONDS)
}

/// The same as a span of time.
pub fn limit(rollout: &Rollout) -> SignedDuration {
    SignedDuration::from_secs(i64::from(seconds(rollout)))
}

/// When the update times out unless it progresses; `None` while no deadline applies: an aborted, paused or finished rollout
/// owes no progress.
pub fn expires_at(rollout: &Rollout, status: &RolloutStatus) -> Option<Timestamp> {
    let progressing = conditions::get(status, kind::PROGRESSING)?;
    let owes_progress = ![reason::ABORTED, reason::PAUSED, reason::NEW_REPLICA_SET_AVAILABLE, reason::TIMED_OUT]
        .contains(&progressing.reason.as_str());
    if !owes_progress || conditions::is_true(status, kind::PAUSED) {
        return None;
    }
    Some(time::after(progressing.last_update_time.0, limit(rollout)))
}
