//! Where an analysis run, one of its metrics or one of its measurements stands.

use std::fmt;

/// Where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It has not begun.
    Pending,
    /// It goes on.
    Running,
    /// It is good.
    Successful,
    /// It is bad.
    Failed,
    /// Nobody knows, because measurements could not be taken.
    Error,
    /// It is neither good nor bad: a person decides.
    Inconclusive,
}

/// Every phase, from the best to the worst. (Argo Rollouts has the same order.)
const FROM_BEST: [Phase; 6] =
    [Phase::Successful, Phase::Running, Phase::Pending, Phase::Inconclusive, Phase::Error, Phase::Failed];

impl Phase {
    /// As it is written in a status.
    pub fn as_str(self) -> &'static str {
        match self {
            Phase::Pending => "Pending",
            Phase::Running => "Running",
            Phase::Successful => "Successful",
            Phase::Failed => "Failed",
            Phase::Error => "Error",
            Phase::Inconclusive => "Inconclusive",
        }
    }

    /// Reads one from a status; what is not there yet, or is nothing that we know, is pending.
    pub fn read(text: &str) -> Phase {
        FROM_BEST.into_iter().find(|phase| phase.as_str() == text).unwrap_or(Phase::Pending)
    }

    /// Whether nothing more happens.
    pub fn is_over(self) -> bool {
        matches!(self, Phase::Successful | Phase::Failed | Phase::Error | Phase::Inconclusive)
    }

    /// Whether the update that it is for is given up.
    pub fn is_bad(self) -> bool {
        matches!(self, Phase::Failed | Phase::Error)
    }

    /// Whether it is worse than another one.
    pub fn is_worse_than(self, other: Phase) -> bool {
        let rank = |phase| FROM_BEST.iter().position(|known| *known == phase);
        rank(self) > rank(other)
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
