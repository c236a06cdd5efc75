//! The one place where the program reads the time.

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// Where the time comes from.
#[derive(Clone, Copy, Debug)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// A start, and what tokio's clock has advanced since. Paused tokio time makes it virtual.
    Virtual {
        /// The time at `since`.
        start: Timestamp,
        /// When it was started.
        since: Instant,
    },
}

impl Clock {
    /// A clock that starts at `start` and advances with tokio's.
    pub fn starting_at(start: Timestamp) -> Clock {
        Clock::Virtual { start, since: Instant::now() }
    }

    /// The present time.
    pub fn now(self) -> Timestamp {
        match self {
            #[expect(clippy::disallowed_methods, reason = "this is the one place")]
            Clock::System => Timestamp::now(),
            Clock::Virtual { start, since } => {
                let elapsed = SignedDuration::try_from(since.elapsed()).unwrap_or(SignedDuration::MAX);
                start.saturating_add(elapsed).unwrap_or(Timestamp::MAX)
            }
        }
    }
}
