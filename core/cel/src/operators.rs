//! Operators, as overloads of functions with names of their own.

use std::cmp::Ordering;

use jiff::{SignedDuration, Timestamp};

use super::eval::Budget;
use super::signature::Row;
use super::types::Order;
use super::value::{List, Map, Val, compare_numbers};
use super::{Error, data};

/// A result that nothing but success is made of.
type Made<'a> = Result<Val<'a>, Error>;

/// Every operator but those that look at one side first.
pub const TABLE: &[Row] = &[
    ("!_", "(bool) -> bool", not),
    ("-_", "(int) -> int", negate),
    ("-_", "(double) -> double", negate),
    ("_==_", "(A, A) -> bool", equal),
    ("_!=_", "(A, A) -> bool", differ),
    ("@in", "(A, list(A)) -> bool", is_in),
    ("@in", "(A, map(A, B)) -> bool", is_in),
    ("_[_]", "(list(A), int) -> A", index),
    ("_[_]", "(map(A, B), A) -> B", index),
    ("_[_]", "(optional(list(A)), int) -> optional(A)", maybe_index),
    ("_[_]", "(optional(map(A, B)), A) -> optional(B)", maybe_index),
    ("_[?_]", "(list(A), int) -> optional(A)", maybe_index),
    ("_[?_]", "(map(A, B), A) -> optional(B)", maybe_index),
    ("_[?_]", "(optional(list(A)), int) -> optional(A)", maybe_index),
    ("_[?_]", "(optional(map(A, B)), A) -> optional(B)", maybe_index),
    ("_+_", "(int, int) -> int", add),
    ("_+_", "(uint, uint) -> uint", add),
    ("_+_", "(double, double) -> double", add),
    ("_+_", "(string, string) -> string", add),
    ("_+_", "(bytes, bytes) -> bytes", add),
    ("_+_", "(list(A), list(A)) -> list(A)", add),
    ("_+_", "(duration, duration) -> duration", add),
    ("_+_", "(timestamp, duration) -> timestamp", add),
    ("_+_", "(duration, timestamp) -> timestamp", add),
    ("_-_", "(int, int) -> int", subtract),
    ("_-_", "(uint, uint) -> uint", subtract),
    ("_-_", "(double, double) -> double", subtract),
    ("_-_", "(duration, duration) -> duration", subtract),
    ("_-_", "(timestamp, duration) -> timestamp", subtract),
    ("_-_", "(timestamp, timestamp) -> duration", subtract),
    ("_*_", "(int, int) -> int", multiply),
    ("_*_", "(uint, uint) -> uint", multiply),
    ("_*_", "(double, double) -> double", multiply),
    ("_/_", "(int, int) -> int", divide),
    ("_/_", "(uint, uint) -> uint", divide),
    ("_/_", "(double, double) -> double", divide),
    ("_%_", "(int, int) -> int", modulo),
    ("_%_", "(uint, uint) -> uint", modulo),
    ("_<_", "(bool, bool) -> bool", less),
    ("_<_", "(int, int) -> bool", less),
    ("_<_", "(int, double) -> bool", less),
    ("_<_", "(int, uint) -> bool", less),
    ("_<_", "(uint, uint) -> bool", less),
    ("_<_", "(uint, double) -> bool", less),
    ("_<_", "(uint, int) -> bool", less),
    ("_<_", "(double, double) -> bool", less),
    ("_<_", "(double, int) -> bool", less),
    ("_<_", "(double, uint) -> bool", less),
    ("_<_", "(string, string) -> bool", less),
    ("_<_", "(bytes, bytes) -> bool", less),
    ("_<_", "(timestamp, timestamp) -> bool", less),
    ("_<_", "(duration, duration) -> bool", less),
    ("_<=_", "(bool, bool) -> bool", at_most),
    ("_<=_", "(int, int) -> bool", at_most),
    ("_<=_", "(int, double) -> bool", at_most),
    ("_<=_", "(int, uint) -> bool", at_most),
    ("_<=_", "(uint, uint) -> bool", at_most),
    ("_<=_", "(uint, double) -> bool", at_most),
    ("_<=_", "(uint, int) -> bool", at_most),
    ("_<=_", "(double, double) -> bool", at_most),
    ("_<=_", "(double, int) -> bool", at_most),
    ("_<=_", "(double, uint) -> bool", at_most),
    ("_<=_", "(string, string) -> bool", at_most),
    ("_<=_", "(bytes, bytes) -> bool", at_most),
    ("_<=_", "(timestamp, timestamp) -> bool", at_most),
    ("_<=_", "(duration, duration) -> bool", at_most),
    ("_>_", "(bool, bool) -> bool", more),
    ("_>_", "(int, int) -> bool", more),
    ("_>_", "(int, double) -> bool", more),
    ("_>_", "(int, uint) -> bool", more),
    ("_>_", "(uint, uint) -> bool", more),
    ("_>_", "(uint, double) -> bool", more),
    ("_>_", "(uint, int) -> bool", more),
    ("_>_", "(double, double) -> bool", more),
    ("_>_", "(double, int) -> bool", more),
    ("_>_", "(double, uint) -> bool", more),
    ("_>_", "(string, string) -> bool", more),
    ("_>_", "(bytes, bytes) -> bool", more),
    ("_>_", "(timestamp, timestamp) -> bool", more),
    ("_>_", "(duration, duration) -> bool", more),
    ("_>=_", "(bool, bool) -> bool", at_least),
    ("_>=_", "(int, int) -> bool", at_least),
    ("_>=_", "(int, double) -> bool", at_least),
    ("_>=_", "(int, uint) -> bool", at_least),
    ("_>=_", "(uint, uint) -> bool", at_least),
    ("_>=_", "(uint, double) -> bool", at_least),
    ("_>=_", "(uint, int) -> bool", at_least),
    ("_>=_", "(double, double) -> bool", at_least),
    ("_>=_", "(double, int) -> bool", at_least),
    ("_>=_", "(double, uint) -> bool", at_least),
    ("_>=_", "(string, string) -> bool", at_least),
    ("_>=_", "(bytes, bytes) -> bool", at_least),
    ("_>=_", "(timestamp, timestamp) -> bool", at_least),
    ("_>=_", "(duration, duration) -> bool", at_least),
];

