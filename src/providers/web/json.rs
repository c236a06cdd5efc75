//! Answers in JSON, as Go reads and writes them.

use serde_json::Value;
use sluice_core::identity::go_text;

/// So many values are read. Each costs up to a hundred times its text, so that the bytes alone are no limit.
const MOST_VALUES: usize = 100_000;

/// An answer.
#[derive(Debug, PartialEq)]
pub(super) enum Body {
    /// One that is JSON.
    Json(Value),
    /// One that is not.
    Text(String),
}

/// Reads an answer.
pub(super) fn parse(body: &[u8]) -> Result<Body, String> {
    if values(body) > MOST_VALUES {
        return Err(format!("answers with more than {MOST_VALUES} values; ask for less"));
    }
    let text = String::from_utf8_lossy(body);
    match serde_json::from_str(&text) {
        Ok(document) => Ok(Body::Json(document)),
        // The one error that is about good JSON.
        Err(error) if error.to_string().starts_with("recursion limit") => {
            Err(format!("answers with lists and objects too deep within each other: {error}"))
        }
        Err(_) => Ok(Body::Text(text.into_owned())),
    }
}

/// At least as many as there are values: each but the first of a list comes after a comma or an opening bracket.
fn values(body: &[u8]) -> usize {
    let (mut values, mut in_text, mut is_escaped) = (1, false, false);
    for byte in body {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_text => is_escaped = true,
            b'"' => in_text = !in_text,
            b',' | b'[' | b'{' if !in_text => values += 1,
            _ => {}
        }
    }
    values
}

/// A value as the status shows it: in Go, where every number is a float.
pub(super) fn text(value: &Value) -> String {
    let mut text = String::new();
    go_text::write_value(&mut text, &floats(value));
    text
}

fn floats(value: &Value) -> Value {
    match value {
        Value::Number(number) => number.as_f64().map_or(Value::Null, Value::from),
        Value::Array(items) => items.iter().map(floats).collect(),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), floats(value))).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_no_json_is_a_text() {
        for text in ["", "ok", "NaN", "{\"a\": 1", "[1,]", "1 2", "1e999", "<html>", "'a'"] {
            assert_eq!(parse(text.as_bytes()), Ok(Body::Text(text.to_owned())));
        }
        assert_eq!(parse(b" {\"a\": 1}\n"), Ok(Body::Json(json!({"a": 1}))));
        assert_eq!(parse(b"\xff"), Ok(Body::Text("\u{fffd}".to_owned())));
    }

    #[test]
    fn numbers_are_shown_as_go_writes_them() {
        let value: Value =
            serde_json::from_str(r#"{"b":[1,1.0,-0.0,9007199254740993,1e21,1e-7,"<"],"a":null}"#).expect("JSON");
        assert_eq!(text(&value), r#"{"a":null,"b":[1,1,-0,9007199254740992,1e+21,1e-7,"\u003c"]}"#);
    }

    #[test]
    fn values_are_counted_before_they_are_made() {
        assert_eq!(values(br#"[1,{"a,[{":"\",[","b":[]},[]]"#), 8);
        let many = format!("[{}1]", "1,".repeat(MOST_VALUES));
        assert_eq!(parse(many.as_bytes()), Err("answers with more than 100000 values; ask for less".to_owned()));
        let commas = format!("\"{}\"", ",".repeat(2 * MOST_VALUES));
        assert!(parse(commas.as_bytes()).is_ok());
    }

    #[test]
    fn what_is_too_deep_is_an_error() {
        let error = parse(format!("{}{}", "[".repeat(1000), "]".repeat(1000)).as_bytes()).expect_err("too deep");
        assert!(error.starts_with("answers with lists and objects too deep within each other: "), "{error}");
    }
}
