//! Calls of metric providers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::call::{Call, MAX_TEXT, fits};
use crate::subject::Subject;

/// The longest value and the longest metadata of a measurement, in bytes of JSON: both live in the status of its run.
pub const MAX_VALUE: usize = 16 << 10;

/// Where a measurement stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MetricPhase {
    /// It takes longer than a call: it is resumed later.
    Running,
    /// It has a value, which `successCondition` and `failureCondition` judge.
    Measured,
    /// It is good; the provider judges by itself.
    Successful,
    /// It is bad.
    Failed,
    /// It is neither.
    Inconclusive,
    /// It could not be taken.
    Error,
}

/// A measurement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Measurement {
    /// Where it stands.
    pub phase: MetricPhase,
    /// What was measured, as JSON: conditions see it as `result`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// Why it stands there.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// What the provider notes: it comes back with the next call, and users see it in the status.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// When to resume it, where it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume_after_ms: Option<u64>,
}

impl Measurement {
    /// It stands there.
    pub fn new(phase: MetricPhase, message: impl Into<String>) -> Measurement {
        let (value, metadata, resume_after_ms) = (None, BTreeMap::new(), None);
        Measurement { phase, value, message: message.into(), metadata, resume_after_ms }
    }

    /// It has a value, which conditions judge.
    pub fn of(value: impl Into<Value>) -> Measurement {
        Measurement { value: Some(value.into()), ..Measurement::new(MetricPhase::Measured, "") }
    }

    fn check(&self) -> Result<(), String> {
        fits("message", self.message.len(), MAX_TEXT)?;
        fits("value", self.value.as_ref().map_or(0, |value| value.to_string().len()), MAX_VALUE)?;
        check_metadata(&self.metadata)?;
        match self.phase {
            MetricPhase::Measured if self.value.is_none() => Err("is Measured and has no value".to_owned()),
            _ => Ok(()),
        }
    }
}

fn check_metadata(metadata: &BTreeMap<String, String>) -> Result<(), String> {
    fits("metadata", metadata.iter().map(|(name, text)| name.len() + text.len()).sum(), MAX_VALUE)
}

/// What is measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunMetric {
    /// The AnalysisRun.
    pub analysis_run: Subject,
    /// Name of its metric.
    pub metric: String,
    /// Which measurement of that metric, from 1. The same one may be asked for again, and should then not count twice.
    pub number: u32,
    /// What the metric says below `provider.plugin`, by the plugin's name, with its arguments filled in.
    #[serde(default)]
    pub config: Value,
}

/// Goes on with a measurement that runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResumeMetric {
    /// What is measured.
    #[serde(flatten)]
    pub of: RunMetric,
    /// What was answered last.
    pub measurement: Measurement,
}

/// Ends a measurement that runs: its run is over. The answer does not run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TerminateMetric {
    /// What is measured.
    #[serde(flatten)]
    pub of: RunMetric,
    /// What was answered last.
    pub measurement: Measurement,
}

/// What users should know of a metric before its first measurement, such as the query with its arguments filled in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeMetric {
    /// The AnalysisRun.
    pub analysis_run: Subject,
    /// Name of its metric.
    pub metric: String,
    /// As in [`RunMetric`].
    #[serde(default)]
    pub config: Value,
}

/// The answer to [`DescribeMetric`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricMetadata {
    /// By name.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
}

impl Call for RunMetric {
    const METHOD: &'static str = "metricProvider/run";
    type Answer = Measurement;

    fn check(&self, answer: &Measurement) -> Result<(), String> {
        answer.check()
    }
}

impl Call for ResumeMetric {
    const METHOD: &'static str = "metricProvider/resume";
    type Answer = Measurement;

    fn check(&self, answer: &Measurement) -> Result<(), String> {
        answer.check()
    }
}

impl Call for TerminateMetric {
    const METHOD: &'static str = "metricProvider/terminate";
    type Answer = Measurement;

    fn check(&self, answer: &Measurement) -> Result<(), String> {
        if answer.phase == MetricPhase::Running {
            return Err("still runs after it was terminated".to_owned());
        }
        answer.check()
    }
}

impl Call for DescribeMetric {
    const METHOD: &'static str = "metricProvider/metadata";
    type Answer = MetricMetadata;

    fn check(&self, answer: &MetricMetadata) -> Result<(), String> {
        check_metadata(&answer.metadata)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measurement_fits_into_a_status() {
        assert_eq!(Measurement::of("x".repeat(MAX_VALUE - 2)).check(), Ok(()));
        let value = Measurement::of("x".repeat(MAX_VALUE));
        assert_eq!(value.check(), Err("has 16386 bytes of value, and 16384 fit".into()));
        let metadata = BTreeMap::from([("m".to_owned(), "x".repeat(MAX_VALUE))]);
        assert_eq!(check_metadata(&metadata), Err("has 16385 bytes of metadata, and 16384 fit".into()));
    }

    #[test]
    fn what_is_measured_has_a_value_and_what_is_terminated_does_not_run() {
        let of = RunMetric { analysis_run: Subject::default(), metric: "m".into(), number: 1, config: Value::Null };
        let running = Measurement::new(MetricPhase::Running, "");
        assert_eq!(of.check(&running), Ok(()));
        assert_eq!(of.check(&Measurement::of(0.5)), Ok(()));
        let empty = Measurement::new(MetricPhase::Measured, "");
        assert_eq!(of.check(&empty), Err("is Measured and has no value".into()));

        let end = TerminateMetric { of, measurement: running.clone() };
        assert_eq!(end.check(&running), Err("still runs after it was terminated".into()));
        assert_eq!(end.check(&Measurement::new(MetricPhase::Inconclusive, "")), Ok(()));
    }
}
