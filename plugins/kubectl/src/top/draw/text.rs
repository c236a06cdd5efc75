//! Texts in columns of a terminal: what comes from the cluster is made printable here, whatever it was before.

use ratatui::style::{Color, Style};
use ratatui::text::{Line, Span};
use sluice_core::info::badge::Tone;
use sluice_core::info::text::printable;

use crate::view::paint::Paint;

/// Text that cannot steer the terminal.
pub fn span(text: &str, style: Style) -> Span<'static> {
    Span::styled(printable(text), style)
}

/// How a tone looks.
pub fn style(tone: Tone, paint: Paint) -> Style {
    if paint == Paint::Plain {
        return Style::new();
    }
    Style::new().fg(match tone {
        Tone::Good => Color::Green,
        Tone::Busy => Color::Cyan,
        Tone::Held | Tone::Open | Tone::Doubtful => Color::Yellow,
        Tone::Bad => Color::Red,
        Tone::Idle => Color::DarkGray,
        Tone::Marked => Color::Blue,
    })
}

/// Columns that a text takes.
pub fn width(text: &str) -> usize {
    Span::raw(text).width()
}

/// The text in so many columns, with an ellipsis where it is cut.
pub fn fit(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut left = columns.saturating_sub(1);
    let mut cut = String::new();
    for grapheme in Span::raw(text).styled_graphemes(Style::new()) {
        let Some(rest) = left.checked_sub(width(grapheme.symbol)) else { break };
        left = rest;
        cut += grapheme.symbol;
    }
    if columns > 0 {
        cut.push('…');
    }
    cut
}

/// The text in exactly so many columns.
pub fn padded(text: &str, columns: usize) -> String {
    let fitting = fit(text, columns);
    let space = columns.saturating_sub(width(&fitting));
    fitting + &" ".repeat(space)
}

/// The text in lines of at most so many columns, broken between words; a longer word is broken, too.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    let (mut lines, mut line, mut used) = (Vec::new(), String::new(), 0);
    for word in text.split_whitespace() {
        let gap = usize::from(used > 0);
        if used + gap + width(word) <= columns {
            line += if gap > 0 { " " } else { "" };
            line += word;
            used += gap + width(word);
            continue;
        }
        if used > 0 {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        for grapheme in Span::raw(word).styled_graphemes(Style::new()) {
            let more = width(grapheme.symbol);
            if used > 0 && used + more > columns {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            line += grapheme.symbol;
            used += more;
        }
    }
    if used > 0 || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// A line whose colours `view::paint` has written into it. Whatever else would steer the terminal is made printable.
pub fn painted(line: &str) -> Line<'static> {
    let marks = [Tone::Good, Tone::Busy, Tone::Held, Tone::Bad, Tone::Idle, Tone::Marked];
    let marks = marks.map(|tone| (Paint::Colour.apply(Some(tone), "x"), style(tone, Paint::Colour)));
    let mut spans = Vec::new();
    let mut rest = line;
    while let Some(at) = rest.find('\x1b') {
        let (before, marked) = rest.split_at(at);
        let found = marks.iter().find_map(|(mark, style)| {
            let (open, close) = mark.split_once('x')?;
            let (inner, after) = marked.strip_prefix(open)?.split_once(close)?;
            Some((span(inner, *style), after))
        });
        let Some((inner, after)) = found else { break };
        spans.extend([span(before, Style::new()), inner]);
        rest = after;
    }
    spans.push(span(rest, Style::new()));
    Line::from(spans)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_does_not_fit_ends_in_an_ellipsis_and_wide_letters_count_twice() {
        for (text, columns, expected) in [
            ("web", 3, "web"),
            ("webs", 3, "we…"),
            ("web", 1, "…"),
            ("web", 0, ""),
            ("網路服務", 5, "網路…"),
            ("網路服務", 4, "網…"),
            ("網路", 4, "網路"),
        ] {
            assert_eq!(fit(text, columns), expected, "{text} {columns}");
        }
        assert_eq!(padded("網路服務", 4), "網… ");
    }

    #[test]
    fn lines_break_between_words_and_long_words_break_anywhere() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh i", 3), ["abc", "def", "gh", "i"]);
        assert_eq!(wrap("網路", 1), ["網", "路"]);
        assert_eq!(wrap("", 5), [""]);
        assert_eq!(wrap("ab", 0), ["a", "b"]);
    }

    #[test]
    fn colours_become_styles_and_nothing_else_steers_the_terminal() {
        let line = format!("a {} b", Paint::Colour.apply(Some(Tone::Bad), "✖"));
        let spans = painted(&line).spans;
        let texts: Vec<&str> = spans.iter().map(|span| span.content.as_ref()).collect();
        assert_eq!(texts, ["a ", "✖", " b"]);
        assert_eq!(spans[1].style, Style::new().fg(Color::Red));
        let hostile = painted("\x1b[2Jgone\x07");
        assert_eq!(hostile.spans[0].content, "\\u{1b}[2Jgone\\u{7}");
    }
}
