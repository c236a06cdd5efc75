//! Scale-down delays: pods that lost their traffic stay for a while, for whoever has not heard of it yet, and for going back.

use jiff::{SignedDuration, Timestamp};

use crate::api::{ReplicaSet, labels};
use crate::planted::{self, Bug};
use crate::strategy::Strategy;
use crate::time;

use super::draft::Draft;
use super::scale;

/// Takes the pods of old revisions away, each after its delay, the newest first. Of those that wait, `scaleDownDelayRevisionLimit`
/// says how many; `is_used` names those that traffic still reaches.
pub(super) fn drain_old(d: &mut Draft<'_>, is_used: impl Fn(&Draft<'_>, &ReplicaSet) -> bool) {
    // How many may wait is no matter where each may still get requests.
    let limit = d.strategy.scale_down_limit().filter(|_| !d.traffic.is_in_the_dark).unwrap_or(i32::MAX);
    let in_the_dark = d.traffic.is_in_the_dark.then(|| d.strategy.delay_in_the_dark());
    let delay = d.strategy.scale_down_delay().or(in_the_dark).unwrap_or(0);
    let mut waiting = 0;
    for rs in d.revisions.old.clone().into_iter().rev().filter(|rs| rs.wanted() > 0) {
        if is_used(d, rs) {
            continue;
        }
        match rs.scale_down_deadline() {
            None if waiting < limit && delay > 0 && !planted::is(Bug::ForgetsTheDelay) => {
                waiting += 1;
                set_deadline(d, rs, delay);
            }
            Some(deadline) if waiting < limit && deadline > d.s.now => {
                waiting += 1;
                d.wake_at(deadline);
                // One that a promotion makes too many is asked for nothing any more.
                if matches!(d.strategy, Strategy::BlueGreen(_)) && !d.promotes {
                    scale::set_size(d, rs, d.s.replicas());
                }
            }
            _ => drain(d, rs),
        }
    }
}

/// Takes the pods of a revision away once its delay is over, which begins now.
pub(super) fn drain_late(d: &mut Draft<'_>, rs: &ReplicaSet) {
    match rs.scale_down_deadline() {
        None => set_deadline(d, rs, d.strategy.delay_in_the_dark()),
        Some(deadline) if deadline > d.s.now => d.wake_at(deadline),
        Some(_) => drain(d, rs),
    }
}

/// Ends the delay of a revision before it begins.
pub(super) fn end(d: &mut Draft<'_>, rs: &ReplicaSet) {
    d.annotate(rs, labels::SCALE_DOWN_DEADLINE, &time::floor_to_second(d.s.now).to_string());
}

/// The pods of a revision that was aborted: they stay until the stable revision is complete, then for their delay.
pub(super) fn drain_aborted(d: &mut Draft<'_>, new: &ReplicaSet, stable: &ReplicaSet) {
    if new.wanted() == 0 {
        return;
    }
    scale::annotate_desired(d, new);
    let Some(delay) = d.strategy.abort_delay().filter(|_| !planted::is(Bug::NeverDrainsWhatWasAborted)) else { return };
    if stable.certain() < d.s.replicas() {
        return;
    }
    // A deadline from before the abort is of another delay.
    let aborted = d.status.aborted_at.as_ref().map_or(d.s.now, |at| at.0);
    let earliest = time::after(aborted, SignedDuration::from_secs(i64::from(delay)));
    match new.scale_down_deadline().filter(|deadline| *deadline >= earliest) {
        None => set_deadline(d, new, delay),
        Some(deadline) if deadline > d.s.now => d.wake_at(deadline),
        Some(_) => drain(d, new),
    }
}

/// Takes back the deadline of a revision that is wanted again.
pub(super) fn keep(d: &mut Draft<'_>, rs: &ReplicaSet) {
    d.remove_annotation(rs, labels::SCALE_DOWN_DEADLINE);
}

fn drain(d: &mut Draft<'_>, rs: &ReplicaSet) {
    scale::set_size(d, rs, 0);
    d.annotate_size(rs, labels::SCALE_DOWN_DEADLINE, None);
}

fn set_deadline(d: &mut Draft<'_>, rs: &ReplicaSet, seconds: i32) {
    let deadline = after(d.s.now, seconds);
    d.annotate(rs, labels::SCALE_DOWN_DEADLINE, &deadline.to_string());
    d.wake_at(deadline);
}

/// A deadline in whole seconds, not before the delay is over.
fn after(now: Timestamp, seconds: i32) -> Timestamp {
    time::after(time::ceil_to_second(now), SignedDuration::from_secs(i64::from(seconds)))
}
