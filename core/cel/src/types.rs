//! Types of values: what the checker computes with, and how JSON is read.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// The type of a value.
#[derive(Clone, Debug)]
pub enum Type {
    /// Known only when the expression runs.
    Dyn,
    /// Of an expression that is wrong, and was told to be.
    Error,
    /// Null.
    Null,
    /// True or false.
    Bool,
    /// A whole number.
    Int,
    /// A whole number that is not negative.
    Uint,
    /// A number.
    Double,
    /// Text.
    String,
    /// Bytes.
    Bytes,
    /// A moment.
    Timestamp,
    /// A span of time.
    Duration,
    /// A type.
    Type,
    /// A list.
    List(Arc<Type>, Order),
    /// A map.
    Map(Arc<Type>, Arc<Type>),
    /// A value that may be missing.
    Optional(Arc<Type>),
    /// A struct.
    Object(Arc<Struct>),
    /// A type of a library, by its name.
    Opaque(&'static str),
    /// A type that the context determines.
    Param(usize),
}

/// Which lists are equal.
#[derive(Clone, Debug, Default)]
pub enum Order {
    /// Those with equal items in the same order.
    #[default]
    Listed,
    /// Those with equal items in any order.
    Set,
    /// Those with equal items for each value of these keys.
    Keyed(Arc<[String]>),
}

/// A struct.
#[derive(Debug, Default)]
pub struct Struct {
    /// What errors call it.
    pub name: String,
    /// By the name that expressions know them under.
    pub fields: BTreeMap<String, Field>,
}

/// A field of a struct.
#[derive(Debug)]
pub struct Field {
    /// Its name in JSON.
    pub json: String,
    /// Its type.
    pub kind: Type,
}

impl Type {
    /// A list of any kind of order.
    pub fn list(item: Type) -> Type {
        Type::List(Arc::new(item), Order::Listed)
    }

    /// A map.
    pub fn map(key: Type, value: Type) -> Type {
        Type::Map(Arc::new(key), Arc::new(value))
    }

    /// A value that may be missing.
    pub fn optional(of: Type) -> Type {
        Type::Optional(Arc::new(of))
    }

    /// A map of what expressions make; of keys that are no plain values nothing is known, so that types stay small.
    pub(super) fn made_map(key: Type, value: Type) -> Type {
        let plain = !matches!(key, Type::List(..) | Type::Map(..) | Type::Optional(_) | Type::Object(_));
        Type::map(if plain { key } else { Type::Dyn }, value)
    }

    pub(super) fn is_dyn(&self) -> bool {
        matches!(self, Type::Dyn | Type::Error)
    }

    /// The same type, whatever is known of their insides.
    pub(super) fn is_same(&self, other: &Type) -> bool {
        match (self, other) {
            (Type::List(one, _), Type::List(two, _)) | (Type::Optional(one), Type::Optional(two)) => one.is_same(two),
            (Type::Map(key, value), Type::Map(other_key, other_value)) => {
                key.is_same(other_key) && value.is_same(other_value)
            }
            (Type::Object(one), Type::Object(two)) => Arc::ptr_eq(one, two),
            (Type::Opaque(one), Type::Opaque(two)) => one == two,
            (Type::Param(one), Type::Param(two)) => one == two,
            _ => {
                std::mem::discriminant(self) == std::mem::discriminant(other)
                    && !matches!(
                        self,
                        Type::List(..)
                            | Type::Map(..)
                            | Type::Optional(_)
                            | Type::Object(_)
                            | Type::Opaque(_)
                            | Type::Param(_)
                    )
            }
        }
    }

    /// Whether it may be null.
    pub(super) fn takes_null(&self) -> bool {
        matches!(
            self,
            Type::Null | Type::Timestamp | Type::Duration | Type::Object(_) | Type::Opaque(_) | Type::Optional(_)
        )
    }
}

impl fmt::Display for Type {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Type::Dyn | Type::Param(_) => "dyn",
            Type::Error => "!error!",
            Type::Null => "null",
            Type::Bool => "bool",
            Type::Int => "int",
            Type::Uint => "uint",
            Type::Double => "double",
            Type::String => "string",
            Type::Bytes => "bytes",
            Type::Timestamp => "timestamp",
            Type::Duration => "duration",
            Type::Type => "type",
            Type::List(item, _) => return write!(out, "list({item})"),
            Type::Map(key, value) => return write!(out, "map({key}, {value})"),
            Type::Optional(of) => return write!(out, "optional_type({of})"),
            Type::Object(of) => &of.name,
            Type::Opaque(name) => name,
        };
        out.write_str(name)
    }
}

/// What is known of the types that a context determines.
#[derive(Debug, Default)]
pub struct Known {
    types: Vec<Option<Type>>,
    /// In which order they became known.
    learned: Vec<usize>,
}

/// What was known at a time.
#[derive(Clone, Copy)]
pub struct Mark(usize, usize);

impl Known {
    /// A type of which nothing is known yet.
    pub fn fresh(&mut self) -> usize {
        self.types.push(None);
        self.types.len() - 1
    }

    fn find(&self, param: usize) -> Option<&Type> {
        self.types.get(param)?.as_ref()
    }

    /// What is known now.
    pub fn mark(&self) -> Mark {
        Mark(self.types.len(), self.learned.len())
    }

    /// Forgets what was learned since.
    pub fn forget(&mut self, Mark(types, learned): Mark) {
        for param in self.learned.drain(learned..) {
            self.types[param] = None;
        }
        self.types.truncate(types);
    }

    /// A type with what is known filled in.
    pub fn fill(&self, kind: &Type) -> Type {
        match kind {
            Type::Param(param) => self.find(*param).map_or(Type::Param(*param), |known| self.fill(known)),
            Type::List(item, order) => Type::List(Arc::new(self.fill(item)), order.clone()),
            Type::Map(key, value) => Type::map(self.fill(key), self.fill(value)),
            Type::Optional(of) => Type::optional(self.fill(of)),
            other => other.clone(),
        }
    }

    /// Whether a value of the first type can be where the second is expected; learns what follows if so.
    pub fn assign(&mut self, given: &Type, wanted: &Type) -> bool {
        let (given, wanted) = (self.fill(given), self.fill(wanted));
        match (&given, &wanted) {
            (Type::Param(one), Type::Param(two)) if one == two => true,
            (_, Type::Param(param)) => self.learn(*param, &given),
            (Type::Param(param), _) => self.learn(*param, &wanted),
            (given, wanted) if given.is_dyn() || wanted.is_dyn() => true,
            (Type::Null, other) | (other, Type::Null) => other.takes_null(),
            (Type::List(one, _), Type::List(two, _)) | (Type::Optional(one), Type::Optional(two)) => {
                self.assign(one, two)
            }
            (Type::Map(key, value), Type::Map(other_key, other_value)) => {
                self.assign(key, other_key) && self.assign(value, other_value)
            }
            (given, wanted) => given.is_same(wanted),
        }
    }

    fn learn(&mut self, param: usize, kind: &Type) -> bool {
        if mentions(kind, param) {
            return false;
        }
        self.types[param] = Some(kind.clone());
        self.learned.push(param);
        true
    }
}

fn mentions(kind: &Type, param: usize) -> bool {
    match kind {
        Type::Param(other) => *other == param,
        Type::List(of, _) | Type::Optional(of) => mentions(of, param),
        Type::Map(key, value) => mentions(key, param) || mentions(value, param),
        _ => false,
    }
}
