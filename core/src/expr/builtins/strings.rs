//! Texts.

use super::super::error::Refusal;
use super::super::fuel::Work;
use super::super::kind::Type;
use super::super::value::Value;
use super::{Builtin, Given, Kinds, list, row, text, whole};

const TEXT: Kinds = Kinds::STRING;
const TWO: &[Kinds] = &[TEXT, TEXT];

pub const TABLE: &[Builtin] = &[
    row("trim", &[TEXT, TEXT], string, |args, work| cut("trim", args, work, Side::Both)).least(1),
    row("trimPrefix", &[TEXT, TEXT], string, |args, work| cut("trimPrefix", args, work, Side::Start)).least(1),
    row("trimSuffix", &[TEXT, TEXT], string, |args, work| cut("trimSuffix", args, work, Side::End)).least(1),
    row("upper", &[TEXT], string, |args, work| made(text("upper", args, 0)?.to_uppercase(), work)),
    row("lower", &[TEXT], string, |args, work| made(text("lower", args, 0)?.to_lowercase(), work)),
    row("split", &[TEXT, TEXT, Kinds::INT], strings, |args, work| split("split", args, work, false)).least(2),
    row("splitAfter", &[TEXT, TEXT, Kinds::INT], strings, |args, work| split("splitAfter", args, work, true)).least(2),
    row("replace", &[TEXT, TEXT, TEXT, Kinds::INT], string, replace).least(3),
    row("repeat", &[TEXT, Kinds::INT], string, repeat),
    row("join", &[Kinds::ARRAY, TEXT], string, join).least(1),
    row("indexOf", TWO, |_| Type::Int, |args, work| place("indexOf", args, work, |of, what| of.find(what))),
    row("lastIndexOf", TWO, |_| Type::Int, |args, work| place("lastIndexOf", args, work, |of, what| of.rfind(what))),
    row(
        "hasPrefix",
        TWO,
        |_| Type::Bool,
        |args, work| begins("hasPrefix", args, work, |of, what| of.starts_with(what)),
    ),
    row("hasSuffix", TWO, |_| Type::Bool, |args, work| begins("hasSuffix", args, work, |of, what| of.ends_with(what))),
];

fn string(_: &[Type]) -> Type {
    Type::String
}

fn strings(_: &[Type]) -> Type {
    Type::array(Type::String)
}

/// A new text, paid for.
fn made(text: String, work: &mut Work<'_>) -> Given {
    work.spend_on_text(text.len())?;
    Ok(Value::text(text))
}

#[derive(Clone, Copy)]
enum Side {
    Both,
    Start,
    End,
}

/// `trim` takes away what is in a set of characters, white space by itself; the others one text, a space by itself.
fn cut(name: &str, args: &[Value], work: &mut Work<'_>, side: Side) -> Given {
    let of = text(name, args, 0)?;
    let what = if args.len() > 1 { Some(text(name, args, 1)?) } else { None };
    work.spend_on_text(of.len().saturating_mul(1 + what.map_or(0, str::len)))?;
    let left = match side {
        Side::Both => what.map_or_else(|| of.trim(), |set| of.trim_matches(|c| set.contains(c))),
        Side::Start => of.strip_prefix(what.unwrap_or(" ")).unwrap_or(of),
        Side::End => of.strip_suffix(what.unwrap_or(" ")).unwrap_or(of),
    };
    made(left.to_owned(), work)
}

/// At a separator, which stays at the end of each part if `keep`. An empty one separates all characters.
fn split(name: &str, args: &[Value], work: &mut Work<'_>, keep: bool) -> Given {
    let (of, by) = (text(name, args, 0)?, text(name, args, 1)?);
    let most = if args.len() > 2 { whole(name, args, 2)? } else { -1 };
    if most == 0 {
        return Ok(Value::array_of(Type::String, Vec::new())?);
    }
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let mut parts = Vec::new();
    let mut rest = of;
    while parts.len() + 1 < most {
        let at = if by.is_empty() { rest.chars().next().map(char::len_utf8) } else { rest.find(by) };
        let Some(at) = at.filter(|at| !by.is_empty() || *at < rest.len()) else { break };
        work.spend_on_items(1)?;
        let end = if keep { at + by.len() } else { at };
        parts.push(Value::text(&rest[..end]));
        rest = &rest[at + by.len()..];
    }
    if !rest.is_empty() || !by.is_empty() {
        parts.push(Value::text(rest));
    }
    work.spend_on_text(of.len())?;
    Ok(Value::array_of(Type::String, parts)?)
}

fn replace(args: &[Value], work: &mut Work<'_>) -> Given {
    let (of, old, new) = (text("replace", args, 0)?, text("replace", args, 1)?, text("replace", args, 2)?);
    let most = if args.len() > 3 { whole("replace", args, 3)? } else { -1 };
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let found = if old.is_empty() { of.chars().count() + 1 } else { of.matches(old).count() };
    // Paid for before it is made: it can be much longer than what it is made of.
    work.spend_on_text(of.len().saturating_add(found.min(most).saturating_mul(new.len())))?;
    Ok(Value::text(of.replacen(old, new, most)))
}

fn repeat(args: &[Value], work: &mut Work<'_>) -> Given {
    let (of, times) = (text("repeat", args, 0)?, whole("repeat", args, 1)?);
    let times = usize::try_from(times).map_err(|_| Refusal::new("repeat: the count is negative"))?;
    work.spend(times as u64)?;
    work.spend_on_text(of.len().saturating_mul(times))?;
    Ok(Value::text(of.repeat(times)))
}

fn join(args: &[Value], work: &mut Work<'_>) -> Given {
    let glue = if args.len() > 1 { text("join", args, 1)? } else { "" };
    let mut out = String::new();
    for (index, item) in list("join", args, 0)?.iter().enumerate() {
        let Value::String(item) = item else { return Err(Refusal::unfit("join", item)) };
        work.spend_on_text(item.len() + glue.len())?;
        out.push_str(if index == 0 { "" } else { glue });
        out.push_str(item);
    }
    Ok(Value::text(out))
}

/// Where a text begins in another one, in bytes; -1 where it does not.
fn place(name: &str, args: &[Value], work: &mut Work<'_>, find: fn(&str, &str) -> Option<usize>) -> Given {
    let (of, what) = (text(name, args, 0)?, text(name, args, 1)?);
    work.spend_on_text(of.len())?;
    Ok(Value::Int(find(of, what).map_or(-1, |at| at as i64)))
}

/// Whether a text begins, or ends, with another one.
fn begins(name: &str, args: &[Value], work: &mut Work<'_>, test: fn(&str, &str) -> bool) -> Given {
    let (of, what) = (text(name, args, 0)?, text(name, args, 1)?);
    work.spend_on_text(what.len())?;
    Ok(Value::Bool(test(of, what)))
}
