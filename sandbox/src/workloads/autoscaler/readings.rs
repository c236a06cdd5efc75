//! Where the metrics from outside come from: `ConfigMap`s with a label, in the namespace of the autoscaler.

use std::sync::Arc;

use serde_json::Value;

use super::metrics::{Readings, selector_as_go_prints_it};
use super::target::Target;
use crate::kinds::milli;
use crate::object;
use crate::read::{at, items, text};
use crate::state::State;
use crate::workloads::pods;

/// Marks the `ConfigMap`s that hold metrics: their data are values by the name of the metric, and their labels are those of the
/// values.
pub const LABEL: &str = "metrics.sluice.dev/external";

/// What there is to know for a metric.
pub fn read(state: &State, namespace: &str, metric: &Value, target: &Target) -> Readings {
    Readings { value: value(state, namespace, metric), ready: ready(&pods_of(state, namespace, target)) }
}

/// The pods of a target.
pub fn pods_of(state: &State, namespace: &str, target: &Target) -> Vec<Arc<Value>> {
    state.store.list("pods", Some(namespace)).filter(|pod| target.selects(pod)).cloned().collect()
}

/// The sum of what the `ConfigMap`s say that the metric's selector chooses.
fn value(state: &State, namespace: &str, metric: &Value) -> Result<i64, String> {
    let (name, selector) = (text(metric, "external.metric.name"), at(metric, "external.metric.selector"));
    if let Some(operator) = items(selector, "matchExpressions")
        .iter()
        .map(|term| text(term, "operator"))
        .find(|operator| !matches!(*operator, "In" | "NotIn" | "Exists" | "DoesNotExist"))
    {
        return Err(format!("{operator:?} is not a valid label selector operator"));
    }
    let place = || format!("{namespace}/{name}/{}", selector_as_go_prints_it(selector));
    let mut sum: Option<i64> = None;
    for map in state.store.list("configmaps", Some(namespace)) {
        let labels = object::labels(map);
        if !labels.contains_key(LABEL) || !object::selects(selector, &labels) {
            continue;
        }
        let Some(text) = map["data"].get(name).and_then(Value::as_str) else { continue };
        // As a whole: the API of a cluster takes no space around it.
        let Some(value) = milli(text).filter(|_| text.trim() == text) else {
            let why = format!("the metric {name:?} in the ConfigMap {:?} is no quantity: {text:?}", object::name(map));
            let place = place();
            return Err(format!(
                "unable to get external metric {place}: unable to fetch metrics from external metrics API: {why}"
            ));
        };
        sum = Some(sum.unwrap_or(0).saturating_add(value));
    }
    sum.ok_or_else(|| {
        format!("unable to get external metric {}: no metrics returned from external metrics API", place())
    })
}

/// How many pods are ready, those that are being deleted included.
fn ready(found: &[Arc<Value>]) -> Result<i64, String> {
    if found.is_empty() {
        return Err("no pods returned by selector while calculating replica count".to_owned());
    }
    let ready = found.iter().filter(|pod| pod["status"]["phase"] == "Running" && pods::is_ready(pod));
    Ok(ready.count() as i64)
}
