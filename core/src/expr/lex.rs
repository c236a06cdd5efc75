//! Text into words.

use super::error::Mistake;

/// A word of an expression, at a place counted in characters.
#[derive(Clone, Debug, PartialEq)]
pub struct Word {
    pub at: usize,
    pub token: Token,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    Name(String),
    /// As it is written, because it may be the key of a map.
    Number(String),
    Text(String),
    /// An operator, a bracket, or a word that is an operator.
    Sign(&'static str),
    End,
}

/// Longer signs stand before those that they begin with.
const SIGNS: [&str; 36] = [
    "&&", "||", "==", "!=", "<=", ">=", "**", "??", "?.", "..", "::", "<", ">", "!", "+", "-", "*", "/", "%", "^", "|",
    "&", "=", "?", ":", "(", ")", "[", "]", "{", "}", ".", ",", ";", "#", "`",
];

/// Words that are no names.
const WORDS: [&str; 11] =
    ["not", "in", "or", "and", "matches", "contains", "startsWith", "endsWith", "let", "if", "else"];

/// Takes a text apart.
pub fn words(source: &str) -> Result<Vec<Word>, Mistake> {
    let text: Vec<char> = source.chars().collect();
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(&first) = text.get(at) {
        if first.is_whitespace() {
            at += 1;
        } else if let Some(length) = comment(&text[at..]).map_err(|why| Mistake::new(at, why))? {
            at += length;
        } else {
            let after_hash =
                at > 0 && matches!(words.last(), Some(Word { token: Token::Sign("#"), at: hash }) if hash + 1 == at);
            let (token, length) = word(&text[at..], after_hash).map_err(|why| Mistake::new(at, why))?;
            words.push(Word { at, token });
            at += length;
        }
    }
    words.push(Word { at, token: Token::End });
    Ok(words)
}

/// The length of a comment, if one begins here.
fn comment(text: &[char]) -> Result<Option<usize>, String> {
    match text {
        ['/', '/', rest @ ..] => Ok(Some(2 + rest.iter().take_while(|c| **c != '\n').count())),
        ['/', '*', rest @ ..] => match rest.windows(2).position(|two| two == ['*', '/']) {
            Some(length) => Ok(Some(length + 4)),
            None => Err("the comment does not end".to_owned()),
        },
        _ => Ok(None),
    }
}

pub fn is_name(c: char) -> bool {
    c == '_' || c == '$' || c.is_alphanumeric()
}

fn word(text: &[char], after_hash: bool) -> Result<(Token, usize), String> {
    let first = text[0];
    if matches!(first, '"' | '\'') {
        return quoted(text, first);
    }
    if first == '`' {
        return raw(text);
    }
    if first.is_ascii_digit() || first == '.' && text.get(1).is_some_and(char::is_ascii_digit) {
        return number(text);
    }
    if is_name(first) && !first.is_numeric() {
        let name: String = text.iter().take_while(|c| is_name(**c)).collect();
        let length = name.chars().count();
        let sign = WORDS.iter().find(|word| **word == name && !after_hash);
        return Ok((sign.map_or(Token::Name(name), |word| Token::Sign(word)), length));
    }
    let starts = |sign: &&&str| sign.chars().enumerate().all(|(index, c)| text.get(index) == Some(&c));
    match SIGNS.iter().find(starts) {
        Some(sign) => Ok((Token::Sign(sign), sign.len())),
        None => Err(format!("unrecognized character {first:?}")),
    }
}

fn number(text: &[char]) -> Result<(Token, usize), String> {
    let radix: fn(&char) -> bool = match text {
        ['0', 'x' | 'X', ..] => |c| c.is_ascii_hexdigit() || *c == '_',
        ['0', 'o' | 'O' | 'b' | 'B', ..] => |c| c.is_digit(8) || *c == '_',
        _ => |c| c.is_ascii_digit() || *c == '_',
    };
    let run = |from: usize| text[from.min(text.len())..].iter().take_while(|c| radix(c)).count();
    let mut length = if matches!(text, ['0', 'x' | 'X' | 'o' | 'O' | 'b' | 'B', ..]) { 2 } else { 0 };
    length += run(length);
    // `1..2` is a range.
    if text.get(length) == Some(&'.') && text.get(length + 1) != Some(&'.') {
        length += 1 + run(length + 1);
    }
    if matches!(text.get(length), Some('e' | 'E')) {
        length += 1 + usize::from(matches!(text.get(length + 1), Some('+' | '-')));
        length += run(length);
    }
    let written: String = text[..length].iter().collect();
    match text.get(length) {
        Some(c) if is_name(*c) => Err(format!("bad number syntax: \"{written}{c}\"")),
        _ => Ok((Token::Number(written), length)),
    }
}

/// A text between backquotes, where nothing is escaped but a backquote by another one.
fn raw(text: &[char]) -> Result<(Token, usize), String> {
    let mut out = String::new();
    let mut at = 1;
    loop {
        match (text.get(at), text.get(at + 1)) {
            (Some('`'), Some('`')) => {
                out.push('`');
                at += 2;
            }
            (Some('`'), _) => return Ok((Token::Text(out), at + 1)),
            (Some(c), _) => {
                out.push(*c);
                at += 1;
            }
            (None, _) => return Err("the text does not end: expected a closing `".to_owned()),
        }
    }
}

fn quoted(text: &[char], quote: char) -> Result<(Token, usize), String> {
    let mut out = String::new();
    let mut at = 1;
    loop {
        match text.get(at) {
            None | Some('\n') => return Err(format!("the text does not end: expected a closing {quote}")),
            Some(c) if *c == quote => return Ok((Token::Text(out), at + 1)),
            Some('\\') => {
                let (c, length) = escape(&text[at + 1..], quote)?;
                out.push(c);
                at += 1 + length;
            }
            Some(c) => {
                out.push(*c);
                at += 1;
            }
        }
    }
}

/// What comes after a backslash, and how many characters it was.
fn escape(text: &[char], quote: char) -> Result<(char, usize), String> {
    let invalid = || "invalid char escape".to_owned();
    let coded = |from: usize, digits: usize, radix: u32| {
        let written: String = text.get(from..from + digits).ok_or_else(invalid)?.iter().collect();
        let all = written.chars().all(|c| c.is_digit(radix));
        let code = u32::from_str_radix(&written, radix).ok().filter(|_| all);
        Ok((code.and_then(char::from_u32).ok_or_else(invalid)?, from + digits))
    };
    let simple = match text.first().copied().ok_or_else(invalid)? {
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        '\\' => '\\',
        same if same == quote => same,
        'x' => return coded(1, 2, 16),
        'u' => return coded(1, 4, 16),
        'U' => return coded(1, 8, 16),
        '0'..='3' => return coded(0, 3, 8),
        _ => return Err(invalid()),
    };
    Ok((simple, 1))
}
