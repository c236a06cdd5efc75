//! An analysis run: where it stands, and what came of each of its metrics.

use crate::analysis::{Phase, arguments, number};
use crate::api::{AnalysisRun, Measurement, Metric, MetricResult};
use crate::expr::Condition;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::age::{self, Age};
use super::badge::{Badge, Tone, of_analysis};
use super::text;

/// Shown in place of what comes from a Secret.
const HIDDEN: &str = "*****";
/// The longest query or condition that is shown.
const LONGEST_QUERY: usize = 300;
/// The longest value that is no number that is shown.
const LONGEST_VALUE: usize = 60;

/// What is shown of an analysis run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunInfo {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Its phase.
    pub status: Badge,
    /// Why it is in that phase.
    pub message: String,
    /// Its age.
    pub age: Age,
    /// How many of its metrics ended how; of those that decide, and of those that do not.
    pub summary: String,
    /// Its metrics.
    pub metrics: Vec<MetricInfo>,
}

/// What is shown of a metric.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricInfo {
    /// Its name.
    pub name: String,
    /// Its phase.
    pub status: Badge,
    /// Whether it decides nothing.
    pub is_dry: bool,
    /// How its measurements ended.
    pub tally: Tally,
    /// What is asked of a measurement.
    pub conditions: Vec<String>,
    /// The numbers that a measurement is held against.
    pub limits: Vec<f64>,
    /// The query, with its arguments.
    pub query: Option<String>,
    /// What is to be said of it.
    pub message: String,
    /// Its newest measurements, oldest first.
    pub taken: Vec<Taken>,
}

/// A measurement.
#[derive(Clone, Debug, PartialEq)]
pub struct Taken {
    /// How it is drawn.
    pub point: Point,
    /// What was measured, as text.
    pub value: String,
    /// The Job that it is, its state and age.
    pub job: Option<(String, Badge, String)>,
}

/// A measurement to draw.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// What was measured, if it was a number.
    pub number: Option<f64>,
    /// What came of it.
    pub tone: Tone,
}

/// Counts of how something ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Good.
    pub successful: i32,
    /// Bad.
    pub failed: i32,
    /// Neither.
    pub inconclusive: i32,
    /// Not known.
    pub error: i32,
}

impl Tally {
    /// What there is, each with its symbol: `✔ 4,✖ 1`.
    pub fn text(&self) -> String {
        let all = [
            (Phase::Successful, self.successful),
            (Phase::Failed, self.failed),
            (Phase::Inconclusive, self.inconclusive),
            (Phase::Error, self.error),
        ];
        let some = all.into_iter().filter(|(_, count)| *count != 0);
        some.map(|(phase, count)| format!("{} {count}", of_analysis(phase).symbol())).collect::<Vec<_>>().join(",")
    }

    fn of(result: &MetricResult) -> Tally {
        let MetricResult { successful, failed, inconclusive, error, .. } = *result;
        Tally { successful, failed, inconclusive, error }
    }

    fn plus(self, other: Tally) -> Tally {
        Tally {
            successful: self.successful.saturating_add(other.successful),
            failed: self.failed.saturating_add(other.failed),
            inconclusive: self.inconclusive.saturating_add(other.inconclusive),
            error: self.error.saturating_add(other.error),
        }
    }
}

impl RunInfo {
    /// What is shown of `run` at `now`.
    pub fn of(run: &AnalysisRun, now: Timestamp) -> RunInfo {
        let ObjectMeta { name, namespace, creation_timestamp, .. } = &run.metadata;
        let status = run.status.clone().unwrap_or_default();
        RunInfo {
            name: text::printable(name.as_deref().unwrap_or_default()),
            namespace: text::printable(namespace.as_deref().unwrap_or_default()),
            status: Badge::analysis(&status.phase),
            message: text::message(&status.message),
            age: Age::of(creation_timestamp.as_ref().map(|time| time.0), now),
            summary: summary(&status.metric_results),
            metrics: run.spec.metrics.iter().map(|metric| MetricInfo::of(run, metric, now)).collect(),
        }
    }

    /// How its measurements ended: the last column of a tree.
    pub fn facts(&self) -> String {
        self.tally().text()
    }

    /// How its measurements ended.
    pub fn tally(&self) -> Tally {
        self.metrics.iter().fold(Tally::default(), |sum, metric| sum.plus(metric.tally))
    }
}

