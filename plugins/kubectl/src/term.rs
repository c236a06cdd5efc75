//! The output: a terminal that can be redrawn, or a stream that gets what is new.

use std::io::{self, IsTerminal, Write};

use crate::problem::Problem;
use crate::view::paint::Paint;
use crate::view::screen::{SHOW_CURSOR, Size, frame};
use sluice_core::info::text::printable;

/// Whether to use colours: only on a terminal that wants them.
pub fn paint(no_color: bool) -> Paint {
    let refused = no_color || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if refused || !is_capable() { Paint::Plain } else { Paint::Colour }
}

/// Whether the output is a terminal that knows more than letters and lines.
fn is_capable() -> bool {
    io::stdout().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
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

/// Says something beside the output that whoever reads it has to know.
pub fn note(text: &str) {
    eprintln!("Note: {}", printable(text));
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
    is_redrawn: bool,
    size: Option<Size>,
    shown: Option<String>,
}

impl Screen {
    /// The standard output.
    pub fn new() -> Screen {
        Screen { is_redrawn: is_capable(), size: None, shown: None }
    }

    /// Whether ages are worth a new page each second.
    pub fn is_live(&self) -> bool {
        self.is_redrawn
    }

    /// Shows `page`. A terminal that can be is redrawn in place; elsewhere the page is printed if `essence` is not what it was.
    ///
    /// What is wrong stands in the last line of a terminal; elsewhere it is not of the page.
    pub fn show(&mut self, page: &str, wrong: Option<&str>, essence: String) -> io::Result<()> {
        if self.is_redrawn {
            let size = size();
            // After a resize the terminal may have wrapped what was there.
            let is_fresh = self.size.replace(size) != Some(size);
            print(&frame(page, wrong, size, is_fresh))?;
        } else if self.shown.as_ref() != Some(&essence) {
            print(&if self.shown.is_none() { page.to_owned() } else { format!("\n{page}") })?;
        }
        self.shown = Some(essence);
        Ok(())
    }
}

impl Drop for Screen {
    /// The cursor comes back however it ends, below the page.
    fn drop(&mut self) {
        if self.size.is_some() {
            let _ = print(&format!("{SHOW_CURSOR}\n"));
        }
    }
}

/// The size of the terminal; one that does not say has the size that terminals always had.
fn size() -> Size {
    let told = rustix::termios::tcgetwinsize(io::stdout()).ok().filter(|size| size.ws_col > 0 && size.ws_row > 0);
    told.map_or(Size { width: 80, height: 24 }, |size| Size { width: size.ws_col.into(), height: size.ws_row.into() })
}
