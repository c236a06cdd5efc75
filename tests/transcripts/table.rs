//! What kubectl prints depends on the time and on the width of random names: ages become `<age>`, and tables are aligned
//! anew once names have taken the place of values.

use std::sync::LazyLock;

use regex::Regex;

/// Between the cells of a table, while it is not aligned.
const SEPARATOR: char = '\u{1f}';

/// `text` without ages and processes.
pub fn ages(text: &str) -> String {
    // Not what a manifest says: `delay=0s`, `for 300s`, `"10s"`, `timeout: 5s`.
    static AGE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?m)(?P<lead>^|  |\x1f|Age:[ ]+|over |\()(?P<age>\d+(ms|[smhd])(\d+[smhd])?)\b")
            .expect("a pattern")
    });
    static LOG: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"(?m)^! (?P<level>[IWEF])\d{4} [\d:.]+ +\d+ ").expect("a pattern"));
    LOG.replace_all(&AGE.replace_all(text, "${lead}<age>"), "! ${level} ").into_owned()
}

/// `text` with the cells of its tables apart. The columns are where the header has them: cells can be empty.
pub fn split(text: &str) -> String {
    let mut apart = String::new();
    let mut header: Option<Vec<usize>> = None;
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let indent = header.as_ref().and_then(|columns| columns.first().copied()).unwrap_or(0);
        if line.trim().is_empty() || line.starts_with('!') || !line.starts_with(&" ".repeat(indent)) {
            header = None;
        } else if is_header(line, lines.peek().copied()) {
            header = Some(columns(line));
        }
        match &header {
            Some(columns) => {
                apart.push_str(&" ".repeat(columns.first().copied().unwrap_or(0)));
                apart.push_str(&cells(line, columns).join(&SEPARATOR.to_string()));
            }
            None => apart.push_str(line),
        }
        apart.push('\n');
    }
    apart
}

/// `text` with its tables aligned.
pub fn align(text: &str) -> String {
    let mut aligned = String::new();
    let lines: Vec<&str> = text.lines().collect();
    for paragraph in lines.chunk_by(|a, b| a.contains(SEPARATOR) == b.contains(SEPARATOR)) {
        match paragraph {
            table if table[0].contains(SEPARATOR) => aligned.push_str(&pad(table)),
            others => others.iter().for_each(|line| aligned.extend([*line, "\n"])),
        }
    }
    aligned
}

/// Whether a line is the header of a table: words in capitals, or underlined ones.
fn is_header(line: &str, next: Option<&str>) -> bool {
    let capital = |c: char| c.is_ascii_uppercase() || "- ()%".contains(c);
    let underlined = next.is_some_and(|next| next.contains("----") && next.trim().chars().all(|c| "- ".contains(c)));
    let several = line.trim().contains("  ");
    several && (underlined || line.starts_with(char::is_alphabetic) && line.chars().all(capital))
}

/// Where the columns of a header begin: after at least two spaces.
fn columns(header: &str) -> Vec<usize> {
    let bytes = header.as_bytes();
    let begins =
        |at: &usize| bytes[*at] != b' ' && (*at == 0 || at.checked_sub(2).is_some_and(|two| &bytes[two..*at] == b"  "));
    (0..bytes.len()).filter(begins).collect()
}

/// The cells of a row; those of one that is not aligned with its header, by the spaces between them.
fn cells(line: &str, columns: &[usize]) -> Vec<String> {
    let aligned =
        line.is_ascii() && columns.iter().all(|at| *at == 0 || line.as_bytes().get(at - 1).is_none_or(|c| *c == b' '));
    if !aligned {
        return line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect();
    }
    let ends = columns.iter().skip(1).copied().chain([usize::MAX]);
    let cell =
        |(begin, end): (&usize, usize)| line.get(*begin..end.min(line.len())).unwrap_or_default().trim().to_owned();
    columns.iter().zip(ends).map(cell).collect()
}

fn pad(lines: &[&str]) -> String {
    let rows: Vec<Vec<&str>> = lines.iter().map(|line| line.split(SEPARATOR).collect()).collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.len()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        text.extend([cells.collect::<Vec<_>>().join("   ").trim_end(), "\n"]);
    }
    text
}

#[test]
fn a_table_is_aligned_to_what_stands_in_it_and_has_no_ages() {
    let printed = "NAME              READY   SIZE   AGE\nweb-4x   1/1            2m3s\nweb-longer-name   0/1     3      5s\n\nother  text\n! error\n";
    let printed = printed.replace("web-4x   1/1  ", "web-4x            1/1  ");
    let expected = "NAME              READY   SIZE   AGE\nweb-4x            1/1            <age>\nweb-longer-name   0/1     3      <age>\n\nother  text\n! error\n";
    assert_eq!(align(&ages(&split(&printed))), expected);
}

#[test]
fn an_underlined_table_is_one_too() {
    let printed = "Events:\n  Type    Age\n  ----    ----\n  Normal  5s\nEnd\n";
    assert_eq!(align(&ages(&split(printed))), "Events:\n  Type     Age\n  ----     ----\n  Normal   <age>\nEnd\n");
}
