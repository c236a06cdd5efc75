//! What is around an expression: the names that it may use besides those of the language.

use jiff::Timestamp;

use super::builtins::{Builtin, Given, Kinds, convert, row};
use super::error::Refusal;
use super::fuel::Work;
use super::kind::Type;
use super::value::Value;

/// What is around a condition besides the result.
#[derive(Clone, Debug)]
pub struct Env {
    /// What `now()` is.
    pub now: Timestamp,
}

/// The names of an environment, and the types of what they stand for.
pub struct Names {
    values: Vec<(&'static str, Type)>,
    functions: &'static [Builtin],
}

impl Names {
    /// The names of a condition on a result of this type.
    pub fn of_condition(result: Type) -> Names {
        Names { values: vec![("result", result)], functions: FUNCTIONS }
    }

    /// The names of an expression for a moment: nothing was measured yet.
    pub fn of_moment() -> Names {
        Names { values: Vec::new(), functions: &FUNCTIONS[..2] }
    }

    pub fn value(&self, name: &str) -> Option<&Type> {
        self.values.iter().find(|(known, _)| *known == name).map(|(_, kind)| kind)
    }

    pub fn function(&self, name: &str) -> Option<&'static Builtin> {
        self.functions.iter().find(|function| function.name == name)
    }

    /// The names of values, for messages.
    pub fn told(&self) -> String {
        let names: Vec<&str> = self.values.iter().map(|(name, _)| *name).collect();
        if names.is_empty() { "a value or a function".to_owned() } else { names.join(", ") }
    }
}

/// The functions of Argo Rollouts. `isNil` and `default` look at the whole result, whatever they are given first: so do
/// those that existing templates were written for.
const FUNCTIONS: &[Builtin] = &[
    row("isNaN", &[Kinds::FLOATING], |_| Type::Bool, |args, _| on_float("isNaN", args, f64::is_nan)),
    row("isInf", &[Kinds::FLOATING], |_| Type::Bool, |args, _| on_float("isInf", args, f64::is_infinite)),
    row("isNil", &[Kinds::ANY], |_| Type::Bool, |_, work| Ok(Value::Bool(work.result.is_nil()))),
    row("default", &[Kinds::ANY, Kinds::ANY], |_| Type::Any, |args, work| Ok(default(args, work))),
    row("asInt", &[Kinds::ANY], |_| Type::Int, as_int),
    row("asFloat", &[Kinds::ANY], |_| Type::Float, as_float),
];

fn on_float(name: &str, args: &[Value], test: fn(f64) -> bool) -> Given {
    match args {
        [Value::Float(number)] => Ok(Value::Bool(test(*number))),
        [other, ..] => Err(Refusal::new(format!("{name}() takes a float (got {})", other.kind_name()))),
        [] => Err(Refusal::new(format!("not enough arguments to call {name}"))),
    }
}

fn default(args: &[Value], work: &Work<'_>) -> Value {
    let instead = args.get(1).cloned().unwrap_or(Value::Nil);
    if work.result.is_nil() { instead } else { work.result.clone() }
}

fn as_int(args: &[Value], work: &mut Work<'_>) -> Given {
    work.spend_on_text(args.first().map_or(0, Value::text_length))?;
    match args {
        [Value::Int(number)] => Ok(Value::Int(*number)),
        [Value::Float(number)] => Ok(Value::Int(convert::cut(*number))),
        [Value::String(text)] => {
            let number = text.parse().map_err(|_| Refusal::new(format!("asInt(): {text:?} is no whole number")))?;
            Ok(Value::Int(number))
        }
        _ => Err(unsupported("asInt", args)),
    }
}

fn as_float(args: &[Value], work: &mut Work<'_>) -> Given {
    work.spend_on_text(args.first().map_or(0, Value::text_length))?;
    match args {
        [Value::Int(number)] => Ok(Value::Float(*number as f64)),
        [Value::Float(number)] => Ok(Value::Float(*number)),
        [Value::String(text)] => {
            let number =
                convert::float(text).ok_or_else(|| Refusal::new(format!("asFloat(): {text:?} is no number")))?;
            Ok(Value::Float(number))
        }
        _ => Err(unsupported("asFloat", args)),
    }
}

fn unsupported(name: &str, args: &[Value]) -> Refusal {
    let shown = args.first().map(|value| format!("{} {value}", value.kind_name())).unwrap_or_default();
    Refusal::new(format!("{name}() not supported on {shown}"))
}
