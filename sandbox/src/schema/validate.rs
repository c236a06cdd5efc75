//! Whether a custom resource keeps to its schema, and what is wrong with it in the real server's words.
//!
//! What was there before and has not changed is not held against an update, even if the schema has become stricter since.

use std::collections::HashSet;

use serde_json::{Map, Value};
use sluice_cel::formats;

use super::combine::combinations;
use super::path::Path;
use super::{ListType, Schema, Type, embedded, rules};
use crate::refusal::Cause;

/// What is wrong with `new`, which replaces `old`.
pub fn validate(schema: &Schema, new: &Value, old: Option<&Value>) -> Vec<Cause> {
    let mut causes = validate_values(schema, new, old);
    causes.extend(validate_rules(schema, new, old, &causes));
    causes
}

/// What is wrong with the values of `new`, one by one.
pub fn validate_values(schema: &Schema, new: &Value, old: Option<&Value>) -> Vec<Cause> {
    let mut causes = Vec::new();
    node(schema, new, old, &mut Path::default(), &mut causes);
    let doubles = doubles_of(schema, new);
    if !doubles.is_empty() && old.is_none_or(|old| doubles_of(schema, old).is_empty()) {
        causes.extend(doubles);
    }
    causes
}

/// The rules that `new` breaks; none are tried where one of the causes so far says that it has not the right shape.
pub fn validate_rules(schema: &Schema, new: &Value, old: Option<&Value>, causes: &[Cause]) -> Vec<Cause> {
    if !schema.has_rules {
        return Vec::new();
    }
    if causes.iter().any(stops_rules) {
        let detail = "some validation rules were not checked because the object was invalid; correct the existing \
                      errors to complete validation";
        return vec![Cause::invalid("<nil>", &Value::Null, detail)];
    }
    rules::broken(schema, new, old)
}

/// Rules are only tried on objects that have the right shape.
fn stops_rules(cause: &Cause) -> bool {
    ["FieldValueNotSupported", "FieldValueRequired", "FieldValueTooLong", "FieldValueTooMany", "FieldValueTypeInvalid"]
        .contains(&cause.reason)
}

pub(super) fn node(schema: &Schema, new: &Value, old: Option<&Value>, path: &mut Path, causes: &mut Vec<Cause>) {
    // Metadata is typed: it has been decoded, and its own validation knows more than its schema.
    if old == Some(new) || new.is_null() && schema.nullable || schema.is_metadata() {
        return;
    }
    let actual = type_of(new);
    if !schema.kind.takes(actual) {
        let detail = format!("{} in body must be of type {}: \"{actual}\"", path.text(), schema.kind.name());
        causes.push(Cause::type_invalid(path.text(), &actual.into(), &detail));
    }
    if let Some(limits) = &schema.limits {
        combinations(limits, new, path, causes);
        match new {
            Value::String(text) => causes.extend(limits.text(text, path)),
            Value::Number(number) => limits.number(number, path, causes),
            Value::Array(items) => limits.list(items, path, causes),
            _ => {}
        }
        causes.extend(limits.choice(new, path));
    }
    match new {
        Value::String(text) if !formats::holds(&schema.format, text) => {
            let detail = format!("{} in body must be of type {}: {new}", path.text(), schema.format);
            causes.push(Cause::type_invalid(path.text(), new, &detail));
        }
        Value::Array(items) => list(schema, items, old, path, causes),
        Value::Object(object) => properties(schema, object, old, path, causes),
        _ => {}
    }
}

fn list(schema: &Schema, items: &[Value], old: Option<&Value>, path: &mut Path, causes: &mut Vec<Cause>) {
    let Some(item_schema) = schema.items.as_deref() else { return };
    for (index, item) in items.iter().enumerate() {
        let mark = path.enter_item(index);
        node(item_schema, item, schema.counterpart(item, old), path, causes);
        path.leave(mark);
    }
}

fn properties(
    schema: &Schema,
    object: &Map<String, Value>,
    old: Option<&Value>,
    path: &mut Path,
    causes: &mut Vec<Cause>,
) {
    if let Some(limits) = &schema.limits {
        if let Some(cause) = limits.object(object, path) {
            causes.push(cause);
            return;
        }
        let missing = limits.required.iter().filter(|name| !object.contains_key(*name));
        causes.extend(missing.map(|name| Cause::required(path.child(name), "")));
    }
    if schema.embedded {
        embedded::check(object, path, causes);
    }
    for (name, value) in object {
        if let Some(property) = schema.property(name) {
            let mark = path.enter(name);
            node(property, value, old.and_then(|old| old.get(name)), path, causes);
            path.leave(mark);
        }
    }
}

/// The items of sets and maps that are there twice.
fn doubles_of(schema: &Schema, value: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    doubles(schema, value, &mut Path::default(), &mut causes);
    causes
}

fn doubles(schema: &Schema, value: &Value, path: &mut Path, causes: &mut Vec<Cause>) {
    match value {
        Value::Object(object) if !schema.is_metadata() => {
            for (name, value) in object {
                if let Some(property) = schema.property(name) {
                    let mark = path.enter(name);
                    doubles(property, value, path, causes);
                    path.leave(mark);
                }
            }
        }
        Value::Array(items) => {
            let mut seen = HashSet::new();
            for (index, item) in items.iter().enumerate() {
                let mark = path.enter_item(index);
                match identity(schema, item) {
                    Ok(Some(identity)) if !seen.insert(identity.to_string()) => {
                        causes.push(Cause::duplicate(path.text(), &identity));
                    }
                    Ok(_) => {}
                    Err(detail) => causes.push(Cause::invalid(path.text(), item, detail)),
                }
                doubles(schema.item(), item, path, causes);
                path.leave(mark);
            }
        }
        _ => {}
    }
}

fn identity(schema: &Schema, item: &Value) -> Result<Option<Value>, &'static str> {
    match &schema.list {
        ListType::Atomic => Ok(None),
        ListType::Set => Ok(Some(item.clone())),
        ListType::Map(keys) => {
            let item = item.as_object().ok_or("must be an object for an array of list-type map")?;
            let keys = keys.iter().filter_map(|key| Some((key.clone(), item.get(key)?.clone())));
            Ok(Some(Value::Object(keys.collect())))
        }
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.as_f64().is_some_and(|number| number.fract() == 0.0) => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

impl Type {
    fn name(self) -> &'static str {
        match self {
            Type::Any => "any",
            Type::Object => "object",
            Type::Array => "array",
            Type::String => "string",
            Type::Integer => "integer",
            Type::Number => "number",
            Type::Boolean => "boolean",
            Type::IntOrString => "integer,string",
        }
    }

    fn takes(self, actual: &str) -> bool {
        match self {
            Type::Any => true,
            Type::Number => matches!(actual, "number" | "integer"),
            Type::IntOrString => matches!(actual, "integer" | "string"),
            _ => self.name() == actual,
        }
    }
}
