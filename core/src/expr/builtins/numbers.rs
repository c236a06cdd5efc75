//! Arithmetic by name.

use super::super::error::Refusal;
use super::super::fuel::Work;
use super::super::kind::Type;
use super::super::operators;
use super::super::value::Value;
use super::{Builtin, Given, Kinds, row};

/// What `max` and its kin take: numbers, and lists of them.
const MANY: Kinds = Kinds::NUMBER.or(Kinds::ARRAY);

pub const TABLE: &[Builtin] = &[
    row("abs", &[Kinds::NUMBER], same, abs),
    row("ceil", &[Kinds::NUMBER], |_| Type::Float, |args, _| on_number("ceil", args, f64::ceil)),
    row("floor", &[Kinds::NUMBER], |_| Type::Float, |args, _| on_number("floor", args, f64::floor)),
    row("round", &[Kinds::NUMBER], |_| Type::Float, |args, _| on_number("round", args, f64::round)),
    row("max", &[MANY], aggregate, |args, work| extreme("max", args, work, |new, old| new > old)).more(),
    row("min", &[MANY], aggregate, |args, work| extreme("min", args, work, |new, old| new < old)).more(),
    row("mean", &[MANY], aggregate, mean).more(),
    row("median", &[MANY], aggregate, median).more(),
];

fn same(args: &[Type]) -> Type {
    args.first().cloned().unwrap_or(Type::Any)
}

fn aggregate(args: &[Type]) -> Type {
    if args.iter().all(Type::is_number) { same(args) } else { Type::Any }
}

fn abs(args: &[Value], _: &mut Work<'_>) -> Given {
    match args.first() {
        Some(Value::Int(number)) => Ok(Value::Int(number.wrapping_abs())),
        Some(Value::Float(number)) => Ok(Value::Float(number.abs())),
        other => Err(Refusal::unfit("abs", other.unwrap_or(&Value::Nil))),
    }
}

fn on_number(name: &str, args: &[Value], change: fn(f64) -> f64) -> Given {
    match args.first() {
        Some(Value::Int(number)) => Ok(Value::Float(change(*number as f64))),
        Some(Value::Float(number)) => Ok(Value::Float(change(*number))),
        other => Err(Refusal::unfit(name, other.unwrap_or(&Value::Nil))),
    }
}

/// The numbers in arguments and in their lists.
fn numbers(name: &str, args: &[Value], work: &mut Work<'_>) -> Result<Vec<Value>, Refusal> {
    let mut found = Vec::new();
    for arg in args {
        work.spend(1)?;
        match arg {
            Value::Int(_) | Value::Float(_) => found.push(arg.clone()),
            Value::Array(array) => found.extend(numbers(name, &array.items, work)?),
            other => return Err(Refusal::unfit(name, other)),
        }
    }
    Ok(found)
}

fn float(value: &Value) -> f64 {
    match value {
        Value::Int(number) => *number as f64,
        Value::Float(number) => *number,
        _ => f64::NAN,
    }
}

fn extreme(name: &str, args: &[Value], work: &mut Work<'_>, beats: fn(f64, f64) -> bool) -> Given {
    // One by itself is the most and the least of all, whatever it is.
    if let [only] = args
        && !matches!(only, Value::Array(_))
    {
        return Ok(only.clone());
    }
    let mut all = numbers(name, args, work)?.into_iter();
    let Some(first) = all.next() else { return Ok(Value::Nil) };
    Ok(all.fold(first, |best, next| if beats(float(&next), float(&best)) { next } else { best }))
}

fn mean(args: &[Value], work: &mut Work<'_>) -> Given {
    let all = numbers("mean", args, work)?;
    if all.is_empty() {
        return Ok(Value::Float(0.0));
    }
    let sum: f64 = all.iter().map(float).sum();
    Ok(Value::Float(sum / all.len() as f64))
}

fn median(args: &[Value], work: &mut Work<'_>) -> Given {
    let mut all: Vec<f64> = numbers("median", args, work)?.iter().map(float).collect();
    all.sort_by(|one, other| operators::nan_first(*one, *other));
    let middle = all.len() / 2;
    Ok(Value::Float(match (all.get(middle), all.len() % 2) {
        (None, _) => 0.0,
        (Some(one), 1) => *one,
        (Some(one), _) => f64::midpoint(all[middle - 1], *one),
    }))
}
