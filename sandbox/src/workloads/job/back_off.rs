//! How long a Job waits after pods that failed.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::tally::{Tally, ended_at};

/// After the first failure. It doubles with each further one.
const FIRST: SignedDuration = SignedDuration::from_secs(10);
const LONGEST: SignedDuration = SignedDuration::from_mins(10);

/// Failures since the last success.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BackOff {
    failures: u32,
    last: Option<Timestamp>,
}

impl BackOff {
    /// Takes in the pods that have ended since it was last asked, in the order of their ends.
    #[must_use]
    pub fn after(mut self, tally: &Tally) -> BackOff {
        let end = |succeeded: bool| move |pod: &Arc<Value>| (ended_at(pod), succeeded);
        let mut ends: Vec<(Option<Timestamp>, bool)> =
            tally.succeeded.iter().map(end(true)).chain(tally.failed.iter().map(end(false))).collect();
        ends.sort_unstable();
        for (at, succeeded) in ends {
            if succeeded {
                self = BackOff::default();
            } else {
                self.failures = self.failures.saturating_add(1);
                self.last = self.last.max(at);
            }
        }
        self
    }

    /// When the next pod may be created.
    pub fn ends(self) -> Option<Timestamp> {
        let doublings = self.failures.checked_sub(1)?;
        let wait = if doublings < 7 { FIRST.saturating_mul(1 << doublings).min(LONGEST) } else { LONGEST };
        self.last?.saturating_add(wait).ok()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ended(second: u8) -> Arc<Value> {
        let finished = format!("2026-01-01T00:00:{second:02}Z");
        Arc::new(
            json!({ "status": { "containerStatuses": [{ "state": { "terminated": { "finishedAt": finished } } }] } }),
        )
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn the_wait_doubles_with_each_failure_up_to_ten_minutes() {
        let failed = |second| Tally { failed: vec![ended(second)], ..Tally::default() };
        let once = BackOff::default().after(&failed(1));
        assert_eq!(once.ends(), Some(at("2026-01-01T00:00:11Z")));
        assert_eq!(once.after(&failed(20)).ends(), Some(at("2026-01-01T00:00:40Z")));
        let often = (0..40).fold(once, |back_off, _| back_off.after(&failed(0)));
        assert_eq!(often.ends(), Some(at("2026-01-01T00:10:01Z")));
    }

    #[test]
    fn a_success_ends_it_unless_a_failure_came_later() {
        let failed = BackOff::default().after(&Tally { failed: vec![ended(1)], ..Tally::default() });
        let both = |failure, success| Tally {
            failed: vec![ended(failure)],
            succeeded: vec![ended(success)],
            ..Tally::default()
        };
        assert_eq!(failed.after(&both(2, 3)).ends(), None);
        assert_eq!(failed.after(&both(3, 2)).ends(), Some(at("2026-01-01T00:00:13Z")));
    }
}
