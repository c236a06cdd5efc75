//! What each metric of an autoscaler asks for.
//!
//! The arithmetic is in floating point, as the real one's is, so that sizes at the edges are the same.

use serde_json::{Value, json};
use sluice_core::identity::Quantity;

use crate::kinds::milli;
use crate::read::{at, text};

/// How far a metric may be from its target before anything happens.
const TOLERANCE: f64 = 0.1;

/// How many pods the target wants, and how many it says that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// `spec.replicas` of its scale.
    pub wanted: i64,
    /// `status.replicas` of its scale.
    pub observed: i64,
}

/// What there is to know for a metric from outside; why not, where it cannot be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readings {
    /// The sum of its values, in thousandths.
    pub value: Result<i64, String>,
    /// How many pods of the target are ready.
    pub ready: Result<i64, String>,
}

/// What one metric asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// The size.
    pub replicas: i64,
    /// The metric, in words.
    pub name: String,
    /// What it is now, as it stands in `status.currentMetrics`.
    pub status: Value,
}

/// Why a metric asks for nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Of the condition and of the event.
    pub reason: &'static str,
    /// What went wrong.
    pub message: String,
    /// The same, with what was attempted.
    pub story: String,
}

/// What a metric from outside asks for.
pub fn external(metric: &Value, readings: &Readings, size: Size) -> Result<Proposal, Failure> {
    let name = text(metric, "external.metric.name");
    let target = at(metric, "external.target");
    let average = milli(text(target, "averageValue"));
    let failure = |message: &String| {
        let attempt = if average.is_some() {
            format!("failed to get {name} external metric")
        } else {
            format!("failed to get external metric {name}")
        };
        let story = format!("failed to get {name} external metric value: {attempt}: {message}");
        Failure { reason: "FailedGetExternalMetric", message: message.clone(), story }
    };
    let value = *readings.value.as_ref().map_err(failure)?;
    let (replicas, current) = if let Some(average) = average {
        (for_average(value, average, size), json!({ "averageValue": average_of(value, size) }))
    } else {
        let total = milli(text(target, "value")).unwrap_or(0);
        let replicas = for_total(value, total, size, &readings.ready).map_err(|message| failure(&message))?;
        (replicas, json!({ "value": written(value) }))
    };
    let mut identity = json!({ "name": name });
    let selector = at(metric, "external.metric.selector");
    if !selector.is_null() {
        identity["selector"] = selector.clone();
    }
    let status = json!({ "type": "External", "external": { "metric": identity, "current": current } });
    Ok(Proposal { replicas, name: format!("external metric {name}({})", selector_as_go_prints_it(selector)), status })
}

/// The size at which each pod has its average. The reported pods count.
fn for_average(value: i64, average: i64, size: Size) -> i64 {
    let ratio = value as f64 / (average as f64 * size.observed as f64);
    if is_close(ratio) { size.observed } else { rounded_up(value as f64 / average as f64) }
}

/// The size at which the total is what is wanted, if it falls as pods are added. The pods that are ready count.
fn for_total(value: i64, total: i64, size: Size, ready: &Result<i64, String>) -> Result<i64, String> {
    let ratio = value as f64 / total as f64;
    if is_close(ratio) {
        return Ok(size.wanted);
    }
    match ready {
        Ok(ready) => Ok(rounded_up(ratio * *ready as f64)),
        Err(why) => Err(format!("unable to calculate ready pods: {why}")),
    }
}

fn is_close(ratio: f64) -> bool {
    (1.0 - TOLERANCE..=1.0 + TOLERANCE).contains(&ratio)
}

/// The next whole number, within what sizes can be.
fn rounded_up(size: f64) -> i64 {
    (size.ceil() as i64).min(i64::from(i32::MAX))
}

/// What each pod has. Where there is none, the processors of most clusters make the least number of it.
fn average_of(value: i64, size: Size) -> String {
    if size.observed == 0 {
        return format!("{}m", i64::MIN);
    }
    written((value as f64 / size.observed as f64).ceil() as i64)
}

/// Thousandths as a quantity.
fn written(milli: i64) -> String {
    let text = format!("{milli}m");
    Quantity::parse(&text).map_or(text, |quantity| quantity.to_string())
}

