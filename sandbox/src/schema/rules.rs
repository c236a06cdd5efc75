//! The validation rules of a schema that are written in CEL.
//!
//! The one rule that Kubernetes APIs are full of, `self == oldSelf`, is evaluated; all others are named, so that the
//! server can warn that it lets pass what a real one may refuse.

use serde::Deserialize;
use serde_json::Value;

use super::path::Path;
use super::{Link, Schema};
use crate::refusal::Cause;

/// One entry of `x-kubernetes-validations`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Rule {
    /// The rule in CEL.
    pub rule: String,
    message: String,
    message_expression: String,
    reason: String,
    field_path: String,
    optional_old_self: bool,
}

impl Rule {
    /// The rule forbids every change, and nothing else.
    fn forbids_change(&self) -> bool {
        let words: Vec<&str> = self.rule.split_whitespace().collect();
        !self.optional_old_self && matches!(words.as_slice(), ["self", "==", "oldSelf"] | ["oldSelf", "==", "self"])
    }

    fn broken(&self, value: &Value, path: &Path) -> Cause {
        let message = match self.message.as_str() {
            "" => format!("failed rule: {}", self.rule.trim()),
            message => message.to_string(),
        };
        let field = format!("{}{}", path.text(), self.field_path);
        let field = field.strip_prefix('.').unwrap_or(&field);
        let shown = Value::from(shown_as(value));
        match self.reason.as_str() {
            "FieldValueForbidden" => Cause::forbidden(field, &message),
            "FieldValueRequired" => Cause::required(field, &message),
            "FieldValueDuplicate" => Cause::duplicate(field, &shown),
            _ => Cause::invalid(field, &shown, &message),
        }
    }
}

fn shown_as(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Checks the rules about changes.
pub(super) fn transitions(schema: &Schema, new: &Value, old: &Value, path: &mut Path, causes: &mut Vec<Cause>) {
    if !schema.has_rules || new == old {
        return;
    }
    causes.extend(schema.rules.iter().filter(|rule| rule.forbids_change()).map(|rule| rule.broken(new, path)));
    match new {
        Value::Object(object) => {
            for (name, value) in object {
                if let (Some(property), Some(old)) = (schema.property(name), old.get(name)) {
                    let mark = path.enter(name);
                    transitions(property, value, old, path, causes);
                    path.leave(mark);
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                if let Some(old) = schema.counterpart(item, Some(old)) {
                    let mark = path.enter_item(index);
                    transitions(schema.item(), item, old, path, causes);
                    path.leave(mark);
                }
            }
        }
        _ => {}
    }
}

/// The rules that `validate` does not evaluate, each with the path of its node.
pub fn rules_not_evaluated(schema: &Schema) -> Vec<String> {
    let mut found = Vec::new();
    collect(schema, &mut Path::default(), &mut found);
    found
}

fn collect(schema: &Schema, path: &mut Path, found: &mut Vec<String>) {
    if !schema.has_rules {
        return;
    }
    let others = schema.rules.iter().filter(|rule| !rule.forbids_change());
    found.extend(others.map(|rule| format!("{}: {}", path.text(), rule.rule.trim())));
    for (name, field) in &schema.properties {
        let mark = path.enter(name);
        collect(&field.schema, path, found);
        path.leave(mark);
    }
    let unnamed = |link: &Option<Link>, step: &str, path: &mut Path, found: &mut Vec<String>| {
        if let Some(link) = link {
            let mark = path.enter(step);
            collect(link, path, found);
            path.leave(mark);
        }
    };
    unnamed(&schema.additional, "*", path, found);
    unnamed(&schema.items, "*", path, found);
}
