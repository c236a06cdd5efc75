//! Arithmetic with moments and lengths of time.

use std::sync::Arc;

use jiff::SignedDuration;

use super::value::Value;

/// How long it is from the second moment to the first, in nanoseconds; what does not fit is as long as can be.
pub fn between(one: &Value, other: &Value) -> Option<i64> {
    match (one, other) {
        (Value::Time(one), Value::Time(other)) => {
            let nanos = one.timestamp().as_nanosecond() - other.timestamp().as_nanosecond();
            Some(i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX }))
        }
        _ => None,
    }
}

/// A moment so much later, if there is such a moment.
pub fn later(time: &Value, by: &Value) -> Option<Value> {
    match (time, by) {
        (Value::Time(time), Value::Duration(nanos)) => {
            let moved = time.checked_add(SignedDuration::from_nanos(*nanos)).ok()?;
            Some(Value::Time(Arc::new(moved)))
        }
        _ => None,
    }
}
