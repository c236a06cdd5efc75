//! The terminal: taken over at the beginning, and given back as it was at the end, whatever the end is.

use std::io::{self, IsTerminal as _};
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::event::{self, DisableBracketedPaste, EnableBracketedPaste, Event};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use ratatui::{DefaultTerminal, Frame};
use tokio::sync::mpsc;

use crate::cli::Program;
use crate::problem::Problem;

/// How often the reader of keys looks whether anybody still wants them.
const LOOK: Duration = Duration::from_millis(200);
/// So many keys may wait.
const MOST_KEYS: usize = 100;

/// Whether the terminal is taken over. It is given back once, by whoever ends first: the view, or a panic in any thread.
static IS_TAKEN: AtomicBool = AtomicBool::new(false);

/// A terminal that is drawn on. A panic gives it back before it says what happened.
pub struct Terminal {
    inner: DefaultTerminal,
}

impl Terminal {
    /// Takes it over.
    pub fn open() -> io::Result<Terminal> {
        let hook = panic::take_hook();
        panic::set_hook(Box::new(move |what| {
            give_back();
            hook(what);
        }));
        IS_TAKEN.store(true, Ordering::SeqCst);
        let opened = enable_raw_mode().and_then(|()| {
            // What is pasted comes as one text, and not as keys, which would be commands.
            execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste)?;
            ratatui::Terminal::new(CrosstermBackend::new(io::stdout()))
        });
        opened.map(|inner| Terminal { inner }).inspect_err(|_| give_back())
    }

    /// Columns and lines.
    pub fn size(&self) -> io::Result<(u16, u16)> {
        self.inner.size().map(|size| (size.width, size.height))
    }

    /// Draws what has changed.
    pub fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        // After a panic somewhere the screen shows what it said.
        if !IS_TAKEN.load(Ordering::SeqCst) {
            return Ok(());
        }
        self.inner.draw(draw).map(|_| ())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        give_back();
    }
}

/// Puts everything back. What cannot be put back, there is nobody left to tell.
fn give_back() {
    if IS_TAKEN.swap(false, Ordering::SeqCst) {
        let _ = execute!(io::stdout(), DisableBracketedPaste, LeaveAlternateScreen, Show);
        let _ = disable_raw_mode();
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
