//! Columns that line up whatever is in them, colours included.

use super::paint::Paint;
use super::width;
use sluice_core::info::badge::{Badge, Tone};

/// Space between two columns.
const GAP: usize = 2;

/// One cell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    text: String,
    tone: Option<Tone>,
}

impl From<String> for Cell {
    fn from(text: String) -> Cell {
        Cell { text, tone: None }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Cell {
        Cell::from(text.to_owned())
    }
}

impl From<&Badge> for Cell {
    fn from(badge: &Badge) -> Cell {
        Cell { text: badge.text(), tone: Some(badge.tone) }
    }
}

impl Cell {
    /// Text in a tone, without its symbol.
    pub fn toned(tone: Tone, text: impl Into<String>) -> Cell {
        Cell { text: text.into(), tone: Some(tone) }
    }

    /// What it says.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How it looks.
    pub fn tone(&self) -> Option<Tone> {
        self.tone
    }

    /// Columns on the screen.
    fn width(&self) -> usize {
        width::width(&self.text)
    }
}

/// The widths of the columns so far; rows that are printed later line up with earlier ones as long as they fit.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    widths: Vec<usize>,
}

impl Layout {
    /// The rows, one a line, every column as wide as its widest cell.
    pub fn render(&mut self, rows: &[Vec<Cell>], paint: Paint) -> String {
        for (column, cell) in rows.iter().flat_map(|row| row.iter().enumerate()) {
            if column == self.widths.len() {
                self.widths.push(0);
            }
            self.widths[column] = self.widths[column].max(cell.width());
        }
        rows.iter().map(|row| line(row, &self.widths, paint) + "\n").collect()
    }
}

fn line(row: &[Cell], widths: &[usize], paint: Paint) -> String {
    let used = row.iter().rposition(|cell| !cell.text.is_empty()).map_or(0, |last| last + 1);
    let mut line = String::new();
    for (column, cell) in row[..used].iter().enumerate() {
        line += &paint.apply(cell.tone, &cell.text);
        if column + 1 < used {
            line += &" ".repeat(widths[column] + GAP - cell.width());
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_with_symbols_and_colours() {
        let rows = [
            vec!["NAME".into(), "STATUS".into(), "INFO".into()],
            vec!["a".into(), (&Badge::phase("Healthy")).into(), Cell::default()],
            vec!["└──⧉ b".into(), (&Badge::phase("Paused")).into(), "stable".into()],
        ];
        let plain = "NAME    STATUS     INFO\na       ✔ Healthy\n└──⧉ b  ॥ Paused   stable\n";
        assert_eq!(Layout::default().render(&rows, Paint::Plain), plain);
        let wide = [vec!["網路".into(), "x".into()], vec!["a".into(), "y".into()]];
        assert_eq!(Layout::default().render(&wide, Paint::Plain), "網路  x\na     y\n");
        let coloured = Layout::default().render(&rows, Paint::Colour);
        assert!(coloured.contains("\x1b[33m॥ Paused\x1b[0m   stable"), "{coloured:?}");
    }
}
