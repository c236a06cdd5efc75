//! Texts that come from the cluster, made fit for one line of a page.
//!
//! The models of this module are made of such texts, so that whoever shows them has nothing to mind.

/// The longest message that is shown, in characters.
const LONGEST_MESSAGE: usize = 1000;

/// What is written down somewhere must not steer the terminal, nor show itself in another order than it is written.
pub fn printable(line: &str) -> String {
    line.chars().flat_map(|c| if steers(c) { c.escape_default().collect() } else { vec![c] }).collect()
}

/// Controls, separators of lines, and marks that turn the direction of what follows.
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A message of any length in one line.
pub fn message(text: &str) -> String {
    line(text, LONGEST_MESSAGE)
}

/// Text of several lines in one, without what indents it, and cut where it gets longer than `most` characters.
pub fn line(text: &str, most: usize) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let printable = printable(&words);
    match printable.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", printable[..end].trim_end()),
        None => printable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_several_lines_becomes_one_that_cannot_steer_the_terminal() {
        assert_eq!(line("sum(\n  rate(x[1m])\n)", 100), "sum( rate(x[1m]) )");
        assert_eq!(line("\x1b[2Jgone", 100), "\\u{1b}[2Jgone");
        assert_eq!(line("abc def", 4), "abc…");
    }

    #[test]
    fn what_turns_the_direction_of_a_text_is_seen() {
        assert_eq!(printable("web:\u{202e}1\u{2066}\u{200f}"), "web:\\u{202e}1\\u{2066}\\u{200f}");
        assert_eq!(printable("\u{9b}2J"), "\\u{9b}2J");
        assert_eq!(printable("שלום 網路"), "שלום 網路");
    }
}
