//! Expressions, followed in an object.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::Value;

use super::Step;
use super::parse::Expr;
use crate::expr::Pattern;

/// How many steps an expression may take in one object.
const MOST: u64 = 200_000;

/// A value on the way, and where it is, if that is a place of the object.
#[derive(Clone, Debug)]
struct Found<'a> {
    place: Option<Vec<Step>>,
    value: Cow<'a, Value>,
}

/// Why there is nothing more.
enum Stop {
    /// The object has not what is asked for.
    Lacks,
    /// It takes too long.
    Late,
}

/// The steps that are left.
pub struct Work {
    left: u64,
}

type Outcome<'a> = Result<Vec<Found<'a>>, Stop>;

impl Work {
    /// All of them.
    pub fn new() -> Work {
        Work { left: MOST }
    }

    /// The places to which an expression leads.
    pub fn places(mut self, expr: &Expr, object: &Value) -> Result<Vec<Vec<Step>>, String> {
        let root = Found { place: Some(Vec::new()), value: Cow::Borrowed(object) };
        let found = match self.follow(expr, &root) {
            Ok(found) => found,
            Err(Stop::Lacks) => Vec::new(),
            Err(Stop::Late) => return Err(format!("it takes more than {MOST} steps")),
        };
        let places: Option<Vec<Vec<Step>>> = found.into_iter().map(|found| found.place).collect();
        places.ok_or_else(|| "it leads to a value, and no place".to_owned())
    }

    fn spend(&mut self, steps: u64) -> Result<(), Stop> {
        self.left = self.left.checked_sub(steps).ok_or(Stop::Late)?;
        Ok(())
    }

    fn follow<'a>(&mut self, expr: &Expr, at: &Found<'a>) -> Outcome<'a> {
        self.spend(1)?;
        match expr {
            Expr::Identity => Ok(vec![at.clone()]),
            Expr::Everything => {
                let mut all = Vec::new();
                self.everything(at, &mut all)?;
                Ok(all)
            }
            Expr::Literal(value) => Ok(vec![computed(value.clone())]),
            Expr::At(of, key) => {
                let keys = self.follow(key, at)?;
                self.each(of, at, |work, found| {
                    let mut all = Vec::new();
                    for key in &keys {
                        work.spend(1)?;
                        all.push(member(&found, &key.value)?);
                    }
                    Ok(all)
                })
            }
            Expr::Each(of) => self.each(of, at, |work, found| work.items(&found)),
            Expr::Try(tried) => match self.follow(tried, at) {
                Err(Stop::Lacks) => Ok(Vec::new()),
                outcome => outcome,
            },
            Expr::Pipe(first, then) => self.each(first, at, |work, found| work.follow(then, &found)),
            Expr::Both(one, other) => {
                let mut all = self.follow(one, at)?;
                all.extend(self.follow(other, at)?);
                Ok(all)
            }
            Expr::Logic(is_or, one, other) => self.logic(*is_or, (one, other), at),
            Expr::Compare(sign, one, other) => {
                let others = self.follow(other, at)?;
                self.each(one, at, |work, one| {
                    work.spend(others.len() as u64)?;
                    Ok(others.iter().map(|other| computed(holds(sign, &one.value, &other.value).into())).collect())
                })
            }
            Expr::Call(name, arguments) => self.call(name, arguments, at),
        }
    }

    /// Follows an expression, and goes on from each result.
    fn each<'a>(
        &mut self,
        expr: &Expr,
        at: &Found<'a>,
        mut then: impl FnMut(&mut Work, Found<'a>) -> Outcome<'a>,
    ) -> Outcome<'a> {
        let mut all = Vec::new();
        for found in self.follow(expr, at)? {
            all.extend(then(self, found)?);
        }
        Ok(all)
    }

    fn items<'a>(&mut self, of: &Found<'a>) -> Outcome<'a> {
        let steps: Vec<Step> = match &*of.value {
            Value::Array(items) => (0..items.len()).map(Step::Item).collect(),
            Value::Object(map) => map.keys().cloned().map(Step::Field).collect(),
            _ => return Err(Stop::Lacks),
        };
        self.spend(steps.len() as u64)?;
        Ok(steps.into_iter().map(|step| within(of, step)).collect())
    }

    fn everything<'a>(&mut self, of: &Found<'a>, all: &mut Vec<Found<'a>>) -> Result<(), Stop> {
        self.spend(1)?;
        all.push(of.clone());
        if of.value.is_array() || of.value.is_object() {
            for item in self.items(of)? {
                self.everything(&item, all)?;
            }
        }
        Ok(())
    }

    fn logic<'a>(&mut self, is_or: bool, (one, other): (&Expr, &Expr), at: &Found<'a>) -> Outcome<'a> {
        self.each(one, at, |work, one| {
            if is_true(&one.value) == is_or {
                return Ok(vec![computed(is_or.into())]);
            }
            let others = work.follow(other, at)?;
            Ok(others.into_iter().map(|other| computed(is_true(&other.value).into())).collect())
        })
    }

    fn call<'a>(&mut self, name: &str, arguments: &[Expr], at: &Found<'a>) -> Outcome<'a> {
        let said = |value: Value| Ok(vec![computed(value)]);
        let is_text = || at.value.as_str().ok_or(Stop::Lacks);
        match (name, arguments) {
            ("select", [condition]) => {
                let said = self.follow(condition, at)?;
                Ok(said.into_iter().filter(|said| is_true(&said.value)).map(|_| at.clone()).collect())
            }
            ("not", []) => said((!is_true(&at.value)).into()),
            ("empty", []) => Ok(Vec::new()),
            ("recurse", []) => self.follow(&Expr::Everything, at),
            ("first", [of]) => Ok(self.follow(of, at)?.into_iter().take(1).collect()),
            ("any" | "all", condition) => {
                let (mut is_any, mut is_all) = (false, true);
                for item in self.items(at)? {
                    let said = self.follow(condition.first().unwrap_or(&Expr::Identity), &item)?;
                    is_any |= said.iter().any(|said| is_true(&said.value));
                    is_all &= said.iter().all(|said| is_true(&said.value));
                }
                said(if name == "any" { is_any } else { is_all }.into())
            }
            ("type", []) => said(kind(&at.value).into()),
            ("ascii_downcase", []) => said(is_text()?.to_ascii_lowercase().into()),
            ("length", []) => said(match &*at.value {
                Value::Null => 0.into(),
                Value::String(text) => text.chars().count().into(),
                Value::Array(items) => items.len().into(),
                Value::Object(map) => map.len().into(),
                _ => return Err(Stop::Lacks),
            }),
            ("test", [Expr::Literal(Value::String(pattern)), flags @ ..]) => {
                let pattern = if flags.is_empty() { pattern.clone() } else { format!("(?i){pattern}") };
                let (pattern, text) = (Pattern::compile(&pattern).map_err(|_| Stop::Lacks)?, is_text()?);
                self.spend(pattern.steps(text))?;
                said(pattern.is_in(text).into())
            }
            (name, [with]) => self.each(with, at, |work, with| {
                work.spend(1)?;
                let holds = match (name, &*at.value, &*with.value) {
                    ("has", Value::Object(map), Value::String(name)) => map.contains_key(name),
                    ("has", Value::Array(items), Value::Number(index)) => {
                        index.as_f64().is_some_and(|index| index >= 0.0 && index < items.len() as f64)
                    }
                    ("startswith", Value::String(text), Value::String(part)) => text.starts_with(part.as_str()),
                    ("endswith", Value::String(text), Value::String(part)) => text.ends_with(part.as_str()),
                    ("contains", value, part) => contains(value, part),
                    _ => return Err(Stop::Lacks),
                };
                Ok(vec![computed(holds.into())])
            }),
            _ => Err(Stop::Lacks),
        }
    }
}

