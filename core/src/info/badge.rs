//! A state in one word, with its symbol and colour.

use super::text;
use crate::analysis::Phase;

/// How good or bad a state is; it chooses symbol and colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As it should be.
    Good,
    /// On its way.
    Busy,
    /// Waits for a person or for time.
    Held,
    /// Neither good nor bad.
    Open,
    /// Wrong, and perhaps passing.
    Doubtful,
    /// Wrong.
    Bad,
    /// At rest: nothing is wanted of it.
    Idle,
    /// The name of a role or a step, not a state.
    Marked,
}

impl Tone {
    /// One column wide, all of them but that of what is marked, which has none.
    pub fn symbol(self) -> &'static str {
        match self {
            Tone::Good => "✔",
            Tone::Busy => "◌",
            Tone::Held => "॥",
            Tone::Open => "?",
            Tone::Doubtful => "⚠",
            Tone::Bad => "✖",
            Tone::Idle => "•",
            Tone::Marked => "",
        }
    }
}

/// What a phase of an analysis looks like.
pub fn of_analysis(phase: Phase) -> Tone {
    match phase {
        Phase::Successful => Tone::Good,
        Phase::Pending | Phase::Running => Tone::Busy,
        Phase::Inconclusive => Tone::Open,
        Phase::Error => Tone::Doubtful,
        Phase::Failed => Tone::Bad,
    }
}

/// Text with a tone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Badge {
    /// How it looks.
    pub tone: Tone,
    /// What it says.
    pub word: String,
}

impl Badge {
    /// A word in a tone.
    pub fn new(tone: Tone, word: impl Into<String>) -> Badge {
        Badge { tone, word: word.into() }
    }

    /// The phase of a rollout.
    pub fn phase(phase: &str) -> Badge {
        let tone = match phase {
            "Healthy" => Tone::Good,
            "Paused" => Tone::Held,
            "Degraded" => Tone::Bad,
            _ => Tone::Busy,
        };
        // A rollout that no controller has looked at yet has no phase.
        Badge::new(tone, if phase.is_empty() { "Unknown".to_owned() } else { text::printable(phase) })
    }

    /// The phase of an analysis run, of one of its metrics or measurements, or of an experiment.
    pub fn analysis(phase: &str) -> Badge {
        Badge::new(of_analysis(Phase::read(phase)), Phase::read(phase).as_str())
    }

    /// The symbol and the word.
    pub fn text(&self) -> String {
        format!("{} {}", self.tone.symbol(), self.word).trim_start().to_owned()
    }
}
