//! `spec.analysis`: how many finished analysis runs and experiments stay.

use std::collections::BTreeSet;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::analysis::Phase;
use crate::api::{ReplicaSet, labels};
use crate::effect::{ChildKind, ChildWrite, Effect, Target};

use super::draft::Draft;
use super::{analysis, experiment};

/// What applies when the manifest is silent.
const DEFAULT_LIMIT: i32 = 5;

/// Deletes finished runs: those of revisions that are gone, and of each outcome the oldest ones beyond the limit.
pub(super) fn collect(d: &mut Draft<'_>) {
    let runs = d.s.analyses.runs.iter().map(|run| {
        let phase = Phase::read(run.status.as_ref().map_or("", |status| &status.phase));
        (&run.metadata, phase)
    });
    let runs = surplus(d, runs.collect()).into_iter().map(|metadata| (ChildKind::AnalysisRun, metadata));
    let experiments = d.s.experiments.iter().filter(|it| !experiment::is_in_use(d, it)).map(|experiment| {
        let phase = Phase::read(experiment.status.as_ref().map_or("", |status| &status.phase));
        (&experiment.metadata, phase)
    });
    let experiments = surplus(d, experiments.collect()).into_iter().map(|metadata| (ChildKind::Experiment, metadata));
    let all: Vec<_> = runs.chain(experiments).collect();
    for (kind, metadata) in all {
        d.plan(Effect::Child(ChildWrite::Delete(kind, Target::of(metadata))), None, Vec::new());
    }
}

/// Those of `runs` that are to go.
fn surplus<'a>(d: &Draft<'_>, runs: Vec<(&'a ObjectMeta, Phase)>) -> Vec<&'a ObjectMeta> {
    let limits = d.s.rollout.spec.analysis.as_ref();
    let limit = |of: Option<i32>| usize::try_from(of.unwrap_or(DEFAULT_LIMIT)).unwrap_or(0);
    let mut left = [
        limit(limits.and_then(|limits| limits.successful_run_history_limit)),
        limit(limits.and_then(|limits| limits.unsuccessful_run_history_limit)),
    ];
    let known: BTreeSet<String> = d
        .revisions
        .all()
        .filter(|rs| !rs.is_deleting())
        .filter_map(ReplicaSet::hash)
        .map(|hash| hash.to_string())
        .collect();
    let mut finished: Vec<_> = runs.into_iter().filter(|(metadata, phase)| is_done_with(d, metadata, *phase)).collect();
    finished.sort_by_key(|(metadata, _)| {
        let created = metadata.creation_timestamp.as_ref().map(|time| time.0);
        std::cmp::Reverse((created, metadata.name.clone()))
    });
    let mut surplus = Vec::new();
    for (metadata, phase) in finished {
        let hash = metadata.labels.as_ref().and_then(|labels| labels.get(labels::POD_TEMPLATE_HASH));
        let left = &mut left[usize::from(phase != Phase::Successful)];
        if hash.is_some_and(|hash| known.contains(hash)) && *left > 0 {
            *left -= 1;
        } else {
            surplus.push(metadata);
        }
    }
    surplus
}

/// Whether a run is over, and nobody looks at it any more.
fn is_done_with(d: &Draft<'_>, metadata: &ObjectMeta, phase: Phase) -> bool {
    let name = metadata.name.as_deref().unwrap_or_default();
    let is_recorded = analysis::is_recorded(d, name) || experiment::is_recorded(d, name);
    phase.is_over() && metadata.deletion_timestamp.is_none() && !is_recorded
}