fn computed(value: Value) -> Found<'static> {
    Found { place: None, value: Cow::Owned(value) }
}

fn is_true(value: &Value) -> bool {
    !matches!(value, Value::Null | Value::Bool(false))
}

/// What is in an object under a name, or in a list at a place; of what is not there, nothing.
fn member<'a>(of: &Found<'a>, key: &Value) -> Result<Found<'a>, Stop> {
    let step = match (&*of.value, key) {
        (Value::Object(_) | Value::Null, Value::String(name)) => Step::Field(name.clone()),
        (Value::Array(items), Value::Number(index)) => {
            let index = index.as_f64().ok_or(Stop::Lacks)?;
            let index = if index < 0.0 { items.len() as f64 + index } else { index };
            if index < 0.0 {
                return Err(Stop::Lacks);
            }
            Step::Item(index as usize)
        }
        _ => return Err(Stop::Lacks),
    };
    Ok(within(of, step))
}

/// What is one step further.
fn within<'a>(of: &Found<'a>, step: Step) -> Found<'a> {
    fn get<'v>(value: &'v Value, step: &Step) -> Option<&'v Value> {
        match step {
            Step::Field(name) => value.get(name),
            Step::Item(index) => value.get(index),
        }
    }
    let value = match &of.value {
        Cow::Borrowed(value) => get(value, &step).map(Cow::Borrowed),
        Cow::Owned(value) => get(value, &step).cloned().map(Cow::Owned),
    };
    let place = of.place.as_ref().map(|place| [place.as_slice(), &[step]].concat());
    Found { place, value: value.unwrap_or(Cow::Owned(Value::Null)) }
}

fn contains(value: &Value, part: &Value) -> bool {
    match (value, part) {
        (Value::String(text), Value::String(part)) => text.contains(part.as_str()),
        (Value::Array(items), Value::Array(parts)) => {
            parts.iter().all(|part| items.iter().any(|it| contains(it, part)))
        }
        (Value::Object(map), Value::Object(parts)) => {
            parts.iter().all(|(name, part)| map.get(name).is_some_and(|value| contains(value, part)))
        }
        (value, part) => value == part,
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn holds(sign: &str, one: &Value, other: &Value) -> bool {
    let order = order(one, other);
    match sign {
        "==" => order == Ordering::Equal,
        "!=" => order != Ordering::Equal,
        "<" => order == Ordering::Less,
        "<=" => order != Ordering::Greater,
        ">" => order == Ordering::Greater,
        _ => order != Ordering::Less,
    }
}

/// The order of values: by their kind first, as jq has it.
fn order(one: &Value, other: &Value) -> Ordering {
    let rank = |value: &Value| match value {
        Value::Null => 0,
        Value::Bool(false) => 1,
        Value::Bool(true) => 2,
        Value::Number(_) => 3,
        Value::String(_) => 4,
        Value::Array(_) => 5,
        Value::Object(_) => 6,
    };
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            one.as_f64().partial_cmp(&other.as_f64()).unwrap_or(Ordering::Equal)
        }
        (Value::String(one), Value::String(other)) => one.cmp(other),
        (one, other) if one == other => Ordering::Equal,
        // Of lists and objects it is of interest alone whether they are the same.
        (one, other) => rank(one).cmp(&rank(other)).then(Ordering::Less),
    }
}