/// A label selector, or none, as Go's `%v` prints it.
pub fn selector_as_go_prints_it(selector: &Value) -> String {
    if selector.is_null() {
        return "nil".to_owned();
    }
    let mut printed = "&LabelSelector{MatchLabels:map[string]string{".to_owned();
    for (key, value) in at(selector, "matchLabels").as_object().into_iter().flatten() {
        printed.extend([key, ": ", value.as_str().unwrap_or_default(), ","]);
    }
    printed.push_str("},MatchExpressions:[]LabelSelectorRequirement{");
    for term in at(selector, "matchExpressions").as_array().into_iter().flatten() {
        let values = at(term, "values").as_array().into_iter().flatten().filter_map(Value::as_str);
        let values = values.collect::<Vec<_>>().join(" ");
        let (key, operator) = (text(term, "key"), text(term, "operator"));
        printed.extend(["LabelSelectorRequirement{Key:", key, ",Operator:", operator, ",Values:[", &values, "],},"]);
    }
    printed.push_str("},}");
    printed
}

/// Why there is none of a metric that only an API gives that is not served here.
pub fn unserved(metric: &Value, namespace: &str) -> Failure {
    const CUSTOM: &str =
        "unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered";
    let kind = text(metric, "type");
    match kind {
        "Resource" | "ContainerResource" => {
            let container = kind == "ContainerResource";
            let source = at(metric, if container { "containerResource" } else { "resource" });
            let name = text(source, "name");
            let what = if at(source, "target.averageValue").is_null() { "utilization" } else { "usage" };
            let message = format!(
                "failed to get {name} {what}: unable to get metrics for resource {name}: unable to fetch metrics from \
                 resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)"
            );
            if container {
                let story = format!("failed to get {} container metric value: {message}", text(source, "container"));
                Failure { reason: "FailedGetContainerResourceMetric", message, story }
            } else {
                let story = format!("failed to get {name} resource metric value: {message}");
                Failure { reason: "FailedGetResourceMetric", message, story }
            }
        }
        "Object" => {
            let (name, object) = (text(metric, "object.metric.name"), at(metric, "object.describedObject"));
            let (kind, of) = (text(object, "kind"), text(object, "name"));
            let message = format!("unable to get metric {name}: {kind} on {namespace} {of}/{CUSTOM}");
            let average = !at(metric, "object.target.averageValue").is_null();
            let attempt = if average { format!("failed to get {name} object metric: ") } else { String::new() };
            let story = format!("failed to get object metric value: {attempt}{message}");
            Failure { reason: "FailedGetObjectMetric", message, story }
        }
        _ => {
            let message = format!("unable to get metric {}: {CUSTOM}", text(metric, "pods.metric.name"));
            let story = format!("failed to get pods metric value: {message}");
            Failure { reason: "FailedGetPodsMetric", message, story }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(target: &Value, value: i64, ready: i64, wanted: i64, observed: i64) -> i64 {
        let metric = json!({ "type": "External", "external": { "metric": { "name": "queue" }, "target": target } });
        let readings = Readings { value: Ok(value), ready: Ok(ready) };
        external(&metric, &readings, Size { wanted, observed }).expect("a proposal").replicas
    }

    #[test]
    fn an_average_asks_for_enough_pods_to_share_the_value() {
        let target = json!({ "type": "AverageValue", "averageValue": "30" });
        assert_eq!(asks(&target, 90_000, 2, 2, 2), 3);
        assert_eq!(asks(&target, 91_000, 2, 2, 2), 4);
        assert_eq!(asks(&target, 0, 2, 2, 2), 0);
        assert_eq!(asks(&target, 90_000, 0, 2, 0), 3);
    }

    #[test]
    fn a_tenth_more_or_less_asks_for_what_there_is() {
        let target = json!({ "type": "AverageValue", "averageValue": "100" });
        for (value, size) in [(220_000, 2), (180_000, 2), (221_000, 3), (179_000, 2), (100_000, 1)] {
            assert_eq!(asks(&target, value, 2, 2, 2), size, "{value}");
        }
        assert_eq!(asks(&json!({ "type": "Value", "value": "100" }), 109_000, 2, 5, 5), 5);
    }

    #[test]
    fn a_total_multiplies_the_pods_that_are_ready() {
        let target = json!({ "type": "Value", "value": "500m" });
        assert_eq!(asks(&target, 1_000, 3, 3, 3), 6);
        assert_eq!(asks(&target, 1_000, 1, 3, 3), 2);
        assert_eq!(asks(&target, 1_000, 0, 3, 3), 0);
    }

    #[test]
    fn sizes_stay_within_what_they_can_be() {
        let target = json!({ "type": "AverageValue", "averageValue": "1m" });
        assert_eq!(asks(&target, i64::MAX, 1, 1, 1), i64::from(i32::MAX));
    }
}