/// Runs, the oldest first.
pub fn in_order(runs: &[AnalysisRun]) -> Vec<&AnalysisRun> {
    let mut all: Vec<&AnalysisRun> = runs.iter().collect();
    all.sort_by_key(|run| (run.metadata.creation_timestamp.as_ref().map(|time| time.0), run.metadata.name.clone()));
    all
}

/// Whether something belongs to the object with this uid.
pub fn is_owned(metadata: &ObjectMeta, uid: &str) -> bool {
    let mut owners = metadata.owner_references.iter().flatten();
    owners.any(|owner| owner.controller == Some(true) && owner.uid == uid)
}

/// How many metrics there are, and how those that ended did.
fn summary(results: &[MetricResult]) -> String {
    let of = |is_dry: bool| {
        let mut tally = Tally::default();
        for result in results.iter().filter(|result| result.dry_run == is_dry) {
            match Phase::read(&result.phase) {
                Phase::Successful => tally.successful += 1,
                Phase::Failed => tally.failed += 1,
                Phase::Inconclusive => tally.inconclusive += 1,
                Phase::Error => tally.error += 1,
                Phase::Pending | Phase::Running => {}
            }
        }
        let count = results.iter().filter(|result| result.dry_run == is_dry).count();
        let ended = tally.text();
        if ended.is_empty() { count.to_string() } else { format!("{count} ({ended})") }
    };
    let dry = results.iter().any(|result| result.dry_run).then(|| format!(", and {} that decide nothing", of(true)));
    of(false) + &dry.unwrap_or_default()
}

impl MetricInfo {
    fn of(run: &AnalysisRun, metric: &Metric, now: Timestamp) -> MetricInfo {
        let mut results = run.status.iter().flat_map(|status| &status.metric_results);
        let result = results.find(|result| result.name == metric.name).cloned().unwrap_or_default();
        let metric = filled(run, metric);
        let limits = [&metric.success_condition, &metric.failure_condition].into_iter().flatten();
        let limits = limits.filter_map(|condition| Condition::parse(condition).ok()).flat_map(|it| it.limits());
        let limits = limits.collect();
        let conditions = [("succeeds if", &metric.success_condition), ("fails if", &metric.failure_condition)];
        let conditions = conditions.into_iter().filter_map(|(when, condition)| {
            let condition = condition.as_deref().filter(|condition| !condition.is_empty())?;
            Some(format!("{when} {}", text::line(condition, LONGEST_QUERY)))
        });
        let query = result.metadata.iter().find(|(key, _)| key.starts_with("Resolved"));
        MetricInfo {
            name: text::printable(&metric.name),
            status: Badge::analysis(&result.phase),
            is_dry: result.dry_run,
            tally: Tally::of(&result),
            conditions: conditions.collect(),
            limits,
            query: query.map(|(_, query)| text::line(query, LONGEST_QUERY)),
            message: text::message(said(&result)),
            taken: result.measurements.iter().map(|measurement| Taken::of(measurement, now)).collect(),
        }
    }
}

/// Why a metric ended as it did; of one that goes on, what its last measurement says where that was not good.
fn said(result: &MetricResult) -> &str {
    let last = result.measurements.last().map_or("", |last| &last.message);
    if result.message.is_empty() && !Phase::read(&result.phase).is_over() { last } else { &result.message }
}

/// A metric with its arguments; as it is written where they cannot be filled in.
fn filled(run: &AnalysisRun, metric: &Metric) -> Metric {
    let values = arguments::values(&run.spec.args, &run.metadata, |_| Some(HIDDEN.to_owned()));
    let filled = values.and_then(|values| arguments::fill(metric, &values));
    filled.unwrap_or_else(|_| metric.clone())
}

impl Taken {
    fn of(measurement: &Measurement, now: Timestamp) -> Taken {
        let badge = Badge::analysis(&measurement.phase);
        let began = measurement.started_at.as_ref().map(|time| time.0);
        let job = measurement.metadata.get("job-name");
        Taken {
            point: Point { number: number(&measurement.value), tone: badge.tone },
            value: text::line(&measurement.value, LONGEST_VALUE),
            job: job.map(|name| (text::printable(name), badge, age::age(began, now))),
        }
    }
}
