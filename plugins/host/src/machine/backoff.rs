//! How long a plugin that fails is left alone.

use std::time::Duration;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_mins(1);

/// A plugin that was ready for so long begins anew.
const FORGIVEN_AFTER: Duration = Duration::from_mins(1);

/// Failures in a row.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The delay after one more failure, of a plugin that was ready for so long, or not at all.
    pub(super) fn next(&mut self, was_ready: Option<Duration>) -> Duration {
        if was_ready.is_some_and(|ready| ready >= FORGIVEN_AFTER) {
            self.failures = 0;
        }
        let delay = FIRST.saturating_mul(2_u32.saturating_pow(self.failures)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        delay
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_a_minute() {
        let mut backoff = Backoff::default();
        let delays: Vec<u64> = (0..8).map(|_| backoff.next(None).as_secs()).collect();
        assert_eq!(delays, [1, 2, 4, 8, 16, 32, 60, 60]);
        backoff.failures = u32::MAX;
        assert_eq!(backoff.next(None), LONGEST);
    }

    #[test]
    fn a_minute_of_good_conduct_is_a_new_beginning() {
        let mut backoff = Backoff { failures: 5 };
        assert_eq!(backoff.next(Some(Duration::from_secs(59))).as_secs(), 32);
        assert_eq!(backoff.next(Some(Duration::from_mins(1))).as_secs(), 1);
    }
}
