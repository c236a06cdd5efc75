//! What a value must keep to by itself: sizes, bounds, patterns, choices.

use regex::Regex;
use serde_json::{Map, Number, Value};

use super::Link;
use super::path::Path;
use crate::refusal::Cause;

/// The limits of one node.
#[derive(Debug, Default)]
pub struct Limits {
    /// The properties that must be there.
    pub required: Vec<String>,
    /// The only values there may be; any if there are none.
    pub allowed: Vec<Value>,
    /// The least number, and whether it is excluded.
    pub minimum: Option<(Number, bool)>,
    /// The greatest number, and whether it is excluded.
    pub maximum: Option<(Number, bool)>,
    /// What a number is a multiple of.
    pub multiple_of: Option<Number>,
    /// How many characters a text has, at least and at most.
    pub length: (Option<u64>, Option<u64>),
    /// What a text matches somewhere.
    pub pattern: Option<Pattern>,
    /// How many items a list has, at least and at most.
    pub items: (Option<u64>, Option<u64>),
    /// No item of a list is there twice.
    pub unique: bool,
    /// How many properties an object has, at least and at most.
    pub properties: (Option<u64>, Option<u64>),
    /// Schemas of which all are kept.
    pub all_of: Vec<Link>,
    /// Schemas of which at least one is kept.
    pub any_of: Vec<Link>,
    /// Schemas of which exactly one is kept.
    pub one_of: Vec<Link>,
    /// A schema that is not kept.
    pub not: Option<Link>,
}

/// A pattern with its text.
#[derive(Debug)]
pub struct Pattern {
    text: String,
    compiled: Regex,
}

impl Pattern {
    /// Go's patterns and Rust's are the same language, but for rarities.
    pub(super) fn new(text: &str) -> Result<Pattern, String> {
        let compiled = Regex::new(text).map_err(|error| format!("pattern {text:?}: {error}"))?;
        Ok(Pattern { text: text.to_string(), compiled })
    }
}

impl Limits {
    pub(super) fn is_empty(&self) -> bool {
        let counts = [self.length, self.items, self.properties];
        self.required.is_empty()
            && self.allowed.is_empty()
            && self.minimum.is_none()
            && self.maximum.is_none()
            && self.multiple_of.is_none()
            && self.pattern.is_none()
            && counts.iter().all(|(least, most)| least.is_none() && most.is_none())
            && !self.unique
            && [&self.all_of, &self.any_of, &self.one_of].iter().all(|schemas| schemas.is_empty())
            && self.not.is_none()
    }

    /// Of a text, the real server names the first mistake only.
    pub(super) fn text(&self, text: &str, path: &Path) -> Option<Cause> {
        let at = path.text();
        let length = text.chars().count() as u64;
        let invalid = |detail: String| Some(Cause::invalid(at, &text.into(), &detail));
        match (self.length, &self.pattern) {
            ((_, Some(most)), _) if length > most => Some(Cause::too_long(at, most)),
            ((Some(least), _), _) if length < least => {
                invalid(format!("{at} in body should be at least {least} chars long"))
            }
            (_, Some(pattern)) if !pattern.compiled.is_match(text) => {
                invalid(format!("{at} in body should match '{}'", pattern.text))
            }
            _ => None,
        }
    }

    pub(super) fn number(&self, number: &Number, path: &Path, causes: &mut Vec<Cause>) {
        let at = path.text();
        let value = Value::Number(number.clone());
        let mut invalid = |detail: String| causes.push(Cause::invalid(at, &value, &detail));
        if let Some(step) = self.multiple_of.as_ref().filter(|step| !is_multiple(number, step)) {
            invalid(format!("{at} in body should be a multiple of {step}"));
        }
        if let Some((most, excluded)) = &self.maximum {
            match compare(number, most) {
                Some(true) => {}
                None if !excluded => {}
                _ if *excluded => invalid(format!("{at} in body should be less than {most}")),
                _ => invalid(format!("{at} in body should be less than or equal to {most}")),
            }
        }
        if let Some((least, excluded)) = &self.minimum {
            match compare(least, number) {
                Some(true) => {}
                None if !excluded => {}
                _ if *excluded => invalid(format!("{at} in body should be greater than {least}")),
                _ => invalid(format!("{at} in body should be greater than or equal to {least}")),
            }
        }
    }

    pub(super) fn list(&self, items: &[Value], path: &Path, causes: &mut Vec<Cause>) {
        let at = path.text();
        let count = items.len() as u64;
        if let Some(least) = self.items.0.filter(|least| count < *least) {
            let detail = format!("{at} in body should have at least {least} items");
            causes.push(Cause::invalid(at, &count.into(), &detail));
        }
        if let Some(most) = self.items.1.filter(|most| count > *most) {
            causes.push(Cause::too_many(at, items.len(), most));
        }
        if self.unique && items.iter().enumerate().any(|(place, item)| items[..place].contains(item)) {
            let detail = format!("{at} in body shouldn't contain duplicates");
            causes.push(Cause::invalid(at, &"".into(), &detail));
        }
    }

    /// Whether the number of properties is within its bounds; if not, the real server looks no further.
    pub(super) fn object(&self, object: &Map<String, Value>, path: &Path) -> Option<Cause> {
        let at = path.text();
        let count = object.len() as u64;
        match self.properties {
            (Some(least), _) if count < least => {
                let detail = format!("{at} in body should have at least {least} properties");
                Some(Cause::invalid(at, &count.into(), &detail))
            }
            (_, Some(most)) if count > most => Some(Cause::too_many(at, object.len(), most)),
            _ => None,
        }
    }

    pub(super) fn choice(&self, value: &Value, path: &Path) -> Option<Cause> {
        if self.allowed.is_empty() || self.allowed.contains(value) {
            return None;
        }
        let allowed: Vec<String> = self.allowed.iter().map(as_text).collect();
        let allowed: Vec<&str> = allowed.iter().map(String::as_str).collect();
        Some(Cause::not_supported(path.text(), value, &allowed))
    }
}

fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_string)
}

/// Whether the first is less than the second; nothing when they are the same.
fn compare(first: &Number, second: &Number) -> Option<bool> {
    let order = match (first.as_i64(), second.as_i64()) {
        (Some(first), Some(second)) => Some(first.cmp(&second)),
        _ => first.as_f64().and_then(|first| first.partial_cmp(&second.as_f64()?)),
    };
    order.filter(|order| order.is_ne()).map(std::cmp::Ordering::is_lt)
}

fn is_multiple(number: &Number, step: &Number) -> bool {
    match (number.as_i64(), step.as_i64()) {
        (Some(number), Some(step)) => step != 0 && number.checked_rem(step).is_none_or(|rest| rest == 0),
        _ => number.as_f64().zip(step.as_f64()).is_some_and(|(number, step)| (number / step).fract() == 0.0),
    }
}