fn not<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    match args {
        [Val::Bool(flag)] => Ok(Val::Bool(!flag)),
        _ => Err(Error::no_such_overload()),
    }
}

fn negate<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    match args {
        [Val::Int(number)] => number.checked_neg().map(Val::Int).ok_or_else(overflow),
        [Val::Double(number)] => Ok(Val::Double(-number)),
        _ => Err(Error::no_such_overload()),
    }
}

fn overflow() -> Error {
    Error::new("integer overflow")
}

fn unsigned_overflow() -> Error {
    Error::new("unsigned integer overflow")
}

fn equal<'a>(args: &[Val<'a>], budget: &mut Budget) -> Made<'a> {
    match args {
        [one, other] => data::equal(one, other, budget).map(Val::Bool),
        _ => Err(Error::no_such_overload()),
    }
}

fn differ<'a>(args: &[Val<'a>], budget: &mut Budget) -> Made<'a> {
    match args {
        [one, other] => data::equal(one, other, budget).map(|same| Val::Bool(!same)),
        _ => Err(Error::no_such_overload()),
    }
}

fn is_in<'a>(args: &[Val<'a>], budget: &mut Budget) -> Made<'a> {
    match args {
        [item, Val::List(list)] => {
            for other in list.iter() {
                if data::equal(item, &other?, budget)? {
                    return Ok(Val::Bool(true));
                }
            }
            Ok(Val::Bool(false))
        }
        [key, Val::Map(map)] => {
            budget.spend_on_text(map.len())?;
            Ok(Val::Bool(map.get(key).is_some()))
        }
        _ => Err(Error::no_such_overload()),
    }
}

fn found<'a>(of: &Val<'a>, key: &Val<'a>, budget: &mut Budget) -> Result<Option<Val<'a>>, Error> {
    match of {
        Val::List(list) => match key.as_index().map(usize::try_from) {
            Some(Ok(index)) => list.get(index).transpose(),
            Some(Err(_)) => Ok(None),
            None => Err(Error::no_such_overload()),
        },
        Val::Map(map) => {
            budget.spend_on_text(map.len())?;
            map.get(key).transpose()
        }
        _ => Err(Error::no_such_overload()),
    }
}

