//! The terminal: taken over at the beginning, and given back as it was at the end, whatever the end is.

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use ratatui::crossterm::event::{self, DisableBracketedPaste, EnableBracketedPaste, Event};
use ratatui::crossterm::execute;
use ratatui::{DefaultTerminal, Frame};
use tokio::sync::mpsc;

use crate::cli::Program;
use crate::problem::Problem;

/// How often the reader of keys looks whether anybody still wants them.
const LOOK: Duration = Duration::from_millis(200);
/// So many keys may wait.
const MOST_KEYS: usize = 100;

/// A terminal that is drawn on. A panic gives it back before it says what happened.
pub struct Terminal {
    inner: DefaultTerminal,
}

impl Terminal {
    /// Takes it over.
    pub fn open() -> io::Result<Terminal> {
        let opened = ratatui::try_init().and_then(|inner| {
            // What is pasted comes as one text, and not as keys, which would be commands.
            execute!(io::stdout(), EnableBracketedPaste)?;
            Ok(Terminal { inner })
        });
        if opened.is_err() {
            // It may have been taken over in part.
            let _ = ratatui::try_restore();
        }
        opened
    }

    /// Columns and lines.
    pub fn size(&self) -> io::Result<(u16, u16)> {
        self.inner.size().map(|size| (size.width, size.height))
    }

    /// Draws what has changed.
    pub fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.inner.draw(draw).map(|_| ())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // There is nobody left to tell.
        let _ = self.inner.show_cursor();
        let _ = execute!(io::stdout(), DisableBracketedPaste);
        let _ = ratatui::try_restore();
    }
}

/// Refuses what is no terminal, and names what is for scripts.
pub fn check(program: Program) -> Result<(), Problem> {
    for (name, is_terminal) in
        [("standard input", io::stdin().is_terminal()), ("standard output", io::stdout().is_terminal())]
    {
        if !is_terminal {
            return Err(Problem::new(format!("cannot show the live view: the {name} is no terminal")).advise(format!(
                "For a pipe or a file: {program} list rollouts -w, or {program} get rollout NAME -w"
            )));
        }
    }
    Ok(())
}

/// What is typed, and changes of the size. The end of it is an error.
pub fn events() -> mpsc::Receiver<io::Result<Event>> {
    let (sender, receiver) = mpsc::channel(MOST_KEYS);
    // A thread, as reading blocks; it goes by itself once nobody listens.
    std::thread::spawn(move || {
        while !sender.is_closed() {
            let read = match event::poll(LOOK) {
                Ok(false) => continue,
                Ok(true) => event::read(),
                Err(error) => Err(error),
            };
            let is_over = read.is_err();
            if sender.blocking_send(read).is_err() || is_over {
                return;
            }
        }
    });
    receiver
}
