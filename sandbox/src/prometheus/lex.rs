//! Queries into words.

use std::str::CharIndices;

use super::Mistake;

/// A word of a query.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Number(f64),
    /// `1m30s`, in milliseconds.
    Duration(i64),
    /// A metric, a label, a function, a keyword.
    Name(String),
    /// In quotes.
    Text(String),
    Symbol(&'static str),
    End,
}

/// A word, and the characters before it.
pub(super) struct Word {
    pub(super) token: Token,
    pub(super) at: usize,
}

/// Longer ones first.
const SYMBOLS: [&str; 23] = [
    "=~", "!~", "!=", "==", ">=", "<=", "=", ">", "<", "+", "-", "*", "/", "%", "^", "(", ")", "{", "}", "[", "]", ",",
    "@",
];
/// Units of durations, in milliseconds, in the order in which they may follow each other.
const UNITS: [(&str, i64); 7] = [
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

/// The words of a query, and `End`.
pub(super) fn words(source: &str) -> Result<Vec<Word>, Mistake> {
    let mut words = Vec::new();
    let mut rest = source.trim_start();
    let at = |rest: &str| source[..source.len() - rest.len()].chars().count();
    while let Some(first) = rest.chars().next() {
        let here = at(rest);
        let (token, after) = match first {
            '#' => {
                rest = rest.split_once('\n').map_or("", |(_, after)| after).trim_start();
                continue;
            }
            '"' | '\'' | '`' => quoted(rest).map_err(|why| Mistake::new(here, why))?,
            '0'..='9' | '.' => number(rest).map_err(|why| Mistake::new(here, why))?,
            'a'..='z' | 'A'..='Z' | '_' | ':' => {
                let end =
                    rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':')).unwrap_or(rest.len());
                (Token::Name(rest[..end].to_owned()), &rest[end..])
            }
            _ => match SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
                Some(symbol) => (Token::Symbol(symbol), &rest[symbol.len()..]),
                None => return Err(Mistake::new(here, format!("unexpected character: {first:?}"))),
            },
        };
        words.push(Word { token, at: here });
        rest = after.trim_start();
    }
    words.push(Word { token: Token::End, at: at("") });
    Ok(words)
}

/// A number or a duration.
fn number(rest: &str) -> Result<(Token, &str), String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '.';
    let mut end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
    // `1e-3`: the sign belongs to it.
    if rest[..end].ends_with(['e', 'E']) && rest[end..].starts_with(['+', '-']) {
        let digits = &rest[end + 1..];
        end += 1 + digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    }
    let (text, after) = rest.split_at(end);
    let token = match text.parse::<f64>() {
        Ok(number) => Token::Number(number),
        Err(_) => Token::Duration(duration(text).ok_or_else(|| format!("bad number or duration syntax: {text:?}"))?),
    };
    Ok((token, after))
}

/// `1m30s` in milliseconds: each unit once, the larger ones first.
pub(super) fn duration(text: &str) -> Option<i64> {
    let (mut rest, mut next, mut total) = (text, 0, 0_i64);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (count, after) = rest.split_at(digits);
        let unit = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let which = UNITS.iter().position(|(name, _)| *name == &after[..unit]).filter(|which| *which >= next)?;
        total = total.checked_add(count.parse::<i64>().ok()?.checked_mul(UNITS[which].1)?)?;
        (rest, next) = (&after[unit..], which + 1);
    }
    (!text.is_empty()).then_some(total)
}

/// A text in quotes.
fn quoted(rest: &str) -> Result<(Token, &str), String> {
    let mut letters = rest.char_indices();
    let quote = letters.next().map_or('"', |(_, quote)| quote);
    let mut text = String::new();
    while let Some((index, letter)) = letters.next() {
        match letter {
            _ if letter == quote => return Ok((Token::Text(text), &rest[index + letter.len_utf8()..])),
            '\\' if quote != '`' => text.push(escaped(&mut letters)?),
            _ => text.push(letter),
        }
    }
    Err("unterminated quoted string".to_owned())
}

fn escaped(letters: &mut CharIndices<'_>) -> Result<char, String> {
    match letters.next().map(|(_, letter)| letter) {
        Some('n') => Ok('\n'),
        Some('t') => Ok('\t'),
        Some('r') => Ok('\r'),
        Some(same @ ('\\' | '"' | '\'')) => Ok(same),
        Some(other) => Err(format!("this sandbox does not understand the escape sequence \\{other}")),
        None => Err("escape sequence not terminated".to_owned()),
    }
}
