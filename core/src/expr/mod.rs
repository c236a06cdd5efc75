//! Conditions on what was measured: `result[0] >= 0.95`, `all(result.items, .status in ["ok"])`.
//!
//! The language is that of expr-lang as Argo Rollouts embeds it, so that existing templates mean the same here. A condition is
//! parsed once. Each time it is asked, it is checked against the actual type of the result first, so that `result > 1` on a
//! text is a mistake with a place and not a verdict; and then run.
//!
//! What it costs is bounded: its length, how deep its parts stand within each other, the steps of a run, and with them time and
//! memory. Nothing here panics, whatever the condition and the result are.
//!
//! `tests/expr` asks the Go library for the verdicts that `core/tests/expr` compares with. What is left out, and what differs, is
//! in `docs/guide/conditions.md`.

mod access;
mod ast;
mod builtins;
mod check;
mod environment;
mod error;
mod eval;
mod fuel;
mod kind;
mod lex;
mod limits;
mod methods;
mod operand;
mod operators;
mod parse;
mod pattern;
mod repeat;
mod times;
mod told;
mod value;

#[cfg(test)]
mod tests;

use jiff::Timestamp;

pub use environment::Env;
pub use error::{ExprError, Stage};
pub use kind::Type;
pub use parse::LONGEST;
pub use pattern::Pattern;
pub use told::told;
pub use value::{Array, DEEPEST_VALUE, Key, Map, Shape, TooDeep, Value};

use check::Checked;
use environment::Names;
use error::Mistake;
use fuel::Work;

/// A condition that has been read.
///
/// ```
/// use sluice_core::expr::{Condition, Env, Value};
///
/// let env = Env { now: jiff::Timestamp::UNIX_EPOCH };
/// let condition = Condition::parse("len(result) > 0 && result[0] >= 0.95").unwrap();
/// assert_eq!(condition.holds(&Value::floats([0.97]), &env), Ok(true));
/// assert_eq!(condition.holds(&Value::floats([]), &env), Ok(false));
/// let error = condition.holds(&Value::text("0.97"), &env).unwrap_err();
/// assert_eq!(error.to_string(), "type string[int] is undefined (1:26)");
/// ```
#[derive(Debug)]
pub struct Condition {
    text: String,
    root: ast::Expr,
}

impl Condition {
    /// Reads a condition. What is wrong with it whatever was measured, besides its syntax, is told by [`Condition::check`].
    pub fn parse(text: &str) -> Result<Condition, ExprError> {
        let root = parse::parse(text).map_err(|mistake| ExprError::new(Stage::Syntax, text, mistake))?;
        Ok(Condition { text: text.to_owned(), root })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it makes sense for results of this type; with [`Type::Any`], whether it makes sense for any.
    pub fn check(&self, result: Type) -> Result<(), ExprError> {
        self.checked(&Names::of_condition(result)).map(|_| ())
    }

    /// Whether it holds for a result: checks it against the type of that, and runs it.
    pub fn holds(&self, result: &Value, env: &Env) -> Result<bool, ExprError> {
        let names = Names::of_condition(result.kind());
        let checked = self.checked(&names)?;
        let value = eval::run(&self.root, &names, &checked, Work::new(env, result));
        match value.map_err(|(stage, mistake)| self.wrong(stage, mistake))? {
            Value::Bool(verdict) => Ok(verdict),
            other => {
                let why = format!("expected bool, but got {}", other.kind_name());
                Err(self.wrong(Stage::NotBool, Mistake::new(self.root.at, why)))
            }
        }
    }

    fn checked(&self, names: &Names) -> Result<Checked, ExprError> {
        let checked = check::check(&self.root, names).map_err(|mistake| self.wrong(Stage::Types, mistake))?;
        if matches!(checked.kind, Type::Bool | Type::Any) {
            return Ok(checked);
        }
        let why = format!("expected bool, but got {}", checked.kind);
        Err(self.wrong(Stage::NotBool, Mistake::new(self.root.at, why)))
    }

    /// Whether it speaks of a result that is not there or not a number, with `isNil`, `isNaN`, `isInf`, `default`, `len`,
    /// `nil`, `??` or `?.`. One that does not must not turn the absence of data into a success, as `all(result, # < 1)` would.
    pub fn considers_no_data(&self) -> bool {
        self.root.any(&|expr| match &expr.kind {
            ast::Kind::Nil => true,
            ast::Kind::Call(name, _) => matches!(name.as_str(), "isNil" | "isNaN" | "isInf" | "default"),
            ast::Kind::Builtin(builtin, _) => builtin.name == "len",
            ast::Kind::Binary(operator, _) => *operator == ast::Binary::Coalesce,
            ast::Kind::Member(member) => member.optional,
            ast::Kind::Method(method) => method.optional,
            _ => false,
        })
    }

    fn wrong(&self, stage: Stage, mistake: Mistake) -> ExprError {
        ExprError::new(stage, &self.text, mistake)
    }
}

/// The moment that an expression names, such as `now() - duration("1h")`: the start and the end of a range of measurements.
pub fn moment(text: &str, env: &Env) -> Result<Timestamp, ExprError> {
    let wrong = |stage: Stage| move |mistake: Mistake| ExprError::new(stage, text, mistake);
    let root = parse::parse(text).map_err(wrong(Stage::Syntax))?;
    let names = Names::of_moment();
    let checked = check::check(&root, &names).map_err(wrong(Stage::Types))?;
    let value = eval::run(&root, &names, &checked, Work::new(env, &Value::Nil));
    match value.map_err(|(stage, mistake)| ExprError::new(stage, text, mistake))? {
        Value::Time(time) => Ok(time.timestamp()),
        other => {
            Err(wrong(Stage::Types)(Mistake::new(root.at, format!("expected a time, but got {}", other.kind_name()))))
        }
    }
}
