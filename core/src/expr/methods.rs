//! Methods, which moments and lengths of time have.

use jiff::Timestamp;

use super::error::Refusal;
use super::kind::Type;
use super::value::Value;

/// What a method needs to be called, what it gives, and what it does.
struct Method {
    of: Type,
    name: &'static str,
    takes: &'static [Type],
    gives: Type,
    run: fn(&Value, &[Value]) -> Option<Value>,
}

const fn row(
    of: Type,
    name: &'static str,
    takes: &'static [Type],
    gives: Type,
    run: fn(&Value, &[Value]) -> Option<Value>,
) -> Method {
    Method { of, name, takes, gives, run }
}

static METHODS: [Method; 18] = [
    row(Type::Time, "Year", &[], Type::Int, |of, _| zoned(of, |time| i64::from(time.year()))),
    row(Type::Time, "Day", &[], Type::Int, |of, _| zoned(of, |time| i64::from(time.day()))),
    row(Type::Time, "YearDay", &[], Type::Int, |of, _| zoned(of, |time| i64::from(time.day_of_year()))),
    row(Type::Time, "Hour", &[], Type::Int, |of, _| zoned(of, |time| i64::from(time.hour()))),
    row(Type::Time, "Minute", &[], Type::Int, |of, _| zoned(of, |time| i64::from(time.minute()))),
    row(Type::Time, "Second", &[], Type::Int, |of, _| zoned(of, |time| i64::from(time.second()))),
    row(Type::Time, "Unix", &[], Type::Int, |of, _| zoned(of, |time| time.timestamp().as_second())),
    row(Type::Time, "UnixMilli", &[], Type::Int, |of, _| zoned(of, |time| time.timestamp().as_millisecond())),
    row(Type::Time, "Before", &[Type::Time], Type::Bool, |of, args| moments(of, args, |one, other| one < other)),
    row(Type::Time, "After", &[Type::Time], Type::Bool, |of, args| moments(of, args, |one, other| one > other)),
    row(Type::Time, "Equal", &[Type::Time], Type::Bool, |of, args| moments(of, args, |one, other| one == other)),
    row(Type::Time, "Sub", &[Type::Time], Type::Duration, |of, args| {
        super::times::between(of, args.first()?).map(Value::Duration)
    }),
    row(Type::Time, "Add", &[Type::Duration], Type::Time, |of, args| super::times::later(of, args.first()?)),
    row(Type::Duration, "Hours", &[], Type::Float, |of, _| length(of, 3_600e9)),
    row(Type::Duration, "Minutes", &[], Type::Float, |of, _| length(of, 60e9)),
    row(Type::Duration, "Seconds", &[], Type::Float, |of, _| length(of, 1e9)),
    row(Type::Duration, "Milliseconds", &[], Type::Int, |of, _| match of {
        Value::Duration(nanos) => Some(Value::Int(nanos / 1_000_000)),
        _ => None,
    }),
    row(Type::Duration, "Nanoseconds", &[], Type::Int, |of, _| match of {
        Value::Duration(nanos) => Some(Value::Int(*nanos)),
        _ => None,
    }),
];

fn zoned(of: &Value, part: fn(&jiff::Zoned) -> i64) -> Option<Value> {
    match of {
        Value::Time(time) => Some(Value::Int(part(time))),
        _ => None,
    }
}

fn moments(of: &Value, args: &[Value], compare: fn(Timestamp, Timestamp) -> bool) -> Option<Value> {
    match (of, args) {
        (Value::Time(one), [Value::Time(other)]) => Some(Value::Bool(compare(one.timestamp(), other.timestamp()))),
        _ => None,
    }
}

fn length(of: &Value, unit: f64) -> Option<Value> {
    match of {
        Value::Duration(nanos) => Some(Value::Float(*nanos as f64 / unit)),
        _ => None,
    }
}

/// The type that a method gives.
pub fn check(of: &Type, name: &str, args: &[Type]) -> Result<Type, String> {
    // A field could hold a function only where somebody put one there, which JSON cannot.
    if matches!(of, Type::Any | Type::Map { .. }) {
        return Ok(Type::Any);
    }
    let Some(method) = METHODS.iter().find(|method| method.of == *of && method.name == name) else {
        return Err(format!("type {of} has no method {name}"));
    };
    if args.len() != method.takes.len() {
        let few = if args.len() < method.takes.len() { "not enough" } else { "too many" };
        return Err(format!("{few} arguments to call {name}: expected {}, got {}", method.takes.len(), args.len()));
    }
    match args.iter().zip(method.takes).find(|(arg, wanted)| !arg.is_any() && arg != wanted) {
        Some((arg, wanted)) => Err(format!("cannot use {arg} as argument (type {wanted}) to call {name}")),
        None => Ok(method.gives.clone()),
    }
}

/// What a method gives.
pub fn run(of: &Value, name: &str, args: &[Value]) -> Result<Value, Refusal> {
    let kind = of.kind();
    let found = METHODS.iter().find(|method| method.of == kind && method.name == name);
    let given = found.and_then(|method| (method.run)(of, args));
    given.ok_or_else(|| Refusal::new(format!("cannot call {name} of {}", of.kind_name())))
}
