//! The lines at the top of a page: labels, and values in a column of their own.

/// Where the values begin.
const LABEL_WIDTH: usize = 17;

/// The lines as text.
pub fn render(lines: &[(&str, String)]) -> String {
    lines.iter().map(|(label, value)| format!("{label:LABEL_WIDTH$}{value}").trim_end().to_owned() + "\n").collect()
}
