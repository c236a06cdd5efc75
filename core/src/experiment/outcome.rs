//! When an experiment is over, and how it ended.

use std::collections::BTreeSet;

use super::plan::Draft;
use super::pods;
use crate::analysis::Phase;
use crate::api::{Experiment, ExperimentAnalysisRunStatus};
use crate::time::parse_go_duration;

/// Why an experiment makes no sense.
pub(super) fn invalid(experiment: &Experiment) -> Option<String> {
    let spec = &experiment.spec;
    if spec.templates.is_empty() {
        return Some("spec.templates: Required value: an experiment runs at least one template".to_owned());
    }
    let twice = |names: Vec<&String>| {
        let mut seen = BTreeSet::new();
        names.into_iter().find(|name| !seen.insert(name.as_str())).cloned()
    };
    if let Some(name) = twice(spec.templates.iter().map(|template| &template.name).collect()) {
        return Some(format!("spec.templates: Duplicate value: {name:?}"));
    }
    if let Some(name) = twice(spec.analyses.iter().map(|analysis| &analysis.name).collect()) {
        return Some(format!("spec.analyses: Duplicate value: {name:?}"));
    }
    let duration = spec.duration.as_deref().filter(|duration| !duration.is_empty())?;
    parse_go_duration(duration).err().map(|error| format!("spec.duration: {error}"))
}

/// How it ended, if it has: the first of these that holds.
pub(super) fn of(d: &Draft<'_>) -> Option<(Phase, String)> {
    if let Some(failed) = pods::failed(d) {
        return Some(failed);
    }
    if let Some(bad) = worst(&d.status.analysis_runs) {
        return Some(bad);
    }
    let spec = &d.s.experiment.spec;
    let required: Vec<&str> = spec
        .analyses
        .iter()
        .filter(|analysis| analysis.required_for_completion)
        .map(|analysis| analysis.name.as_str())
        .collect();
    let is_good = |name: &&str| {
        let runs = d.status.analysis_runs.iter();
        runs.into_iter().any(|run| run.name == *name && run.phase == Phase::Successful.as_str())
    };
    if !required.is_empty() && required.iter().all(is_good) {
        return Some((Phase::Successful, "Required AnalysisRuns completed".to_owned()));
    }
    let time_is_over = d.ends_at().is_some_and(|end| end <= d.s.now) && required.is_empty() && have_begun(d);
    (spec.terminate || time_is_over).then(|| (Phase::Successful, String::new()))
}

/// Whether every analysis has its run: an experiment that has measured nothing proves nothing.
fn have_begun(d: &Draft<'_>) -> bool {
    let entry_of = |name: &str| d.status.analysis_runs.iter().find(|entry| entry.name == name);
    d.s.experiment.spec.analyses.iter().all(|analysis| {
        entry_of(&analysis.name).is_some_and(|entry| {
            entry.phase != Phase::Pending.as_str() || d.s.analyses.run(&entry.analysis_run).is_some()
        })
    })
}

/// The worst analysis that ended badly.
fn worst(runs: &[ExperimentAnalysisRunStatus]) -> Option<(Phase, String)> {
    let mut worst: Option<(Phase, String)> = None;
    for run in runs {
        let phase = Phase::read(&run.phase);
        let is_bad = phase.is_over() && phase != Phase::Successful;
        if is_bad && worst.as_ref().is_none_or(|(known, _)| phase.is_worse_than(*known)) {
            let message = if run.message.is_empty() { String::new() } else { format!(": {}", run.message) };
            worst = Some((phase, format!("Analysis '{}' is {phase}{message}", run.name)));
        }
    }
    worst
}
