//! Lists.

use super::super::access;
use super::super::error::Refusal;
use super::super::fuel::Work;
use super::super::kind::Type;
use super::super::operators;
use super::super::value::Value;
use super::{Builtin, Given, Kinds, list, row, text};

const LIST: Kinds = Kinds::ARRAY;

pub const TABLE: &[Builtin] = &[
    row("len", &[LIST.or(Kinds::MAP).or(Kinds::STRING)], |_| Type::Int, len),
    row("first", &[LIST], item, |args, _| Ok(end(args, 0))),
    row("last", &[LIST], item, |args, _| Ok(end(args, -1))),
    row("take", &[LIST, Kinds::INT], same, take),
    row("reverse", &[LIST], |_| Type::array(Type::Any), reverse),
    row("uniq", &[LIST], |_| Type::array(Type::Any), uniq),
    row("concat", &[LIST], |_| Type::array(Type::Any), concat).more(),
    row("flatten", &[LIST], |_| Type::array(Type::Any), flatten),
    row("sort", &[LIST, Kinds::STRING], |_| Type::array(Type::Any), sort).least(1),
];

/// The type of an item of the list.
fn item(args: &[Type]) -> Type {
    args.first().and_then(Type::item).cloned().unwrap_or(Type::Any)
}

/// What is at an end, or nil: also of what turns out to be no list.
fn end(args: &[Value], at: i64) -> Value {
    args.first().and_then(|of| access::fetch(of, &Value::Int(at)).ok()).unwrap_or(Value::Nil)
}

fn same(args: &[Type]) -> Type {
    args.first().cloned().unwrap_or(Type::Any)
}

/// A new list, paid for.
fn made(items: Vec<Value>, work: &mut Work<'_>) -> Given {
    work.spend_on_items(items.len())?;
    Ok(Value::array(items)?)
}

/// The number of items, of entries, of characters.
fn len(args: &[Value], work: &mut Work<'_>) -> Given {
    let length = match args.first() {
        Some(Value::Array(array)) => array.items.len(),
        Some(Value::Map(map)) => map.entries.len(),
        Some(Value::String(text)) => {
            work.spend_on_text(text.len())?;
            text.chars().count()
        }
        other => return Err(Refusal::unfit("len", other.unwrap_or(&Value::Nil))),
    };
    Ok(Value::Int(length as i64))
}

fn take(args: &[Value], work: &mut Work<'_>) -> Given {
    let items = list("take", args, 0)?;
    let most = match args.get(1) {
        Some(Value::Int(most)) => usize::try_from(*most),
        other => return Err(Refusal::unfit("take", other.unwrap_or(&Value::Nil))),
    };
    let most = most.map_err(|_| Refusal::new("cannot take a negative number of items"))?;
    let of = match args.first() {
        Some(Value::Array(array)) => array.of.clone(),
        _ => Type::Any,
    };
    let taken: Vec<Value> = items.iter().take(most).cloned().collect();
    work.spend_on_items(taken.len())?;
    Ok(Value::array_of(of, taken)?)
}

fn reverse(args: &[Value], work: &mut Work<'_>) -> Given {
    made(list("reverse", args, 0)?.iter().rev().cloned().collect(), work)
}

fn uniq(args: &[Value], work: &mut Work<'_>) -> Given {
    let mut found: Vec<Value> = Vec::new();
    'items: for item in list("uniq", args, 0)? {
        for known in &found {
            if operators::equal(item, known, work)? {
                continue 'items;
            }
        }
        found.push(item.clone());
    }
    made(found, work)
}

fn concat(args: &[Value], work: &mut Work<'_>) -> Given {
    let mut all = Vec::new();
    for index in 0..args.len() {
        let items = list("concat", args, index)?;
        work.spend_on_items(items.len())?;
        all.extend(items.iter().cloned());
    }
    made(all, work)
}

fn flatten(args: &[Value], work: &mut Work<'_>) -> Given {
    let mut all = Vec::new();
    flat(list("flatten", args, 0)?, &mut all, work)?;
    made(all, work)
}

fn flat(items: &[Value], all: &mut Vec<Value>, work: &mut Work<'_>) -> Result<(), Refusal> {
    for item in items {
        work.spend_on_items(1)?;
        match item {
            Value::Array(array) => flat(&array.items, all, work)?,
            other => all.push(other.clone()),
        }
    }
    Ok(())
}

fn sort(args: &[Value], work: &mut Work<'_>) -> Given {
    let descending = is_descending("sort", args, 1)?;
    if matches!(args.first(), Some(Value::Nil)) {
        return made(Vec::new(), work);
    }
    let keyed = list("sort", args, 0)?.iter().map(|item| (item.clone(), item.clone())).collect();
    made(sorted(keyed, descending, work)?, work)
}

/// Whether an argument, if it is there, asks for the largest first.
pub fn is_descending(name: &str, args: &[Value], index: usize) -> Result<bool, Refusal> {
    if args.len() <= index {
        return Ok(false);
    }
    match text(name, args, index)? {
        "asc" => Ok(false),
        "desc" => Ok(true),
        other => Err(Refusal::new(format!("invalid order {other:?}: expected asc or desc"))),
    }
}

/// Items in the order of their keys, which all have to be of one kind.
pub fn sorted(mut keyed: Vec<(Value, Value)>, descending: bool, work: &mut Work<'_>) -> Result<Vec<Value>, Refusal> {
    if keyed.len() > 1 {
        let rounds = u64::from(keyed.len().ilog2()) + 1;
        let text: usize = keyed.iter().map(|(key, _)| key.text_length()).sum();
        work.spend(rounds.saturating_mul((keyed.len() + text / 8) as u64))?;
        let order = operators::order_of(keyed.iter().map(|(key, _)| key))?;
        keyed.sort_by(|(one, _), (other, _)| if descending { order(other, one) } else { order(one, other) });
    }
    Ok(keyed.into_iter().map(|(_, item)| item).collect())
}
