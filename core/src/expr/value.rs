//! The values of the language.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::sync::Arc;

use jiff::Zoned;
use serde_json::Value as Json;

use super::kind::Type;

/// How deep arrays and maps may stand within each other: comparing and dropping a value is as deep as it is.
pub const DEEPEST_VALUE: usize = 150;

/// So much of a value is shown in a message.
const SHOWN: usize = 200;

/// A value of an expression, or what a provider measured. Copies are cheap: what is large is shared.
#[derive(Clone, Debug)]
pub enum Value {
    /// Nothing: a field that is not there, or a provider that has no data.
    Nil,
    /// A truth.
    Bool(bool),
    /// A whole number. Numbers of JSON never are.
    Int(i64),
    /// A number.
    Float(f64),
    /// A text.
    String(Arc<str>),
    /// A list.
    Array(Arc<Array>),
    /// Values by their keys.
    Map(Arc<Map>),
    /// A moment, with the offset in which its hours are told.
    Time(Arc<Zoned>),
    /// A length of time in nanoseconds.
    Duration(i64),
}

/// A list, with what is known of its items.
#[derive(Debug)]
pub struct Array {
    /// The type of every item, as a checker may rely on it.
    pub of: Type,
    /// The items.
    pub items: Vec<Value>,
    /// It stands for a list that is not there: it is empty, and equal to nil.
    pub absent: bool,
    depth: usize,
}

/// Values by their keys.
#[derive(Debug)]
pub struct Map {
    /// The entries, in the order of their keys, so that everything that goes through them is deterministic.
    pub entries: BTreeMap<Key, Value>,
    /// What a checker may rely on.
    pub shape: Shape,
    depth: usize,
}

/// What is known of a map before it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Any keys, all of them texts: what JSON calls an object.
    Open,
    /// The keys are all there can be, as the fields of a struct: another one is a mistake.
    Record,
    /// Keys of any type, lists as values: what `groupBy` makes.
    Groups,
    /// Keys of any type.
    Pairs,
}

/// A key of a map. Those of JSON are texts; `groupBy` makes others too.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// `nil`
    Nil,
    /// A truth.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// The bits of a number.
    Float(u64),
    /// A text.
    String(Arc<str>),
}

/// A value within more others than may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("arrays and maps stand more than {DEEPEST_VALUE} deep within each other")]
pub struct TooDeep;

impl Value {
    /// A text.
    pub fn text(text: impl Into<Arc<str>>) -> Value {
        Value::String(text.into())
    }

    /// A list of anything, as JSON has it.
    pub fn array(items: Vec<Value>) -> Result<Value, TooDeep> {
        Value::array_of(Type::Any, items)
    }

    /// A list of items of one type.
    pub fn array_of(of: Type, items: Vec<Value>) -> Result<Value, TooDeep> {
        let depth = one_deeper(items.iter())?;
        Ok(Value::Array(Arc::new(Array { of, items, absent: false, depth })))
    }

    /// A list of numbers: what a vector of Prometheus is.
    pub fn floats(numbers: impl IntoIterator<Item = f64>) -> Value {
        let items = numbers.into_iter().map(Value::Float).collect();
        Value::Array(Arc::new(Array { of: Type::Float, items, absent: false, depth: 1 }))
    }

    /// The list that is not there.
    pub fn no_array() -> Value {
        Value::Array(Arc::new(Array { of: Type::Any, items: Vec::new(), absent: true, depth: 1 }))
    }

    /// A map, as JSON has it.
    pub fn map(entries: impl IntoIterator<Item = (String, Value)>) -> Result<Value, TooDeep> {
        let entries = entries.into_iter().map(|(key, value)| (Key::String(key.into()), value));
        Value::map_of(Shape::Open, entries.collect())
    }

    /// A map of this shape.
    pub fn map_of(shape: Shape, entries: BTreeMap<Key, Value>) -> Result<Value, TooDeep> {
        let depth = one_deeper(entries.values())?;
        Ok(Value::Map(Arc::new(Map { entries, shape, depth })))
    }

    /// A value of JSON. Every number is a float, as it is for who measures.
    pub fn from_json(json: &Json) -> Result<Value, TooDeep> {
        read(json, DEEPEST_VALUE)
    }

    /// Whether it is nil, or a list that is not there.
    pub fn is_nil(&self) -> bool {
        match self {
            Value::Nil => true,
            Value::Array(array) => array.absent,
            _ => false,
        }
    }

    /// Whether nothing was measured: nil, or an empty list.
    pub fn is_no_data(&self) -> bool {
        match self {
            Value::Nil => true,
            Value::Array(array) => array.items.is_empty(),
            _ => false,
        }
    }

