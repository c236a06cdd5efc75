//! As much of a terminal as the program draws with: letters, places, what is cleared, and which screen it is.

/// What is on a screen. Every letter takes one column.
pub struct Screen {
    cells: Vec<Vec<char>>,
    column: usize,
    line: usize,
    /// What has come of a letter or a command that is not complete.
    rest: Vec<u8>,
    /// Whether it is the second screen, which programs take over as a whole.
    pub is_alternate: bool,
    /// Whether the cursor is shown.
    pub is_cursor_shown: bool,
}

impl Screen {
    /// An empty one.
    pub fn new(columns: usize, lines: usize) -> Screen {
        let cells = vec![vec![' '; columns]; lines];
        Screen { cells, column: 0, line: 0, rest: Vec::new(), is_alternate: false, is_cursor_shown: true }
    }

    /// The same with another size; what was there is gone.
    pub fn resize(&mut self, columns: usize, lines: usize) {
        self.cells = vec![vec![' '; columns]; lines];
    }

    /// Its lines.
    pub fn text(&self) -> String {
        self.cells.iter().map(|line| line.iter().collect::<String>().trim_end().to_owned() + "\n").collect()
    }

    /// Draws what a program has written.
    pub fn take(&mut self, bytes: &[u8]) {
        self.rest.extend_from_slice(bytes);
        let rest = std::mem::take(&mut self.rest);
        let mut left = rest.as_slice();
        while let Some(used) = self.step(left) {
            left = &left[used..];
        }
        self.rest = left.to_vec();
    }

    /// Draws one letter or carries out one command; how many bytes that was, or `None` where more have to come.
    fn step(&mut self, bytes: &[u8]) -> Option<usize> {
        match bytes {
            [] | [0x1b] => None,
            [0x1b, b'[', rest @ ..] => {
                let end = rest.iter().position(|byte| (0x40..=0x7e).contains(byte))?;
                let parameters = String::from_utf8_lossy(&rest[..end]).into_owned();
                self.command(&parameters, rest[end]);
                Some(end + 3)
            }
            [0x1b, _, ..] => Some(2),
            [b'\r', ..] => {
                self.column = 0;
                Some(1)
            }
            [b'\n', ..] => {
                self.line += 1;
                Some(1)
            }
            _ => {
                let most = bytes.len().min(4);
                let (letter, length) = (1..=most).find_map(|length| {
                    let letter = std::str::from_utf8(&bytes[..length]).ok()?.chars().next()?;
                    Some((letter, length))
                })?;
                if let Some(cell) = self.cells.get_mut(self.line).and_then(|line| line.get_mut(self.column)) {
                    *cell = letter;
                }
                self.column += 1;
                Some(length)
            }
        }
    }

    fn command(&mut self, parameters: &str, name: u8) {
        let number = |position: usize| {
            let text = parameters.split(';').nth(position).unwrap_or_default();
            text.parse::<usize>().unwrap_or(1).max(1)
        };
        match (name, parameters) {
            (b'H', _) => (self.line, self.column) = (number(0) - 1, number(1) - 1),
            (b'J', "2") => self.cells.iter_mut().for_each(|line| line.fill(' ')),
            (b'J', _) => {
                self.clear_line();
                self.cells.iter_mut().skip(self.line + 1).for_each(|line| line.fill(' '));
            }
            (b'K', _) => self.clear_line(),
            (b'h' | b'l', "?1049") => {
                self.is_alternate = name == b'h';
                self.cells.iter_mut().for_each(|line| line.fill(' '));
                (self.line, self.column) = (0, 0);
            }
            (b'h' | b'l', "?25") => self.is_cursor_shown = name == b'h',
            _ => {}
        }
    }

    /// Clears the rest of the line. After the last column the cursor still stands on it.
    fn clear_line(&mut self) {
        if let Some(line) = self.cells.get_mut(self.line) {
            let from = self.column.min(line.len() - 1);
            line[from..].fill(' ');
        }
    }
}
