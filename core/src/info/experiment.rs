//! An experiment: its pods, its analysis runs, and how long it still takes.

use crate::analysis::Phase;
use crate::api::{AnalysisRun, Experiment, ReplicaSet};
use crate::time::parse_go_duration;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Pod;

use super::age::{self, Age};
use super::analysis_run::{RunInfo, in_order, is_owned};
use super::badge::Badge;
use super::replica_set::ReplicaSetInfo;
use super::text;

/// What is shown of an experiment.
#[derive(Clone, Debug, PartialEq)]
pub struct ExperimentInfo {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Its phase.
    pub status: Badge,
    /// Why it is in that phase.
    pub message: String,
    /// How long it takes, if it ends by itself.
    pub duration: Option<String>,
    /// How long it still takes.
    pub remaining: Option<String>,
    /// Its age.
    pub age: Age,
    /// Images that it runs.
    pub images: Vec<String>,
    /// Its ReplicaSets.
    pub replica_sets: Vec<ReplicaSetInfo>,
    /// Its analysis runs.
    pub runs: Vec<RunInfo>,
}

impl ExperimentInfo {
    /// What is shown of an experiment among these objects at `now`.
    pub fn of(
        experiment: &Experiment,
        replica_sets: &[ReplicaSet],
        pods: &[Pod],
        runs: &[AnalysisRun],
        now: Timestamp,
    ) -> ExperimentInfo {
        let metadata = &experiment.metadata;
        let uid = metadata.uid.as_deref().unwrap_or_default();
        let status = experiment.status.clone().unwrap_or_default();
        let mut own: Vec<&ReplicaSet> = replica_sets.iter().filter(|rs| rs.controller_uid() == Some(uid)).collect();
        own.sort_by_key(|rs| rs.name().to_owned());
        let own = own.into_iter().map(|rs| ReplicaSetInfo::of(rs, Vec::new(), pods, now));
        let mut images: Vec<String> =
            experiment.spec.templates.iter().flat_map(|one| super::replica_set::images(&one.template)).collect();
        images.sort();
        images.dedup();
        let runs = in_order(runs).into_iter().filter(|run| is_owned(&run.metadata, uid));
        ExperimentInfo {
            name: text::printable(metadata.name.as_deref().unwrap_or_default()),
            namespace: text::printable(metadata.namespace.as_deref().unwrap_or_default()),
            status: Badge::analysis(&status.phase),
            message: text::message(&status.message),
            duration: experiment.spec.duration.as_deref().map(text::printable).filter(|duration| !duration.is_empty()),
            remaining: remaining(experiment, now),
            age: Age::of(metadata.creation_timestamp.as_ref().map(|time| time.0), now),
            images,
            replica_sets: own.collect(),
            runs: runs.map(|run| RunInfo::of(run, now)).collect(),
        }
    }
}

/// How long an experiment still takes, once everything runs.
fn remaining(experiment: &Experiment, now: Timestamp) -> Option<String> {
    let status = experiment.status.as_ref()?;
    let duration = parse_go_duration(experiment.spec.duration.as_deref()?).ok()?;
    let since = status.available_at.as_ref()?.0;
    let left = duration.checked_sub(now.duration_since(since)).unwrap_or(SignedDuration::ZERO);
    (!Phase::read(&status.phase).is_over()).then(|| age::human(left))
}
