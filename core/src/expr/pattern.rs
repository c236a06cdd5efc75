//! Patterns of `matches`. Go's are nearly those of the crate `regex`; here they become the ones that mean the same.

use std::iter::Peekable;
use std::str::Chars;

use regex::{Regex, RegexBuilder};

/// What a compiled pattern may take in memory. A character of a text can take time for all of it, so that what fits the
/// first size is the cheapest to match.
const SIZES: [usize; 3] = [1 << 13, 1 << 15, 1 << 18];
/// How many bytes it may have as it is written.
const LONGEST: usize = 10_000;
/// How often `{…}` may repeat.
const MOST: u32 = 1000;

/// A pattern of bounded size, which is matched in time that grows with the text alone.
#[derive(Debug)]
pub struct Pattern {
    regex: Regex,
    /// How many steps a byte of a text takes.
    steps: u64,
}

impl Pattern {
    /// Reads a pattern as Go does, unless it is too large.
    pub fn compile(pattern: &str) -> Result<Pattern, String> {
        let wrong = |why: &str| format!("error parsing regexp: {why}: {pattern:?}");
        if pattern.len() > LONGEST {
            return Err(wrong("the pattern is too large"));
        }
        let translated = translate(pattern).map_err(wrong)?;
        for size in SIZES {
            match RegexBuilder::new(&translated).size_limit(size).dfa_size_limit(SIZES[2]).build() {
                Ok(regex) => return Ok(Pattern { regex, steps: (size / SIZES[0]) as u64 }),
                Err(regex::Error::CompiledTooBig(_)) => {}
                Err(_) => return Err(wrong("invalid syntax")),
            }
        }
        Err(wrong("the pattern is too large"))
    }

    /// How many steps it takes to match a text.
    /// How many steps it takes to match a text.
    pub fn steps(&self, text: &str) -> u64 {
        self.steps.saturating_mul(text.len() as u64)
    }

    /// Whether a text matches somewhere.
    /// Whether it matches anywhere in a text.
    pub fn is_in(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

/// The classes that have a name: `[:alpha:]`.
const NAMED: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "word",
    "xdigit",
];

type Translated = Result<(), &'static str>;

fn translate(pattern: &str) -> Result<String, &'static str> {
    let mut out = String::new();
    let mut rest = pattern.chars().peekable();
    // Whether what stands before repeats something already: a second repetition is none.
    let mut repeats = false;
    while let Some(c) = rest.next() {
        let times = if c == '{' { counted(&rest) } else { None };
        let repetition = matches!(c, '*' | '+' | '?') || times.is_some();
        if repetition && repeats {
            return Err("invalid nested repetition operator");
        }
        match (c, times) {
            ('{', Some(times)) => repeat(&times, &mut rest, &mut out)?,
            ('{' | '}', _) => literal(c, &mut out),
            ('\\', _) => escape(&mut rest, &mut out)?,
            ('[', _) => class(&mut rest, &mut out)?,
            ('(', _) => group(&mut rest, &mut out)?,
            _ => out.push(c),
        }
        repeats = repetition;
        if repetition && rest.next_if_eq(&'?').is_some() {
            out.push('?');
        }
    }
    Ok(out)
}

fn literal(c: char, out: &mut String) {
    out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
}

/// What is between braces, if it says how often something repeats: `2`, `2,`, `2,3`.
fn counted(rest: &Peekable<Chars<'_>>) -> Option<String> {
    let inner: String = rest.clone().take_while(|c| *c != '}').collect();
    let (least, most) = inner.split_once(',').unwrap_or((&inner, ""));
    let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    let ends = rest.clone().nth(inner.len()) == Some('}');
    (ends && !least.is_empty() && digits(least) && digits(most)).then_some(inner)
}

fn repeat(times: &str, rest: &mut Peekable<Chars<'_>>, out: &mut String) -> Translated {
    let fits = |number: &str| number.is_empty() || number.parse().is_ok_and(|number: u32| number <= MOST);
    if !times.split(',').all(fits) {
        return Err("invalid repeat count");
    }
    // And the closing brace.
    rest.nth(times.len());
    out.push('{');
    out.push_str(times);
    out.push('}');
    Ok(())
}

/// What follows a backslash. Classes of letters and digits are those of ASCII.
fn escape(rest: &mut Peekable<Chars<'_>>, out: &mut String) -> Translated {
    let c = rest.next().ok_or("trailing backslash")?;
    match c {
        'd' => out.push_str("[0-9]"),
        'D' => out.push_str("[^0-9]"),
        's' => out.push_str(r"[\t\n\f\r ]"),
        'S' => out.push_str(r"[^\t\n\f\r ]"),
        'w' => out.push_str("[0-9A-Za-z_]"),
        'W' => out.push_str("[^0-9A-Za-z_]"),
        'b' => out.push_str(r"(?-u:\b)"),
        'B' => out.push_str(r"(?-u:\B)"),
        'Q' => quoted(rest, out),
        'A' | 'z' | 'a' | 'f' | 't' | 'n' | 'r' | 'v' => out.extend(['\\', c]),
        'p' | 'P' | 'x' => {
            out.extend(['\\', c]);
            // A name or a code in braces is no repetition.
            if rest.next_if_eq(&'{').is_some() {
                out.push('{');
                out.extend(rest.by_ref().take_while(|c| *c != '}'));
                out.push('}');
            }
        }
        c if c.is_ascii_punctuation() || c == ' ' => literal(c, out),
        _ => return Err("invalid escape sequence"),
    }
    Ok(())
}

/// Up to `\E`, nothing has a meaning.
fn quoted(rest: &mut Peekable<Chars<'_>>, out: &mut String) {
    while let Some(c) = rest.next() {
        if c == '\\' && rest.next_if_eq(&'E').is_some() {
            return;
        }
        literal(c, out);
    }
}

/// What is between square brackets, where there are neither brackets within, nor intersections and differences.
fn class(rest: &mut Peekable<Chars<'_>>, out: &mut String) -> Translated {
    out.push('[');
    if rest.next_if_eq(&'^').is_some() {
        out.push('^');
    }
    let mut first = true;
    let mut before = ' ';
    while let Some(c) = rest.next() {
        match c {
            ']' if !first => {
                out.push(']');
                return Ok(());
            }
            '[' if rest.peek() == Some(&':') => {
                let name: String = rest.by_ref().take_while(|c| *c != ']').collect();
                if !NAMED.contains(&name.trim_matches([':', '^'])) {
                    return Err("invalid character class range");
                }
                out.push('[');
                out.push_str(&name);
                out.push(']');
            }
            '\\' => escape(rest, out)?,
            '-' if before != '-' => out.push('-'),
            _ => literal(c, out),
        }
        first = false;
        before = c;
    }
    Err("missing closing ]")
}

/// What follows an opening parenthesis, of which only flags differ.
fn group(rest: &mut Peekable<Chars<'_>>, out: &mut String) -> Translated {
    out.push('(');
    if rest.next_if_eq(&'?').is_none() {
        return Ok(());
    }
    out.push('?');
    for c in rest.by_ref() {
        out.push(c);
        match c {
            'i' | 'm' | 's' | 'U' | '-' => {}
            'P' | '<' | ':' | ')' => return Ok(()),
            _ => return Err("invalid or unsupported Perl syntax"),
        }
    }
    Err("missing closing )")
}
