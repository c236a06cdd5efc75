//! Texts that come from the cluster, made fit for one line of a page.

/// What is written down somewhere must not steer the terminal.
pub fn printable(line: &str) -> String {
    line.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
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
}
