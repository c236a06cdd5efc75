//! Bits of whole numbers.

use super::super::error::Refusal;
use super::super::kind::Type;
use super::super::value::Value;
use super::{Builtin, Given, Kinds, row};

const TWO: &[Kinds] = &[Kinds::INT, Kinds::INT];

pub const TABLE: &[Builtin] = &[
    row("bitand", TWO, int, |args, _| on_two("bitand", args, |one, other| Some(one & other))),
    row("bitor", TWO, int, |args, _| on_two("bitor", args, |one, other| Some(one | other))),
    row("bitxor", TWO, int, |args, _| on_two("bitxor", args, |one, other| Some(one ^ other))),
    row("bitnand", TWO, int, |args, _| on_two("bitnand", args, |one, other| Some(one & !other))),
    row("bitnot", &[Kinds::INT], int, |args, _| Ok(Value::Int(!bits("bitnot", args, 0)?))),
    row("bitshl", TWO, int, |args, _| on_two("bitshl", args, |of, by| shifted(by, |by| of.checked_shl(by), 0))),
    row("bitshr", TWO, int, |args, _| on_two("bitshr", args, |of, by| shifted(by, |by| of.checked_shr(by), of >> 63))),
    row("bitushr", TWO, int, |args, _| {
        on_two("bitushr", args, |of, by| shifted(by, |by| (of as u64).checked_shr(by).map(|of| of as i64), 0))
    }),
];

fn int(_: &[Type]) -> Type {
    Type::Int
}

/// An argument, which has to be a whole number: there are no bits in others.
fn bits(name: &str, args: &[Value], index: usize) -> Result<i64, Refusal> {
    match args.get(index) {
        Some(Value::Int(number)) => Ok(*number),
        other => Err(Refusal::unfit(name, other.unwrap_or(&Value::Nil))),
    }
}

fn on_two(name: &str, args: &[Value], run: fn(i64, i64) -> Option<i64>) -> Given {
    let made = run(bits(name, args, 0)?, bits(name, args, 1)?);
    made.map(Value::Int).ok_or_else(|| Refusal::new(format!("{name}: negative shift count")))
}

/// A shift by more bits than there are gives `far`; one by less than none nothing.
fn shifted(by: i64, shift: impl Fn(u32) -> Option<i64>, far: i64) -> Option<i64> {
    if by < 0 { None } else { Some(u32::try_from(by).ok().and_then(shift).unwrap_or(far)) }
}
