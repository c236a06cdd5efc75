//! Text into words, and places in it into words for people.

use super::ast::Const;

/// A word of an expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    Ident(String),
    Int(i64),
    Uint(u64),
    Double(f64),
    String(String),
    Bytes(Vec<u8>),
    /// An operator or a bracket.
    Sign(&'static str),
    /// `9223372036854775808`, which is a number only after a minus.
    LeastInt,
    End,
}

/// A mistake at a place, counted in characters.
pub type Mistake = (usize, String);

/// So many mistakes are told of one text.
const MOST_STRANGE: usize = 30;

const SIGNS: [&str; 27] = [
    "==", "!=", "<=", ">=", "&&", "||", "[?", "{?", ".?", "<", ">", "!", "+", "-", "*", "/", "%", "?", ":", "(", ")",
    "[", "]", "{", "}", ".", ",",
];

/// The words, each with its place, and what is no word.
pub type Words = (Vec<(usize, Token)>, Vec<Mistake>);

/// Takes a text apart.
pub fn words(source: &str) -> Result<Words, Mistake> {
    let text: Vec<char> = source.chars().collect();
    let (mut words, mut strange) = (Vec::new(), Vec::new());
    let mut at = 0;
    while let Some(&first) = text.get(at) {
        if first.is_ascii_whitespace() || first == '\u{c}' {
            at += 1;
        } else if first == '/' && text.get(at + 1) == Some(&'/') {
            at += text[at..].iter().take_while(|c| **c != '\n').count();
        } else {
            let word = word(&text[at..]).map_err(|(offset, why)| (at + offset, why))?;
            if let Some((token, length)) = word {
                words.push((at, token));
                at += length;
            } else {
                // The first half of an operator is told of together with what should have been its second.
                let length = if matches!(first, '=' | '&' | '|') { 2 } else { 1 };
                let shown: String = text[at..].iter().take(length).collect();
                strange.push((at, format!("Syntax error: token recognition error at: '{shown}'")));
                at += 1;
            }
        }
        if strange.len() > MOST_STRANGE {
            break;
        }
    }
    words.push((text.len(), Token::End));
    Ok((words, strange))
}

fn word(text: &[char]) -> Result<Option<(Token, usize)>, Mistake> {
    let first = text[0];
    if let Some(found) = quoted(text)? {
        return Ok(Some(found));
    }
    if first.is_ascii_alphabetic() || first == '_' {
        let name: String = text.iter().take_while(|c| c.is_ascii_alphanumeric() || **c == '_').collect();
        let length = name.len();
        return Ok(Some((Token::Ident(name), length)));
    }
    if first.is_ascii_digit() || first == '.' && text.get(1).is_some_and(char::is_ascii_digit) {
        return number(text).map(Some);
    }
    let starts = |sign: &&&str| sign.chars().enumerate().all(|(index, c)| text.get(index) == Some(&c));
    Ok(SIGNS.iter().find(starts).map(|sign| (Token::Sign(sign), sign.len())))
}

fn number(text: &[char]) -> Result<(Token, usize), Mistake> {
    let wrong = |what: &str| (0, format!("invalid {what} literal"));
    if text[0] == '0' && matches!(text.get(1), Some('x' | 'X')) {
        let digits: String = text[2..].iter().take_while(|c| c.is_ascii_hexdigit()).collect();
        let length = 2 + digits.len();
        if matches!(text.get(length), Some('u' | 'U')) {
            let number = u64::from_str_radix(&digits, 16).map_err(|_| wrong("uint"))?;
            return Ok((Token::Uint(number), length + 1));
        }
        return Ok((Token::Int(i64::from_str_radix(&digits, 16).map_err(|_| wrong("int"))?), length));
    }
    let digits = |from: usize| text[from.min(text.len())..].iter().take_while(|c| c.is_ascii_digit()).count();
    let mut length = digits(0);
    let mut whole = true;
    if text.get(length) == Some(&'.') && text.get(length + 1).is_some_and(char::is_ascii_digit) {
        whole = false;
        length += 1 + digits(length + 1);
    }
    if matches!(text.get(length), Some('e' | 'E')) {
        let sign = usize::from(matches!(text.get(length + 1), Some('+' | '-')));
        let exponent = digits(length + 1 + sign);
        if exponent > 0 {
            whole = false;
            length += 1 + sign + exponent;
        }
    }
    let written: String = text[..length].iter().collect();
    if !whole {
        let number = written.parse::<f64>().ok().filter(|number| number.is_finite());
        return Ok((Token::Double(number.ok_or_else(|| wrong("double"))?), length));
    }
    if matches!(text.get(length), Some('u' | 'U')) {
        return Ok((Token::Uint(written.parse().map_err(|_| wrong("uint"))?), length + 1));
    }
    if written == "9223372036854775808" {
        return Ok((Token::LeastInt, length));
    }
    Ok((Token::Int(written.parse().map_err(|_| wrong("int"))?), length))
}

