//! An analysis run as the HTTP API has it: how its measurements ended, each of them, and what is asked of them.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use sluice_core::api::{AnalysisRun, Measurement, Metric};
use sluice_core::info::analysis_run::{RunInfo, in_order, is_owned};
use sluice_core::info::badge::Badge;
use sluice_core::info::rollout::number;

use super::info::{identity, is_zero};

/// Where a measurement names the Job that took it.
const JOB_NAME: &str = "job-name";

/// An analysis run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AnalysisRunInfo {
    object_meta: Value,
    icon: String,
    #[serde(skip_serializing_if = "is_zero")]
    revision: i64,
    status: String,
    #[serde(skip_serializing_if = "is_zero")]
    successful: i32,
    #[serde(skip_serializing_if = "is_zero")]
    failed: i32,
    #[serde(skip_serializing_if = "is_zero")]
    inconclusive: i32,
    #[serde(skip_serializing_if = "is_zero")]
    error: i32,
    #[serde(skip_serializing_if = "is_zero")]
    jobs: Vec<JobInfo>,
    #[serde(skip_serializing_if = "is_zero")]
    non_job_info: Vec<NonJobInfo>,
    #[serde(skip_serializing_if = "is_zero")]
    metrics: Vec<Metrics>,
    spec_and_status: Value,
}

/// A measurement that a Job took.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobInfo {
    object_meta: Value,
    status: String,
    icon: String,
    metric_name: String,
    #[serde(skip_serializing_if = "is_zero")]
    started_at: String,
}

/// Any other measurement.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NonJobInfo {
    #[serde(skip_serializing_if = "is_zero")]
    value: String,
    status: String,
    metric_name: String,
    #[serde(skip_serializing_if = "is_zero")]
    started_at: String,
}

/// What is asked of measurements.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Metrics {
    name: String,
    #[serde(skip_serializing_if = "is_zero")]
    success_condition: String,
    #[serde(skip_serializing_if = "is_zero")]
    count: i32,
    #[serde(skip_serializing_if = "is_zero")]
    inconclusive_limit: i32,
    #[serde(skip_serializing_if = "is_zero")]
    failure_limit: i32,
}

/// The runs of an owner, in order.
pub fn of_owner(uid: &str, runs: &[AnalysisRun]) -> Vec<AnalysisRunInfo> {
    in_order(runs).into_iter().filter(|run| is_owned(&run.metadata, uid)).map(one).collect()
}

fn one(run: &AnalysisRun) -> AnalysisRunInfo {
    let tally = RunInfo::of(run, Timestamp::UNIX_EPOCH).tally();
    let status = run.status.clone().unwrap_or_default();
    let badge = Badge::analysis(&status.phase);
    let (mut jobs, mut others) = (Vec::new(), Vec::new());
    for result in &status.metric_results {
        for measurement in &result.measurements {
            match measurement.metadata.get(JOB_NAME) {
                Some(name) => jobs.push(of_job(run, name, &result.name, measurement)),
                None => others.push(NonJobInfo {
                    value: measurement.value.clone(),
                    status: measurement.phase.clone(),
                    metric_name: result.name.clone(),
                    started_at: started_at(measurement),
                }),
            }
        }
    }
    AnalysisRunInfo {
        object_meta: identity(&run.metadata),
        icon: badge.tone.symbol().to_owned(),
        status: badge.word,
        revision: number(&run.metadata),
        successful: tally.successful,
        failed: tally.failed,
        inconclusive: tally.inconclusive,
        error: tally.error,
        jobs,
        non_job_info: others,
        metrics: run.spec.metrics.iter().map(asked).collect(),
        spec_and_status: json!({"spec": run.spec, "status": run.status}),
    }
}

fn of_job(run: &AnalysisRun, name: &str, metric: &str, measurement: &Measurement) -> JobInfo {
    let started_at = started_at(measurement);
    let badge = Badge::analysis(&measurement.phase);
    JobInfo {
        object_meta: json!({
            "name": name, "namespace": run.metadata.namespace, "creationTimestamp": measurement.started_at,
        }),
        status: badge.word,
        icon: badge.tone.symbol().to_owned(),
        metric_name: metric.to_owned(),
        started_at,
    }
}

fn started_at(measurement: &Measurement) -> String {
    measurement.started_at.as_ref().map_or_else(String::new, |time| time.0.to_string())
}

fn asked(metric: &Metric) -> Metrics {
    let number = |value: &Option<IntOrString>| match value {
        Some(IntOrString::Int(number)) => *number,
        // Of one that is an argument clients are told nothing.
        Some(IntOrString::String(text)) => text.parse().unwrap_or_default(),
        None => 0,
    };
    Metrics {
        name: metric.name.clone(),
        success_condition: metric.success_condition.clone().unwrap_or_default(),
        count: number(&metric.count),
        inconclusive_limit: number(&metric.inconclusive_limit),
        failure_limit: number(&metric.failure_limit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_measurement_is_told_with_what_is_asked_of_it() {
        let at = "2026-01-01T00:00:00Z";
        let run: AnalysisRun = serde_json::from_value(json!({
            "metadata": {"namespace": "shop", "name": "web-1"},
            "spec": {"metrics": [
                {"name": "rate", "count": 3, "failureLimit": "2", "successCondition": "result > 1", "provider": {}},
                {"name": "smoke", "count": "{{args.count}}", "provider": {}},
            ]},
            "status": {"phase": "Running", "metricResults": [
                {"name": "rate", "phase": "Running", "successful": 1, "measurements": [{"phase": "Successful", "value": "2", "startedAt": at}]},
                {"name": "smoke", "phase": "Failed", "failed": 1, "measurements": [{"phase": "Failed", "startedAt": at, "metadata": {"job-name": "smoke-1"}}]},
            ]},
        }))
        .expect("an AnalysisRun");
        let told = serde_json::to_value(one(&run)).expect("JSON");
        let measured = json!([{"value": "2", "status": "Successful", "metricName": "rate", "startedAt": at}]);
        assert_eq!(told["nonJobInfo"], measured);
        let job = json!([{
            "objectMeta": {"name": "smoke-1", "namespace": "shop", "creationTimestamp": at},
            "status": "Failed", "icon": "✖", "metricName": "smoke", "startedAt": at,
        }]);
        assert_eq!(told["jobs"], job);
        let asked = json!([
            {"name": "rate", "successCondition": "result > 1", "count": 3, "failureLimit": 2}, {"name": "smoke"},
        ]);
        assert_eq!(told["metrics"], asked);
        assert_eq!((&told["successful"], &told["failed"]), (&json!(1), &json!(1)));
    }
}
