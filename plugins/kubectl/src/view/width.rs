//! How wide a text is on the screen, and where it is cut: some letters take two columns, some marks none, and colours none.

use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

/// Ends all colours.
const PLAIN: &str = "\x1b[0m";

/// The columns that a line takes.
pub fn width(line: &str) -> usize {
    pieces(line).into_iter().map(|(_, width)| width).sum()
}

/// Spaces that fill a text up to so many columns.
pub fn space(text: &str, columns: usize) -> String {
    " ".repeat(columns.saturating_sub(width(text)))
}

/// The beginning of a line, at most so many columns of it; colours end where the line is cut.
pub fn cut(line: &str, columns: usize) -> String {
    let pieces = pieces(line);
    if pieces.iter().map(|(_, width)| width).sum::<usize>() <= columns {
        return line.to_owned();
    }
    let (mut shown, mut left, mut has_colour) = (String::new(), columns.saturating_sub(1), false);
    for (piece, width) in pieces {
        let Some(rest) = left.checked_sub(width) else { break };
        left = rest;
        has_colour |= piece.starts_with('\x1b');
        shown += piece;
    }
    shown + "…" + if has_colour { PLAIN } else { "" }
}

/// What a reader takes for one letter each, or the sequence that begins a colour, and the columns that it takes.
fn pieces(line: &str) -> Vec<(&str, usize)> {
    let mut pieces = Vec::new();
    let mut rest = line;
    while !rest.is_empty() {
        if rest.starts_with('\x1b') {
            let end = rest.find(|c: char| c.is_ascii_alphabetic()).map_or(rest.len(), |last| last + 1);
            let (escape, after) = rest.split_at(end);
            pieces.push((escape, 0));
            rest = after;
        } else {
            let (text, after) = rest.split_at(rest.find('\x1b').unwrap_or(rest.len()));
            pieces.extend(text.graphemes(true).map(|letter| (letter, letter.width())));
            rest = after;
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_count_as_the_terminal_shows_them() {
        for (line, columns) in
            [("⟳ web", 5), ("網路", 4), ("é e\u{301}", 3), ("\x1b[32m網\x1b[0m", 2), ("❤\u{fe0f}", 2), ("", 0)]
        {
            assert_eq!(width(line), columns, "{line:?}");
        }
    }

    #[test]
    fn a_line_is_never_wider_than_it_may_be() {
        for (line, columns, expected) in [
            ("網路服務", 8, "網路服務"),
            ("網路服務", 7, "網路服…"),
            ("網路服務", 6, "網路…"),
            ("\x1b[31m網路\x1b[0m", 3, "\x1b[31m網…\x1b[0m"),
            ("網", 1, "…"),
            ("abc\x1b[0m", 3, "abc\x1b[0m"),
        ] {
            assert_eq!(cut(line, columns), expected, "{line:?} in {columns}");
        }
    }
}
