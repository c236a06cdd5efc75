//! What the analysis runs of the revision under way say: the metrics that are against it, and those that nobody knows yet.

use jiff::Timestamp;
use serde::Serialize;

use crate::api::{AnalysisRun, Experiment, Rollout, RolloutAnalysisRunStatus, labels};
use crate::info::analysis_run::{RunInfo, in_order, is_owned};
use crate::info::badge::Tone;
use crate::info::family::Family;
use crate::info::rollout::number;
use crate::info::text;

/// A metric of a run, with the last that it measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// The analysis run.
    pub run: String,
    /// The metric.
    pub metric: String,
    /// How it stands.
    pub phase: String,
    /// The value that was measured last.
    pub value: Option<String>,
    /// What is asked of it.
    pub conditions: Vec<String>,
    /// The query, with its arguments.
    pub query: Option<String>,
    /// What is to be said of it.
    pub message: String,
    /// Whether it is against the update.
    pub is_against: bool,
}

/// Runs that say nothing by their metrics: their phase and message alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunSays {
    /// The analysis run.
    pub run: String,
    /// Its phase.
    pub phase: String,
    /// Why.
    pub message: String,
}

/// Metrics of the attempt that is under way, or was the last, those against it first; and runs that are against it as a whole.
pub fn verdicts(family: &Family, now: Timestamp) -> (Vec<Verdict>, Vec<RunSays>) {
    let (mut metrics, mut runs) = (Vec::new(), Vec::new());
    for run in of_attempt(family) {
        let info = RunInfo::of(run, now);
        let before = metrics.len();
        for metric in &info.metrics {
            let is_against = against(metric.status.tone);
            if !is_against && metric.status.tone != Tone::Busy || metric.is_dry {
                continue;
            }
            // Of several measurements the one that counts is the last that was not good.
            let worst = metric.taken.iter().rev().find(|taken| against(taken.point.tone)).filter(|_| is_against);
            let value = worst.or_else(|| metric.taken.last()).map(|taken| taken.value.clone());
            metrics.push(Verdict {
                run: info.name.clone(),
                metric: metric.name.clone(),
                phase: metric.status.word.clone(),
                value: value.filter(|value| !value.is_empty()),
                conditions: metric.conditions.clone(),
                query: metric.query.clone(),
                message: metric.message.clone(),
                is_against,
            });
        }
        let is_told = metrics[before..].iter().any(|verdict| verdict.is_against);
        if against(info.status.tone) && !is_told {
            runs.push(RunSays { run: info.name, phase: info.status.word, message: info.message });
        }
    }
    metrics.sort_by_key(|verdict| !verdict.is_against);
    (metrics, runs)
}

fn against(tone: Tone) -> bool {
    matches!(tone, Tone::Bad | Tone::Doubtful | Tone::Open)
}

/// The runs that count: those that the status names, and those of the experiment that it names. Runs of an attempt before this one
/// are of the same revision, and say nothing of it.
fn of_attempt(family: &Family) -> Vec<&AnalysisRun> {
    let rollout = &family.rollout;
    let uid = rollout.metadata.uid.as_deref().unwrap_or_default();
    let named: Vec<&str> = named(rollout).map(|run| run.name.as_str()).collect();
    let experiment = experiment(family).and_then(|experiment| experiment.metadata.uid.as_deref());
    let runs = in_order(family.runs.as_deref().unwrap_or_default()).into_iter();
    let wanted = runs.filter(|run| {
        let name = run.metadata.name.as_deref().unwrap_or_default();
        is_owned(&run.metadata, uid) && named.contains(&name)
            || experiment.is_some_and(|experiment| is_owned(&run.metadata, experiment))
    });
    wanted.collect()
}

/// The experiment that the status names; of an update that was given up, when the name is forgotten, the last one of its revision.
fn experiment(family: &Family) -> Option<&Experiment> {
    let status = family.rollout.status();
    let uid = family.rollout.metadata.uid.as_deref().unwrap_or_default();
    let own = family.experiments.iter().flatten().filter(|experiment| is_owned(&experiment.metadata, uid));
    let name = status.canary.as_ref().map_or("", |canary| canary.current_experiment.as_str());
    if !status.abort || !name.is_empty() {
        return own.into_iter().find(|experiment| experiment.metadata.name.as_deref() == Some(name));
    }
    let present = number(&family.rollout.metadata);
    let is_present = |experiment: &&Experiment| {
        let map = experiment.metadata.labels.as_ref();
        let hash = map.and_then(|map| map.get(labels::POD_TEMPLATE_HASH));
        hash == Some(&status.current_pod_hash) && number(&experiment.metadata) == present
    };
    own.filter(is_present).max_by_key(|experiment| experiment.metadata.creation_timestamp.as_ref().map(|time| time.0))
}

/// The runs that a status names.
fn named(rollout: &Rollout) -> impl Iterator<Item = &RolloutAnalysisRunStatus> {
    let status = rollout.status();
    let canary = status.canary.as_ref();
    let blue_green = status.blue_green.as_ref();
    let named = [
        canary.and_then(|canary| canary.current_step_analysis_run_status.as_ref()),
        canary.and_then(|canary| canary.current_background_analysis_run_status.as_ref()),
        blue_green.and_then(|blue_green| blue_green.pre_promotion_analysis_run_status.as_ref()),
        blue_green.and_then(|blue_green| blue_green.post_promotion_analysis_run_status.as_ref()),
    ];
    named.into_iter().flatten()
}

/// What the runs that a status names say, where they themselves cannot be read.
pub fn named_in_status(rollout: &Rollout) -> Vec<RunSays> {
    let says = named(rollout).filter(|run| run.status != "Successful").map(|run| RunSays {
        run: text::printable(&run.name),
        phase: text::printable(&run.status),
        message: text::message(&run.message),
    });
    says.collect()
}
