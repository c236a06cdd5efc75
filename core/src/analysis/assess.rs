//! Where a metric stands by its counters, and a run by its metrics.

use super::counters::is_under_way;
use super::{Phase, Rules};
use crate::api::{MetricResult, RunSummary};

/// Where a metric stands, and why in words where it does not end well.
pub fn metric(rules: &Rules, result: &MetricResult, terminating: bool) -> (Phase, String) {
    let now = Phase::read(&result.phase);
    if now.is_over() {
        return (now, result.message.clone());
    }
    let Some(last) = result.measurements.last() else {
        return (if terminating { Phase::Successful } else { Phase::Pending }, String::new());
    };
    if is_under_way(last) {
        return (Phase::Running, String::new());
    }
    if let Some((phase, why)) = beyond_a_limit(rules, result) {
        let said = match phase {
            // As Argo Rollouts puts it.
            Phase::Error => format!(": \"Error Message: {}\"", last.message),
            _ => format!(": {}", last.message),
        };
        return (phase, if last.message.is_empty() { why } else { format!("{why}{said}") });
    }
    if rules.consecutive_success_limit.is_some_and(|limit| result.consecutive_success >= limit) {
        return (Phase::Successful, String::new());
    }
    if rules.count.is_some_and(|count| result.count >= count) {
        return at_count(rules, result);
    }
    (if terminating { Phase::Successful } else { Phase::Running }, String::new())
}

/// The limit that is exceeded; of several, the last of these.
fn beyond_a_limit(rules: &Rules, result: &MetricResult) -> Option<(Phase, String)> {
    let (errors, most) = (result.consecutive_error, rules.consecutive_error_limit);
    if errors > most {
        return Some((Phase::Error, format!("consecutiveErrors ({errors}) > consecutiveErrorLimit ({most})")));
    }
    let (inconclusive, most) = (result.inconclusive, rules.inconclusive_limit);
    if inconclusive > most {
        return Some((Phase::Inconclusive, format!("inconclusive ({inconclusive}) > inconclusiveLimit ({most})")));
    }
    let (failed, most) = (result.failed, rules.failure_limit?);
    (failed > most).then(|| (Phase::Failed, format!("failed ({failed}) > failureLimit ({most})")))
}

/// All measurements are taken, and no limit decides.
fn at_count(rules: &Rules, result: &MetricResult) -> (Phase, String) {
    let Some(needed) = rules.consecutive_success_limit else { return (Phase::Successful, String::new()) };
    let (count, row) = (result.count, result.consecutive_success);
    let why =
        format!("{count} measurements were taken, and consecutiveSuccess ({row}) < consecutiveSuccessLimit ({needed})");
    // Where failures have a limit as well, staying below it says that it is not bad either.
    let phase = if rules.failure_limit.is_some() { Phase::Inconclusive } else { Phase::Failed };
    (phase, why)
}

/// Whether what a run was for is settled, so that everything that still goes on in it ends.
pub fn is_decided(results: &[MetricResult]) -> bool {
    let ended = results.iter().filter(|result| !result.dry_run).map(|result| Phase::read(&result.phase));
    ended.into_iter().any(|phase| phase.is_over() && phase != Phase::Successful)
}

/// Where a run stands by the metrics that decide: the worst of them, once all have ended.
pub fn run(results: &[MetricResult], terminate: bool) -> (Phase, String) {
    let mut worst = (Phase::Successful, String::new());
    for result in results {
        let phase = Phase::read(&result.phase);
        if !phase.is_over() {
            return (Phase::Running, String::new());
        }
        if !result.dry_run && phase.is_worse_than(worst.0) {
            let why = if result.message.is_empty() { String::new() } else { format!(" due to {}", result.message) };
            worst = (phase, format!("Metric \"{}\" assessed {phase}{why}", result.name));
        }
    }
    if terminate && worst.1.is_empty() {
        "Run Terminated".clone_into(&mut worst.1);
    }
    worst
}

/// Counts metrics by how they ended: those that decide, and those that do not.
pub fn summaries(results: &[MetricResult]) -> (RunSummary, Option<RunSummary>) {
    let count = |dry: bool| {
        let of = |phase: Phase| {
            let ended = |result: &&MetricResult| result.dry_run == dry && result.phase == phase.as_str();
            results.iter().filter(ended).count() as i32
        };
        RunSummary {
            count: results.iter().filter(|result| result.dry_run == dry).count() as i32,
            successful: of(Phase::Successful),
            failed: of(Phase::Failed),
            inconclusive: of(Phase::Inconclusive),
            error: of(Phase::Error),
        }
    };
    (count(false), results.iter().any(|result| result.dry_run).then(|| count(true)))
}
