//! Parts of values: fields, items, slices.

use super::builtins::convert;
use super::error::Refusal;
use super::fuel::Work;
use super::value::{Shape, Value};

/// `of[key]` and `of.key`. A key that a map does not have gives nil; an index beyond a list is an error.
pub fn fetch(of: &Value, key: &Value) -> Result<Value, Refusal> {
    let wrong = || Refusal::new(format!("cannot fetch {key} from {}", of.kind_name()));
    match of {
        Value::Array(array) => Ok(array.items[index(key, array.items.len(), "array")?].clone()),
        // Dynamic indices of a text give its bytes.
        Value::String(text) => Ok(Value::Int(i64::from(text.as_bytes()[index(key, text.len(), "string")?]))),
        Value::Map(map) => {
            if !matches!((map.shape, key), (Shape::Groups | Shape::Pairs, _) | (_, Value::String(_) | Value::Nil)) {
                return Err(wrong());
            }
            let found = key.as_key().ok_or_else(wrong).map(|key| map.entries.get(&key).cloned())?;
            Ok(found.unwrap_or_else(|| if map.shape == Shape::Groups { Value::no_array() } else { Value::Nil }))
        }
        Value::Nil | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Time(_) | Value::Duration(_) => {
            Err(wrong())
        }
    }
}

/// A place from the front, or, if negative, from the end.
fn index(key: &Value, length: usize, what: &str) -> Result<usize, Refusal> {
    let at = position(key)?;
    let from_front = if at < 0 { at.saturating_add(length as i64) } else { at };
    let found = usize::try_from(from_front).ok().filter(|at| *at < length);
    found.ok_or_else(|| Refusal::new(format!("index out of range: {at} ({what} length is {length})")))
}

fn position(key: &Value) -> Result<i64, Refusal> {
    match key {
        Value::Int(at) => Ok(*at),
        Value::Float(at) => Ok(convert::cut(*at)),
        other => Err(Refusal::new(format!("an index must be a number (got {})", other.kind_name()))),
    }
}

/// `of[from:to]`; what is beyond the ends is left out.
pub fn slice(of: &Value, from: Option<&Value>, to: Option<&Value>, work: &mut Work<'_>) -> Result<Value, Refusal> {
    let length = match of {
        Value::Array(array) => array.items.len(),
        Value::String(text) => text.len(),
        other => return Err(Refusal::new(format!("cannot slice {}", other.kind_name()))),
    };
    let bound = |bound: Option<&Value>, instead: usize| {
        let Some(bound) = bound else { return Ok(instead) };
        let at = position(bound)?;
        let at = if at < 0 { at.saturating_add(length as i64).max(0) } else { at };
        Ok::<usize, Refusal>(usize::try_from(at).map_or(length, |at| at.min(length)))
    };
    let to = bound(to, length)?;
    let from = bound(from, 0)?.min(to);
    match of {
        Value::Array(array) => {
            let items = array.items[from..to].to_vec();
            work.spend_on_items(items.len())?;
            Ok(Value::array_of(array.of.clone(), items)?)
        }
        Value::String(text) => {
            work.spend_on_text(to - from)?;
            let part = text.get(from..to);
            part.map(Value::text).ok_or_else(|| Refusal::new("the slice cuts through a character"))
        }
        other => Err(Refusal::new(format!("cannot slice {}", other.kind_name()))),
    }
}
