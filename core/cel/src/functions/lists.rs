//! Functions of lists, and lists as sets.

use super::{Made, unfit};
use crate::eval::Budget;
use crate::operators::{self, order};
use crate::signature::{Row, Run};
use crate::value::{List, Val};
use crate::{Error, data};

pub const TABLE: &[Row] = &[
    ("isSorted", "list(int).() -> bool", is_sorted),
    ("isSorted", "list(uint).() -> bool", is_sorted),
    ("isSorted", "list(double).() -> bool", is_sorted),
    ("isSorted", "list(bool).() -> bool", is_sorted),
    ("isSorted", "list(duration).() -> bool", is_sorted),
    ("isSorted", "list(timestamp).() -> bool", is_sorted),
    ("isSorted", "list(string).() -> bool", is_sorted),
    ("isSorted", "list(bytes).() -> bool", is_sorted),
    ("sum", "list(int).() -> int", sum),
    ("sum", "list(uint).() -> uint", sum),
    ("sum", "list(double).() -> double", sum),
    ("sum", "list(duration).() -> duration", sum),
    ("min", "list(int).() -> int", min),
    ("min", "list(uint).() -> uint", min),
    ("min", "list(double).() -> double", min),
    ("min", "list(bool).() -> bool", min),
    ("min", "list(duration).() -> duration", min),
    ("min", "list(timestamp).() -> timestamp", min),
    ("min", "list(string).() -> string", min),
    ("min", "list(bytes).() -> bytes", min),
    ("max", "list(int).() -> int", max),
    ("max", "list(uint).() -> uint", max),
    ("max", "list(double).() -> double", max),
    ("max", "list(bool).() -> bool", max),
    ("max", "list(duration).() -> duration", max),
    ("max", "list(timestamp).() -> timestamp", max),
    ("max", "list(string).() -> string", max),
    ("max", "list(bytes).() -> bytes", max),
    ("indexOf", "list(A).(A) -> int", index_of),
    ("lastIndexOf", "list(A).(A) -> int", last_index_of),
    ("sets.contains", "(list(A), list(A)) -> bool", contains),
    ("sets.equivalent", "(list(A), list(A)) -> bool", equivalent),
    ("sets.intersects", "(list(A), list(A)) -> bool", intersects),
];

fn items<'a>(args: &[Val<'a>]) -> Result<Vec<Val<'a>>, Error> {
    match args.first() {
        Some(Val::List(list)) => list.iter().collect(),
        _ => Err(Error::no_such_overload()),
    }
}

fn is_sorted<'a>(args: &[Val<'a>], budget: &mut Budget) -> Made<'a> {
    for pair in items(args)?.windows(2) {
        if order(&pair[0], &pair[1], budget)?.is_gt() {
            return Ok(Val::Bool(false));
        }
    }
    Ok(Val::Bool(true))
}

fn sum<'a>(args: &[Val<'a>], budget: &mut Budget) -> Made<'a> {
    let mut items = items(args)?.into_iter();
    let Some(mut sum) = items.next() else { return Ok(Val::Int(0)) };
    let (_, _, add): &(&str, &str, Run) =
        operators::TABLE.iter().find(|(name, ..)| *name == "_+_").ok_or_else(Error::no_such_overload)?;
    for item in items {
        sum = add(&[sum, item], budget)?;
    }
    Ok(sum)
}

fn outermost<'a>(args: &[Val<'a>], budget: &mut Budget, name: &str, least: bool) -> Made<'a> {
    let mut best: Option<Val<'a>> = None;
    for item in items(args)? {
        best = match best {
            Some(best) if order(&item, &best, budget)?.is_lt() != least => Some(best),
            _ => Some(item),
        };
    }
    best.ok_or_else(|| Error::new(format!("{name} called on empty list")))
}

fn min<'a>(args: &[Val<'a>], budget: &mut Budget) -> Made<'a> {
    outermost(args, budget, "min", true)
}

fn max<'a>(args: &[Val<'a>], budget: &mut Budget) -> Made<'a> {
    outermost(args, budget, "max", false)
}

fn places(args: &[Val<'_>], budget: &mut Budget) -> Result<Vec<i64>, Error> {
    let [Val::List(list), wanted] = args else { return Err(Error::no_such_overload()) };
    let mut places = Vec::new();
    for (index, item) in (0_i64..).zip(list.iter()) {
        if data::equal(&item?, wanted, budget)? {
            places.push(index);
        }
    }
    Ok(places)
}

fn index_of<'a>(args: &[Val<'a>], budget: &mut Budget) -> Made<'a> {
    Ok(Val::Int(places(args, budget)?.first().copied().unwrap_or(-1)))
}

fn last_index_of<'a>(args: &[Val<'a>], budget: &mut Budget) -> Made<'a> {
    Ok(Val::Int(places(args, budget)?.last().copied().unwrap_or(-1)))
}

fn has(list: &List<'_>, wanted: &Val<'_>, budget: &mut Budget) -> Result<bool, Error> {
    for item in list.iter() {
        if data::equal(&item?, wanted, budget)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// How many of the second list's items the first one has, and how many it does not.
fn shared(list: &List<'_>, wanted: &List<'_>, budget: &mut Budget) -> Result<(usize, usize), Error> {
    let mut found = 0;
    for item in wanted.iter() {
        found += usize::from(has(list, &item?, budget)?);
    }
    Ok((found, wanted.len() - found))
}

fn contains<'a>(args: &[Val<'a>], budget: &mut Budget) -> Made<'a> {
    let [Val::List(list), Val::List(wanted)] = args else { return unfit() };
    Ok(Val::Bool(shared(list, wanted, budget)?.1 == 0))
}

fn equivalent<'a>(args: &[Val<'a>], budget: &mut Budget) -> Made<'a> {
    let [Val::List(one), Val::List(other)] = args else { return unfit() };
    Ok(Val::Bool(shared(one, other, budget)?.1 == 0 && shared(other, one, budget)?.1 == 0))
}

fn intersects<'a>(args: &[Val<'a>], budget: &mut Budget) -> Made<'a> {
    let [Val::List(one), Val::List(other)] = args else { return unfit() };
    Ok(Val::Bool(shared(one, other, budget)?.0 > 0))
}
