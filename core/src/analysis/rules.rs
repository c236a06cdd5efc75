//! A metric with its arguments filled in, read: how often it is measured, and what its measurements mean.

use jiff::SignedDuration;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::api::Metric;
use crate::expr::Condition;
use crate::time::parse_go_duration;

/// The shortest interval of metrics that ask for none.
const SHORTEST: SignedDuration = SignedDuration::from_secs(1);
/// Measurements of a metric that are kept where nobody says how many.
const KEPT: usize = 10;

/// What is asked of a metric.
#[derive(Debug)]
pub struct Rules {
    /// The metric, as its provider is asked for it.
    pub metric: Metric,
    /// Time between two measurements.
    pub interval: Option<SignedDuration>,
    /// Time before the first one.
    pub initial_delay: SignedDuration,
    /// How many are taken; `None` until somebody stops it.
    pub count: Option<i32>,
    /// Failures that are tolerated; `None` is any number.
    pub failure_limit: Option<i32>,
    /// Inconclusive ones that are.
    pub inconclusive_limit: i32,
    /// Errors in a row that are.
    pub consecutive_error_limit: i32,
    /// Successes in a row after which it is successful.
    pub consecutive_success_limit: Option<i32>,
    /// What must hold.
    pub success: Option<Condition>,
    /// What must not.
    pub failure: Option<Condition>,
    /// Whether it decides nothing.
    pub dry_run: bool,
    /// Measurements that are kept.
    pub keep: usize,
}

impl Rules {
    /// Reads a metric.
    pub fn read(metric: Metric) -> Result<Rules, String> {
        let name = metric.name.clone();
        let wrong = |field: &str, why: &dyn std::fmt::Display| format!("metric {name:?}: {field}: {why}");
        let duration = |field: &str, text: &Option<String>| match text.as_deref() {
            None | Some("") => Ok(None),
            Some(text) => parse_go_duration(text).map(Some).map_err(|error| wrong(field, &error)),
        };
        let condition = |field: &str, text: &Option<String>| match text.as_deref() {
            None | Some("") => Ok(None),
            Some(text) => Condition::parse(text).map(Some).map_err(|error| wrong(field, &error)),
        };
        let number = |field: &str, value: &Option<IntOrString>, default: i32| match value {
            None => Ok(default),
            Some(IntOrString::Int(number)) => Ok(*number),
            Some(IntOrString::String(text)) => text.trim().parse().map_err(|error| wrong(field, &error)),
        };
        let interval = duration("interval", &metric.interval)?;
        if interval.is_some_and(|interval| interval.is_negative()) {
            return Err(wrong("interval", &"it is negative"));
        }
        // None at all is one measurement right after the other, which nobody's server should have to answer.
        let interval = interval.map(|interval| if interval.is_zero() { SHORTEST } else { interval });
        let count = number("count", &metric.count, 0)?;
        let failures = number("failureLimit", &metric.failure_limit, 0)?;
        let successes = number("consecutiveSuccessLimit", &metric.consecutive_success_limit, 0)?;
        Ok(Rules {
            interval,
            initial_delay: duration("initialDelay", &metric.initial_delay)?.unwrap_or_default(),
            count: if count > 0 { Some(count) } else { interval.is_none().then_some(1) },
            failure_limit: Some(failures).filter(|limit| *limit >= 0),
            inconclusive_limit: number("inconclusiveLimit", &metric.inconclusive_limit, 0)?,
            consecutive_error_limit: number("consecutiveErrorLimit", &metric.consecutive_error_limit, 4)?,
            consecutive_success_limit: Some(successes).filter(|limit| *limit > 0),
            success: condition("successCondition", &metric.success_condition)?,
            failure: condition("failureCondition", &metric.failure_condition)?,
            dry_run: false,
            keep: KEPT,
            metric,
        })
    }
}
