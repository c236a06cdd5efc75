//! Which of two values is more, and whether they are the same.

use std::cmp::Ordering;

use super::super::ast::Binary;
use super::super::error::Refusal;
use super::super::fuel::Work;
use super::super::value::Value;
use super::arithmetic::floats;

/// Whether two values are equal. Whole numbers equal floats; within maps they do not, which is how the conditions that
/// exist have been read.
pub fn equal(one: &Value, other: &Value, work: &mut Work<'_>) -> Result<bool, Refusal> {
    work.spend(1)?;
    match (one, other) {
        _ if one.is_nil() || other.is_nil() => Ok(one.is_nil() && other.is_nil()),
        (Value::Array(one), Value::Array(other)) => {
            if one.items.len() != other.items.len() {
                return Ok(false);
            }
            for (one, other) in one.items.iter().zip(&other.items) {
                if !equal(one, other, work)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        (Value::Int(_), Value::Float(_)) | (Value::Float(_), Value::Int(_)) => {
            Ok(partial(one, other) == Ok(Some(Ordering::Equal)))
        }
        _ => same(one, other, work),
    }
}

/// Whether two values are equal, and of the same types down to the last.
fn same(one: &Value, other: &Value, work: &mut Work<'_>) -> Result<bool, Refusal> {
    work.spend(1)?;
    Ok(match (one, other) {
        (Value::Nil, Value::Nil) => true,
        (Value::Bool(one), Value::Bool(other)) => one == other,
        (Value::Int(_), Value::Int(_))
        | (Value::Float(_), Value::Float(_))
        | (Value::Duration(_), Value::Duration(_)) => partial(one, other) == Ok(Some(Ordering::Equal)),
        (Value::String(one), Value::String(other)) => {
            work.spend_on_text(one.len().min(other.len()))?;
            one == other
        }
        (Value::Time(one), Value::Time(other)) => one.timestamp() == other.timestamp(),
        (Value::Array(one), Value::Array(other)) => {
            if one.items.len() != other.items.len() || one.of != other.of || one.absent != other.absent {
                return Ok(false);
            }
            for (one, other) in one.items.iter().zip(&other.items) {
                if !same(one, other, work)? {
                    return Ok(false);
                }
            }
            true
        }
        (Value::Map(one), Value::Map(other)) => {
            if one.entries.len() != other.entries.len() || one.shape != other.shape {
                return Ok(false);
            }
            for (mine, theirs) in one.entries.iter().zip(&other.entries) {
                if mine.0 != theirs.0 || !same(mine.1, theirs.1, work)? {
                    return Ok(false);
                }
            }
            true
        }
        _ => false,
    })
}

/// `<`, `>`, `<=`, `>=`, where the two can be compared.
pub(super) fn ordered(
    operator: Binary,
    one: &Value,
    other: &Value,
    work: &mut Work<'_>,
) -> Result<Option<bool>, Refusal> {
    work.spend_on_text(one.text_length().min(other.text_length()))?;
    let Ok(order) = partial(one, other) else { return Ok(None) };
    Ok(Some(order.is_some_and(|order| match operator {
        Binary::Less => order.is_lt(),
        Binary::Greater => order.is_gt(),
        Binary::AtMost => order.is_le(),
        _ => order.is_ge(),
    })))
}

/// Two values cannot be compared.
#[derive(Debug, PartialEq)]
struct Unlike;

/// How two values of one kind are ordered; NaN is in no order with anything.
fn partial(one: &Value, other: &Value) -> Result<Option<Ordering>, Unlike> {
    match (one, other) {
        (Value::Int(one), Value::Int(other)) | (Value::Duration(one), Value::Duration(other)) => {
            Ok(Some(one.cmp(other)))
        }
        (Value::String(one), Value::String(other)) => Ok(Some(one.cmp(other))),
        (Value::Time(one), Value::Time(other)) => Ok(Some(one.timestamp().cmp(&other.timestamp()))),
        _ => floats(one, other).map(|(one, other)| one.partial_cmp(&other)).ok_or(Unlike),
    }
}

/// The order in which to sort values that are all of one kind.
pub fn order_of<'a>(
    values: impl Iterator<Item = &'a Value> + Clone,
) -> Result<fn(&Value, &Value) -> Ordering, Refusal> {
    let mut all = values.clone();
    let Some(first) = all.next() else { return Ok(|_, _| Ordering::Equal) };
    if let Some(odd) = all.find(|value| partial(first, value).is_err()) {
        return Err(Refusal::new(format!("invalid operation: {} < {}", first.kind_name(), odd.kind_name())));
    }
    let mut all = values;
    // An order has to be one for all of them at once, or sorting by it has no meaning: whole numbers among floats are floats.
    if all.any(|value| matches!(value, Value::Float(_))) {
        return Ok(|one, other| floats(one, other).map_or(Ordering::Equal, |(one, other)| nan_first(one, other)));
    }
    Ok(|one, other| partial(one, other).ok().flatten().unwrap_or(Ordering::Equal))
}

/// Floats in order, NaN before all.
pub fn nan_first(one: f64, other: f64) -> Ordering {
    one.partial_cmp(&other).unwrap_or_else(|| other.is_nan().cmp(&one.is_nan()))
}
