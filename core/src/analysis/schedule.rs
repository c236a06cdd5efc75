//! When a metric is measured next.

use jiff::{SignedDuration, Timestamp};

use super::{Phase, Rules};
use crate::api::{Measurement, MetricResult};
use crate::time;

/// Time from an error to the next attempt. (Argo Rollouts has the same.)
const AFTER_AN_ERROR: SignedDuration = SignedDuration::from_secs(10);

/// When the next measurement is due; `None` where there is none.
///
/// An interval is counted from the beginning of a measurement to the beginning of the next one, so that slow answers do not add
/// up; from its end where it took longer than the interval. (Argo Rollouts always counts from the end.) `begun` is when the last one
/// began, to the fraction of a second, where that is known still.
pub fn due(rules: &Rules, result: &MetricResult, started: Timestamp, begun: Option<Timestamp>) -> Option<Timestamp> {
    let Some(last) = result.measurements.last() else { return Some(time::after(started, rules.initial_delay)) };
    if rules.count.is_some_and(|count| result.count >= count) {
        return None;
    }
    let ended = last.finished_at.as_ref().map_or(started, |time| time.0);
    if last.phase == Phase::Error.as_str() {
        let due = time::after(ended, AFTER_AN_ERROR);
        // Who was asked may have said when to come back.
        return Some(last.resume_at.as_ref().map_or(due, |resume| resume.0.max(due)));
    }
    let interval = rules.interval?;
    let due = time::after(start_of(last, begun).unwrap_or(ended), interval);
    Some(if due < ended { time::after(ended, interval) } else { due })
}

/// When a measurement began: what is stored has whole seconds.
fn start_of(measurement: &Measurement, begun: Option<Timestamp>) -> Option<Timestamp> {
    let stored = measurement.started_at.as_ref()?.0;
    Some(begun.filter(|begun| time::floor_to_second(*begun) == stored).unwrap_or(stored))
}
