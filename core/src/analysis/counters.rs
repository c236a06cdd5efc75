//! What measurements add up to: the result of a metric.

use super::Phase;
use crate::api::{Measurement, MetricResult};

/// Whether a measurement is under way.
pub fn is_under_way(measurement: &Measurement) -> bool {
    !Phase::read(&measurement.phase).is_over()
}

/// The number of the next measurement, from 1; one that is under way keeps its number until it ends.
pub fn next_number(result: &MetricResult) -> u32 {
    u32::try_from(result.count.saturating_add(result.error)).unwrap_or(0).saturating_add(1)
}

/// Takes a measurement in: a new one, or what has come of the one that is under way. Of those that ended, `keep` stay.
pub fn take(result: &mut MetricResult, measurement: Measurement, keep: usize) {
    match Phase::read(&measurement.phase) {
        Phase::Successful => {
            result.successful += 1;
            result.count += 1;
            result.consecutive_success += 1;
            result.consecutive_error = 0;
        }
        Phase::Failed => {
            result.failed += 1;
            result.count += 1;
            (result.consecutive_success, result.consecutive_error) = (0, 0);
        }
        Phase::Inconclusive => {
            result.inconclusive += 1;
            result.count += 1;
            (result.consecutive_success, result.consecutive_error) = (0, 0);
        }
        // An error says nothing about the version: it is not counted as a measurement.
        Phase::Error => {
            result.error += 1;
            result.consecutive_error += 1;
            result.consecutive_success = 0;
        }
        Phase::Pending | Phase::Running => {}
    }
    match result.measurements.last_mut().filter(|last| is_under_way(last)) {
        Some(last) => *last = measurement,
        None => result.measurements.push(measurement),
    }
    let surplus = result.measurements.len().saturating_sub(keep.max(1));
    result.measurements.drain(..surplus);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(phase: Phase) -> Measurement {
        Measurement { phase: phase.as_str().to_owned(), ..Measurement::default() }
    }

    fn after(phases: &[Phase], keep: usize) -> MetricResult {
        let mut result = MetricResult::default();
        for phase in phases {
            take(&mut result, of(*phase), keep);
        }
        result
    }

    #[test]
    fn counters_add_up_and_errors_are_no_measurements() {
        use Phase::{Error, Failed, Inconclusive, Successful};
        let result = after(&[Successful, Error, Successful, Failed, Inconclusive, Error, Error, Successful], 10);
        assert_eq!((result.count, result.successful, result.failed, result.inconclusive), (5, 3, 1, 1));
        assert_eq!((result.error, result.consecutive_error, result.consecutive_success), (3, 0, 1));
        assert_eq!(next_number(&result), 9);
        assert_eq!(after(&[Error, Error], 10).consecutive_error, 2);
        assert_eq!(after(&[Successful, Successful, Error], 10).consecutive_success, 0);
    }

    #[test]
    fn a_measurement_that_takes_long_has_one_place() {
        let result = after(&[Phase::Successful, Phase::Running], 10);
        assert_eq!((result.count, result.measurements.len(), next_number(&result)), (1, 2, 2));
        let result = after(&[Phase::Successful, Phase::Running, Phase::Running, Phase::Failed], 10);
        assert_eq!((result.count, result.measurements.len(), next_number(&result)), (2, 2, 3));
    }

    #[test]
    fn the_newest_ones_are_kept() {
        let result = after(&[Phase::Failed, Phase::Successful, Phase::Error, Phase::Successful], 2);
        let kept: Vec<&str> = result.measurements.iter().map(|m| m.phase.as_str()).collect();
        assert_eq!((kept, result.count), (vec!["Error", "Successful"], 3));
        assert_eq!(after(&[Phase::Failed, Phase::Successful], 0).measurements.len(), 1);
    }
}
