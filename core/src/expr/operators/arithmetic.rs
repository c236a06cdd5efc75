//! Sums and products of numbers, texts, moments and lengths of time.

use super::super::error::Refusal;
use super::super::fuel::Work;
use super::super::kind::Type;
use super::super::times;
use super::super::value::Value;
use super::{Sides, is_duration, is_string, is_time};

/// A number of two: a float if one of them is.
fn number(sides: &Sides<'_>) -> Type {
    if *sides.one == Type::Int && *sides.other == Type::Int { Type::Int } else { Type::Float }
}

pub(super) fn check_add(sides: &Sides<'_>) -> Option<Type> {
    let adds = |kind: &Type| kind.is_number() || is_string(kind) || is_time(kind) || is_duration(kind);
    match (sides.one, sides.other) {
        _ if sides.has_any() => sides.both_are(adds).then_some(Type::Any),
        (one, other) if one.is_number() && other.is_number() => Some(number(sides)),
        (Type::String, Type::String) => Some(Type::String),
        (Type::Time, Type::Duration) | (Type::Duration, Type::Time) => Some(Type::Time),
        (Type::Duration, Type::Duration) => Some(Type::Duration),
        _ => None,
    }
}

pub(super) fn check_subtract(sides: &Sides<'_>) -> Option<Type> {
    let subtracts = |kind: &Type| kind.is_number() || is_time(kind) || is_duration(kind);
    match (sides.one, sides.other) {
        _ if sides.has_any() => sides.both_are(subtracts).then_some(Type::Any),
        (one, other) if one.is_number() && other.is_number() => Some(number(sides)),
        (Type::Time, Type::Time) | (Type::Duration, Type::Duration) => Some(Type::Duration),
        (Type::Time, Type::Duration) => Some(Type::Time),
        _ => None,
    }
}

pub(super) fn check_multiply(sides: &Sides<'_>) -> Option<Type> {
    let multiplies = |kind: &Type| kind.is_number() || is_duration(kind);
    match (sides.one, sides.other) {
        _ if sides.has_any() => sides.both_are(multiplies).then_some(Type::Any),
        (one, other) if one.is_number() && other.is_number() => Some(number(sides)),
        (one, other) if multiplies(one) && multiplies(other) => Some(Type::Duration),
        _ => None,
    }
}

/// Both as floats, if both are numbers.
pub(super) fn floats(one: &Value, other: &Value) -> Option<(f64, f64)> {
    let float = |value: &Value| match value {
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        _ => None,
    };
    Some((float(one)?, float(other)?))
}

pub(super) fn on_floats(one: &Value, other: &Value, run: fn(f64, f64) -> f64) -> Option<Value> {
    floats(one, other).map(|(one, other)| Value::Float(run(one, other)))
}

/// The sum, where there is one.
pub fn add(one: &Value, other: &Value, work: &mut Work<'_>) -> Result<Option<Value>, Refusal> {
    Ok(match (one, other) {
        (Value::Int(one), Value::Int(other)) => Some(Value::Int(one.wrapping_add(*other))),
        (Value::String(one), Value::String(other)) => {
            work.spend_on_text(one.len() + other.len())?;
            Some(Value::text(format!("{one}{other}")))
        }
        (Value::Duration(one), Value::Duration(other)) => Some(Value::Duration(one.wrapping_add(*other))),
        (Value::Time(_), Value::Duration(_)) => Some(moved(one, other)?),
        (Value::Duration(_), Value::Time(_)) => Some(moved(other, one)?),
        _ => on_floats(one, other, |one, other| one + other),
    })
}

fn moved(time: &Value, by: &Value) -> Result<Value, Refusal> {
    times::later(time, by).ok_or_else(|| Refusal::new("there is no such time"))
}

pub(super) fn subtract(one: &Value, other: &Value) -> Option<Value> {
    match (one, other) {
        (Value::Int(one), Value::Int(other)) => Some(Value::Int(one.wrapping_sub(*other))),
        (Value::Duration(one), Value::Duration(other)) => Some(Value::Duration(one.wrapping_sub(*other))),
        (Value::Time(_), Value::Time(_)) => times::between(one, other).map(Value::Duration),
        (Value::Time(_), Value::Duration(by)) => times::later(one, &Value::Duration(by.wrapping_neg())),
        _ => on_floats(one, other, |one, other| one - other),
    }
}

pub(super) fn multiply(one: &Value, other: &Value) -> Option<Value> {
    match (one, other) {
        (Value::Int(one), Value::Int(other)) => Some(Value::Int(one.wrapping_mul(*other))),
        (Value::Duration(length), Value::Int(times)) | (Value::Int(times), Value::Duration(length)) => {
            Some(Value::Duration(length.wrapping_mul(*times)))
        }
        (Value::Duration(length), Value::Float(times)) | (Value::Float(times), Value::Duration(length)) => {
            Some(Value::Float(*length as f64 * times))
        }
        (Value::Duration(one), Value::Duration(other)) => Some(Value::Duration(one.wrapping_mul(*other))),
        _ => on_floats(one, other, |one, other| one * other),
    }
}

/// `-value`, if it is a number.
pub fn negate(value: &Value) -> Option<Value> {
    match value {
        Value::Int(number) => Some(Value::Int(number.wrapping_neg())),
        Value::Float(number) => Some(Value::Float(-number)),
        _ => None,
    }
}
