//! `HorizontalPodAutoscaler`s.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::cells::{NONE, count, first_few, name, written};
use super::duration::age;
use crate::read::{at, items, text};

const UNKNOWN: &str = "<unknown>";
/// How many metrics are shown.
const SHOWN: usize = 2;

/// The cells of an autoscaler.
pub(super) fn autoscaler(object: &Value, now: Timestamp) -> Vec<Value> {
    let target = at(object, "spec.scaleTargetRef");
    let current = items(object, "status.currentMetrics");
    let metrics: Vec<String> = items(object, "spec.metrics")
        .iter()
        .enumerate()
        .map(|(index, metric)| reading(metric, current.get(index).unwrap_or(&Value::Null)))
        .collect();
    vec![
        name(object),
        json!(format!("{}/{}", text(target, "kind"), text(target, "name"))),
        json!(if metrics.is_empty() { NONE.to_owned() } else { first_few(&metrics, SHOWN, ", ") }),
        json!(written(at(object, "spec.minReplicas"), "<unset>")),
        count(object, "spec.maxReplicas"),
        count(object, "status.currentReplicas"),
        age(object, now),
    ]
}

/// What a metric is and should be.
fn reading(metric: &Value, current: &Value) -> String {
    let source = match text(metric, "type") {
        "Resource" => "resource",
        "ContainerResource" => "containerResource",
        "Pods" => "pods",
        "Object" => "object",
        "External" => "external",
        _ => return "<unknown type>".to_owned(),
    };
    let (wanted, is) = (at(metric, &format!("{source}.target")), at(current, &format!("{source}.current")));
    let pair = |field: &str| format!("{}/{}", written(at(is, field), UNKNOWN), written(at(wanted, field), ""));
    match source {
        "resource" | "containerResource" => {
            let name = text(at(metric, source), "name");
            if !at(wanted, "averageValue").is_null() {
                return format!("{name}: {}", pair("averageValue"));
            }
            let percent = |value: &Value, otherwise: &str| match value.as_i64() {
                Some(percent) => format!("{percent}%"),
                None => otherwise.to_owned(),
            };
            let is = percent(at(is, "averageUtilization"), UNKNOWN);
            format!("{name}: {is}/{}", percent(at(wanted, "averageUtilization"), "<auto>"))
        }
        "pods" => pair("averageValue"),
        _ if !at(wanted, "averageValue").is_null() => format!("{} (avg)", pair("averageValue")),
        _ => pair("value"),
    }
}
