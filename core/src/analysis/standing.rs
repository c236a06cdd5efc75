//! Where an analysis stands that something waits for, and how far a run has come, in words.

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::Phase;
use crate::api::{AnalysisRun, MetricResult, WaitingOn};

/// Where an analysis stands that something waits for.
#[derive(Clone, Debug, PartialEq)]
pub enum Standing {
    /// It goes on, or cannot begin.
    Waits(WaitingOn),
    /// It was successful.
    Good,
    /// It failed, for this reason: the update is given up.
    Bad(String),
    /// It came to no conclusion: a person decides.
    Inconclusive(String),
}

/// How far a run has come.
pub fn progress(run: &AnalysisRun) -> String {
    let name = run.metadata.name.as_deref().unwrap_or_default();
    let status = run.status.clone().unwrap_or_default();
    let going: Vec<String> = status
        .metric_results
        .iter()
        .filter(|result| !Phase::read(&result.phase).is_over())
        .map(|result| of_metric(run, result))
        .collect();
    if going.is_empty() {
        return format!("the analysis run {name} begins");
    }
    format!("the analysis run {name} goes on: {}", going.join("; "))
}

fn of_metric(run: &AnalysisRun, result: &MetricResult) -> String {
    let metric = run.spec.metrics.iter().find(|metric| metric.name == result.name);
    let count = metric.and_then(|metric| metric.count.as_ref()).and_then(written);
    let of = count.filter(|count| count != "0").map(|count| format!(" of {count}")).unwrap_or_default();
    let mut said = format!("{}{of} measurements of {}", result.count, result.name);
    for (number, what) in [
        (result.failed, "failed"),
        (result.inconclusive, "inconclusive"),
        (result.consecutive_error, "without an answer since the last"),
    ] {
        if number > 0 {
            said.extend([", ", &number.to_string(), " ", what]);
        }
    }
    said
}

/// A number as it is written; one that depends on arguments is not known here.
fn written(number: &IntOrString) -> Option<String> {
    match number {
        IntOrString::Int(number) => Some(number.to_string()),
        IntOrString::String(text) => text.trim().parse::<i32>().ok().map(|number| number.to_string()),
    }
}
