//! Semantic versions.

use std::cmp::Ordering;

use super::{Library, Made, unfit};
use crate::Error;
use crate::eval::Budget;
use crate::signature::Row;
use crate::value::Val;

pub const TABLE: &[Row] = &[
    ("semver", "(string) -> semver", semver),
    ("semver", "(string, bool) -> semver", semver),
    ("isSemver", "(string) -> bool", is_semver),
    ("isSemver", "(string, bool) -> bool", is_semver),
    ("isGreaterThan", "semver.(semver) -> bool", is_greater),
    ("isLessThan", "semver.(semver) -> bool", is_less),
    ("compareTo", "semver.(semver) -> int", compare),
    ("major", "semver.() -> int", major),
    ("minor", "semver.() -> int", minor),
    ("patch", "semver.() -> int", patch),
];

/// A version; what was built makes no difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Semver {
    numbers: [u64; 3],
    before: Vec<String>,
}

fn read(text: &str, lenient: bool) -> Option<Semver> {
    let text = if lenient { text.trim_start_matches('v') } else { text };
    let (text, build) = text.split_once('+').map_or((text, None), |(text, build)| (text, Some(build)));
    let (core, before) = text.split_once('-').map_or((text, None), |(core, before)| (core, Some(before)));
    let part = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let parts = |parts: &str| parts.split('.').all(part);
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let is_padded = |part: &str| part.len() > 1 && part.starts_with('0') && is_number(part);
    let mut numbers = [0; 3];
    let given: Vec<&str> = core.split('.').collect();
    if given.len() > 3 || given.len() < 3 && !lenient {
        return None;
    }
    for (number, written) in numbers.iter_mut().zip(given) {
        if written.is_empty() || !is_number(written) || is_padded(written) && !lenient {
            return None;
        }
        *number = written.parse().ok()?;
    }
    let unfit = before.is_some_and(|before| !parts(before) || before.split('.').any(is_padded));
    if unfit || build.is_some_and(|build| !parts(build)) {
        return None;
    }
    Some(Semver {
        numbers,
        before: before.map(|before| before.split('.').map(str::to_owned).collect()).unwrap_or_default(),
    })
}

fn order(one: &Semver, other: &Semver) -> Ordering {
    let released = |version: &Semver| version.before.is_empty();
    let before = || {
        for (one, other) in one.before.iter().zip(&other.before) {
            let order = match (one.parse::<u64>(), other.parse::<u64>()) {
                (Ok(one), Ok(other)) => one.cmp(&other),
                (Ok(_), Err(_)) => Ordering::Less,
                (Err(_), Ok(_)) => Ordering::Greater,
                (Err(_), Err(_)) => one.cmp(other),
            };
            if order.is_ne() {
                return order;
            }
        }
        one.before.len().cmp(&other.before.len())
    };
    one.numbers.cmp(&other.numbers).then(released(one).cmp(&released(other))).then_with(before)
}

fn given(args: &[Val<'_>], budget: &mut Budget) -> Result<Option<Semver>, Error> {
    match args {
        [Val::String(text), rest @ ..] => {
            budget.spend_on_text(text.len())?;
            Ok(read(text, matches!(rest, [Val::Bool(true)])))
        }
        _ => Err(Error::no_such_overload()),
    }
}

fn semver<'a>(args: &[Val<'a>], budget: &mut Budget) -> Made<'a> {
    let version = given(args, budget)?.ok_or_else(|| Error::new("Invalid semantic version"))?;
    Ok(Val::library(Library::Semver(version)))
}

fn is_semver<'a>(args: &[Val<'a>], budget: &mut Budget) -> Made<'a> {
    Ok(Val::Bool(given(args, budget)?.is_some()))
}

fn compared(args: &[Val<'_>]) -> Result<Ordering, Error> {
    match args {
        [Val::Library(one), Val::Library(other)] => match (&**one, &**other) {
            (Library::Semver(one), Library::Semver(other)) => Ok(order(one, other)),
            _ => Err(Error::no_such_overload()),
        },
        _ => Err(Error::no_such_overload()),
    }
}

fn is_greater<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    compared(args).map(|order| Val::Bool(order.is_gt()))
}

fn is_less<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    compared(args).map(|order| Val::Bool(order.is_lt()))
}

fn compare<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    compared(args).map(|order| Val::Int(order as i64))
}

fn number<'a>(args: &[Val<'a>], place: usize) -> Made<'a> {
    match args {
        [Val::Library(value)] => match &**value {
            Library::Semver(version) => Ok(Val::Int(version.numbers[place] as i64)),
            _ => unfit(),
        },
        _ => unfit(),
    }
}

fn major<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    number(args, 0)
}

fn minor<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    number(args, 1)
}

fn patch<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    number(args, 2)
}
