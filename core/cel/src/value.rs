//! Values of expressions: made by them, or views of the JSON that they are about.

use std::cmp::Ordering;
use std::ops::Deref;
use std::rc::Rc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map as JsonMap, Value};

use super::functions::Library;
use super::types::{Order, Struct, Type};
use super::{Error, data};

/// A value.
#[derive(Clone, Debug)]
pub enum Val<'a> {
    /// Null.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A whole number that is not negative.
    Uint(u64),
    /// A number.
    Double(f64),
    /// Text.
    String(Text<'a>),
    /// Bytes.
    Bytes(Rc<[u8]>),
    /// A moment.
    Timestamp(Timestamp),
    /// A span of time.
    Duration(SignedDuration),
    /// A type, by its name.
    Type(&'static str),
    /// A list.
    List(List<'a>),
    /// A map or a struct.
    Map(Map<'a>),
    /// A value that may be missing.
    Optional(Option<Rc<Val<'a>>>),
    /// A value of a library.
    Library(Rc<Library>),
}

/// Text, of the JSON or made.
#[derive(Clone, Debug)]
pub enum Text<'a> {
    /// Of the JSON, or of the expression.
    Lent(&'a str),
    /// Made.
    Made(Rc<str>),
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Text::Lent(text) => text,
            Text::Made(text) => text,
        }
    }
}

/// A list, of the JSON or made.
#[derive(Clone, Debug)]
pub enum List<'a> {
    /// Of the JSON, its items of one type.
    Lent(&'a [Value], &'a Type, &'a Order),
    /// Made.
    Made(Rc<Vec<Val<'a>>>),
}

/// A map, of the JSON or made.
#[derive(Clone, Debug)]
pub enum Map<'a> {
    /// Of the JSON, its values of one type.
    Lent(&'a JsonMap<String, Value>, &'a Type),
    /// A struct of the JSON.
    Struct(&'a JsonMap<String, Value>, &'a Struct),
    /// Made.
    Made(Rc<Vec<(Val<'a>, Val<'a>)>>),
}

impl<'a> Val<'a> {
    /// Text that was made.
    pub fn text(text: impl Into<Rc<str>>) -> Val<'a> {
        Val::String(Text::Made(text.into()))
    }

    /// A list that was made.
    pub fn list(items: Vec<Val<'a>>) -> Val<'a> {
        Val::List(List::Made(Rc::new(items)))
    }

    /// A value of a library.
    pub fn library(value: Library) -> Val<'a> {
        Val::Library(Rc::new(value))
    }

    /// Something, or nothing.
    pub fn optional(value: Option<Val<'a>>) -> Val<'a> {
        Val::Optional(value.map(Rc::new))
    }

    /// The name of its type.
    pub fn type_name(&self) -> &'static str {
        match self {
            Val::Null => "null_type",
            Val::Bool(_) => "bool",
            Val::Int(_) => "int",
            Val::Uint(_) => "uint",
            Val::Double(_) => "double",
            Val::String(_) => "string",
            Val::Bytes(_) => "bytes",
            Val::Timestamp(_) => "google.protobuf.Timestamp",
            Val::Duration(_) => "google.protobuf.Duration",
            Val::Type(_) => "type",
            Val::List(_) => "list",
            Val::Map(Map::Struct(..)) => "object",
            Val::Map(_) => "map",
            Val::Optional(_) => "optional_type",
            Val::Library(value) => value.type_name(),
        }
    }

    /// Whether it is of a type, as far as that can be seen from outside.
    pub fn is_of(&self, kind: &Type) -> bool {
        match (kind, self) {
            (Type::Dyn | Type::Error | Type::Param(_), _)
            | (Type::Null, Val::Null)
            | (Type::Bool, Val::Bool(_))
            | (Type::Int, Val::Int(_))
            | (Type::Uint, Val::Uint(_))
            | (Type::Double, Val::Double(_))
            | (Type::String, Val::String(_))
            | (Type::Bytes, Val::Bytes(_))
            | (Type::Timestamp, Val::Timestamp(_))
            | (Type::Duration, Val::Duration(_))
            | (Type::Type, Val::Type(_))
            | (Type::Optional(_), Val::Optional(_))
            | (Type::Map(..) | Type::Object(_), Val::Map(_)) => true,
            // Only lists of text are asked for by their items, and what is in a made list is seen when it is used.
            (Type::List(of, _), Val::List(list)) => match (&**of, list) {
                (Type::Param(_) | Type::Dyn, _) => true,
                (of, List::Lent(_, item, _)) => item.is_dyn() || item.is_same(of),
                (of, List::Made(items)) => items.first().is_none_or(|first| first.is_of(of)),
            },
            (Type::Opaque(name), Val::Library(value)) => value.type_name() == *name,
            _ => false,
        }
    }

    /// As a key of a list or a map, numbers are what they are worth.
    pub fn as_index(&self) -> Option<i64> {
        match self {
            Val::Int(number) => Some(*number),
            Val::Uint(number) => i64::try_from(*number).ok(),
            Val::Double(number) if number.fract() == 0.0 && number.abs() < 9e15 => Some(*number as i64),
            _ => None,
        }
    }

    /// How large it is: characters, items, entries.
    pub fn size(&self) -> usize {
        match self {
            Val::String(text) => text.len(),
            Val::Bytes(bytes) => bytes.len(),
            Val::List(list) => list.len(),
            Val::Map(map) => map.len(),
            _ => 1,
        }
    }
}

impl<'a> List<'a> {
    /// How many items.
    pub fn len(&self) -> usize {
        match self {
            List::Lent(items, ..) => items.len(),
            List::Made(items) => items.len(),
        }
    }

    /// An item.
    pub fn get(&self, index: usize) -> Option<Result<Val<'a>, Error>> {
        match self {
            List::Lent(items, kind, _) => Some(data::read(items.get(index)?, kind)),
            List::Made(items) => items.get(index).cloned().map(Ok),
        }
    }

    /// The items.
    pub fn iter(&self) -> impl Iterator<Item = Result<Val<'a>, Error>> + '_ {
        (0..self.len()).filter_map(|index| self.get(index))
    }
}

