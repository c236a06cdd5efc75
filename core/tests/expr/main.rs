//! Conditions: the verdicts of the Go library that existing templates were written for, and what nobody may bring about.

mod golden;
mod hostile;

use jiff::Timestamp;
use serde_json::Value as Json;
use sluice_core::expr::{Env, Key, Shape, Type, Value};

/// The moment of every test.
fn env() -> Env {
    Env { now: Timestamp::from_second(1_800_000_000).expect("a moment") }
}

/// A result as `tests/expr` writes it down.
fn result(kind: &str, json: &Json) -> Value {
    match kind {
        "json" => Value::from_json(json).expect("it is not deep"),
        "float" => Value::Float(number(json)),
        "floats" => Value::floats(list(json).iter().map(number)),
        "records" => Value::array_of(record_type(), list(json).iter().map(record).collect()).expect("it is not deep"),
        other => panic!("there is no kind {other:?}"),
    }
}

fn list(json: &Json) -> &[Json] {
    json.as_array().expect("a list")
}

/// A number, which is a text where it may be none that JSON has.
fn number(json: &Json) -> f64 {
    json.as_str().map_or_else(|| json.as_f64(), |text| text.parse().ok()).expect("a number")
}

/// What the records of CloudWatch look like to a checker.
fn record_type() -> Type {
    let text = |name: &str| (name.to_owned(), Type::String);
    let values = ("Values".to_owned(), Type::array(Type::Float));
    Type::record([text("Id"), text("Label"), text("StatusCode"), values])
}

fn record(json: &Json) -> Value {
    let text = |name: &str| json[name].as_str().map_or(Value::Nil, Value::text);
    let values = Value::floats(list(&json["Values"]).iter().map(number));
    let fields = [("Id", text("Id")), ("Label", text("Label")), ("StatusCode", text("StatusCode")), ("Values", values)];
    let entries = fields.into_iter().map(|(name, value)| (Key::String(name.into()), value));
    Value::map_of(Shape::Record, entries.collect()).expect("it is not deep")
}
