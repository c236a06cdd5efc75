//! From a document to the values that a path leads to.

use std::borrow::Cow;

use serde_json::Value;

use super::filter::{Filter, kind};
use super::{Block, End, MOST_VALUES, Slice, Step};

type Values<'a> = Vec<Cow<'a, Value>>;

/// One walk through a document, with what is left of its budget.
struct Walk {
    left: usize,
}

/// The values that the parts of a path lead to.
pub(super) fn find<'a>(blocks: &'a [Block], document: &'a Value) -> Result<Values<'a>, String> {
    let mut walk = Walk { left: MOST_VALUES };
    let mut found = Vec::new();
    for block in blocks {
        match block {
            Block::Text(text) => found.push(Cow::Borrowed(text)),
            Block::Walk(steps) => found.extend(walk.steps(vec![Cow::Borrowed(document)], steps)?),
        }
    }
    Ok(found)
}

impl Walk {
    fn steps<'a>(&mut self, from: Values<'a>, steps: &'a [Step]) -> Result<Values<'a>, String> {
        steps.iter().try_fold(from, |from, step| {
            let found = self.step(from, step)?;
            self.pay(found.len() + 1)?;
            Ok(found)
        })
    }

    fn step<'a>(&mut self, from: Values<'a>, step: &'a Step) -> Result<Values<'a>, String> {
        match step {
            Step::Key(key) => at_key(&from, key),
            Step::Every => self.every(from),
            Step::Descend => self.descend(from),
            Step::Slice(slice) => self.slice(&from, *slice),
            Step::Union(parts) => {
                let mut found = Vec::new();
                for part in parts {
                    self.pay(from.len())?;
                    found.extend(self.steps(from.clone(), part)?);
                }
                Ok(found)
            }
            Step::Filter(filter) => self.filter(&from, filter),
            Step::Text(text) => Ok(vec![Cow::Borrowed(text)]),
            Step::Constant(value) => Ok(from.iter().map(|_| Cow::Borrowed(value)).collect()),
        }
    }

    fn pay(&mut self, values: usize) -> Result<(), String> {
        let left = self.left.checked_sub(values);
        self.left = left.ok_or_else(|| format!("the path leads through more than {MOST_VALUES} values"))?;
        Ok(())
    }

    fn every<'a>(&mut self, from: Values<'a>) -> Result<Values<'a>, String> {
        let mut found = Vec::new();
        for value in from {
            self.pay(size(&value))?;
            found.extend(inside(value));
        }
        Ok(found)
    }

    /// The values and all that is in them, each before what it holds; of what holds nothing, texts alone.
    fn descend<'a>(&mut self, from: Values<'a>) -> Result<Values<'a>, String> {
        let mut found = Vec::new();
        let mut stack = from;
        stack.reverse();
        while let Some(value) = stack.pop() {
            let size = size(&value);
            self.pay(size + 1)?;
            if size == 0 {
                continue;
            }
            found.push(value.clone());
            if !value.is_string() {
                let begin = stack.len();
                stack.extend(inside(value));
                stack[begin..].reverse();
            }
        }
        Ok(found)
    }

    fn slice<'a>(&mut self, from: &Values<'a>, slice: Slice) -> Result<Values<'a>, String> {
        let mut found = Vec::new();
        for value in from.iter().filter(|value| !value.is_null()) {
            let items = list(value).ok_or_else(|| format!("{} has no [index]: it is no list", kind(value)))?;
            // A part without items ends the step, whatever the other lists have: so does client-go.
            let Some((start, end)) = bounds(slice, items.len())? else { return Ok(found) };
            let step = match slice.step {
                None => 1,
                Some(step) => {
                    usize::try_from(step).ok().filter(|step| *step > 0).ok_or("the step of a slice is less than 1")?
                }
            };
            self.pay(end - start)?;
            found.extend(items[start..end].iter().step_by(step).map(Cow::Borrowed));
        }
        Ok(found)
    }

    fn filter<'a>(&mut self, from: &Values<'a>, filter: &'a Filter) -> Result<Values<'a>, String> {
        let mut found = Vec::new();
        for value in from {
            let items = list(value).ok_or_else(|| format!("{} cannot be filtered: it is no list", kind(value)))?;
            for item in items {
                self.pay(1)?;
                if self.keeps(item, filter)? {
                    found.push(Cow::Borrowed(item));
                }
            }
        }
        Ok(found)
    }

    fn keeps<'a>(&mut self, item: &'a Value, filter: &'a Filter) -> Result<bool, String> {
        let left = self.steps(vec![Cow::Borrowed(item)], &filter.left);
        let Some((operator, right)) = &filter.compared else { return Ok(left.is_ok_and(|left| !left.is_empty())) };
        let Some(left) = single(left?)? else { return Ok(false) };
        let right = self.steps(vec![Cow::Borrowed(item)], right)?;
        match single(right)? {
            Some(right) => operator.holds(&left, &right),
            None => Ok(false),
        }
    }
}

