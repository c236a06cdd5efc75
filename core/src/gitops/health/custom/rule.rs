//! One rule: its expressions, compiled, and what they say of an object.

use serde_json::{Map, Value};
use sluice_cel::{Budget, Program, Type, Val};

use super::super::{DEGRADED, HEALTHY, PROGRESSING, SUSPENDED, UNKNOWN, Verdict};
use super::Yaml;
use super::text::Text;

/// The steps that the expressions of a rule may take together for one object: milliseconds, and many times what a rule needs.
const STEPS: u64 = 100_000;
/// The longest message.
const LONGEST: usize = 1024;
/// The parts of an object that have names of their own in expressions. One that is not there is empty.
const PARTS: [&str; 4] = ["metadata", "spec", "status", "data"];
/// Those that are text.
const TEXTS: [&str; 2] = ["apiVersion", "kind"];

/// A rule.
#[derive(Debug)]
pub struct Rule {
    /// What is asked, in this order, and what it is called if it holds; the first that does decides.
    questions: Vec<Question>,
    message: Option<Program>,
}

#[derive(Debug)]
struct Question {
    field: &'static str,
    health: &'static str,
    holds: Program,
}

/// What can be said of an object although an expression has no value.
enum Outcome<T> {
    Value(T),
    /// It speaks of something that is not there yet.
    Absent,
    /// Why it has none.
    Failed(String),
}

impl Rule {
    /// Reads and compiles a rule.
    pub fn read(text: &str, yaml: Yaml<'_>) -> Result<Rule, String> {
        let text = Text::read(text, yaml)?;
        let mut questions = Vec::new();
        for (field, health, source) in [
            ("failed", DEGRADED, text.failed),
            ("inProgress", PROGRESSING, text.in_progress),
            ("suspended", SUSPENDED, text.suspended),
            ("current", HEALTHY, Some(text.current)),
        ] {
            if let Some(source) = source {
                questions.push(Question { field, health, holds: compile(field, &source, &Type::Bool)? });
            }
        }
        let message = text.message.map(|source| compile("message", &source, &Type::String)).transpose()?;
        Ok(Rule { questions, message })
    }

    /// What it says.
    pub fn verdict(&self, object: &Value) -> Verdict {
        if is_unseen(object) {
            return (PROGRESSING, "Waiting for its latest change to be observed".to_owned());
        }
        let none = Value::Object(Map::new());
        let mut asked = Asked { object, none: &none, budget: Budget::new(STEPS) };
        for question in &self.questions {
            match asked.holds(&question.holds) {
                Outcome::Value(true) => return self.said(question.health, &mut asked),
                Outcome::Value(false) | Outcome::Absent => {}
                Outcome::Failed(why) => return failed(question.field, &why),
            }
        }
        self.said(PROGRESSING, &mut asked)
    }

    fn said<'a>(&'a self, health: &'static str, asked: &mut Asked<'a>) -> Verdict {
        let Some(message) = &self.message else { return (health, String::new()) };
        match asked.text(message) {
            Outcome::Value(text) => (health, text),
            Outcome::Absent => (health, String::new()),
            Outcome::Failed(why) => failed("message", &why),
        }
    }
}

/// Whether the controller of its kind says that it has not seen the latest change.
fn is_unseen(object: &Value) -> bool {
    let generation = |at: &str| object.pointer(at).and_then(Value::as_i64);
    match (generation("/metadata/generation"), generation("/status/observedGeneration")) {
        (Some(now), Some(seen)) => now > seen,
        _ => false,
    }
}

fn failed(field: &str, why: &str) -> Verdict {
    let config = super::CONFIG_MAP;
    (UNKNOWN, format!("the health rule of its kind in ConfigMap {config} cannot be worked out: {field}: {why}"))
}

fn compile(field: &str, source: &str, wanted: &Type) -> Result<Program, String> {
    let parts = PARTS.iter().chain(&["self"]).map(|name| (*name, Type::Dyn));
    let variables: Vec<_> = parts.chain(TEXTS.iter().map(|name| (*name, Type::String))).collect();
    let program = Program::compile(source, &variables).map_err(|why| format!("{field}: {why}"))?;
    let found = program.result().to_string();
    if found != wanted.to_string() && found != "dyn" {
        return Err(format!("{field} gives {found}, and {wanted} is needed"));
    }
    Ok(program)
}

/// An object that expressions are asked of.
struct Asked<'a> {
    object: &'a Value,
    none: &'a Value,
    budget: Budget,
}

impl<'a> Asked<'a> {
    fn holds(&mut self, program: &'a Program) -> Outcome<bool> {
        self.run(program, |value| if let Val::Bool(flag) = value { Some(*flag) } else { None }, "bool")
    }

    fn text(&mut self, program: &'a Program) -> Outcome<String> {
        let cut = |text: &str| text.chars().take(LONGEST).collect();
        self.run(program, |value| if let Val::String(text) = value { Some(cut(text)) } else { None }, "string")
    }

    fn run<T>(&mut self, program: &'a Program, take: impl Fn(&Val<'a>) -> Option<T>, wanted: &str) -> Outcome<T> {
        let names = PARTS.iter().chain(&TEXTS).map(|name| (*name, self.object.get(*name)));
        let mut variables = Vec::new();
        for (name, value) in names.chain([("self", Some(self.object))]) {
            let value = value.filter(|value| !value.is_null()).unwrap_or(self.none);
            match sluice_cel::value(value, &Type::Dyn) {
                Ok(value) => variables.push((name, value)),
                Err(error) => return Outcome::Failed(error.to_string()),
            }
        }
        match program.run(variables, &mut self.budget) {
            Ok(value) => match take(&value) {
                Some(taken) => Outcome::Value(taken),
                None => Outcome::Failed(format!("it gives {}, and {wanted} is needed", value.type_name())),
            },
            Err(error) if error.is_absence() => Outcome::Absent,
            Err(error) => Outcome::Failed(error.to_string()),
        }
    }
}
