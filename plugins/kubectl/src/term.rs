//! The output: a terminal that can be redrawn, or a stream that gets what is new.

use std::io::{self, IsTerminal, Write};

use crate::problem::Problem;
use crate::view::paint::Paint;
use sluice_core::info::text::printable;

/// Whether to use colours: only on a terminal that wants them.
pub fn paint(no_color: bool) -> Paint {
    let refused = no_color || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    if refused || dumb || !io::stdout().is_terminal() { Paint::Plain } else { Paint::Colour }
}

/// Prints text.
pub fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Prints one line.
pub fn line(text: &str) -> io::Result<()> {
    print(&format!("{text}\n"))
}

/// Says what went wrong, and what to do about it.
pub fn complain(problem: &Problem) {
    // What is written down somewhere must not steer the terminal; lines stay lines.
    let printable = |text: &str| text.lines().map(printable).collect::<Vec<_>>().join("\n");
    eprintln!("Error: {}", printable(&problem.to_string()));
    if let Some(next) = problem.next_step() {
        eprintln!("{}", printable(next));
    }
}

/// Asks a question that is answered by yes or no; yes has to be said. `None` where there is nobody to ask.
pub fn ask(question: &str) -> io::Result<Option<bool>> {
    let input = io::stdin();
    if !input.is_terminal() {
        return Ok(None);
    }
    let mut to = io::stderr().lock();
    to.write_all(question.as_bytes())?;
    to.flush()?;
    let mut answer = String::new();
    input.read_line(&mut answer)?;
    Ok(Some(["y", "yes"].contains(&answer.trim().to_lowercase().as_str())))
}

/// A page that is shown again and again.
pub struct Screen {
    is_terminal: bool,
    shown: Option<String>,
}

impl Screen {
    /// The standard output.
    pub fn new() -> Screen {
        Screen { is_terminal: io::stdout().is_terminal(), shown: None }
    }

    /// Whether ages are worth a new page each second.
    pub fn is_live(&self) -> bool {
        self.is_terminal
    }

    /// Shows `page`. A terminal is redrawn in place; elsewhere the page is printed if `essence` is not what it was.
    pub fn show(&mut self, page: &str, essence: String) -> io::Result<()> {
        let is_first = self.shown.is_none();
        if self.is_terminal {
            print(&redrawn(page, is_first))?;
        } else if self.shown.as_ref() != Some(&essence) {
            print(&if is_first { page.to_owned() } else { format!("\n{page}") })?;
        }
        self.shown = Some(essence);
        Ok(())
    }
}

/// Overwrites line by line and clears what is left over: clearing everything first would flicker.
fn redrawn(page: &str, is_first: bool) -> String {
    let start = if is_first { "\x1b[2J\x1b[H" } else { "\x1b[H" };
    let lines = page.replace('\n', "\x1b[K\n");
    format!("{start}{lines}\x1b[J")
}
