//! The words of an expression.

/// A word.
#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    /// `.name`.
    Field(String),
    /// A name.
    Name(String),
    /// Text in quotes.
    Text(String),
    /// A number.
    Number(f64),
    /// A sign, such as `[` or `==`.
    Sign(&'static str),
}

/// Longer ones first.
const SIGNS: [&str; 20] =
    ["..", "==", "!=", "<=", ">=", "//", ".", "[", "]", "(", ")", "|", ",", "?", ";", "<", ">", ":", "-", "$"];

/// The words of a text.
pub fn words(text: &str) -> Result<Vec<Token>, String> {
    let (mut words, mut rest) = (Vec::new(), text);
    loop {
        rest = rest.trim_start();
        let Some(first) = rest.chars().next() else { return Ok(words) };
        let after_dot = rest.strip_prefix('.').filter(|after| after.starts_with(is_begin));
        if let Some(after) = after_dot {
            let (name, after) = name(after);
            words.push(Token::Field(name.to_owned()));
            rest = after;
        } else if is_begin(first) {
            let (name, after) = name(rest);
            words.push(Token::Name(name.to_owned()));
            rest = after;
        } else if first == '"' {
            let (text, after) = quoted(rest)?;
            words.push(Token::Text(text));
            rest = after;
        } else if first.is_ascii_digit() {
            let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
            let number = rest[..end].parse().map_err(|_| format!("{:?} is no number", &rest[..end]))?;
            words.push(Token::Number(number));
            rest = &rest[end..];
        } else if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
            words.push(Token::Sign(sign));
            rest = &rest[sign.len()..];
        } else {
            return Err(format!("{first:?} is not understood"));
        }
    }
}

fn is_begin(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_'
}

fn name(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len()))
}

/// A text in quotes, written as in JSON.
fn quoted(text: &str) -> Result<(String, &str), String> {
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '"' if !is_escaped => {
                let (quoted, after) = text.split_at(at + 1);
                let read = serde_json::from_str(quoted).map_err(|error| format!("{quoted}: {error}"))?;
                return Ok((read, after));
            }
            '\\' => is_escaped = !is_escaped,
            _ => is_escaped = false,
        }
    }
    Err("the end comes before that of a text in quotes".to_owned())
}
