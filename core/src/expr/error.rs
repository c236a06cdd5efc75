//! Why a condition has no verdict.

use super::value::{TooDeep, Value};

/// So many characters of a message are shown: it may tell of a value that is as long as can be.
const LONGEST: usize = 400;

/// Something wrong at a place in the text, counted in characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    pub at: usize,
    pub why: String,
}

impl Mistake {
    pub fn new(at: usize, why: impl Into<String>) -> Mistake {
        Mistake { at, why: why.into() }
    }
}

/// What stops a function or an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It cannot be done with these values.
    Failed(String),
    /// It takes more steps, or more memory, than a condition may.
    TooMuch,
}

impl Refusal {
    pub fn new(why: impl Into<String>) -> Refusal {
        Refusal::Failed(why.into())
    }

    /// The function was given something that it is not made for.
    pub fn unfit(function: &str, value: &Value) -> Refusal {
        Refusal::new(format!("invalid argument for {function} (type {})", value.kind_name()))
    }
}

impl From<TooDeep> for Refusal {
    fn from(too_deep: TooDeep) -> Refusal {
        Refusal::new(too_deep.to_string())
    }
}

/// At which point a condition came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It is no expression.
    Syntax,
    /// It makes no sense for the type of what was measured, or of its own parts.
    Types,
    /// It says neither yes nor no.
    NotBool,
    /// It failed on the value.
    Run,
    /// It takes more steps, or more memory, than it may.
    TooMuch,
}

/// Why a condition has no verdict, and where in its text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({line}:{column})")]
pub struct ExprError {
    /// At which point it came to nothing.
    pub stage: Stage,
    /// What is wrong, and what was expected.
    pub message: String,
    /// The line, from one.
    pub line: usize,
    /// The character within the line, from one.
    pub column: usize,
}

impl ExprError {
    pub(super) fn new(stage: Stage, source: &str, mistake: Mistake) -> ExprError {
        let before: Vec<char> = source.chars().take(mistake.at).collect();
        let line = 1 + before.iter().filter(|c| **c == '\n').count();
        let column = 1 + before.iter().rev().take_while(|c| **c != '\n').count();
        let message = match mistake.why.char_indices().nth(LONGEST) {
            Some((end, _)) => format!("{}…", &mistake.why[..end]),
            None => mistake.why,
        };
        ExprError { stage, message, line, column }
    }
}
