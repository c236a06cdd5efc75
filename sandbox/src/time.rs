//! The sandbox's time: a start, and what tokio's clock has advanced since. Under a paused clock it is virtual.

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// Where the sandbox reads the time.
#[derive(Clone, Copy, Debug)]
pub struct Time {
    start: Timestamp,
    since: Instant,
}

impl Time {
    /// Starts at `start`, now.
    pub fn starting_at(start: Timestamp) -> Time {
        Time { start, since: Instant::now() }
    }

    /// The present moment.
    pub fn now(self) -> Timestamp {
        let elapsed = SignedDuration::try_from(self.since.elapsed()).unwrap_or(SignedDuration::MAX);
        self.start.saturating_add(elapsed).unwrap_or(Timestamp::MAX)
    }

    /// When a moment comes, on tokio's clock. One that has passed is `since`.
    pub fn instant(self, at: Timestamp) -> Instant {
        self.since + std::time::Duration::try_from(at.duration_since(self.start)).unwrap_or_default()
    }
}
