//! What is known of a value before an expression runs.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A type. What comes out of JSON is known by its outermost layer alone; the rest is [`Type::Any`] until it is there.
#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    /// It is seen when the expression runs.
    Any,
    /// `nil` itself.
    Nil,
    /// A truth.
    Bool,
    /// A whole number.
    Int,
    /// A number.
    Float,
    /// A text.
    String,
    /// A list of this.
    Array(Arc<Type>),
    /// A map whose keys are texts (or, if `any_key`, anything), with values of this type.
    Map {
        /// Keys may be of any type.
        any_key: bool,
        /// The type of its values.
        of: Arc<Type>,
    },
    /// A map that has these keys and no others.
    Record(Arc<BTreeMap<String, Type>>),
    /// A moment.
    Time,
    /// A length of time.
    Duration,
}

impl Type {
    /// A list of this.
    pub fn array(of: Type) -> Type {
        Type::Array(Arc::new(of))
    }

    /// An object of JSON.
    pub fn map() -> Type {
        Type::Map { any_key: false, of: Arc::new(Type::Any) }
    }

    /// What `groupBy` makes of a list of this.
    pub fn groups(of: Type) -> Type {
        Type::Map { any_key: true, of: Arc::new(Type::array(of)) }
    }

    /// A map with keys of any type.
    pub fn pairs() -> Type {
        Type::Map { any_key: true, of: Arc::new(Type::Any) }
    }

    /// A map with these fields and no others.
    pub fn record(fields: impl IntoIterator<Item = (String, Type)>) -> Type {
        Type::Record(Arc::new(fields.into_iter().collect()))
    }

    /// Whether it is seen only when the expression runs.
    pub fn is_any(&self) -> bool {
        matches!(self, Type::Any)
    }

    /// Whether it is a number, whole or not.
    pub fn is_number(&self) -> bool {
        matches!(self, Type::Int | Type::Float)
    }

    /// The type of an item, if it is a list.
    pub fn item(&self) -> Option<&Type> {
        match self {
            Type::Array(of) => Some(of),
            _ => None,
        }
    }

    /// Whether two types are of one kind, whatever they hold.
    pub fn is_like(&self, other: &Type) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }

    /// Whether a value of this type can be where one of the other is wanted.
    pub fn fits(&self, wanted: &Type) -> bool {
        matches!((self, wanted), (_, Type::Any) | (Type::Nil, Type::Array(_) | Type::Map { .. })) || self == wanted
    }

    /// Whether `==` between the two can make sense.
    pub fn compares_with(&self, other: &Type) -> bool {
        let open = |kind: &Type| matches!(kind, Type::Any | Type::Nil);
        let keyed = |kind: &Type| matches!(kind, Type::Map { any_key: true, .. });
        let alike = self.is_like(other) && keyed(self) == keyed(other);
        open(self) || open(other) || self.is_number() && other.is_number() || alike
    }
}

/// The name that messages call it by.
impl fmt::Display for Type {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Type::Any => "unknown",
            Type::Nil => "nil",
            Type::Bool => "bool",
            Type::Int => "int",
            Type::Float => "float",
            Type::String => "string",
            Type::Array(of) if of.is_any() => "array",
            Type::Array(of) => return write!(out, "array of {of}"),
            Type::Map { .. } => "map",
            Type::Record(_) => "record",
            Type::Time => "time",
            Type::Duration => "duration",
        })
    }
}
