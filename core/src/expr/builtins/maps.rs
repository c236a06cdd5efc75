//! Maps.

use std::collections::BTreeMap;

use super::super::access;
use super::super::error::Refusal;
use super::super::fuel::Work;
use super::super::kind::Type;
use super::super::value::{Map, Shape, Value};
use super::{Builtin, Given, Kinds, list, row};

pub const TABLE: &[Builtin] = &[
    row("get", &[Kinds::ARRAY.or(Kinds::MAP), Kinds::ANY], value, get).also(has_such_keys),
    row("keys", &[Kinds::MAP], any_list, |args, work| from_entries(map("keys", args)?, work, |key, _| Ok(key))),
    row("values", &[Kinds::MAP], values_of, |args, work| {
        from_entries(map("values", args)?, work, |_, value| Ok(value))
    }),
    row("toPairs", &[Kinds::MAP], any_list, |args, work| {
        from_entries(map("toPairs", args)?, work, |key, value| Ok(Value::array(vec![key, value])?))
    }),
    row("fromPairs", &[Kinds::ARRAY], |_| Type::pairs(), from_pairs),
];

fn any_list(_: &[Type]) -> Type {
    Type::array(Type::Any)
}

fn values_of(args: &[Type]) -> Type {
    Type::array(value(args))
}

/// The type of what is in a list or a map.
fn value(args: &[Type]) -> Type {
    match args.first() {
        Some(Type::Array(of) | Type::Map { of, .. }) => (**of).clone(),
        _ => Type::Any,
    }
}

fn map<'a>(name: &str, args: &'a [Value]) -> Result<&'a Map, Refusal> {
    match args.first() {
        Some(Value::Map(map)) => Ok(map),
        other => Err(Refusal::unfit(name, other.unwrap_or(&Value::Nil))),
    }
}

/// Whether a list or a map of this type can have a key of this one.
fn has_such_keys(args: &[Type]) -> Result<(), String> {
    match args {
        [Type::Array(_), key] if !matches!(key, Type::Int | Type::Any) => {
            Err(format!("array elements can only be selected using an integer (got {key})"))
        }
        [Type::Map { any_key: false, of }, key] if !matches!(key, Type::String | Type::Any) => {
            Err(format!("cannot use {key} to get an element from {of}"))
        }
        _ => Ok(()),
    }
}

/// What is at a place; nil where there is no such place, or nothing that has places.
fn get(args: &[Value], work: &mut Work<'_>) -> Given {
    let [of, key] = args else { return Err(Refusal::new("not enough arguments to call get")) };
    work.spend_on_text(key.text_length())?;
    match of {
        Value::Array(_) | Value::String(_) if matches!(key, Value::Int(_) | Value::Float(_)) => {
            Ok(access::fetch(of, key).unwrap_or(Value::Nil))
        }
        Value::Array(_) | Value::String(_) | Value::Map(_) => access::fetch(of, key),
        _ => Ok(Value::Nil),
    }
}

fn from_entries(map: &Map, work: &mut Work<'_>, take: impl Fn(Value, Value) -> Given) -> Given {
    work.spend_on_items(map.entries.len())?;
    let items: Result<Vec<Value>, Refusal> =
        map.entries.iter().map(|(key, value)| take(key.value(), value.clone())).collect();
    Ok(Value::array(items?)?)
}

fn from_pairs(args: &[Value], work: &mut Work<'_>) -> Given {
    let mut entries = BTreeMap::new();
    for pair in list("fromPairs", args, 0)? {
        work.spend_on_items(1)?;
        let two = match pair {
            Value::Array(array) => &array.items[..],
            other => return Err(Refusal::unfit("fromPairs", other)),
        };
        let [key, value] = two else {
            return Err(Refusal::new(format!("invalid pair {pair}: expected a key and a value")));
        };
        work.spend_on_text(key.text_length())?;
        let key = key.as_key().ok_or_else(|| Refusal::new(format!("{} cannot be a key", key.kind_name())))?;
        entries.insert(key, value.clone());
    }
    Ok(Value::map_of(Shape::Pairs, entries)?)
}
