//! What a run may use up: steps, and with them memory.

use std::collections::HashMap;

use super::environment::Env;
use super::error::Refusal;
use super::pattern::Pattern;
use super::value::Value;

/// The steps of a run: a million, well under a second of work. An item of a new list takes [`ITEM`] of them, so that a run
/// holds no more than some megabytes.
const STEPS: u64 = 1_000_000;
/// What a new item takes.
const ITEM: u64 = 4;
/// What a new pattern takes: compiling one takes as long as hundreds of steps, and some memory.
const PATTERN: u64 = 10_000;

/// What functions work with besides their arguments.
#[derive(Debug)]
pub struct Work<'a> {
    /// What is around the expression.
    pub env: &'a Env,
    /// What was measured.
    pub result: &'a Value,
    left: u64,
    /// The patterns of this run, so that a loop does not compile them for every item.
    patterns: HashMap<String, Pattern>,
}

impl<'a> Work<'a> {
    pub fn new(env: &'a Env, result: &'a Value) -> Work<'a> {
        Work { env, result, left: STEPS, patterns: HashMap::new() }
    }

    /// Takes steps, if there are as many.
    pub fn spend(&mut self, steps: u64) -> Result<(), Refusal> {
        let left = self.left.checked_sub(steps);
        self.left = left.unwrap_or(0);
        left.map(|_| ()).ok_or(Refusal::TooMuch)
    }

    /// Takes the steps for so many new items.
    pub fn spend_on_items(&mut self, items: usize) -> Result<(), Refusal> {
        self.spend((items as u64).saturating_mul(ITEM))
    }

    /// Takes the steps for so many bytes that are read or made.
    pub fn spend_on_text(&mut self, bytes: usize) -> Result<(), Refusal> {
        self.spend(bytes as u64 / 8 + 1)
    }

    /// Whether a text matches a pattern somewhere.
    pub fn matches(&mut self, text: &str, pattern: &str) -> Result<bool, Refusal> {
        if !self.patterns.contains_key(pattern) {
            self.spend(PATTERN)?;
            self.patterns.insert(pattern.to_owned(), Pattern::compile(pattern).map_err(Refusal::new)?);
        }
        let steps = self.patterns.get(pattern).map_or(0, |pattern| pattern.steps(text));
        self.spend(steps)?;
        Ok(self.patterns.get(pattern).is_some_and(|pattern| pattern.is_in(text)))
    }
}
