//! The validation rules of a schema that are written in CEL: compiled with the schema, run for each object.

mod place;
mod problems;
mod run;
mod types;

use serde::Deserialize;
use serde_json::json;
use sluice_cel::{Program, Type};

use super::Schema;

pub use problems::{mistakes, problems};
pub(super) use run::broken;

/// One entry of `x-kubernetes-validations`, as it is written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Written {
    rule: String,
    message: String,
    message_expression: String,
    reason: Option<String>,
    field_path: String,
    optional_old_self: Option<bool>,
}

/// The rules of a node.
#[derive(Debug, Default)]
pub struct Rules {
    all: Vec<Rule>,
    /// The type of the node's values, as they see it.
    kind: Option<Type>,
}

impl Rules {
    /// There are none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }
}

/// A rule, compiled.
#[derive(Debug)]
struct Rule {
    written: Written,
    /// Whether it holds; nothing for a rule without text.
    holds: Option<Result<Program, String>>,
    /// What is said when it does not hold.
    says: Option<Result<Program, String>>,
    /// The field that is named then, from the node on.
    place: String,
}

/// Compiles the rules of a node.
pub(super) fn compile(node: &Schema, rules: &[Written]) -> Rules {
    if rules.is_empty() {
        return Rules::default();
    }
    let kind = types::of(node, node.custom || node.embedded, "object");
    Rules { all: rules.iter().map(|rule| Rule::new(node, kind.as_ref(), rule)).collect(), kind }
}

impl Rule {
    fn new(node: &Schema, own: Option<&Type>, written: &Written) -> Rule {
        let written = written.clone();
        let place = place::normal(node, &written.field_path).unwrap_or_default();
        let Some(own) = own else {
            let why = "failed to convert to declType for CEL validation rules".to_owned();
            return Rule { written, holds: Some(Err(why)), says: None, place };
        };
        let old = if written.is_optional() { Type::optional(own.clone()) } else { own.clone() };
        let variables = [("self", own.clone()), ("oldSelf", old)];
        let compiled = |text: &str, what: &str, wanted: &Type, unfit: &str| {
            if text.trim().is_empty() {
                return None;
            }
            let program = Program::compile(text, &variables).map_err(|errors| format!("{what}: {errors}"));
            let fits = |program: &Program| std::mem::discriminant(program.result()) == std::mem::discriminant(wanted);
            Some(program.and_then(|program| if fits(&program) { Ok(program) } else { Err(unfit.to_owned()) }))
        };
        let unfit = "cel expression must evaluate to a bool";
        let holds = compiled(&written.rule, "compilation failed", &Type::Bool, unfit);
        let unfit = "messageExpression must evaluate to a string";
        let what = "messageExpression compilation failed";
        let says = match &holds {
            Some(Ok(_)) => compiled(&written.message_expression, what, &Type::String, unfit),
            _ => None,
        };
        Rule { written, holds, says, place }
    }

    /// It is about a change.
    fn compares(&self) -> bool {
        matches!(&self.holds, Some(Ok(program)) if program.uses("oldSelf"))
    }
}

impl Written {
    fn is_optional(&self) -> bool {
        self.optional_old_self == Some(true)
    }

    /// What stands for the rule in errors.
    fn shown(&self) -> &str {
        if self.message.is_empty() { self.rule.trim() } else { self.message.trim() }
    }

    /// What is said when it does not hold.
    fn told(&self) -> String {
        if self.message.is_empty() {
            format!("failed rule: {}", self.rule.trim())
        } else {
            self.message.trim().to_owned()
        }
    }

    /// As the API server prints its own structure: in its order, and with what HTML would read written out.
    fn as_go(&self) -> String {
        let fields = [
            ("Rule", json!(self.rule)),
            ("Message", json!(self.message)),
            ("MessageExpression", json!(self.message_expression)),
            ("Reason", json!(self.reason)),
            ("FieldPath", json!(self.field_path)),
            ("OptionalOldSelf", json!(self.optional_old_self)),
        ];
        let fields: Vec<String> = fields.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        let text = format!("{{{}}}", fields.join(","));
        text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
    }
}
