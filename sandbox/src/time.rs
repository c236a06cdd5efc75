//! The sandbox's time: that of the machine, or a start and what tokio's clock has advanced since, which under a paused clock is
//! virtual.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// Where the sandbox reads the time.
#[derive(Clone, Copy, Debug)]
pub enum Time {
    /// From the machine's clock, which goes on while the machine sleeps, as that of every client does.
    Machine,
    /// From tokio's clock.
    Since {
        /// The first moment.
        start: Timestamp,
        /// When that was.
        begun: Instant,
    },
}

impl Time {
    /// Starts at `start`, now.
    pub fn starting_at(start: Timestamp) -> Time {
        Time::Since { start, begun: Instant::now() }
    }

    /// The present moment.
    #[allow(clippy::disallowed_methods, reason = "this is where the sandbox reads the machine's clock")]
    pub fn now(self) -> Timestamp {
        match self {
            Time::Machine => Timestamp::now(),
            Time::Since { start, begun } => {
                let elapsed = SignedDuration::try_from(begun.elapsed()).unwrap_or(SignedDuration::MAX);
                start.saturating_add(elapsed).unwrap_or(Timestamp::MAX)
            }
        }
    }

    /// When a moment comes, on tokio's clock. One that has passed is not in the future.
    pub fn instant(self, at: Timestamp) -> Instant {
        let until = |from: Timestamp| Duration::try_from(at.duration_since(from)).unwrap_or_default();
        match self {
            Time::Machine => Instant::now() + until(self.now()),
            Time::Since { start, begun } => begun + until(start),
        }
    }
}
