//! What the analysis runs of the revision under way say: the metrics that are against it, and those that nobody knows yet.

use jiff::Timestamp;
use serde::Serialize;

use crate::api::{AnalysisRun, Experiment, Rollout, labels};
use crate::info::analysis_run::{RunInfo, in_order, is_owned};
use crate::info::badge::Tone;
use crate::info::family::Family;
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

/// Metrics of the revision that the manifest asks for, those against it first; and runs that are against it as a whole.
pub fn verdicts(family: &Family, now: Timestamp) -> (Vec<Verdict>, Vec<RunSays>) {
    let (mut metrics, mut runs) = (Vec::new(), Vec::new());
    for run in of_revision(family) {
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

/// The runs of the newest revision: the rollout's own, and those of its experiments.
fn of_revision(family: &Family) -> Vec<&AnalysisRun> {
    let rollout = &family.rollout;
    let hash = rollout.status().current_pod_hash.as_str();
    let uid = rollout.metadata.uid.as_deref().unwrap_or_default();
    let is_current = |map: Option<&std::collections::BTreeMap<String, String>>| {
        map.and_then(|map| map.get(labels::POD_TEMPLATE_HASH)).is_some_and(|of| of == hash)
    };
    let own = |experiment: &&Experiment| {
        is_owned(&experiment.metadata, uid) && is_current(experiment.metadata.labels.as_ref())
    };
    let experiments = family.experiments.iter().flatten().filter(own);
    let experiments: Vec<&str> = experiments.filter_map(|experiment| experiment.metadata.uid.as_deref()).collect();
    let runs = in_order(family.runs.as_deref().unwrap_or_default());
    let wanted = runs.into_iter().filter(|run| {
        let is_ours = is_owned(&run.metadata, uid) && is_current(run.metadata.labels.as_ref());
        is_ours || experiments.iter().any(|experiment| is_owned(&run.metadata, experiment))
    });
    wanted.collect()
}

/// The message of the run that a status names, where the runs themselves cannot be read.
pub fn named_in_status(rollout: &Rollout) -> Vec<RunSays> {
    let status = rollout.status();
    let canary = status.canary.as_ref();
    let blue_green = status.blue_green.as_ref();
    let named = [
        canary.and_then(|canary| canary.current_step_analysis_run_status.as_ref()),
        canary.and_then(|canary| canary.current_background_analysis_run_status.as_ref()),
        blue_green.and_then(|blue_green| blue_green.pre_promotion_analysis_run_status.as_ref()),
        blue_green.and_then(|blue_green| blue_green.post_promotion_analysis_run_status.as_ref()),
    ];
    let says = named.into_iter().flatten().filter(|run| run.status != "Successful").map(|run| RunSays {
        run: text::printable(&run.name),
        phase: text::printable(&run.status),
        message: text::message(&run.message),
    });
    says.collect()
}
