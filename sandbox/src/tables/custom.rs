//! Columns of custom resources, as their CRD declares them.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::duration::since;
use super::jsonpath::JsonPath;
use crate::read::{number, text};

/// One column.
#[derive(Clone, Debug)]
pub(super) struct Column {
    definition: Value,
    kind: Kind,
    path: JsonPath,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Integer,
    Number,
    Boolean,
    Date,
    Text,
}

impl Column {
    /// A column from its declaration; nothing where its path cannot be read.
    pub(super) fn new(declared: &Value) -> Option<Column> {
        let path = text(declared, "jsonPath");
        let description = match text(declared, "description") {
            "" => format!("Custom resource definition column (in JSONPath format): {path}"),
            description => description.to_owned(),
        };
        let definition = json!({
            "name": text(declared, "name"),
            "type": text(declared, "type"),
            "format": text(declared, "format"),
            "description": description,
            "priority": number(declared, "priority").unwrap_or_default(),
        });
        let kind = match text(declared, "type") {
            "integer" => Kind::Integer,
            "number" => Kind::Number,
            "boolean" => Kind::Boolean,
            "date" => Kind::Date,
            _ => Kind::Text,
        };
        Some(Column { definition, kind, path: JsonPath::parse(path)? })
    }

    /// The column as the table declares it.
    pub(super) fn definition(&self) -> Value {
        self.definition.clone()
    }

    /// The cell of an object: the first value at the path, if it is of the column's type.
    pub(super) fn cell(&self, object: &Value, now: Timestamp) -> Value {
        let Some(value) = self.path.find(object).into_iter().next() else { return Value::Null };
        match self.kind {
            Kind::Integer => match (value.as_i64(), value.as_f64()) {
                (Some(whole), _) => json!(whole),
                (None, Some(real)) => json!(real as i64),
                (None, None) => Value::Null,
            },
            Kind::Number if value.is_number() => value.clone(),
            Kind::Boolean if value.is_boolean() => value.clone(),
            Kind::Number | Kind::Boolean => Value::Null,
            Kind::Date => date(value, now),
            Kind::Text => printed(value),
        }
    }
}

fn date(value: &Value, now: Timestamp) -> Value {
    match value.as_str().map(str::parse::<Timestamp>) {
        Some(Ok(time)) => json!(since(Some(time), now)),
        Some(Err(_)) => json!("<invalid>"),
        None => Value::Null,
    }
}

/// A value as text: JSON, except that a text has no quotes, and that large numbers have no exponent.
fn printed(value: &Value) -> Value {
    match value {
        Value::Null => json!("<no value>"),
        Value::String(text) => json!(text),
        other => json!(plain_numbers(other).to_string()),
    }
}

/// Whole numbers as such, however they were written.
fn plain_numbers(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(plain_numbers).collect(),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), plain_numbers(value))).collect(),
        Value::Number(number) => match number.as_f64() {
            Some(real) if !number.is_i64() && real.fract() == 0.0 && real.abs() < 1e18 => json!(real as i64),
            _ => value.clone(),
        },
        other => other.clone(),
    }
}
