//! Operators with two sides.

mod arithmetic;
mod compare;

use super::ast::{Binary, Expr, Kind, Unary};
use super::builtins::convert;
use super::error::Refusal;
use super::fuel::Work;
use super::kind::Type;
use super::pattern::Pattern;
use super::value::{Shape, Value};

pub use arithmetic::{add, negate};
pub use compare::{equal, nan_first, order_of};

/// An expression and its type.
pub type Side<'a> = (&'a Expr, &'a Type);

/// The type that an operator gives for sides of these types.
pub fn check(operator: Binary, (left, one): Side<'_>, (right, other): Side<'_>) -> Result<Type, String> {
    let sides = Sides { one, other };
    let found = match operator {
        Binary::Equal | Binary::Differ => one.compares_with(other).then_some(Type::Bool),
        Binary::Or | Binary::And => sides.both_are(|kind| *kind == Type::Bool).then_some(Type::Bool),
        Binary::Less | Binary::Greater | Binary::AtMost | Binary::AtLeast => {
            let alike = [Type::is_number, is_string, is_time, is_duration].into_iter().any(|test| sides.both_are(test));
            alike.then_some(Type::Bool)
        }
        Binary::In => return check_in(&sides),
        Binary::Matches => {
            if let Kind::String(text) = &right.kind {
                Pattern::compile(text)?;
            }
            sides.both_are(is_string).then_some(Type::Bool)
        }
        Binary::Contains | Binary::StartsWith | Binary::EndsWith => sides.both_are(is_string).then_some(Type::Bool),
        Binary::Range => sides.both_are(is_int).then(|| Type::array(Type::Int)),
        Binary::Add => arithmetic::check_add(&sides),
        Binary::Subtract => arithmetic::check_subtract(&sides),
        Binary::Multiply => arithmetic::check_multiply(&sides),
        Binary::Divide | Binary::Power => sides.both_are(Type::is_number).then_some(Type::Float),
        Binary::Modulo => {
            if constant(left).is_some() && constant(right) == Some(0) {
                return Err("integer divide by zero".to_owned());
            }
            sides.both_are(is_int).then_some(Type::Int)
        }
        Binary::Coalesce => Some(match (one, other) {
            (Type::Nil, _) => other.clone(),
            (_, Type::Nil) => one.clone(),
            _ if other.fits(one) => one.clone(),
            _ => Type::Any,
        }),
    };
    found.ok_or_else(|| sides.mismatched(operator))
}

/// The types of both sides.
struct Sides<'a> {
    one: &'a Type,
    other: &'a Type,
}

impl Sides<'_> {
    /// Whether both sides pass, where what is only seen later passes.
    fn both_are(&self, test: impl Fn(&Type) -> bool) -> bool {
        let passes = |kind: &Type| kind.is_any() || test(kind);
        passes(self.one) && passes(self.other)
    }

    fn has_any(&self) -> bool {
        self.one.is_any() || self.other.is_any()
    }

    fn mismatched(&self, operator: Binary) -> String {
        format!("invalid operation: {} (mismatched types {} and {})", operator.sign(), self.one, self.other)
    }
}

fn is_string(kind: &Type) -> bool {
    *kind == Type::String
}

fn is_int(kind: &Type) -> bool {
    *kind == Type::Int
}

fn is_time(kind: &Type) -> bool {
    *kind == Type::Time
}

fn is_duration(kind: &Type) -> bool {
    *kind == Type::Duration
}

fn check_in(sides: &Sides<'_>) -> Result<Type, String> {
    let (one, other) = (sides.one, sides.other);
    match other {
        Type::Any => Ok(Type::Bool),
        Type::Record(_) if matches!(one, Type::String | Type::Any) => Ok(Type::Bool),
        Type::Map { any_key, .. } if *any_key || matches!(one, Type::String | Type::Any) => Ok(Type::Bool),
        Type::Map { .. } => Err(format!("cannot use {one} as a key of a map")),
        Type::Array(of) if one.compares_with(of) => Ok(Type::Bool),
        Type::Array(of) => Err(format!("cannot use {one} as an item of an array of {of}")),
        _ => Err(sides.mismatched(Binary::In)),
    }
}

