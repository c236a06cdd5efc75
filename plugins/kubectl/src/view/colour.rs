//! Colour, on a terminal and unless `NO_COLOR` or `--no-color` says otherwise.

use std::io::IsTerminal as _;

/// Whether to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour(pub bool);

impl Colour {
    /// What the environment asks for.
    pub fn detect(no_color: bool) -> Colour {
        let asked = !no_color && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Colour(asked && std::io::stdout().is_terminal())
    }

    /// Text in the colour of a status word.
    pub fn of_status(self, word: &str, text: &str) -> String {
        let code = match word {
            "Healthy" | "Running" | "Completed" => 32,
            "Paused" => 36,
            "Progressing" | "Pending" | "ContainerCreating" => 33,
            "ScaledDown" | "Terminating" => 90,
            _ => 31,
        };
        if self.0 { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}