/// A text or bytes in quotes, if that is what comes.
fn quoted(text: &[char]) -> Result<Option<(Token, usize)>, Mistake> {
    let (mut raw, mut bytes, mut at) = (false, false, 0);
    while let Some(prefix @ ('r' | 'R' | 'b' | 'B')) = text.get(at).copied() {
        let seen = if matches!(prefix, 'r' | 'R') { &mut raw } else { &mut bytes };
        if std::mem::replace(seen, true) {
            return Ok(None);
        }
        at += 1;
    }
    let Some(&quote) = text.get(at).filter(|c| matches!(c, '"' | '\'')) else { return Ok(None) };
    let long = text.get(at + 1) == Some(&quote) && text.get(at + 2) == Some(&quote);
    let marks = if long { 3 } else { 1 };
    at += marks;
    let mut out = Pieces { bytes, text: String::new(), raw_bytes: Vec::new() };
    loop {
        let Some(&c) = text.get(at).filter(|c| long || **c != '\n') else {
            return Err((0, "Syntax error: token recognition error: a text does not end".to_owned()));
        };
        if c == quote && (0..marks).all(|offset| text.get(at + offset) == Some(&quote)) {
            at += marks;
            break;
        }
        if c == '\\' && !raw {
            at += escape(&text[at..], &mut out).map_err(|(offset, why)| (at + offset, why))?;
        } else {
            out.push(c);
            at += 1;
        }
    }
    let token = if bytes { Token::Bytes(out.raw_bytes) } else { Token::String(out.text) };
    Ok(Some((token, at)))
}

struct Pieces {
    bytes: bool,
    text: String,
    raw_bytes: Vec<u8>,
}

impl Pieces {
    fn push(&mut self, c: char) {
        if self.bytes {
            self.raw_bytes.extend(c.encode_utf8(&mut [0; 4]).bytes());
        } else {
            self.text.push(c);
        }
    }
}

/// What comes after a backslash; how many characters it was.
fn escape(text: &[char], out: &mut Pieces) -> Result<usize, Mistake> {
    let wrong = || (0, "unable to unescape string".to_owned());
    let coded = |from: usize, digits: usize, radix: u32| {
        let written: String = text.get(from..from + digits).ok_or_else(wrong)?.iter().collect();
        u32::from_str_radix(&written, radix).map_err(|_| wrong())
    };
    let simple = match text.get(1).copied().ok_or_else(wrong)? {
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        same @ ('\\' | '?' | '"' | '\'' | '`') => same,
        kind @ ('x' | 'X' | 'u' | 'U' | '0'..='3') => {
            let (from, digits, radix) = match kind {
                'x' | 'X' => (2, 2, 16),
                'u' => (2, 4, 16),
                'U' => (2, 8, 16),
                _ => (1, 3, 8),
            };
            let code = coded(from, digits, radix)?;
            if out.bytes && digits <= 3 {
                out.raw_bytes.push(u8::try_from(code).map_err(|_| wrong())?);
            } else {
                out.push(char::from_u32(code).ok_or_else(wrong)?);
            }
            return Ok(from + digits);
        }
        _ => return Err(wrong()),
    };
    out.push(simple);
    Ok(2)
}

impl Token {
    /// As a value, if it is one.
    pub fn constant(&self) -> Option<Const> {
        Some(match self {
            Token::Int(number) => Const::Int(*number),
            Token::Uint(number) => Const::Uint(*number),
            Token::Double(number) => Const::Double(*number),
            Token::String(text) => Const::String(text.clone()),
            Token::Bytes(bytes) => Const::Bytes(bytes.clone()),
            Token::Ident(word) => match word.as_str() {
                "true" => Const::Bool(true),
                "false" => Const::Bool(false),
                "null" => Const::Null,
                _ => return None,
            },
            Token::Sign(_) | Token::LeastInt | Token::End => return None,
        })
    }
}

/// Mistakes as a compiler tells them: each with its line and an arrow.
pub fn in_words(source: &str, mut mistakes: Vec<Mistake>) -> String {
    mistakes.sort_by_key(|(at, _)| *at);
    let told: Vec<String> = mistakes.iter().map(|(at, why)| told(source, *at, why)).collect();
    told.join("\n")
}

fn told(source: &str, at: usize, why: &str) -> String {
    let before: String = source.chars().take(at).collect();
    let line = before.matches('\n').count();
    let column = before.rsplit('\n').next().map_or(0, |rest| rest.chars().count());
    let snippet = source.split('\n').nth(line).unwrap_or_default().replace('\t', " ");
    let wide = |c: char, narrow: char, wide: char| if c.len_utf8() > 1 { wide } else { narrow };
    let mut chars = snippet.chars();
    let dots: String = (0..column).map(|_| chars.next().map_or('.', |c| wide(c, '.', '．'))).collect();
    let arrow = chars.next().map_or('^', |c| wide(c, '^', '＾'));
    format!("ERROR: <input>:{}:{}: {why}\n | {snippet}\n | {dots}{arrow}", line + 1, column + 1)
}
