//! Functions of text. Places in a text are counted in characters.

use super::{Made, format, unfit};
use crate::Error;
use crate::eval::{Budget, pattern};
use crate::signature::Row;
use crate::value::{List, Val};

pub const TABLE: &[Row] = &[
    ("contains", "string.(string) -> bool", contains),
    ("startsWith", "string.(string) -> bool", starts_with),
    ("endsWith", "string.(string) -> bool", ends_with),
    ("matches", "string.(string) -> bool", matches),
    ("matches", "(string, string) -> bool", matches),
    ("find", "string.(string) -> string", find),
    ("findAll", "string.(string) -> list(string)", find_all),
    ("findAll", "string.(string, int) -> list(string)", find_all),
    ("charAt", "string.(int) -> string", char_at),
    ("indexOf", "string.(string) -> int", index_of),
    ("indexOf", "string.(string, int) -> int", index_of),
    ("lastIndexOf", "string.(string) -> int", last_index_of),
    ("lastIndexOf", "string.(string, int) -> int", last_index_of),
    ("join", "list(string).() -> string", join),
    ("join", "list(string).(string) -> string", join),
    ("lowerAscii", "string.() -> string", lower),
    ("upperAscii", "string.() -> string", upper),
    ("trim", "string.() -> string", trim),
    ("replace", "string.(string, string) -> string", replace),
    ("replace", "string.(string, string, int) -> string", replace),
    ("split", "string.(string) -> list(string)", split),
    ("split", "string.(string, int) -> list(string)", split),
    ("substring", "string.(int) -> string", substring),
    ("substring", "string.(int, int) -> string", substring),
    ("strings.quote", "(string) -> string", quote),
    ("format", "string.(list(dyn)) -> string", format_text),
];

/// Two texts.
fn two<'v>(args: &'v [Val<'_>], budget: &mut Budget) -> Result<(&'v str, &'v str), Error> {
    match args {
        [Val::String(one), Val::String(other), ..] => {
            budget.spend_on_text(one.len().saturating_add(other.len()))?;
            Ok((one, other))
        }
        _ => Err(Error::no_such_overload()),
    }
}

fn contains<'a>(args: &[Val<'a>], budget: &mut Budget) -> Made<'a> {
    two(args, budget).map(|(text, part)| Val::Bool(text.contains(part)))
}

fn starts_with<'a>(args: &[Val<'a>], budget: &mut Budget) -> Made<'a> {
    two(args, budget).map(|(text, part)| Val::Bool(text.starts_with(part)))
}

fn ends_with<'a>(args: &[Val<'a>], budget: &mut Budget) -> Made<'a> {
    two(args, budget).map(|(text, part)| Val::Bool(text.ends_with(part)))
}

fn matches<'a>(args: &[Val<'a>], budget: &mut Budget) -> Made<'a> {
    let (text, wanted) = two(args, budget)?;
    Ok(Val::Bool(pattern(wanted, budget)?.is_match(text)))
}

fn find<'a>(args: &[Val<'a>], budget: &mut Budget) -> Made<'a> {
    let (text, wanted) = two(args, budget)?;
    Ok(Val::text(pattern(wanted, budget)?.find(text).map_or("", |found| found.as_str())))
}

fn find_all<'a>(args: &[Val<'a>], budget: &mut Budget) -> Made<'a> {
    let (text, wanted) = two(args, budget)?;
    let most = match args.get(2) {
        Some(Val::Int(most)) => usize::try_from(*most).unwrap_or(usize::MAX),
        _ => usize::MAX,
    };
    let pattern = pattern(wanted, budget)?;
    budget.spend(text.len() as u64)?;
    Ok(Val::list(pattern.find_iter(text).take(most).map(|found| Val::text(found.as_str())).collect()))
}

fn out_of_range(index: i64) -> Error {
    Error::new(format!("index out of range: {index}"))
}

/// Where a character begins, counted in bytes; the end counts too.
fn place(text: &str, index: i64) -> Result<usize, Error> {
    let index_of = usize::try_from(index).map_err(|_| out_of_range(index))?;
    let mut places = text.char_indices().map(|(place, _)| place).chain([text.len()]);
    places.nth(index_of).ok_or_else(|| out_of_range(index))
}

fn char_at<'a>(args: &[Val<'a>], budget: &mut Budget) -> Made<'a> {
    let [Val::String(text), Val::Int(index)] = args else { return unfit() };
    budget.spend_on_text(text.len())?;
    let at = place(text, *index)?;
    Ok(Val::text(text[at..].chars().next().map(String::from).unwrap_or_default()))
}

fn counted(text: &str, place: Option<usize>) -> Val<'static> {
    Val::Int(place.map_or(-1, |place| text[..place].chars().count() as i64))
}

