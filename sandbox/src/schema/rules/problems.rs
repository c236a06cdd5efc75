//! What is wrong with the rules of a schema, for who defines them.

use serde_json::{Value, json};

use super::Rule;
use crate::refusal::Cause;
use crate::schema::{ListType, Schema};

/// What is wrong with the rules of a schema that a CustomResourceDefinition has at `field`.
pub fn problems(schema: &Schema, field: &str) -> Vec<Cause> {
    let mut causes = Vec::new();
    node(schema, field, None, &mut causes);
    causes
}

/// Items of most lists have no counterpart in an older list; `uncorrelated` is where such a list is.
fn node(schema: &Schema, field: &str, uncorrelated: Option<&str>, causes: &mut Vec<Cause>) {
    if !schema.has_rules {
        return;
    }
    if let Some(values) = &schema.additional {
        node(values, &format!("{field}.additionalProperties"), uncorrelated, causes);
    }
    for (name, property) in &schema.properties {
        node(&property.schema, &format!("{field}.properties[{name}]"), uncorrelated, causes);
    }
    if let Some(items) = &schema.items {
        let within = if matches!(schema.list, ListType::Map(_)) { uncorrelated } else { uncorrelated.or(Some(field)) };
        node(items, &format!("{field}.items"), within, causes);
    }
    for (index, rule) in schema.rules.all.iter().enumerate() {
        of_rule(rule, &format!("{field}.x-kubernetes-validations[{index}]"), uncorrelated, causes);
    }
}

fn of_rule(rule: &Rule, field: &str, uncorrelated: Option<&str>, causes: &mut Vec<Cause>) {
    if let Some(Err(why)) = &rule.holds {
        causes.push(Cause::invalid_as(format!("{field}.rule"), &rule.written.as_go(), why));
    }
    if let Some(Err(why)) = &rule.says {
        causes.push(Cause::invalid_as(format!("{field}.messageExpression"), &rule.written.as_go(), why));
    }
    match (rule.compares(), uncorrelated, rule.written.optional_old_self) {
        (true, Some(within), _) => {
            let why = format!("oldSelf cannot be used on the uncorrelatable portion of the schema within {within}");
            causes.push(Cause::invalid(format!("{field}.rule"), &json!(rule.written.rule), &why));
        }
        (false, _, Some(flag)) => {
            let why = "may not be set if oldSelf is not used in rule";
            causes.push(Cause::invalid(format!("{field}.optionalOldSelf"), &Value::from(flag), why));
        }
        _ => {}
    }
}

impl Rule {
    /// What is wrong with it as it is written, before it is compiled.
    fn mistakes(&self, field: &str, has_place: bool) -> Vec<Cause> {
        let written = &self.written;
        let mut causes = Vec::new();
        let (rule, message) = (written.rule.trim(), written.message.trim());
        let invalid =
            |name: &str, value: &str, why: &str| Cause::invalid(format!("{field}.{name}"), &json!(value), why);
        if rule.is_empty() {
            causes.push(Cause::required(format!("{field}.rule"), "rule is not specified"));
        } else if !written.message.is_empty() && message.is_empty() {
            causes.push(invalid("message", &written.message, "must be non-empty if specified"));
        } else if message.contains('\n') {
            causes.push(invalid("message", &written.message, "must not contain line breaks"));
        } else if rule.contains('\n') && message.is_empty() {
            let why = "message must be specified if rule contains line breaks";
            causes.push(Cause::required(format!("{field}.message"), why));
        }
        if !written.message_expression.is_empty() && written.message_expression.trim().is_empty() {
            let why = "messageExpression must be non-empty if specified";
            causes.push(Cause::required(format!("{field}.messageExpression"), why));
        }
        if let Some(reason) = &written.reason {
            const REASONS: [&str; 4] =
                ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];
            if !REASONS.contains(&reason.as_str()) {
                causes.push(Cause::not_supported(format!("{field}.reason"), &json!(reason), &REASONS));
            }
        }
        if !written.field_path.is_empty() && written.field_path.trim().is_empty() {
            causes.push(invalid("fieldPath", &written.field_path, "must be non-empty if specified"));
        }
        if written.field_path.contains('\n') {
            causes.push(invalid("fieldPath", &written.field_path, "must not contain line breaks"));
        }
        if !written.field_path.is_empty() && !has_place {
            causes.push(invalid("fieldPath", &written.field_path, "must be a valid path"));
        }
        causes
    }
}

/// What is wrong with the rules as they are written.
pub fn mistakes(schema: &Schema, field: &str) -> Vec<Cause> {
    let mut causes = Vec::new();
    written(schema, field, &mut causes);
    causes
}

fn written(schema: &Schema, field: &str, causes: &mut Vec<Cause>) {
    if !schema.has_rules {
        return;
    }
    if let Some(values) = &schema.additional {
        written(values, &format!("{field}.additionalProperties"), causes);
    }
    for (name, property) in &schema.properties {
        written(&property.schema, &format!("{field}.properties[{name}]"), causes);
    }
    if let Some(items) = &schema.items {
        written(items, &format!("{field}.items"), causes);
    }
    for (index, rule) in schema.rules.all.iter().enumerate() {
        let has_place = super::place::normal(schema, &rule.written.field_path).is_some();
        causes.extend(rule.mistakes(&format!("{field}.x-kubernetes-validations[{index}]"), has_place));
    }
}
