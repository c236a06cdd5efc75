//! What an autoscaler says of itself: the status, as far as it has changed.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::object;

/// A condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    kind: &'static str,
    holds: bool,
    /// For programs.
    pub reason: &'static str,
    message: String,
}

impl Condition {
    /// A condition of this type.
    pub fn new(kind: &'static str, holds: bool, reason: &'static str, message: impl Into<String>) -> Condition {
        Condition { kind, holds, reason, message: message.into() }
    }

    /// It can change sizes.
    pub fn able(reason: &'static str, message: impl Into<String>) -> Condition {
        Condition::new("AbleToScale", true, reason, message)
    }

    /// It cannot.
    pub fn unable(reason: &'static str, message: impl Into<String>) -> Condition {
        Condition::new("AbleToScale", false, reason, message)
    }

    /// Whether metrics decide about the size.
    pub fn active(holds: bool, reason: &'static str, message: impl Into<String>) -> Condition {
        Condition::new("ScalingActive", holds, reason, message)
    }
}

/// Sets a condition in an autoscaler's status.
pub fn set(autoscaler: &mut Value, condition: &Condition, now: Timestamp) {
    let status = if condition.holds { "True" } else { "False" };
    let condition = json!({
        "type": condition.kind, "status": status, "reason": condition.reason, "message": condition.message,
    });
    object::set_condition(autoscaler, condition, now);
}

/// Writes sizes and metrics into an autoscaler's status; `null` metrics are those that nobody asked for.
pub fn sizes(autoscaler: &mut Value, current: i64, desired: i64, metrics: Value) {
    let status = crate::write::map(autoscaler, "status");
    if current == 0 {
        status.remove("currentReplicas");
    } else {
        status.insert("currentReplicas".into(), json!(current));
    }
    status.insert("desiredReplicas".into(), json!(desired));
    status.insert("currentMetrics".into(), metrics);
}
