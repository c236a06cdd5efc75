//! The syntax of JSON: what is wrong with a text, in the words of Go's decoder, and which fields are given twice.

use std::collections::HashSet;

/// How many lists and objects may be inside each other, which is what every reader of JSON here takes. The real server takes
/// 10,000.
const DEEPEST: usize = 127;

/// What a text says beyond its value.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Syntax {
    /// The paths of fields that are given twice, such as `spec.ports[0].port`.
    pub duplicates: Vec<String>,
}

/// Reads a text.
pub fn check(text: &[u8]) -> Result<Syntax, String> {
    let mut reader = Reader { text, at: 0, depth: 0, found: Syntax::default() };
    reader.value("", "looking for beginning of value")?;
    reader.space();
    match reader.peek() {
        Some(_) => Err(reader.wrong("after top-level value")),
        None => Ok(reader.found),
    }
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    /// How many lists and objects are open.
    depth: usize,
    found: Syntax,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn space(&mut self) {
        while self.peek().is_some_and(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    /// The next byte is wrong, or there is none.
    fn wrong(&self, context: &str) -> String {
        match self.peek() {
            None => "unexpected end of JSON input".to_owned(),
            Some(b'\'') => format!("invalid character '\\'' {context}"),
            Some(b'"') => format!("invalid character '\"' {context}"),
            Some(byte) if byte.is_ascii_graphic() || byte == b' ' => {
                format!("invalid character '{}' {context}", char::from(byte))
            }
            Some(byte) => format!("invalid character '\\u{byte:04x}' {context}"),
        }
    }

    fn value(&mut self, path: &str, context: &str) -> Result<(), String> {
        self.space();
        match self.peek() {
            Some(open @ (b'{' | b'[')) => {
                self.depth += 1;
                if self.depth > DEEPEST {
                    return Err("exceeded max depth".to_owned());
                }
                let read = if open == b'{' { self.object(path) } else { self.array(path) };
                self.depth -= 1;
                read
            }
            Some(b'"') => self.string().map(drop),
            Some(b't') => self.literal("true"),
            Some(b'f') => self.literal("false"),
            Some(b'n') => self.literal("null"),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => Err(self.wrong(context)),
        }
    }

    fn object(&mut self, path: &str) -> Result<(), String> {
        self.at += 1;
        self.space();
        let mut seen = HashSet::new();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err(self.wrong("looking for beginning of object key string"));
            }
            let key = self.string()?;
            let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            if !seen.insert(key) {
                self.found.duplicates.push(below.clone());
            }
            self.space();
            if self.peek() != Some(b':') {
                return Err(self.wrong("after object key"));
            }
            self.at += 1;
            self.value(&below, "looking for beginning of value")?;
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                _ => return Err(self.wrong("after object key:value pair")),
            }
        }
        self.at += 1;
        Ok(())
    }

    fn array(&mut self, path: &str) -> Result<(), String> {
        self.at += 1;
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        for index in 0.. {
            self.value(&format!("{path}[{index}]"), "looking for beginning of value")?;
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                _ => return Err(self.wrong("after array element")),
            }
        }
        self.at += 1;
        Ok(())
    }

    fn string(&mut self) -> Result<String, String> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    self.at += 1;
                    match self.peek() {
                        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' | b'u') => self.at += 1,
                        _ => return Err(self.wrong("in string escape code")),
                    }
                }
                Some(0x20..) => self.at += 1,
                _ => return Err(self.wrong("in string literal")),
            }
        }
        self.at += 1;
        let text = &self.text[start..self.at];
        serde_json::from_slice(text).map_err(|_| "invalid character in \\u hexadecimal character escape".to_owned())
    }

    fn literal(&mut self, word: &str) -> Result<(), String> {
        for letter in word.chars() {
            if self.peek().map(char::from) != Some(letter) {
                return Err(self.wrong(&format!("in literal {word} (expecting '{letter}')")));
            }
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), String> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits("in numeric literal")?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits("after decimal point in numeric literal")?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits("in exponent of numeric literal")?;
        }
        Ok(())
    }

    fn digits(&mut self, context: &str) -> Result<(), String> {
        if !self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return Err(self.wrong(context));
        }
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_told_in_gos_words() {
        for (text, mistake) in [
            ("", "unexpected end of JSON input"),
            ("this", "invalid character 'h' in literal true (expecting 'r')"),
            ("{a", "invalid character 'a' looking for beginning of object key string"),
            ("[1 2]", "invalid character '2' after array element"),
            (r#"{"a" 1}"#, "invalid character '1' after object key"),
            ("1 2", "invalid character '2' after top-level value"),
            ("-x", "invalid character 'x' in numeric literal"),
        ] {
            assert_eq!(check(text.as_bytes()), Err(mistake.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_inside_each_other_has_an_end() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(check(nested(DEEPEST).as_bytes()).is_ok());
        assert!(serde_json::from_str::<serde_json::Value>(&nested(DEEPEST)).is_ok());
        assert_eq!(check(nested(DEEPEST + 1).as_bytes()), Err("exceeded max depth".to_owned()));
        assert!(check("[".repeat(1 << 20).as_bytes()).is_err());
    }

    #[test]
    fn fields_given_twice_are_found_by_their_paths() {
        let text = br#"{"a": [{"b": 1, "b": 2}], "c": {"d": -0.5e+3}, "c": "\u00e9"}"#;
        assert_eq!(check(text), Ok(Syntax { duplicates: vec!["a[0].b".into(), "c".into()] }));
    }
}