/// A whole number that is made of nothing but numbers.
pub fn constant(expr: &Expr) -> Option<i64> {
    match &expr.kind {
        Kind::Int(number) => Some(*number),
        Kind::Unary(Unary::Minus, of) => Some(constant(of)?.wrapping_neg()),
        Kind::Unary(Unary::Plus, of) => constant(of),
        Kind::Binary(operator, two) => {
            let (one, other) = (constant(&two[0])?, constant(&two[1])?);
            match operator {
                Binary::Add => Some(one.wrapping_add(other)),
                Binary::Subtract => Some(one.wrapping_sub(other)),
                Binary::Multiply => Some(one.wrapping_mul(other)),
                Binary::Modulo if other != 0 => Some(one.wrapping_rem(other)),
                _ => None,
            }
        }
        _ => None,
    }
}

/// What an operator gives; those that need not look at their second side are not among these.
pub fn apply(operator: Binary, one: &Value, other: &Value, work: &mut Work<'_>) -> Result<Value, Refusal> {
    let mismatched = || {
        let (one, other) = (one.kind_name(), other.kind_name());
        Refusal::new(format!("invalid operation: {one} {} {other}", operator.sign()))
    };
    let truth = |flag: bool| Ok(Value::Bool(flag));
    match operator {
        Binary::Equal => truth(equal(one, other, work)?),
        Binary::Differ => truth(!equal(one, other, work)?),
        Binary::Less | Binary::Greater | Binary::AtMost | Binary::AtLeast => {
            compare::ordered(operator, one, other, work)?.map(Value::Bool).ok_or_else(mismatched)
        }
        Binary::In => truth(is_in(one, other, work)?),
        Binary::Contains | Binary::StartsWith | Binary::EndsWith | Binary::Matches => {
            let (of, what) = match (one, other) {
                (Value::String(of), Value::String(what)) => (of, what),
                // What is not there contains nothing, and is in nothing.
                (Value::Nil, _) | (_, Value::Nil) => return truth(false),
                _ => return Err(mismatched()),
            };
            work.spend_on_text(of.len())?;
            truth(match operator {
                Binary::Contains => of.contains(&**what),
                Binary::StartsWith => of.starts_with(&**what),
                Binary::EndsWith => of.ends_with(&**what),
                _ => work.matches(of, what)?,
            })
        }
        Binary::Range => range(one, other, work),
        Binary::Add => add(one, other, work)?.ok_or_else(mismatched),
        Binary::Subtract => arithmetic::subtract(one, other).ok_or_else(mismatched),
        Binary::Multiply => arithmetic::multiply(one, other).ok_or_else(mismatched),
        Binary::Divide => arithmetic::on_floats(one, other, |one, other| one / other).ok_or_else(mismatched),
        Binary::Power => arithmetic::on_floats(one, other, f64::powf).ok_or_else(mismatched),
        Binary::Modulo => match (one, other) {
            (Value::Int(_), Value::Int(0)) => Err(Refusal::new("integer divide by zero")),
            (Value::Int(one), Value::Int(other)) => Ok(Value::Int(one.wrapping_rem(*other))),
            _ => Err(mismatched()),
        },
        Binary::Or | Binary::And | Binary::Coalesce => Err(mismatched()),
    }
}

fn range(one: &Value, other: &Value, work: &mut Work<'_>) -> Result<Value, Refusal> {
    let bound = |value: &Value| match value {
        Value::Int(number) => Some(*number),
        Value::Float(number) => Some(convert::cut(*number)),
        _ => None,
    };
    let (Some(from), Some(to)) = (bound(one), bound(other)) else {
        let (one, other) = (one.kind_name(), other.kind_name());
        return Err(Refusal::new(format!("invalid operation: {one} .. {other}")));
    };
    let length = i128::from(to) - i128::from(from) + 1;
    work.spend_on_items(usize::try_from(length.max(0)).unwrap_or(usize::MAX))?;
    Ok(Value::array_of(Type::Int, (from..=to).map(Value::Int).collect())?)
}

fn is_in(what: &Value, of: &Value, work: &mut Work<'_>) -> Result<bool, Refusal> {
    match of {
        Value::Nil => Ok(false),
        Value::Array(array) => {
            for item in &array.items {
                if equal(what, item, work)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Value::Map(map) => {
            let any_key = matches!(map.shape, Shape::Groups | Shape::Pairs);
            if matches!(what, Value::Nil) && !any_key {
                return Ok(false);
            }
            let key = what.as_key().filter(|_| any_key || matches!(what, Value::String(_)));
            let key = key.ok_or_else(|| Refusal::new(format!("cannot use {} as a key of a map", what.kind_name())))?;
            work.spend_on_text(what.text_length())?;
            Ok(map.entries.contains_key(&key))
        }
        other => Err(Refusal::new(format!("operator \"in\" not defined on {}", other.kind_name()))),
    }
}
