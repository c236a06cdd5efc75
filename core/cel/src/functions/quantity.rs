//! Quantities: amounts with a unit, such as `500m` or `2Gi`.

use super::{Library, Made, unfit};
use crate::Error;
use crate::amount::nanos;
use crate::eval::Budget;
use crate::signature::Row;
use crate::value::Val;

pub const TABLE: &[Row] = &[
    ("quantity", "(string) -> quantity", quantity),
    ("isQuantity", "(string) -> bool", is_quantity),
    ("sign", "(quantity) -> int", sign),
    ("isGreaterThan", "quantity.(quantity) -> bool", is_greater),
    ("isLessThan", "quantity.(quantity) -> bool", is_less),
    ("compareTo", "quantity.(quantity) -> int", compare),
    ("asApproximateFloat", "quantity.() -> double", as_float),
    ("asInteger", "quantity.() -> int", as_integer),
    ("isInteger", "quantity.() -> bool", is_integer),
    ("add", "quantity.(quantity) -> quantity", add),
    ("add", "quantity.(int) -> quantity", add),
    ("sub", "quantity.(quantity) -> quantity", sub),
    ("sub", "quantity.(int) -> quantity", sub),
];

const UNIT: i128 = 1_000_000_000;
/// A quantity that is a number in text is no longer than this.
const LONGEST: usize = 64;

fn read(text: &str) -> Option<i128> {
    if text.len() > LONGEST { None } else { nanos(text) }
}

fn amount(value: &Val<'_>) -> Result<i128, Error> {
    match value {
        Val::Int(number) => Ok(i128::from(*number) * UNIT),
        Val::Library(value) => match &**value {
            Library::Quantity(nanos) => Ok(*nanos),
            _ => Err(Error::no_such_overload()),
        },
        _ => Err(Error::no_such_overload()),
    }
}

fn two(args: &[Val<'_>]) -> Result<(i128, i128), Error> {
    match args {
        [one, other] => Ok((amount(one)?, amount(other)?)),
        _ => Err(Error::no_such_overload()),
    }
}

fn one(args: &[Val<'_>]) -> Result<i128, Error> {
    args.first().map_or_else(|| Err(Error::no_such_overload()), amount)
}

fn quantity<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    let [Val::String(text)] = args else { return unfit() };
    let wrong = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
    read(text).map(|nanos| Val::library(Library::Quantity(nanos))).ok_or_else(|| Error::new(wrong))
}

fn is_quantity<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    let [Val::String(text)] = args else { return unfit() };
    Ok(Val::Bool(read(text).is_some()))
}

fn sign<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    Ok(Val::Int(one(args)?.signum() as i64))
}

fn is_greater<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    two(args).map(|(one, other)| Val::Bool(one > other))
}

fn is_less<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    two(args).map(|(one, other)| Val::Bool(one < other))
}

fn compare<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    two(args).map(|(one, other)| Val::Int(one.cmp(&other) as i64))
}

fn as_float<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    Ok(Val::Double(one(args)? as f64 / UNIT as f64))
}

fn whole(nanos: i128) -> Option<i64> {
    if nanos % UNIT == 0 { i64::try_from(nanos / UNIT).ok() } else { None }
}

fn as_integer<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    let found = whole(one(args)?);
    found.map(Val::Int).ok_or_else(|| Error::new("cannot convert value to integer"))
}

fn is_integer<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    Ok(Val::Bool(whole(one(args)?).is_some()))
}

fn made<'a>(nanos: Option<i128>) -> Made<'a> {
    nanos.map(|nanos| Val::library(Library::Quantity(nanos))).ok_or_else(|| Error::new("quantity overflow"))
}

fn add<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    let (one, other) = two(args)?;
    made(one.checked_add(other))
}

fn sub<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    let (one, other) = two(args)?;
    made(one.checked_sub(other))
}