fn index_of<'a>(args: &[Val<'a>], budget: &mut Budget) -> Made<'a> {
    let (text, part) = two(args, budget)?;
    let from = match args.get(2) {
        Some(Val::Int(from)) => place(text, *from)?,
        _ => 0,
    };
    Ok(counted(text, text[from..].find(part).map(|found| from + found)))
}

fn last_index_of<'a>(args: &[Val<'a>], budget: &mut Budget) -> Made<'a> {
    let (text, part) = two(args, budget)?;
    let last = match args.get(2) {
        Some(Val::Int(last)) => place(text, *last)?,
        _ => text.len(),
    };
    let mut end = last.saturating_add(part.len()).min(text.len());
    while !text.is_char_boundary(end) {
        end += 1;
    }
    Ok(counted(text, text[..end].rfind(part)))
}

fn join<'a>(args: &[Val<'a>], budget: &mut Budget) -> Made<'a> {
    let (list, between): (&List<'a>, &str) = match args {
        [Val::List(list)] => (list, ""),
        [Val::List(list), Val::String(between)] => (list, between),
        _ => return unfit(),
    };
    let mut joined = String::new();
    for (index, item) in list.iter().enumerate() {
        let Val::String(item) = item? else { return unfit() };
        budget.spend_on_text(item.len().saturating_add(between.len()))?;
        if index > 0 {
            joined.push_str(between);
        }
        joined.push_str(&item);
    }
    Ok(Val::text(joined))
}

fn changed<'a>(args: &[Val<'a>], budget: &mut Budget, change: fn(&str) -> String) -> Made<'a> {
    let [Val::String(text)] = args else { return unfit() };
    budget.spend_on_text(text.len())?;
    Ok(Val::text(change(text)))
}

fn lower<'a>(args: &[Val<'a>], budget: &mut Budget) -> Made<'a> {
    changed(args, budget, str::to_ascii_lowercase)
}

fn upper<'a>(args: &[Val<'a>], budget: &mut Budget) -> Made<'a> {
    changed(args, budget, str::to_ascii_uppercase)
}

fn trim<'a>(args: &[Val<'a>], budget: &mut Budget) -> Made<'a> {
    changed(args, budget, |text| text.trim().to_owned())
}

fn quote<'a>(args: &[Val<'a>], budget: &mut Budget) -> Made<'a> {
    changed(args, budget, format::quoted)
}

fn replace<'a>(args: &[Val<'a>], budget: &mut Budget) -> Made<'a> {
    let [Val::String(text), Val::String(part), Val::String(by), rest @ ..] = args else { return unfit() };
    let most = match rest {
        [Val::Int(most)] => usize::try_from(*most).unwrap_or(usize::MAX),
        _ => usize::MAX,
    };
    let places = if part.is_empty() { text.chars().count() + 1 } else { text.matches(&**part).count() };
    let grown = places.min(most).saturating_mul(by.len());
    budget.spend_on_text(text.len().saturating_add(grown))?;
    Ok(Val::text(text.replacen(&**part, by, most)))
}

fn split<'a>(args: &[Val<'a>], budget: &mut Budget) -> Made<'a> {
    let (text, by) = two(args, budget)?;
    budget.spend(text.len() as u64)?;
    let parts: Vec<&str> = match (args.get(2), by) {
        (Some(Val::Int(0)), _) => Vec::new(),
        (Some(Val::Int(most)), "") if *most > 0 => characters(text, *most as usize),
        (_, "") => characters(text, usize::MAX),
        (Some(Val::Int(most)), by) if *most > 0 => text.splitn(*most as usize, by).collect(),
        (_, by) => text.split(by).collect(),
    };
    Ok(Val::list(parts.into_iter().map(Val::text).collect()))
}

/// The characters of a text; from the last on, what is left.
fn characters(text: &str, most: usize) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if parts.len() + 1 == most {
            parts.push(rest);
            break;
        }
        let (one, more) = rest.split_at(first.len_utf8());
        parts.push(one);
        rest = more;
    }
    parts
}

fn substring<'a>(args: &[Val<'a>], budget: &mut Budget) -> Made<'a> {
    let (Some(Val::String(text)), Some(Val::Int(from))) = (args.first(), args.get(1)) else { return unfit() };
    budget.spend_on_text(text.len())?;
    let start = place(text, *from)?;
    let end = match args.get(2) {
        Some(Val::Int(to)) if to < from => {
            return Err(Error::new(format!("invalid substring range. start: {from}, end: {to}")));
        }
        Some(Val::Int(to)) => place(text, *to)?,
        _ => text.len(),
    };
    Ok(Val::text(&text[start..end]))
}

fn format_text<'a>(args: &[Val<'a>], budget: &mut Budget) -> Made<'a> {
    match args {
        [Val::String(text), Val::List(list)] => format::fill(text, list, budget).map(Val::text),
        _ => unfit(),
    }
}
