//! Colours of a terminal.

use sluice_core::info::badge::Tone;

/// Whether to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    /// Colours.
    Colour,
    /// Text only.
    Plain,
}

impl Paint {
    /// `text` in the colour of `tone`.
    pub fn apply(self, tone: Option<Tone>, text: &str) -> String {
        match (self, tone) {
            (Paint::Colour, Some(tone)) if !text.is_empty() => format!("{}{text}\x1b[0m", escape(tone)),
            _ => text.to_owned(),
        }
    }
}

fn escape(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "\x1b[32m",
        Tone::Busy => "\x1b[36m",
        Tone::Held | Tone::Open | Tone::Doubtful => "\x1b[33m",
        Tone::Bad => "\x1b[31m",
        Tone::Idle => "\x1b[90m",
        Tone::Marked => "\x1b[34m",
    }
}