    /// What a checker may rely on.
    pub fn kind(&self) -> Type {
        match self {
            Value::Nil => Type::Nil,
            Value::Bool(_) => Type::Bool,
            Value::Int(_) => Type::Int,
            Value::Float(_) => Type::Float,
            Value::String(_) => Type::String,
            Value::Array(array) => Type::array(array.of.clone()),
            Value::Map(map) => match map.shape {
                Shape::Open => Type::map(),
                Shape::Groups => Type::groups(Type::Any),
                Shape::Pairs => Type::pairs(),
                Shape::Record => {
                    let field = |(key, value): (&Key, &Value)| match key {
                        Key::String(name) => Some((name.to_string(), value.kind())),
                        _ => None,
                    };
                    Type::record(map.entries.iter().filter_map(field))
                }
            },
            Value::Time(_) => Type::Time,
            Value::Duration(_) => Type::Duration,
        }
    }

    /// The name of its type, for messages.
    pub fn kind_name(&self) -> &'static str {
        match self {
            Value::Nil => "nil",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Float(_) => "float",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Map(_) => "map",
            Value::Time(_) => "time",
            Value::Duration(_) => "duration",
        }
    }

    /// As a key of a map, if it can be one.
    pub fn as_key(&self) -> Option<Key> {
        Some(match self {
            Value::Nil => Key::Nil,
            Value::Bool(flag) => Key::Bool(*flag),
            Value::Int(number) => Key::Int(*number),
            Value::Float(number) => Key::Float(if *number == 0.0 { 0 } else { number.to_bits() }),
            Value::String(text) => Key::String(Arc::clone(text)),
            Value::Array(_) | Value::Map(_) | Value::Time(_) | Value::Duration(_) => return None,
        })
    }

    /// How many bytes it has, if it is a text: to compare it takes as long.
    pub(super) fn text_length(&self) -> usize {
        match self {
            Value::String(text) => text.len(),
            _ => 0,
        }
    }

    /// How deep arrays and maps stand in it.
    pub fn depth(&self) -> usize {
        match self {
            Value::Array(array) => array.depth,
            Value::Map(map) => map.depth,
            _ => 0,
        }
    }
}

impl Key {
    /// As a value.
    pub fn value(&self) -> Value {
        match self {
            Key::Nil => Value::Nil,
            Key::Bool(flag) => Value::Bool(*flag),
            Key::Int(number) => Value::Int(*number),
            Key::Float(bits) => Value::Float(f64::from_bits(*bits)),
            Key::String(text) => Value::String(Arc::clone(text)),
        }
    }
}

fn one_deeper<'a>(inner: impl Iterator<Item = &'a Value>) -> Result<usize, TooDeep> {
    let depth = 1 + inner.map(Value::depth).max().unwrap_or(0);
    if depth > DEEPEST_VALUE { Err(TooDeep) } else { Ok(depth) }
}

fn read(json: &Json, deeper: usize) -> Result<Value, TooDeep> {
    let next = || deeper.checked_sub(1).ok_or(TooDeep);
    Ok(match json {
        Json::Null => Value::Nil,
        Json::Bool(flag) => Value::Bool(*flag),
        Json::Number(number) => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        Json::String(text) => Value::text(text.as_str()),
        Json::Array(items) => {
            let next = next()?;
            Value::array(items.iter().map(|item| read(item, next)).collect::<Result<_, _>>()?)?
        }
        Json::Object(fields) => {
            let next = next()?;
            let field = |(name, value): (&String, &Json)| read(value, next).map(|value| (name.clone(), value));
            Value::map(fields.iter().map(field).collect::<Result<Vec<_>, TooDeep>>()?)?
        }
    })
}

/// As a message shows it: much like JSON, and cut where it gets long.
impl fmt::Display for Value {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut short = Short { text: String::new(), left: SHOWN };
        if show(self, &mut short).is_err() {
            short.text.push('…');
        }
        out.write_str(&short.text)
    }
}

/// A text that takes no more than fits.
struct Short {
    text: String,
    left: usize,
}

impl Write for Short {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        for c in more.chars() {
            self.left = self.left.checked_sub(1).ok_or(fmt::Error)?;
            self.text.push(c);
        }
        Ok(())
    }
}

fn show(value: &Value, out: &mut Short) -> fmt::Result {
    match value {
        Value::Nil => out.write_str("nil"),
        Value::Bool(flag) => write!(out, "{flag}"),
        Value::Int(number) => write!(out, "{number}"),
        Value::Float(number) => write!(out, "{number}"),
        Value::String(text) => write!(out, "{text:?}"),
        Value::Array(array) => {
            out.write_char('[')?;
            for (index, item) in array.items.iter().enumerate() {
                out.write_str(if index == 0 { "" } else { ", " })?;
                show(item, out)?;
            }
            out.write_char(']')
        }
        Value::Map(map) => {
            out.write_char('{')?;
            for (index, (key, value)) in map.entries.iter().enumerate() {
                out.write_str(if index == 0 { "" } else { ", " })?;
                show(&key.value(), out)?;
                out.write_str(": ")?;
                show(value, out)?;
            }
            out.write_char('}')
        }
        Value::Time(time) => write!(out, "{}", time.timestamp()),
        Value::Duration(nanos) => write!(out, "{}s", *nanos as f64 / 1e9),
    }
}