fn single(mut values: Values<'_>) -> Result<Option<Cow<'_, Value>>, String> {
    match values.len() {
        0 | 1 => Ok(values.pop()),
        many => Err(format!("a filter compares one value with one, and here are {many}")),
    }
}

/// The values of a key: of all who have it, and of one at least.
fn at_key<'a>(from: &Values<'a>, key: &str) -> Result<Values<'a>, String> {
    let found: Values<'a> = from.iter().filter_map(|value| object(value)?.get(key)).map(Cow::Borrowed).collect();
    if found.is_empty() && !from.is_empty() { Err(format!("{key} is not found")) } else { Ok(found) }
}

/// Only what stands in the document or the path has parts that outlive the step: what a step makes has none.
fn object<'a>(value: &Cow<'a, Value>) -> Option<&'a serde_json::Map<String, Value>> {
    match value {
        Cow::Borrowed(Value::Object(fields)) => Some(fields),
        _ => None,
    }
}

fn list<'a>(value: &Cow<'a, Value>) -> Option<&'a Vec<Value>> {
    match value {
        Cow::Borrowed(Value::Array(items)) => Some(items),
        _ => None,
    }
}

/// How many values there are in a value.
fn size(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.len(),
        Value::Object(fields) => fields.len(),
        Value::String(text) => text.len(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

/// What is in a value. In a text, as client-go has it, are its bytes.
fn inside(value: Cow<'_, Value>) -> Values<'_> {
    match value {
        Cow::Borrowed(Value::Array(items)) => items.iter().map(Cow::Borrowed).collect(),
        Cow::Borrowed(Value::Object(fields)) => fields.values().map(Cow::Borrowed).collect(),
        value => value.as_str().into_iter().flat_map(str::bytes).map(|byte| Cow::Owned(Value::from(byte))).collect(),
    }
}

/// Where a slice begins and ends in a list of this length; none where it asks for nothing.
fn bounds(slice: Slice, length: usize) -> Result<Option<(usize, usize)>, String> {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let first = slice.start.unwrap_or(0);
    let start = if first < 0 { first + length } else { first };
    let end = match slice.end {
        End::Open => length,
        End::At(end) if end < 0 => end + length,
        End::At(end) => end,
        End::One => match first.wrapping_add(1) {
            end @ ..=0 => end.wrapping_add(length),
            end => end,
        },
    };
    if start == end {
        return Ok(None);
    }
    let outside = |index: i64| format!("[{index}] is outside of the list, which has {length} items");
    if !(0..length).contains(&start) {
        return Err(outside(start));
    }
    if !(0..=length).contains(&end) {
        return Err(outside(end.wrapping_sub(1)));
    }
    if start > end {
        return Err(format!("a slice begins at {start} and ends before, at {end}"));
    }
    Ok(usize::try_from(start).ok().zip(usize::try_from(end).ok()))
}
