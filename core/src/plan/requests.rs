//! What people and deadlines ask for: abort, retry, promote everything.
//!
//! People ask by writing the status (`kubectl argo rollouts abort` sets `status.abort`), so the status says both what was
//! asked and what was done about it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::event::Note;
use crate::status::conditions::{self, Is, kind, reason};
use crate::status::duration::{self, completion};
use crate::status::{deadline, waiting};
use crate::{steps, time};

use super::draft::{Draft, object_of};
use super::{analysis, experiment, step_plugins};

/// Acts on `status.abort` and `status.promoteFull`, set or cleared.
pub(super) fn heed(d: &mut Draft<'_>) {
    if d.is_complete() {
        // There is nothing to abort or to promote.
        d.status.abort = false;
        d.status.promote_full = false;
    }
    if d.status.promote_full {
        d.status.abort = false;
        resume(d);
        d.set_index(d.steps.len());
    }
    if d.status.abort {
        abort(d, None);
    } else {
        retry(d);
    }
}

fn retry(d: &mut Draft<'_>) {
    d.status.aborted_at = None;
    let was_aborted = conditions::reason_of(&d.status, kind::PROGRESSING) == reason::ABORTED;
    if !was_aborted {
        return;
    }
    step_plugins::forget(d);
    analysis::forget(d);
    experiment::forget(d);
    let now = d.s.now;
    conditions::set(&mut d.status, now, kind::PROGRESSING, Is::Unknown, reason::RETRY, "Retrying Rollout after abort");
    if !d.begins && !d.is_complete() {
        d.notes.push(Note::retried());
        duration::start(&mut d.status, now);
    }
}

/// Gives the update up because of what became of it.
pub(super) fn give_up(d: &mut Draft<'_>, why: &str) {
    abort(d, Some(why));
}

/// Gives the update up: the steps start over when it is retried, and the stable revision takes all.
fn abort(d: &mut Draft<'_>, why: Option<&str>) {
    let now = d.s.now;
    d.status.abort = true;
    if d.status.aborted_at.is_none() {
        d.status.aborted_at = Some(Time(time::floor_to_second(now)));
    }
    resume(d);
    d.set_index(0);
    // A promotion was of what is given up now.
    if let Some(blue_green) = &mut d.status.blue_green {
        blue_green.scale_up_preview_check_point = false;
    }
    let mut message = format!("Rollout aborted update to revision {}", d.revisions.number);
    if let Some(why) = why {
        message = format!("{message}: {why}");
    }
    if conditions::set(&mut d.status, now, kind::PROGRESSING, Is::False, reason::ABORTED, &message) {
        d.notes.push(Note::aborted(&message));
    }
    duration::finish(&mut d.status, now, completion::ABORTED);
}

fn resume(d: &mut Draft<'_>) {
    d.status.pause_conditions.clear();
    d.status.controller_pause = false;
}

/// When pods must be available that are waited for although the rollout pauses, or runs a step that may take as long as it likes:
/// that is no reason for the new revision to be without its pods. (Argo Rollouts does not look at them then.)
fn pods_due(d: &Draft<'_>) -> Option<jiff::Timestamp> {
    let new = object_of(d.revisions.new?);
    let on = d.waiting_on.as_ref().filter(|on| on.reason == waiting::PODS && on.object.as_ref() == Some(&new))?;
    if d.s.rollout.spec.paused {
        return None;
    }
    Some(time::after(waiting::moved_at(d.before(), on)?, deadline::limit(&d.s.rollout)))
}

/// Applies `progressDeadlineSeconds`: an update without progress for too long is reported, and aborted where
/// `progressDeadlineAbort` asks for it. One that progresses in this very observation is not overdue.
pub(super) fn abort_if_overdue(d: &mut Draft<'_>) {
    let analysed = d.waiting_on.as_ref().is_some_and(|on| waiting::is_for_measurements(&on.reason));
    let no_deadline =
        analysed || d.steps.get(d.index()).and_then(steps::kind_of).is_some_and(|kind| !kind.has_deadline());
    // A completed rollout that loses pods later owes no progress; one whose first deploy is not through does.
    let owes_progress = !d.is_complete() || duration::is_running(&d.status);
    if d.begins || d.status.abort || d.is_complete_and_serving() || !owes_progress {
        return;
    }
    let pauses = no_deadline || !d.status.pause_conditions.is_empty();
    let expiry = if pauses {
        pods_due(d)
    } else {
        deadline::expires_at(&d.s.rollout, &d.status).filter(|_| !d.has_progressed())
    };
    let Some(expiry) = expiry else { return };
    if d.s.now < expiry {
        // Stored times are cut to the second, so look a second later than the sum says.
        d.wake_at(time::after(expiry, jiff::SignedDuration::from_secs(1)));
        return;
    }
    let message = match d.revisions.new {
        Some(new) => format!("ReplicaSet \"{}\" has timed out progressing.", new.name()),
        None => format!("Rollout \"{}\" has timed out progressing.", d.rollout_name()),
    };
    if d.s.rollout.spec.progress_deadline_abort && !d.is_complete() {
        abort(d, Some(&message));
        return;
    }
    if conditions::set(&mut d.status, d.s.now, kind::PROGRESSING, Is::False, reason::TIMED_OUT, &message) {
        d.notes.push(Note::timed_out(&message));
    }
}
