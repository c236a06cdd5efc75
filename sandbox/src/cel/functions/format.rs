//! Texts with values put in: `"%s has %d".format([name, count])`.

use super::convert::{double, shown};
use crate::cel::Error;
use crate::cel::eval::Budget;
use crate::cel::value::{List, Val};

/// Puts the values of a list in the places that a text has for them.
pub fn fill(text: &str, values: &List<'_>, budget: &mut Budget) -> Result<String, Error> {
    let mut filled = String::new();
    let mut rest = text.chars();
    let mut next = 0;
    while let Some(c) = rest.next() {
        budget.spend(1)?;
        if c != '%' {
            filled.push(c);
            continue;
        }
        let (verb, digits) = verb(&mut rest)?;
        if verb == '%' {
            filled.push('%');
            continue;
        }
        let value = values.get(next).ok_or_else(|| Error::new(format!("index {next} out of range")))??;
        next += 1;
        let piece = clause(verb, digits, &value, budget)?;
        budget.spend_on_text(piece.len())?;
        filled.push_str(&piece);
    }
    Ok(filled)
}

/// The letter of a place, and the digits after the point that it asks for.
fn verb(rest: &mut std::str::Chars<'_>) -> Result<(char, Option<usize>), Error> {
    const MOST_DIGITS: usize = 308;
    let unexpected = || Error::new("unexpected end of string");
    let mut c = rest.next().ok_or_else(unexpected)?;
    let mut digits = None;
    if c == '.' {
        let mut written = String::new();
        c = rest.next().ok_or_else(unexpected)?;
        while c.is_ascii_digit() {
            written.push(c);
            c = rest.next().ok_or_else(unexpected)?;
        }
        let count = written.parse().ok().filter(|count| *count <= MOST_DIGITS);
        digits = Some(count.ok_or_else(|| Error::new("error while converting precision to integer"))?);
    }
    Ok((c, digits))
}

fn clause(verb: char, digits: Option<usize>, value: &Val<'_>, budget: &mut Budget) -> Result<String, Error> {
    let wrong = |wanted: &str| {
        let found = value.type_name();
        Err(Error::new(format!("error during formatting: {wanted} clause can only be used on {found}")))
    };
    match (verb, value) {
        ('s', value) => nested(value, budget),
        ('d', Val::Int(_) | Val::Uint(_)) => Ok(shown(value)),
        ('f', Val::Double(number)) => Ok(format!("{number:.*}", digits.unwrap_or(6))),
        ('f', Val::Int(number)) => Ok(format!("{:.*}", digits.unwrap_or(6), *number as f64)),
        ('e', Val::Double(number)) => {
            let written = format!("{number:.*e}", digits.unwrap_or(6));
            let (number, exponent) = written.split_once('e').unwrap_or((&written, "0"));
            let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |exponent| ('-', exponent));
            Ok(format!("{number}e{sign}{exponent:0>2}"))
        }
        ('b', Val::Bool(flag)) => Ok(u8::from(*flag).to_string()),
        ('b', Val::Int(number)) => Ok(signed(*number, &format!("{:b}", number.unsigned_abs()))),
        ('b', Val::Uint(number)) => Ok(format!("{number:b}")),
        ('o', Val::Int(number)) => Ok(signed(*number, &format!("{:o}", number.unsigned_abs()))),
        ('o', Val::Uint(number)) => Ok(format!("{number:o}")),
        ('x', Val::Int(number)) => Ok(signed(*number, &format!("{:x}", number.unsigned_abs()))),
        ('X', Val::Int(number)) => Ok(signed(*number, &format!("{:X}", number.unsigned_abs()))),
        ('x', Val::Uint(number)) => Ok(format!("{number:x}")),
        ('X', Val::Uint(number)) => Ok(format!("{number:X}")),
        ('x', Val::String(text)) => Ok(hex(text)),
        ('X', Val::String(text)) => Ok(hex(text).to_ascii_uppercase()),
        ('d', _) => wrong("decimal"),
        ('f' | 'e', _) => wrong("fixed-point"),
        ('b', _) => wrong("binary"),
        ('o', _) => wrong("octal"),
        ('x' | 'X', _) => wrong("hex"),
        (other, _) => Err(Error::new(format!("unrecognized formatting clause \"{other}\""))),
    }
}

fn hex(text: &str) -> String {
    text.bytes()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

fn signed(number: i64, digits: &str) -> String {
    if number < 0 { format!("-{digits}") } else { digits.to_owned() }
}

fn nested(value: &Val<'_>, budget: &mut Budget) -> Result<String, Error> {
    budget.spend_on_text(value.size())?;
    Ok(match value {
        Val::Double(number) => double(*number),
        Val::List(list) => {
            let mut each = Vec::new();
            for item in list.iter() {
                each.push(nested(&item?, budget)?);
            }
            format!("[{}]", each.join(", "))
        }
        Val::Map(map) => {
            let mut each = Vec::new();
            for key in map.keys() {
                if let Some(value) = map.get(&key) {
                    each.push(format!("{}: {}", nested(&key, budget)?, nested(&value?, budget)?));
                }
            }
            each.sort();
            format!("{{{}}}", each.join(", "))
        }
        other => shown(other),
    })
}

/// A text in quotes, with what cannot be seen written out.
pub fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '\u{7}' => quoted.push_str("\\a"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{b}' => quoted.push_str("\\v"),
            '\\' => quoted.push_str("\\\\"),
            '"' => quoted.push_str("\\\""),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
