//! From the text of a path to its steps.

use serde_json::Value;

use super::filter::{Filter, split};
use super::quote::unquote;
use super::{Block, End, LONGEST, Slice, Step};

/// Brackets within filters within brackets: more than anybody writes.
const DEEPEST: usize = 16;

/// A text that is read from its start to its end.
struct Scanner<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

/// The parts of a path.
pub(super) fn parse(text: &str) -> Result<Vec<Block>, String> {
    if text.len() > LONGEST {
        return Err(format!("it has {} bytes, and {LONGEST} are allowed", text.len()));
    }
    let mut scanner = Scanner { text, at: 0, depth: 0 };
    let mut blocks = Vec::new();
    while !scanner.rest().is_empty() {
        let plain = scanner.rest().find('{').unwrap_or(scanner.rest().len());
        if plain > 0 {
            blocks.push(Block::Text(Value::from(scanner.take(plain))));
        } else {
            scanner.take(1);
            blocks.push(Block::Walk(scanner.steps()?));
        }
    }
    Ok(blocks)
}

/// The steps of a part of a path that has no braces of its own.
fn part(text: &str, depth: usize) -> Result<Vec<Step>, String> {
    if depth > DEEPEST {
        return Err(format!("its brackets stand more than {DEEPEST} deep within each other"));
    }
    let closed = format!("{text}}}");
    let mut scanner = Scanner { text: &closed, at: 0, depth };
    let steps = scanner.steps()?;
    if scanner.rest().is_empty() { Ok(steps) } else { Err(format!("there is a }} in {text:?}, within brackets")) }
}

