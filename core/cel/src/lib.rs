//! CEL, the language of validation rules, as the API server speaks it: the standard library, and the functions that
//! Kubernetes adds.
//!
//! A text is parsed and checked against the types of its variables once, and run often. What it may cost is bounded: the
//! depth of an expression, the steps of a run, and with them the memory. The words of errors are those of the API server,
//! since they reach users by way of its answers.

pub mod amount;
mod ast;
mod check;
mod data;
mod eval;
pub mod formats;
mod functions;
pub mod labels;
mod lex;
mod macros;
mod names;
mod operators;
mod parse;
mod signature;
mod types;
mod value;

#[cfg(test)]
mod tests;

use serde_json::Value;

pub use eval::Budget;
pub use names::escape;
pub use types::{Field, Order, Struct, Type};
pub use value::Val;

/// Why an expression has no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// It takes more steps than it may.
    Cost,
    /// Anything else, in words.
    Failed(String),
}

impl Error {
    pub(crate) fn new(words: impl Into<String>) -> Error {
        Error::Failed(words.into())
    }

    pub(crate) fn no_such_overload() -> Error {
        Error::new("no such overload")
    }

    /// Whether it speaks of a field or an item that is not there.
    pub fn is_absence(&self) -> bool {
        let Error::Failed(words) = self else { return false };
        words.starts_with("no such key: ") || words.starts_with("index out of bounds: ")
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Error::Cost => out.write_str("it takes more steps than it may"),
            Error::Failed(words) => out.write_str(words),
        }
    }
}

/// A checked expression.
#[derive(Debug)]
pub struct Program {
    root: ast::Expr,
    result: Type,
    used: Vec<String>,
}

impl Program {
    /// Parses and checks an expression over variables of these types; what is wrong with it is told as compilers do.
    pub fn compile(source: &str, variables: &[(&str, Type)]) -> Result<Program, String> {
        let tell = |errors: Vec<(usize, String)>| lex::in_words(source, errors);
        let mut root = parse::parse(source).map_err(tell)?;
        let checked = check::check(&mut root, variables);
        if !checked.errors.is_empty() {
            return Err(tell(checked.errors));
        }
        Ok(Program { root, result: checked.result, used: checked.used })
    }

    /// The type of its value.
    pub fn result(&self) -> &Type {
        &self.result
    }

    /// Whether it speaks of a variable.
    pub fn uses(&self, variable: &str) -> bool {
        self.used.iter().any(|used| used == variable)
    }

    /// Its value.
    pub fn run<'a>(&'a self, variables: Vec<(&'a str, Val<'a>)>, budget: &mut Budget) -> Result<Val<'a>, Error> {
        eval::run(&self.root, variables, budget)
    }
}

/// A JSON value, read as its type says.
pub fn value<'a>(value: &'a Value, kind: &'a Type) -> Result<Val<'a>, Error> {
    data::read(value, kind)
}
