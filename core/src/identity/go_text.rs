//! Scalars as Go's `encoding/json` writes them.
//!
//! Hashes are taken over bytes, so the details count: HTML-sensitive characters and the line separators U+2028/9 are
//! escaped, and floats change to exponents at other magnitudes than in Rust.

use std::fmt::Write;

use serde_json::{Number, Value};

/// Appends a quoted string.
pub fn write_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => push_escape(out, c),
            _ => out.push(c),
        }
    }
    out.push('"');
}

fn push_escape(out: &mut String, c: char) {
    // Writing to a String cannot fail.
    let _ = write!(out, "\\u{:04x}", u32::from(c));
}

/// A number as Go prints it after it went through an untyped map: integers that fit 64 signed bits stay integers, all
/// others are floats.
pub fn number(n: &Number) -> String {
    match n.as_i64() {
        Some(integer) => integer.to_string(),
        None => float(n.as_f64().unwrap_or_default()),
    }
}

/// A float as Go prints it: the shortest digits that read back, with an exponent below 1e-6 and from 1e21 on.
pub fn float(f: f64) -> String {
    let magnitude = f.abs();
    if magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude) {
        let text = format!("{f:e}");
        return if magnitude < 1.0 { text } else { text.replace('e', "e+") };
    }
    format!("{f}")
}

/// Appends any JSON value as Go writes an untyped one: maps sorted by key.
pub fn write_value(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Number(n) => out.push_str(&number(n)),
        Value::String(s) => write_string(out, s),
        Value::Array(items) => write_sequence(out, '[', ']', items, write_value),
        Value::Object(map) => write_sequence(out, '{', '}', map, |out, (key, item)| {
            write_string(out, key);
            out.push(':');
            write_value(out, item);
        }),
    }
}

/// Appends items between brackets, separated by commas.
pub fn write_sequence<I: IntoIterator>(
    out: &mut String,
    open: char,
    close: char,
    items: I,
    mut write_item: impl FnMut(&mut String, I::Item),
) {
    out.push(open);
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_item(out, item);
    }
    out.push(close);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_change_to_exponents_where_go_does() {
        let printed: Vec<String> = [0.5, 1e-6, 1e-7, 1.5e-9, 1e20, 1e21, -2.5e22].into_iter().map(float).collect();
        assert_eq!(printed, ["0.5", "0.000001", "1e-7", "1.5e-9", "100000000000000000000", "1e+21", "-2.5e+22"]);
    }

    #[test]
    fn strings_are_escaped_for_html() {
        let mut out = String::new();
        write_string(&mut out, "<a>&\u{2028}\u{1}\u{7f}é\"\\/");
        assert_eq!(out, "\"\\u003ca\\u003e\\u0026\\u2028\\u0001\u{7f}é\\\"\\\\/\"");
    }
}
