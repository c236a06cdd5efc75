//! Where the demo is told: a terminal, in which the picture is drawn anew in place, or anything else, to which only what is
//! said is written.

use std::io::{self, Write};

/// The screen.
pub struct Screen {
    out: Box<dyn Write + Send>,
    /// Whether pictures can be drawn over.
    live: bool,
    /// Lines of the picture that is on the screen.
    drawn: usize,
}

impl Screen {
    /// A screen that writes here; `live` says that it is a terminal.
    pub fn new(out: Box<dyn Write + Send>, live: bool) -> Screen {
        Screen { out, live, drawn: 0 }
    }

    /// Says something, which stays.
    pub fn say(&mut self, text: &str) -> io::Result<()> {
        self.wipe()?;
        writeln!(self.out, "{text}")?;
        self.out.flush()
    }

    /// Draws a picture over the last one, on a terminal.
    pub fn draw(&mut self, picture: &str) -> io::Result<()> {
        if !self.live {
            return Ok(());
        }
        self.wipe()?;
        write!(self.out, "{picture}")?;
        self.drawn = picture.lines().count();
        self.out.flush()
    }

    /// Shows a picture that stays.
    pub fn keep(&mut self, picture: &str) -> io::Result<()> {
        self.wipe()?;
        write!(self.out, "{picture}")?;
        self.out.flush()
    }

    fn wipe(&mut self) -> io::Result<()> {
        if self.drawn > 0 {
            // Up, and clear to the end of the screen.
            write!(self.out, "\x1b[{}A\x1b[J", self.drawn)?;
            self.drawn = 0;
        }
        Ok(())
    }
}
