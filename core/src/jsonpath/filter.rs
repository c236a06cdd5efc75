//! Which items of a list a filter keeps.

use std::cmp::Ordering;
use std::str::FromStr;

use serde_json::Value;

use super::Step;

/// `?(left operator right)`, or `?(left)` for items that have it.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    pub(super) left: Vec<Step>,
    pub(super) compared: Option<(Operator, Vec<Step>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl FromStr for Operator {
    type Err = String;

    fn from_str(text: &str) -> Result<Operator, String> {
        Ok(match text {
            "==" => Operator::Equal,
            "!=" => Operator::NotEqual,
            "<" => Operator::Less,
            "<=" => Operator::LessOrEqual,
            ">" => Operator::Greater,
            ">=" => Operator::GreaterOrEqual,
            _ => return Err(format!("{text} is no operator of a filter; there are == != < <= > >=")),
        })
    }
}

/// Parts a comparison at its first operator; none where nothing is compared.
pub(super) fn split(text: &str) -> Option<(&str, &str, &str)> {
    const OPERATORS: [char; 4] = ['!', '<', '=', '>'];
    let start = text.find(OPERATORS).filter(|start| *start > 0)?;
    let rest = &text[start..];
    // Something has to be left to compare with, be it a piece of the operator.
    let length = rest.find(|c| !OPERATORS.contains(&c)).unwrap_or(rest.len() - 1);
    (length > 0).then(|| (&text[..start], &rest[..length], &rest[length..]))
}

impl Operator {
    /// Whether it holds. Only numbers, texts and truths compare, each with its like, and truths have no order.
    pub(super) fn holds(self, left: &Value, right: &Value) -> Result<bool, String> {
        let order = match (left, right) {
            (Value::Number(left), Value::Number(right)) => left.as_f64().partial_cmp(&right.as_f64()),
            (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
            (Value::Bool(left), Value::Bool(right)) if matches!(self, Operator::Equal | Operator::NotEqual) => {
                Some(left.cmp(right))
            }
            _ => return Err(format!("a filter cannot compare {} with {} by {}", kind(left), kind(right), self.text())),
        };
        Ok(match self {
            Operator::Equal => order == Some(Ordering::Equal),
            Operator::NotEqual => order != Some(Ordering::Equal),
            Operator::Less => order == Some(Ordering::Less),
            Operator::LessOrEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
            Operator::Greater => order == Some(Ordering::Greater),
            Operator::GreaterOrEqual => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        })
    }

    fn text(self) -> &'static str {
        match self {
            Operator::Equal => "==",
            Operator::NotEqual => "!=",
            Operator::Less => "<",
            Operator::LessOrEqual => "<=",
            Operator::Greater => ">",
            Operator::GreaterOrEqual => ">=",
        }
    }
}

/// What a value is, for messages.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
