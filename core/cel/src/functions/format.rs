//! Texts with values put in: `"%s has %d".format([name, count])`.

use super::convert::shown;
use crate::Error;
use crate::eval::Budget;
use crate::value::{List, Val};

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
    let wrong =
        |clause: &str| Err(Error::new(format!("error during formatting: {clause}, was given {}", value.type_name())));
    match (verb, value) {
        ('s', value) => plain(value, budget),
        ('d', Val::Int(_) | Val::Uint(_)) => Ok(shown(value)),
        ('f', Val::Double(number)) => Ok(grouped(&format!("{number:.*}", digits.unwrap_or(6)))),
        ('e', Val::Double(number)) => Ok(scientific(*number, digits.unwrap_or(6))),
        ('b', Val::Bool(flag)) => Ok(u8::from(*flag).to_string()),
        ('b', Val::Int(number)) => Ok(signed(*number, &format!("{:b}", number.unsigned_abs()))),
        ('b', Val::Uint(number)) => Ok(format!("{number:b}")),
        ('o', Val::Int(number)) => Ok(signed(*number, &format!("{:o}", number.unsigned_abs()))),
        ('o', Val::Uint(number)) => Ok(format!("{number:o}")),
        ('x' | 'X', Val::Int(_) | Val::Uint(_) | Val::String(_) | Val::Bytes(_)) => {
            let digits = match value {
                Val::Int(number) => signed(*number, &format!("{:x}", number.unsigned_abs())),
                Val::Uint(number) => format!("{number:x}"),
                Val::Bytes(bytes) => hex(bytes),
                other => hex(shown(other).as_bytes()),
            };
            Ok(if verb == 'X' { digits.to_ascii_uppercase() } else { digits })
        }
        ('d', _) => wrong("decimal clause can only be used on integers"),
        ('f', _) => wrong("fixed-point clause can only be used on doubles"),
        ('e', _) => wrong("scientific clause can only be used on doubles"),
        ('b', _) => wrong("binary clause can only be used on integers and bools"),
        ('o', _) => wrong("octal clause can only be used on integers"),
        ('x' | 'X', _) => wrong("hex clause can only be used on integers, byte buffers, and strings"),
        (other, _) => Err(Error::new(format!("unrecognized formatting clause \"{other}\""))),
    }
}

/// The digits before the point in groups of three.
fn grouped(number: &str) -> String {
    let (sign, number) = number.strip_prefix('-').map_or(("", number), |number| ("-", number));
    let (whole, fraction) = number.split_at(number.find('.').unwrap_or(number.len()));
    if !whole.bytes().all(|byte| byte.is_ascii_digit()) {
        return format!("{sign}{number}");
    }
    let mut shown = sign.to_owned();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown + fraction
}

/// `1.500000×10⁰³`.
fn scientific(number: f64, digits: usize) -> String {
    const RAISED: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    let written = format!("{number:.digits$e}");
    let Some((number, exponent)) = written.split_once('e') else { return written };
    let (sign, exponent) = exponent.strip_prefix('-').map_or(("", exponent), |exponent| ("⁻", exponent));
    let raised = format!("{exponent:0>2}")
        .chars()
        .filter_map(|digit| digit.to_digit(10))
        .map(|digit| RAISED[digit as usize])
        .collect::<String>();
    format!("{number}×10{sign}{raised}")
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

fn signed(number: i64, digits: &str) -> String {
    if number < 0 { format!("-{digits}") } else { digits.to_owned() }
}

/// A value by itself.
fn plain(value: &Val<'_>, budget: &mut Budget) -> Result<String, Error> {
    const FIT: &str = "strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps";
    match value {
        Val::List(_) | Val::Map(_) => nested(value, budget),
        Val::Optional(_) | Val::Library(_) => {
            let given = value.type_name();
            let why = format!("string clause can only be used on {FIT}, was given {given}");
            Err(Error::new(format!("error during formatting: {why}")))
        }
        value => {
            budget.spend_on_text(value.size())?;
            Ok(shown(value))
        }
    }
}

/// A value within a list or a map.
fn nested(value: &Val<'_>, budget: &mut Budget) -> Result<String, Error> {
    budget.spend_on_text(value.size())?;
    Ok(match value {
        Val::String(text) => quoted(text),
        Val::Bytes(_) => format!("b{}", quoted(&shown(value))),
        Val::Double(number) => format!("{number:.6}"),
        Val::Timestamp(_) => format!("timestamp({})", quoted(&shown(value))),
        Val::Duration(_) => format!("duration({})", quoted(&shown(value))),
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
                    each.push(format!("{}:{}", nested(&key, budget)?, nested(&value?, budget)?));
                }
            }
            each.sort();
            format!("{{{}}}", each.join(", "))
        }
        other => plain(other, budget)?,
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
