//! Going back to a revision that is known to be good: without steps, and without a pause before the switch.

use jiff::Timestamp;

use crate::api::ReplicaSet;
use crate::planted::{self, Bug};
use crate::status::duration;
use crate::strategy::Strategy;

use super::draft::Draft;

/// Why an update needs no trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fast {
    /// It goes back to the revision that is stable still.
    ToStable,
    /// It goes back no further than `rollbackWindow` allows.
    WithinWindow,
    /// Blue-green: the pods of the revision still waited for their scale-down delay to end.
    StillUp,
}

/// Whether the update is one that needs no trial. That is decided when it begins, and stored: as the step index, or as the
/// checkpoint of blue-green; later it only says in which words the update completes.
///
/// (Argo Rollouts lets a canary skip its steps within the window only while
/// the ReplicaSet still has pods; here the window alone decides, as its description says.)
pub(super) fn fast(d: &Draft<'_>) -> Option<Fast> {
    if d.is_complete() {
        return Some(Fast::ToStable);
    }
    let (new, stable) = (d.revisions.new?, d.revisions.other_stable()?);
    if new.created() >= stable.created() {
        return None;
    }
    if is_within_window(d, new, stable) {
        return Some(Fast::WithinWindow);
    }
    let is_up = matches!(d.strategy, Strategy::BlueGreen(_)) && new.wanted() > 0;
    let still = match new.scale_down_deadline() {
        Some(deadline) => deadline > began(d),
        // Right after a promotion the deadline is still to be written.
        None => d.begins && d.strategy.scale_down_delay().is_some_and(|delay| delay > 0),
    };
    (is_up && still).then_some(Fast::StillUp)
}

fn is_within_window(d: &Draft<'_>, new: &ReplicaSet, stable: &ReplicaSet) -> bool {
    let Some(window) = d.s.rollout.spec.rollback_window.as_ref().filter(|_| !planted::is(Bug::ForgetsTheWindow)) else {
        return false;
    };
    let between =
        d.revisions.all().filter(|rs| rs.created() > new.created() && rs.created() < stable.created()).count();
    i32::try_from(between).is_ok_and(|between| between < window.revisions.unwrap_or(0))
}

/// When the update began, as far as that is known.
fn began(d: &Draft<'_>) -> Timestamp {
    let began = d.status.duration.as_ref().filter(|_| duration::is_running(&d.status));
    began.and_then(|duration| duration.rollout_started_at.as_ref()).map_or(d.s.now, |began| began.0.min(d.s.now))
}