fn index<'a>(args: &[Val<'a>], budget: &mut Budget) -> Made<'a> {
    let [of, key] = args else { return Err(Error::no_such_overload()) };
    found(of, key, budget)?.ok_or_else(|| match key {
        Val::String(key) => Error::new(format!("no such key: {}", &**key)),
        key if matches!(of, Val::List(_)) => {
            Error::new(format!("index out of bounds: {}", key.as_index().unwrap_or_default()))
        }
        key => Error::new(format!("no such key: {}", super::functions::convert::shown(key))),
    })
}

fn maybe_index<'a>(args: &[Val<'a>], budget: &mut Budget) -> Made<'a> {
    match args {
        [Val::Optional(None), _] => Ok(Val::Optional(None)),
        [Val::Optional(Some(of)), key] => found(of, key, budget).map(Val::optional),
        [of, key] => found(of, key, budget).map(Val::optional),
        _ => Err(Error::no_such_overload()),
    }
}

fn add<'a>(args: &[Val<'a>], budget: &mut Budget) -> Made<'a> {
    let [one, other] = args else { return Err(Error::no_such_overload()) };
    budget.spend_on_text(one.size().saturating_add(other.size()))?;
    match (one, other) {
        (Val::Int(one), Val::Int(other)) => one.checked_add(*other).map(Val::Int).ok_or_else(overflow),
        (Val::Uint(one), Val::Uint(other)) => one.checked_add(*other).map(Val::Uint).ok_or_else(unsigned_overflow),
        (Val::Double(one), Val::Double(other)) => Ok(Val::Double(one + other)),
        (Val::String(one), Val::String(other)) => Ok(Val::text(format!("{}{}", &**one, &**other))),
        (Val::Bytes(one), Val::Bytes(other)) => Ok(Val::Bytes(one.iter().chain(other.iter()).copied().collect())),
        (Val::Duration(one), Val::Duration(other)) => span(one.checked_add(*other)),
        (Val::Timestamp(at), Val::Duration(by)) | (Val::Duration(by), Val::Timestamp(at)) => moment(at, *by),
        (Val::List(one), Val::List(other)) => join(one, other, budget),
        _ => Err(Error::no_such_overload()),
    }
}

/// Lists that are sets, or have keys, are united; others are put behind each other.
fn join<'a>(one: &List<'a>, other: &List<'a>, budget: &mut Budget) -> Made<'a> {
    budget.spend(one.len() as u64 + other.len() as u64)?;
    let mut items: Vec<Val<'a>> = one.iter().collect::<Result<_, _>>()?;
    let List::Lent(_, _, order @ (Order::Set | Order::Keyed(_))) = one else {
        for item in other.iter() {
            items.push(item?);
        }
        return Ok(Val::list(items));
    };
    for item in other.iter() {
        let item = item?;
        let mut place = None;
        for (index, known) in items.iter().enumerate() {
            let alone = List::Made(std::rc::Rc::new(vec![known.clone()]));
            if data::place_of(&alone, &item, order, budget)?.is_some() {
                place = Some(index);
                break;
            }
        }
        match place {
            Some(index) => items[index] = item,
            None => items.push(item),
        }
    }
    Ok(Val::list(items))
}

fn span<'a>(span: Option<SignedDuration>) -> Made<'a> {
    span.map(Val::Duration).ok_or_else(|| Error::new("duration overflow"))
}

fn moment<'a>(at: &Timestamp, by: SignedDuration) -> Made<'a> {
    at.checked_add(by).map(Val::Timestamp).map_err(|_| Error::new("timestamp overflow"))
}

fn subtract<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    match args {
        [Val::Int(one), Val::Int(other)] => one.checked_sub(*other).map(Val::Int).ok_or_else(overflow),
        [Val::Uint(one), Val::Uint(other)] => one.checked_sub(*other).map(Val::Uint).ok_or_else(unsigned_overflow),
        [Val::Double(one), Val::Double(other)] => Ok(Val::Double(one - other)),
        [Val::Duration(one), Val::Duration(other)] => span(one.checked_sub(*other)),
        [Val::Timestamp(at), Val::Duration(by)] => match by.checked_neg() {
            Some(by) => moment(at, by),
            None => Err(Error::new("timestamp overflow")),
        },
        [Val::Timestamp(one), Val::Timestamp(other)] => Ok(Val::Duration(one.duration_since(*other))),
        _ => Err(Error::no_such_overload()),
    }
}

