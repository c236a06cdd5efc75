//! Values that may be missing.

use super::{Made, unfit};
use crate::Error;
use crate::eval::Budget;
use crate::operators::is_zero;
use crate::signature::Row;
use crate::value::Val;

pub const TABLE: &[Row] = &[
    ("optional.of", "(A) -> optional(A)", of),
    ("optional.ofNonZeroValue", "(A) -> optional(A)", of_non_zero),
    ("optional.none", "() -> optional(A)", none),
    ("hasValue", "optional(A).() -> bool", has_value),
    ("value", "optional(A).() -> A", value),
    ("or", "optional(A).(optional(A)) -> optional(A)", or),
    ("orValue", "optional(A).(A) -> A", or_value),
];

fn of<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    args.first().map_or_else(unfit, |value| Ok(Val::optional(Some(value.clone()))))
}

fn of_non_zero<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    args.first().map_or_else(unfit, |value| Ok(Val::optional(Some(value.clone()).filter(|value| !is_zero(value)))))
}

fn none<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    if args.is_empty() { Ok(Val::Optional(None)) } else { unfit() }
}

fn has_value<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    match args {
        [Val::Optional(value)] => Ok(Val::Bool(value.is_some())),
        _ => unfit(),
    }
}

fn value<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    match args {
        [Val::Optional(Some(value))] => Ok((**value).clone()),
        [Val::Optional(None)] => Err(Error::new("optional.none() dereference")),
        _ => unfit(),
    }
}

fn or<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    match args {
        [one @ Val::Optional(Some(_)), _] => Ok(one.clone()),
        [Val::Optional(None), other] => Ok(other.clone()),
        _ => unfit(),
    }
}

fn or_value<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    match args {
        [Val::Optional(Some(value)), _] => Ok((**value).clone()),
        [Val::Optional(None), other] => Ok(other.clone()),
        _ => unfit(),
    }
}
