//! JSON as values, and which values are equal.

use std::rc::Rc;

use jiff::SignedDuration;
use serde_json::Value;

use super::Error;
use super::eval::Budget;
use super::functions::{convert, time};
use super::types::{Order, Type};
use super::value::{List, Map, Text, Val, compare_numbers};

/// Reads JSON as its type says; what is within is read when it is asked for.
pub fn read<'a>(value: &'a Value, kind: &'a Type) -> Result<Val<'a>, Error> {
    let unfit = |wanted: &str| Error::new(format!("invalid data, expected {wanted}, got {}", go_type(value)));
    Ok(match (kind, value) {
        (_, Value::Null) => Val::Null,
        (Type::Dyn | Type::String, Value::String(text)) => Val::String(Text::Lent(text)),
        (Type::Dyn | Type::Bool, Value::Bool(flag)) => Val::Bool(*flag),
        (Type::Dyn, Value::Number(number)) => match number.as_i64() {
            Some(number) => Val::Int(number),
            None => Val::Double(number.as_f64().unwrap_or_default()),
        },
        (Type::Int, Value::Number(number)) => {
            let whole = number.as_f64().filter(|number| number.fract() == 0.0 && number.abs() < 9.2e18);
            Val::Int(number.as_i64().or(whole.map(|number| number as i64)).ok_or_else(|| unfit("int"))?)
        }
        (Type::Double, Value::Number(number)) => Val::Double(number.as_f64().unwrap_or_default()),
        (Type::Bytes, Value::String(text)) => {
            let bytes = convert::from_base64(text);
            Val::Bytes(Rc::from(bytes.ok_or_else(|| Error::new(format!("Invalid byte formatted string {text}")))?))
        }
        (Type::Timestamp, Value::String(text)) => Val::Timestamp(
            time::moment(text).ok_or_else(|| Error::new(format!("Invalid date-time formatted string {text}")))?,
        ),
        (Type::Duration, Value::String(text)) => {
            Val::Duration(time::span(text).ok_or_else(|| Error::new(format!("Invalid duration {text}")))?)
        }
        (Type::List(item, order), Value::Array(items)) => Val::List(List::Lent(items, item, order)),
        (Type::Dyn, Value::Array(items)) => Val::List(List::Lent(items, &Type::Dyn, &Order::Listed)),
        (Type::Map(_, value), Value::Object(map)) => Val::Map(Map::Lent(map, value)),
        (Type::Dyn, Value::Object(map)) => Val::Map(Map::Lent(map, &Type::Dyn)),
        (Type::Object(of), Value::Object(map)) => Val::Map(Map::Struct(map, of)),
        (kind, _) => return Err(unfit(&kind.to_string())),
    })
}

fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

/// Whether two keys of a map are the same.
pub fn same_key(one: &Val<'_>, other: &Val<'_>) -> bool {
    match (one, other) {
        (Val::String(one), Val::String(other)) => **one == **other,
        (Val::Bool(one), Val::Bool(other)) => one == other,
        (one, other) => compare_numbers(one, other).is_some_and(std::cmp::Ordering::is_eq),
    }
}

/// Whether two values are equal; those of different types are not.
pub fn equal(one: &Val<'_>, other: &Val<'_>, budget: &mut Budget) -> Result<bool, Error> {
    budget.spend(1)?;
    Ok(match (one, other) {
        (Val::Null, Val::Null) => true,
        (Val::Bool(one), Val::Bool(other)) => one == other,
        (Val::String(one), Val::String(other)) => {
            budget.spend_on_text(one.len().min(other.len()))?;
            **one == **other
        }
        (Val::Bytes(one), Val::Bytes(other)) => one == other,
        (Val::Timestamp(one), Val::Timestamp(other)) => one == other,
        (Val::Duration(one), Val::Duration(other)) => SignedDuration::eq(one, other),
        (Val::Type(one), Val::Type(other)) => one == other,
        (Val::Library(one), Val::Library(other)) => one == other,
        (Val::Optional(one), Val::Optional(other)) => match (one, other) {
            (Some(one), Some(other)) => equal(one, other, budget)?,
            (one, other) => one.is_none() && other.is_none(),
        },
        (Val::List(one), Val::List(other)) => lists(one, other, budget)?,
        (Val::Map(one), Val::Map(other)) => maps(one, other, budget)?,
        (one, other) => compare_numbers(one, other).is_some_and(std::cmp::Ordering::is_eq),
    })
}

fn lists(one: &List<'_>, other: &List<'_>, budget: &mut Budget) -> Result<bool, Error> {
    if one.len() != other.len() {
        return Ok(false);
    }
    if let (List::Lent(_, _, order @ (Order::Set | Order::Keyed(_))), _)
    | (_, List::Lent(_, _, order @ (Order::Set | Order::Keyed(_)))) = (one, other)
    {
        for item in one.iter() {
            let item = item?;
            match place_of(other, &item, order, budget)? {
                Some(counterpart) if equal(&item, &counterpart, budget)? => {}
                _ => return Ok(false),
            }
        }
        return Ok(true);
    }
    for (one, other) in one.iter().zip(other.iter()) {
        if !equal(&one?, &other?, budget)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The item that stands for another in a list that is a set or has keys.
pub fn place_of<'a>(
    list: &List<'a>,
    item: &Val<'_>,
    order: &Order,
    budget: &mut Budget,
) -> Result<Option<Val<'a>>, Error> {
    for other in list.iter() {
        let other = other?;
        let same = match (order, item, &other) {
            (Order::Keyed(keys), Val::Map(one), Val::Map(two)) => same_keys(one, two, keys, budget)?,
            _ => equal(item, &other, budget)?,
        };
        if same {
            return Ok(Some(other));
        }
    }
    Ok(None)
}

fn same_keys(one: &Map<'_>, other: &Map<'_>, keys: &[String], budget: &mut Budget) -> Result<bool, Error> {
    for key in keys {
        let key = Val::String(Text::Lent(key));
        let same = match (one.get(&key).transpose()?, other.get(&key).transpose()?) {
            (Some(one), Some(other)) => equal(&one, &other, budget)?,
            (one, other) => one.is_none() && other.is_none(),
        };
        if !same {
            return Ok(false);
        }
    }
    Ok(true)
}

fn maps(one: &Map<'_>, other: &Map<'_>, budget: &mut Budget) -> Result<bool, Error> {
    if one.len() != other.len() {
        return Ok(false);
    }
    if let (Map::Struct(one, of), Map::Struct(other, same)) = (one, other)
        && std::ptr::eq(*of, *same)
        && one == other
    {
        return budget.spend_on_text(one.len()).map(|()| true);
    }
    for key in one.keys() {
        budget.spend(other.len() as u64 / 10 + 1)?;
        let (Some(value), Some(counterpart)) = (one.get(&key), other.get(&key)) else { return Ok(false) };
        if !equal(&value?, &counterpart?, budget)? {
            return Ok(false);
        }
    }
    Ok(true)
}