fn multiply<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    match args {
        [Val::Int(one), Val::Int(other)] => one.checked_mul(*other).map(Val::Int).ok_or_else(overflow),
        [Val::Uint(one), Val::Uint(other)] => one.checked_mul(*other).map(Val::Uint).ok_or_else(unsigned_overflow),
        [Val::Double(one), Val::Double(other)] => Ok(Val::Double(one * other)),
        _ => Err(Error::no_such_overload()),
    }
}

fn divide<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    match args {
        [Val::Int(_), Val::Int(0)] | [Val::Uint(_), Val::Uint(0)] => Err(Error::new("division by zero")),
        [Val::Int(one), Val::Int(other)] => one.checked_div(*other).map(Val::Int).ok_or_else(overflow),
        [Val::Uint(one), Val::Uint(other)] => Ok(Val::Uint(one / other)),
        [Val::Double(one), Val::Double(other)] => Ok(Val::Double(one / other)),
        _ => Err(Error::no_such_overload()),
    }
}

fn modulo<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    match args {
        [Val::Int(_), Val::Int(0)] | [Val::Uint(_), Val::Uint(0)] => Err(Error::new("modulus by zero")),
        [Val::Int(one), Val::Int(other)] => one.checked_rem(*other).map(Val::Int).ok_or_else(overflow),
        [Val::Uint(one), Val::Uint(other)] => Ok(Val::Uint(one % other)),
        _ => Err(Error::no_such_overload()),
    }
}

/// The order of two values, where they have one.
pub fn order(one: &Val<'_>, other: &Val<'_>, budget: &mut Budget) -> Result<Ordering, Error> {
    budget.spend_on_text(one.size().min(other.size()))?;
    Ok(match (one, other) {
        (Val::Bool(one), Val::Bool(other)) => one.cmp(other),
        (Val::String(one), Val::String(other)) => (**one).cmp(other),
        (Val::Bytes(one), Val::Bytes(other)) => one.cmp(other),
        (Val::Timestamp(one), Val::Timestamp(other)) => one.cmp(other),
        (Val::Duration(one), Val::Duration(other)) => one.cmp(other),
        (Val::Double(number), _) | (_, Val::Double(number)) if number.is_nan() => {
            return Err(Error::new("NaN values cannot be ordered"));
        }
        (one, other) => compare_numbers(one, other).ok_or_else(Error::no_such_overload)?,
    })
}

fn ordered<'a>(args: &[Val<'a>], budget: &mut Budget, holds: fn(Ordering) -> bool) -> Made<'a> {
    match args {
        [one, other] => order(one, other, budget).map(|order| Val::Bool(holds(order))),
        _ => Err(Error::no_such_overload()),
    }
}

fn less<'a>(args: &[Val<'a>], budget: &mut Budget) -> Made<'a> {
    ordered(args, budget, Ordering::is_lt)
}

fn at_most<'a>(args: &[Val<'a>], budget: &mut Budget) -> Made<'a> {
    ordered(args, budget, Ordering::is_le)
}

fn more<'a>(args: &[Val<'a>], budget: &mut Budget) -> Made<'a> {
    ordered(args, budget, Ordering::is_gt)
}

fn at_least<'a>(args: &[Val<'a>], budget: &mut Budget) -> Made<'a> {
    ordered(args, budget, Ordering::is_ge)
}

/// Whether a value is what there is before anything is set.
pub fn is_zero(value: &Val<'_>) -> bool {
    match value {
        Val::Null | Val::Bool(false) | Val::Int(0) | Val::Uint(0) => true,
        Val::Double(number) => *number == 0.0,
        Val::String(text) => text.is_empty(),
        Val::Bytes(bytes) => bytes.is_empty(),
        Val::List(list) => list.len() == 0,
        Val::Map(Map::Struct(map, _) | Map::Lent(map, _)) => map.is_empty(),
        Val::Map(map) => map.len() == 0,
        Val::Duration(span) => span.is_zero(),
        _ => false,
    }
}
