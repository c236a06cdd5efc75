//! From one type to another.

use std::fmt::Write;

use super::super::error::Refusal;
use super::super::fuel::Work;
use super::super::kind::Type;
use super::super::value::Value;
use super::{Builtin, Given, Kinds, row};

/// What numbers can be made of.
const SOURCES: Kinds = Kinds::NUMBER.or(Kinds::STRING);

pub const TABLE: &[Builtin] = &[
    row("int", &[SOURCES], |_| Type::Int, int),
    row("float", &[SOURCES], |_| Type::Float, to_float),
    row("string", &[Kinds::ANY], |_| Type::String, string),
    row("type", &[Kinds::ANY], |_| Type::String, |args, _| Ok(kind(args))),
];

/// A float without what is behind the dot. What no whole number can be is the least one, as on the machines that the
/// conditions were written for.
pub fn cut(number: f64) -> i64 {
    // The first float beyond the range.
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    if (-BEYOND..BEYOND).contains(&number) { number as i64 } else { i64::MIN }
}

/// A number as a text has it. What is too large for a float is none.
pub fn float(text: &str) -> Option<f64> {
    let number: f64 = text.parse().ok()?;
    let word = text.trim_start_matches(['+', '-']).starts_with(|c: char| c.is_ascii_alphabetic());
    let fine = if number.is_nan() { text.len() == 3 } else { number.is_finite() || word };
    fine.then_some(number)
}

fn int(args: &[Value], work: &mut Work<'_>) -> Given {
    work.spend_on_text(args.first().map_or(0, Value::text_length))?;
    match args {
        [Value::Int(number)] => Ok(Value::Int(*number)),
        [Value::Float(number)] => Ok(Value::Int(cut(*number))),
        [Value::String(text)] => match text.parse() {
            Ok(number) => Ok(Value::Int(number)),
            Err(_) => Err(Refusal::new(format!("invalid operation: int({text:?})"))),
        },
        _ => Err(Refusal::new("invalid operation: int() of neither a number nor a string")),
    }
}

fn to_float(args: &[Value], work: &mut Work<'_>) -> Given {
    work.spend_on_text(args.first().map_or(0, Value::text_length))?;
    match args {
        [Value::Int(number)] => Ok(Value::Float(*number as f64)),
        [Value::Float(number)] => Ok(Value::Float(*number)),
        [Value::String(text)] => match float(text) {
            Some(number) => Ok(Value::Float(number)),
            None => Err(Refusal::new(format!("invalid operation: float({text:?})"))),
        },
        _ => Err(Refusal::new("invalid operation: float() of neither a number nor a string")),
    }
}

fn kind(args: &[Value]) -> Value {
    Value::text(match args.first() {
        Some(Value::Time(_)) => "time.Time",
        Some(Value::Duration(_)) => "time.Duration",
        Some(other) => other.kind_name(),
        None => "nil",
    })
}

fn string(args: &[Value], work: &mut Work<'_>) -> Given {
    let mut out = String::new();
    if let Some(value) = args.first() {
        write(value, &mut out, work)?;
    }
    Ok(Value::text(out))
}

/// A value as Go's `%v` writes it.
fn write(value: &Value, out: &mut String, work: &mut Work<'_>) -> Result<(), Refusal> {
    let before = out.len();
    match value {
        Value::Nil => out.push_str("<nil>"),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Int(number) => out.push_str(&number.to_string()),
        Value::Float(number) => out.push_str(&short(*number)),
        Value::String(text) => out.push_str(text),
        Value::Array(array) => {
            out.push('[');
            for (index, item) in array.items.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { " " });
                write(item, out, work)?;
            }
            out.push(']');
            return work.spend(1);
        }
        Value::Map(map) => {
            out.push_str("map[");
            for (index, (key, value)) in map.entries.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { " " });
                write(&key.value(), out, work)?;
                out.push(':');
                write(value, out, work)?;
            }
            out.push(']');
            return work.spend(1);
        }
        Value::Time(time) => {
            let _ = write!(out, "{}", time.strftime("%Y-%m-%d %H:%M:%S%.f %z %Z"));
        }
        Value::Duration(nanos) => out.push_str(&duration(*nanos)),
    }
    work.spend_on_text(out.len() - before)
}

/// A float as Go's `%v` writes it: in the shortest way, with an exponent where that is below -4 or above 5.
pub fn short(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if number != 0.0 && !(-4..6).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.abs());
    }
    number.to_string()
}

/// A length of time as Go writes it: `1h2m3.5s`, `1.5ms`.
fn duration(nanos: i64) -> String {
    let (sign, all) = (if nanos < 0 { "-" } else { "" }, nanos.unsigned_abs());
    let with_fraction = |unit: u64| {
        let fraction = format!("{:09}", all % unit * (1_000_000_000 / unit));
        let fraction = fraction.trim_end_matches('0');
        let dot = if fraction.is_empty() { "" } else { "." };
        (all / unit, format!("{dot}{fraction}"))
    };
    let (whole, fraction, unit) = match all {
        0 => return "0s".to_owned(),
        1..1_000 => (all, String::new(), "ns"),
        1_000..1_000_000 => with_unit(with_fraction(1_000), "µs"),
        1_000_000..1_000_000_000 => with_unit(with_fraction(1_000_000), "ms"),
        _ => with_unit(with_fraction(1_000_000_000), "s"),
    };
    if unit != "s" || whole < 60 {
        return format!("{sign}{whole}{fraction}{unit}");
    }
    let (minutes, seconds) = (whole / 60, whole % 60);
    match minutes / 60 {
        0 => format!("{sign}{minutes}m{seconds}{fraction}s"),
        hours => format!("{sign}{hours}h{}m{seconds}{fraction}s", minutes % 60),
    }
}

fn with_unit((whole, fraction): (u64, String), unit: &'static str) -> (u64, String, &'static str) {
    (whole, fraction, unit)
}
