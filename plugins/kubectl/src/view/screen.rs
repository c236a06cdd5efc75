//! A page on a terminal that may be smaller than the page: what is sent so that it is redrawn in place without flicker.
//!
//! The page stays on the usual screen, as kubectl's watches do, so that it can be read after the end.

use super::width::cut;

/// Columns and rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Columns of a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

/// Terminals that know this show everything up to [`TOGETHER_END`] at once; others pass over it.
const TOGETHER: &str = "\x1b[?2026h";
const TOGETHER_END: &str = "\x1b[?2026l";
const HIDE_CURSOR: &str = "\x1b[?25l";
/// Shows the cursor again.
pub const SHOW_CURSOR: &str = "\x1b[?25h";

/// What is sent to show `page` and below it what is `wrong`, where something was before; `is_fresh` clears what that was.
///
/// Every line is cleared and written at once: clearing everything first would flicker, and clearing what follows a line that
/// fills the width would take its last letter, on which the cursor still stands. No line wraps, and none follows the last of
/// the window, or the terminal would scroll.
pub fn frame(page: &str, wrong: Option<&str>, size: Size, is_fresh: bool) -> String {
    let start = if is_fresh { "\x1b[2J\x1b[H" } else { "\x1b[H" };
    let height = size.height - usize::from(wrong.is_some()).min(size.height);
    let lines = fit(page, Size { height, ..size }).into_iter().take(height);
    let lines: Vec<_> = lines.chain(wrong.map(|wrong| cut(wrong, size.width))).collect();
    let below = if lines.len() < size.height { "\n\x1b[J" } else { "" };
    format!("{TOGETHER}{HIDE_CURSOR}{start}\x1b[K{}{below}{TOGETHER_END}", lines.join("\n\x1b[K"))
}

/// The lines of a page that are shown, each cut to the width; the last says how many are not.
pub fn fit(page: &str, size: Size) -> Vec<String> {
    let (width, height) = (size.width.max(1), size.height.max(1));
    let all: Vec<&str> = page.lines().collect();
    if all.len() <= height {
        return all.into_iter().map(|line| cut(line, width)).collect();
    }
    let shown = height - 1;
    let hidden = all.len() - shown;
    let note = format!("… {hidden} more lines: the window is too low for them");
    all[..shown].iter().map(|line| cut(line, width)).chain([cut(&note, width)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(page: &str, width: usize, height: usize, expected: &[&str]) {
        let lines = fit(page, Size { width, height });
        assert_eq!(lines, expected);
        assert!(lines.len() <= height.max(1));
        assert!(lines.iter().all(|line| super::super::width::width(line) <= width.max(1)), "{lines:?}");
    }

    #[test]
    fn a_page_that_fits_is_shown_as_it_is() {
        fits("one\ntwo\n", 3, 2, &["one", "two"]);
        fits("⟳ web\n", 5, 1, &["⟳ web"]);
    }

    #[test]
    fn long_lines_are_cut_and_never_wrap() {
        fits("abcdef\n", 5, 2, &["abcd…"]);
        fits("\x1b[32mabcdef\x1b[0m g", 4, 1, &["\x1b[32mabc…\x1b[0m"]);
        fits("ab \x1b[32mcd\x1b[0m", 5, 1, &["ab \x1b[32mcd\x1b[0m"]);
        fits("abc", 1, 1, &["…"]);
        fits("abc", 0, 0, &["…"]);
    }

    #[test]
    fn lines_below_the_window_are_counted() {
        fits("1\n2\n3\n4\n", 80, 3, &["1", "2", "… 2 more lines: the window is too low for them"]);
        fits("1\n2\n3\n", 10, 1, &["… 3 more …"]);
    }

    #[test]
    fn a_frame_overwrites_what_was_there_and_does_not_scroll() {
        let size = Size { width: 80, height: 24 };
        let first = frame("a\nb\n", None, size, true);
        assert_eq!(first, "\x1b[?2026h\x1b[?25l\x1b[2J\x1b[H\x1b[Ka\n\x1b[Kb\n\x1b[J\x1b[?2026l");
        let next = frame("a\n", None, size, false);
        assert_eq!(next, "\x1b[?2026h\x1b[?25l\x1b[H\x1b[Ka\n\x1b[J\x1b[?2026l");
        let full = "line\n".repeat(100);
        assert_eq!(frame(&full, None, size, false).matches('\n').count(), 23);
        let wrong = frame(&full, Some("⚠ 9s old"), size, false);
        assert_eq!(wrong.matches('\n').count(), 23);
        assert!(wrong.contains("78 more lines") && wrong.ends_with("⚠ 9s old\x1b[?2026l"), "{wrong}");
    }
}
