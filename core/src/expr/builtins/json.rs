//! To and from JSON.

use std::fmt::Write;

use super::super::error::Refusal;
use super::super::fuel::Work;
use super::super::kind::Type;
use super::super::value::Value;
use super::{Builtin, Given, Kinds, row, text};

pub const TABLE: &[Builtin] = &[
    row("toJSON", &[Kinds::ANY], |_| Type::String, to_json),
    row("fromJSON", &[Kinds::STRING], |_| Type::Any, from_json),
];

fn from_json(args: &[Value], work: &mut Work<'_>) -> Given {
    let source = text("fromJSON", args, 0)?;
    // A character can be an item: `[0,0,0]`.
    work.spend_on_items(source.len())?;
    let json = serde_json::from_str(source).map_err(|error| Refusal::new(format!("fromJSON: {error}")))?;
    Ok(Value::from_json(&json)?)
}

fn to_json(args: &[Value], work: &mut Work<'_>) -> Given {
    let mut out = String::new();
    write(args.first().unwrap_or(&Value::Nil), 0, &mut out, work)?;
    Ok(Value::text(out))
}

/// Indented by two spaces a level, as Go writes it.
fn write(value: &Value, level: usize, out: &mut String, work: &mut Work<'_>) -> Result<(), Refusal> {
    let before = out.len();
    match value {
        Value::Nil => out.push_str("null"),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Int(number) | Value::Duration(number) => out.push_str(&number.to_string()),
        Value::Float(number) => out.push_str(&float(*number)?),
        Value::String(text) => quote(text, out),
        Value::Time(time) => quote(&time.strftime("%Y-%m-%dT%H:%M:%S%.f%:z").to_string().replace("+00:00", "Z"), out),
        Value::Array(array) => {
            out.push('[');
            for (index, item) in array.items.iter().enumerate() {
                next(index, level + 1, out, work)?;
                write(item, level + 1, out, work)?;
            }
            end(array.items.is_empty(), level, ']', out);
            return work.spend(1);
        }
        Value::Map(map) => {
            out.push('{');
            for (index, (key, value)) in map.entries.iter().enumerate() {
                next(index, level + 1, out, work)?;
                match key.value() {
                    Value::String(text) => quote(&text, out),
                    other => return Err(Refusal::new(format!("json: unsupported key of type {}", other.kind_name()))),
                }
                out.push_str(": ");
                write(value, level + 1, out, work)?;
            }
            end(map.entries.is_empty(), level, '}', out);
            return work.spend(1);
        }
    }
    work.spend_on_text(out.len() - before)
}

fn next(index: usize, level: usize, out: &mut String, work: &mut Work<'_>) -> Result<(), Refusal> {
    work.spend_on_text(2 * level)?;
    out.push_str(if index == 0 { "\n" } else { ",\n" });
    out.extend(std::iter::repeat_n("  ", level));
    Ok(())
}

fn end(empty: bool, level: usize, close: char, out: &mut String) {
    if !empty {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", level));
    }
    out.push(close);
}

fn float(number: f64) -> Result<String, Refusal> {
    if !number.is_finite() {
        return Err(Refusal::new(format!("json: unsupported value: {number}")));
    }
    let size = number.abs();
    if number == 0.0 || (1e-6..1e21).contains(&size) {
        return Ok(number.to_string());
    }
    let scientific = format!("{number:e}");
    Ok(if size < 1e-6 { scientific } else { scientific.replace('e', "e+") })
}

fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}