impl<'a> Map<'a> {
    /// How many entries.
    pub fn len(&self) -> usize {
        match self {
            Map::Lent(map, _) | Map::Struct(map, _) => map.len(),
            Map::Made(entries) => entries.len(),
        }
    }

    /// The value of a key.
    pub fn get(&self, key: &Val<'_>) -> Option<Result<Val<'a>, Error>> {
        match (self, key) {
            (Map::Lent(map, kind), Val::String(key)) => Some(data::read(map.get(&**key)?, kind)),
            (Map::Struct(map, of), Val::String(key)) => {
                let field = of.fields.get(&**key)?;
                Some(data::read(map.get(&field.json)?, &field.kind))
            }
            (Map::Made(entries), key) => {
                let same = |(other, _): &&(Val<'_>, Val<'_>)| data::same_key(other, key);
                entries.iter().find(same).map(|(_, value)| Ok(value.clone()))
            }
            _ => None,
        }
    }

    /// The keys, in the order of JSON.
    pub fn keys(&self) -> Vec<Val<'a>> {
        match self {
            Map::Lent(map, _) => map.keys().map(|key| Val::String(Text::Lent(key))).collect(),
            Map::Struct(map, of) => {
                let fields = of.fields.iter().filter(|(_, field)| map.contains_key(&field.json));
                fields.map(|(name, _)| Val::String(Text::Lent(name))).collect()
            }
            Map::Made(entries) => entries.iter().map(|(key, _)| key.clone()).collect(),
        }
    }
}

/// The order of two numbers of any kind.
pub fn compare_numbers(one: &Val<'_>, other: &Val<'_>) -> Option<Ordering> {
    match (one, other) {
        (Val::Int(one), Val::Int(other)) => Some(one.cmp(other)),
        (Val::Uint(one), Val::Uint(other)) => Some(one.cmp(other)),
        (Val::Int(one), Val::Uint(other)) => Some(i128::from(*one).cmp(&i128::from(*other))),
        (Val::Uint(one), Val::Int(other)) => Some(i128::from(*one).cmp(&i128::from(*other))),
        (Val::Double(one), Val::Double(other)) => one.partial_cmp(other),
        (Val::Double(one), other) => one.partial_cmp(&as_double(other)?),
        (one, Val::Double(other)) => as_double(one)?.partial_cmp(other),
        _ => None,
    }
}

fn as_double(number: &Val<'_>) -> Option<f64> {
    match number {
        Val::Int(number) => Some(*number as f64),
        Val::Uint(number) => Some(*number as f64),
        Val::Double(number) => Some(*number),
        _ => None,
    }
}