impl<'a> Scanner<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// The next bytes; they end where a character does.
    fn take(&mut self, bytes: usize) -> &'a str {
        let taken = &self.text[self.at..self.at + bytes];
        self.at += bytes;
        taken
    }

    /// All until the closing brace, and it.
    fn steps(&mut self) -> Result<Vec<Step>, String> {
        let mut steps = Vec::new();
        loop {
            let rest = self.rest();
            let Some(next) = rest.chars().next() else { return Err(unclosed()) };
            match next {
                '\r' | '\n' => return Err(unclosed()),
                '}' => {
                    self.take(1);
                    return Ok(steps);
                }
                // The present object, or the root, which is where a path begins anyway.
                ' ' | '@' | '$' => {
                    self.take(1);
                }
                '[' if rest.starts_with("[?(") => steps.push(self.filter()?),
                '[' => self.brackets(&mut steps)?,
                '.' if rest.starts_with("..") => self.descent(&mut steps)?,
                '.' => {
                    self.take(1);
                    steps.push(self.key());
                }
                '"' | '\'' => steps.push(self.quoted(next)?),
                '+' | '-' | '0'..='9' => steps.push(self.number()?),
                _ if is_word(next) => steps.push(self.word()?),
                _ => return Err(format!("{next:?} means nothing there: {}", shown(rest))),
            }
        }
    }

    fn descent(&mut self, steps: &mut Vec<Step>) -> Result<(), String> {
        if matches!(steps.last(), Some(Step::Descend)) {
            return Err("there is one .. after the other".to_owned());
        }
        self.take(2);
        steps.push(Step::Descend);
        if self.rest().starts_with(is_word) {
            steps.push(self.key());
        }
        Ok(())
    }

    /// A key, in which a backslash takes the meaning of the next character away.
    fn key(&mut self) -> Step {
        let mut chars = self.rest().char_indices();
        let mut length = self.rest().len();
        while let Some((at, c)) = chars.next() {
            if c == '\\' {
                chars.next();
            } else if ends_a_word(c) {
                length = at;
                break;
            }
        }
        match self.take(length) {
            "*" => Step::Every,
            key => Step::Key(key.replace('\\', "")),
        }
    }

    /// A name: of a truth, because nothing else has one.
    fn word(&mut self) -> Result<Step, String> {
        let length = self.rest().find(ends_a_word).unwrap_or(self.rest().len());
        match self.take(length) {
            "true" => Ok(Step::Constant(Value::Bool(true))),
            "false" => Ok(Step::Constant(Value::Bool(false))),
            word @ ("range" | "end") => Err(format!(
                "{{{word}}} makes a text of many values, and a measurement is one value: name one, such as {{.items[0]}}"
            )),
            word => Err(format!("{word:?} is no key, which begins with a dot, and no text, which stands in quotes")),
        }
    }

    fn number(&mut self) -> Result<Step, String> {
        let sign = usize::from(self.rest().starts_with(['+', '-']));
        let digits = self.rest()[sign..].find(|c: char| c != '.' && !c.is_ascii_digit());
        let length = digits.map_or(self.rest().len(), |digits| sign + digits);
        let text = self.take(length);
        if let Ok(number) = text.parse::<i64>() {
            return Ok(Step::Constant(Value::from(number)));
        }
        let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
        number.map(|number| Step::Constant(Value::from(number))).ok_or_else(|| format!("{text:?} is no number"))
    }

    fn quoted(&mut self, quote: char) -> Result<Step, String> {
        let bytes = self.rest().as_bytes();
        let mut length = 1;
        loop {
            match bytes.get(length) {
                None | Some(b'\n') => return Err(format!("a text in quotes does not end: {}", shown(self.rest()))),
                Some(byte) if char::from(*byte) == quote && bytes[length - 1] != b'\\' => break,
                Some(_) => length += 1,
            }
        }
        let text = self.take(length + 1);
        let plain = unquote(&text[1..length], quote).ok_or_else(|| format!("the text {text} does not read"))?;
        Ok(Step::Text(Value::String(plain)))
    }

    /// `[…]`, in which commas part what is united.
    fn brackets(&mut self, steps: &mut Vec<Step>) -> Result<(), String> {
        let rest = self.rest();
        let end = rest.find([']', '\n']).filter(|end| rest[*end..].starts_with(']'));
        let end = end.ok_or_else(|| format!("a bracket does not close: {}", shown(rest)))?;
        let inner = &self.take(end + 1)[1..end];
        if inner.contains(',') {
            let parts = inner.split(',').map(|one| part(&format!("[{}]", one.trim_matches(' ')), self.depth + 1));
            steps.push(Step::Union(parts.collect::<Result<_, _>>()?));
            return Ok(());
        }
        let key = inner.strip_prefix('\'').and_then(|inner| inner.strip_suffix('\'')).filter(|key| !key.contains('\''));
        match key {
            Some(key) => steps.extend(part(&format!(".{key}"), self.depth + 1)?),
            None => steps.push(Step::Slice(slice(if inner == "*" { ":" } else { inner })?)),
        }
        Ok(())
    }

    /// `[?(…)]`. The first text in quotes may have parentheses.
    fn filter(&mut self) -> Result<Step, String> {
        const OPEN: usize = "[?(".len();
        let rest = self.rest();
        let bytes = rest.as_bytes();
        let (mut quote, mut is_closed) = (None, false);
        let mut end = OPEN;
        loop {
            match (bytes.get(end), quote) {
                (None | Some(b'\n'), _) => return Err(format!("a filter does not end: {}", shown(rest))),
                (Some(byte @ (b'"' | b'\'')), None) => quote = Some(*byte),
                (Some(byte), Some(opening)) if *byte == opening && bytes[end - 1] != b'\\' => is_closed = true,
                (Some(b')'), _) if quote.is_some() == is_closed => break,
                _ => {}
            }
            end += 1;
        }
        if bytes.get(end + 1) != Some(&b']') {
            return Err(format!("a filter ends with )]: {}", shown(rest)));
        }
        let inner = &self.take(end + 2)[OPEN..end];
        let depth = self.depth + 1;
        let filter = match split(inner) {
            None => Filter { left: part(inner, depth)?, compared: None },
            Some((left, operator, right)) => {
                let right = part(right, depth)?;
                Filter { left: part(left, depth)?, compared: Some((operator.parse()?, right)) }
            }
        };
        Ok(Step::Filter(Box::new(filter)))
    }
}

/// What an index says: `1`, `-1`, `0:2`, `::2`.
fn slice(text: &str) -> Result<Slice, String> {
    let invalid = || format!("[{text}] is no index; the key of an object stands in single quotes there");
    let parts: Vec<&str> = text.split(':').collect();
    let is_index = |part: &&str| part.strip_prefix('-').unwrap_or(part).bytes().all(|byte| byte.is_ascii_digit());
    if parts.len() > 3 || !parts.iter().all(is_index) {
        return Err(invalid());
    }
    let number = |at: usize| match parts.get(at).copied().unwrap_or_default() {
        "" => Ok(None),
        digits => digits.parse().map(Some).map_err(|_| format!("{digits} is no index")),
    };
    let end = match (parts.len(), number(1)?) {
        (1, _) => End::One,
        (_, None) => End::Open,
        (_, Some(end)) => End::At(end),
    };
    Ok(Slice { start: number(0)?, end, step: number(2)? })
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

fn ends_a_word(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n' | '.' | ',' | '[' | ']' | '$' | '@' | '{' | '}')
}

fn unclosed() -> String {
    "a brace does not close".to_owned()
}

/// The beginning of a text, for messages.
fn shown(text: &str) -> String {
    let end = text.char_indices().nth(40).map_or(text.len(), |(at, _)| at);
    format!("{:?}", &text[..end])
}
