//! `AnalysisRun`: metrics being measured, and what came of it.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube_derive::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Argument, DryRun, MeasurementRetention, Metric, null};

/// Metrics to measure, with all arguments filled in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema, CustomResource)]
#[kube(
    group = "argoproj.io",
    version = "v1alpha1",
    kind = "AnalysisRun",
    namespaced,
    shortname = "ar",
    status = "AnalysisRunStatus",
    derive = "PartialEq",
    printcolumn(name = "Status", type_ = "string", description = "AnalysisRun status", json_path = ".status.phase"),
    printcolumn(
        name = "Age",
        type_ = "date",
        description = "Time since resource was created",
        json_path = ".metadata.creationTimestamp"
    ),
    crates(
        kube_core = "::kube_core",
        k8s_openapi = "::k8s_openapi",
        schemars = "::schemars",
        serde = "::serde",
        serde_json = "::serde_json"
    )
)]
#[serde(rename_all = "camelCase")]
pub struct AnalysisRunSpec {
    /// What is measured.
    #[serde(default, deserialize_with = "null::as_default")]
    pub metrics: Vec<Metric>,
    /// Arguments that the metrics refer to.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<Argument>,
    /// Whether to stop it.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "null::is_false")]
    pub terminate: bool,
    /// Metrics that are measured without deciding anything.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub dry_run: Vec<DryRun>,
    /// How many measurements of a metric are kept.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub measurement_retention: Vec<MeasurementRetention>,
    /// When it is deleted after its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_strategy: Option<TtlStrategy>,
}

/// When a finished run is deleted; the more specific field wins.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TtlStrategy {
    /// Seconds after any end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds_after_completion: Option<i32>,
    /// Seconds after a failure or an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds_after_failure: Option<i32>,
    /// Seconds after a success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds_after_success: Option<i32>,
}

/// What came of the measurements so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AnalysisRunStatus {
    /// Pending, Running, Successful, Failed, Error or Inconclusive.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub phase: String,
    /// Why, in words.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// What came of each metric.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub metric_results: Vec<MetricResult>,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Time>,
    /// Counts of the metrics that decide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_summary: Option<RunSummary>,
    /// Counts of the metrics that do not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dry_run_summary: Option<RunSummary>,
}

/// What came of one metric.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MetricResult {
    /// Name of the metric.
    pub name: String,
    /// Pending, Running, Successful, Failed, Error or Inconclusive.
    pub phase: String,
    /// The newest measurements.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub measurements: Vec<Measurement>,
    /// Why, in words.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Measurements that were taken, errors aside.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "null::is_zero")]
    pub count: i32,
    /// Of them, successes.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "null::is_zero")]
    pub successful: i32,
    /// Of them, failures.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "null::is_zero")]
    pub failed: i32,
    /// Of them, inconclusive ones.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "null::is_zero")]
    pub inconclusive: i32,
    /// Measurements that could not be taken.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "null::is_zero")]
    pub error: i32,
    /// Errors since the last measurement.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "null::is_zero")]
    pub consecutive_error: i32,
    /// Whether it decides nothing.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "null::is_false")]
    pub dry_run: bool,
    /// What the provider tells about the metric.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// Successes since the last other measurement.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "null::is_zero")]
    pub consecutive_success: i32,
}

/// One measurement.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Measurement {
    /// Running, Successful, Failed, Error or Inconclusive.
    pub phase: String,
    /// Why, in words.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,
    /// What was measured.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// What the provider tells about it.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// When to look again at a measurement that takes a while.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume_at: Option<Time>,
}

/// Counts of metrics by their result.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunSummary {
    /// Metrics.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "null::is_zero")]
    pub count: i32,
    /// Successes.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "null::is_zero")]
    pub successful: i32,
    /// Failures.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "null::is_zero")]
    pub failed: i32,
    /// Inconclusive ones.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "null::is_zero")]
    pub inconclusive: i32,
    /// Errors.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "null::is_zero")]
    pub error: i32,
}
