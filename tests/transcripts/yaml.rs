//! JSON written as YAML that reads well: half the lines, and one line of a diff for one difference.

use serde_json::{Map, Value};

/// `value` as a block of YAML that ends with a newline.
pub fn render(value: &Value) -> String {
    let mut text = String::new();
    match value {
        Value::Object(map) if !map.is_empty() => fields(&mut text, map, 0),
        Value::Array(items) if !items.is_empty() => elements(&mut text, items, 0),
        other => {
            text.push_str(&scalar(other, 0));
            text.push('\n');
        }
    }
    text
}

fn fields(text: &mut String, map: &Map<String, Value>, indent: usize) {
    for (at, (key, value)) in map.iter().enumerate() {
        if at > 0 {
            text.push_str(&" ".repeat(indent));
        }
        text.push_str(&string(key));
        text.push(':');
        match value {
            Value::Object(inner) if !inner.is_empty() => {
                text.push('\n');
                text.push_str(&" ".repeat(indent + 2));
                fields(text, inner, indent + 2);
            }
            Value::Array(items) if !items.is_empty() => {
                text.push('\n');
                text.push_str(&" ".repeat(indent));
                elements(text, items, indent);
            }
            other => {
                text.push(' ');
                text.push_str(&scalar(other, indent + 2));
                text.push('\n');
            }
        }
    }
}

fn elements(text: &mut String, items: &[Value], indent: usize) {
    for (at, value) in items.iter().enumerate() {
        if at > 0 {
            text.push_str(&" ".repeat(indent));
        }
        text.push_str("- ");
        match value {
            Value::Object(inner) if !inner.is_empty() => fields(text, inner, indent + 2),
            Value::Array(inner) if !inner.is_empty() => elements(text, inner, indent + 2),
            other => {
                text.push_str(&scalar(other, indent + 2));
                text.push('\n');
            }
        }
    }
}

fn scalar(value: &Value, indent: usize) -> String {
    match value {
        Value::String(text) if is_prose(text) => block(text, indent),
        Value::String(text) => string(text),
        other => other.to_string(),
    }
}

/// Whether a string is better read over several lines.
fn is_prose(text: &str) -> bool {
    let printable = text.chars().all(|c| c == '\n' || !c.is_control());
    text.contains('\n')
        && printable
        && text.lines().next().is_some_and(|line| !line.starts_with(' ') && !line.is_empty())
}

fn block(text: &str, indent: usize) -> String {
    let (body, keep) = match text.strip_suffix('\n') {
        Some(body) if body.ends_with('\n') => (body, "+"),
        Some(body) => (body, ""),
        None => (text, "-"),
    };
    let lines = body.split('\n').map(|line| match line {
        "" => String::new(),
        line => format!("{}{line}", " ".repeat(indent)),
    });
    format!("|{keep}\n{}", lines.collect::<Vec<_>>().join("\n"))
}

/// A string without quotes where every YAML reader takes it for that string.
fn string(text: &str) -> String {
    let first = |c: char| c.is_ascii_alphabetic() || "/<{".contains(c);
    let plain = text.starts_with(first)
        && (!text.starts_with('{') || text.starts_with("{namespace}"))
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
        && text.chars().all(|c| !c.is_control())
        && !WORDS.contains(&text.to_ascii_lowercase().as_str());
    if plain { text.to_owned() } else { Value::from(text).to_string() }
}

/// What some reader takes for something other than a string.
const WORDS: [&str; 8] = ["true", "false", "null", "yes", "no", "on", "off", "y"];

#[test]
fn what_is_rendered_reads_back_the_same() {
    let value = serde_json::json!({
        "a": [], "b": {}, "c": [{ "x": 1, "y": ["z", "{}", [1, [2]]] }, []], "d": "two\nlines\n", "e": "no newline\nat the end",
        "f": "", "g": "true", "h": "-", "i": "1.5", "j": " x", "k": 1.5, "l": null, "f:metadata": { ".": {} }, "m": "two\n\n",
        "n": "a: b", "o": { "p": "a\n  b" }, "q": "tab\tand\nline", "r": "\n x",
    });
    let text = render(&value);
    assert_eq!(serde_saphyr::from_str::<Value>(&text).expect("YAML"), value, "{text}");
}
