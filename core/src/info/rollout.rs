//! The model: a rollout with its revisions, as plain data ready to be shown.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::api::{ReplicaSet, Rollout, labels};
use crate::revision::owns;
use crate::status::conditions;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::age::Age;
use super::analysis_run::{RunInfo, in_order, is_owned};
use super::badge::Badge;
use super::experiment::ExperimentInfo;
use super::family::Family;
use super::phase;
use super::replica_set::{ReplicaSetInfo, images};
use super::strategy::{Strategy, roles};
use super::text;

/// What is shown of a rollout.
#[derive(Clone, Debug, PartialEq)]
pub struct RolloutInfo {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Its phase.
    pub status: Badge,
    /// Why it is in that phase.
    pub message: String,
    /// Step and weights.
    pub strategy: Strategy,
    /// Images that run, each with the roles it serves in.
    pub images: Vec<(String, Vec<&'static str>)>,
    /// Its pods, counted.
    pub replicas: Counts,
    /// What it waits for.
    pub waiting: Option<String>,
    /// Its age.
    pub age: Age,
    /// Its revisions, newest first.
    pub revisions: Vec<Revision>,
}

/// A rollout's pods, counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Asked for.
    pub desired: i32,
    /// All there are.
    pub current: i32,
    /// Of the new revision.
    pub updated: i32,
    /// Ready.
    pub ready: i32,
    /// Available.
    pub available: i32,
}

/// A revision.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Revision {
    /// Its number.
    pub number: i64,
    /// Its ReplicaSets; one, except after a hash collision.
    pub replica_sets: Vec<ReplicaSetInfo>,
    /// Its experiments.
    pub experiments: Vec<ExperimentInfo>,
    /// Its analysis runs.
    pub runs: Vec<RunInfo>,
}

impl RolloutInfo {
    /// What is shown of a rollout and its family at `now`.
    pub fn of(family: &Family, now: Timestamp) -> RolloutInfo {
        let rollout = &family.rollout;
        let (phase, message) = phase::shown(rollout);
        let mut owned: Vec<&ReplicaSet> = family.replica_sets.iter().filter(|rs| owns(rollout, rs)).collect();
        owned.sort_by_key(|rs| (std::cmp::Reverse(rs.revision()), rs.name().to_owned()));
        let strategy = Strategy::of(rollout, &owned);
        let revisions = revisions(family, &owned, now);
        RolloutInfo {
            name: text::printable(rollout.metadata.name.as_deref().unwrap_or_default()),
            namespace: text::printable(rollout.metadata.namespace.as_deref().unwrap_or_default()),
            status: Badge::phase(&phase),
            waiting: waiting(rollout).filter(|waiting| *waiting != message),
            message,
            strategy,
            images: running_images(rollout, &revisions),
            replicas: Counts::of(rollout),
            age: Age::of(rollout.metadata.creation_timestamp.as_ref().map(|time| time.0), now),
            revisions,
        }
    }
}

impl RolloutInfo {
    /// The revisions whose pod template is still there, the newest first.
    pub fn to_go_back_to(&self) -> Vec<i64> {
        let kept = self.revisions.iter().filter(|revision| revision.number > 0 && !revision.replica_sets.is_empty());
        kept.map(|revision| revision.number).collect()
    }
}

/// Everything that belongs to a revision, the newest first.
fn revisions(family: &Family, owned: &[&ReplicaSet], now: Timestamp) -> Vec<Revision> {
    let rollout = &family.rollout;
    let uid = rollout.metadata.uid.as_deref().unwrap_or_default();
    let mut found: BTreeMap<Reverse<i64>, Revision> = BTreeMap::new();
    for rs in owned {
        let info = ReplicaSetInfo::of(rs, roles(rollout, rs), &family.pods, now);
        found.entry(Reverse(rs.revision())).or_default().replica_sets.push(info);
    }
    let runs = family.runs.as_deref().unwrap_or_default();
    let experiments = family.experiments.iter().flatten();
    for experiment in experiments.filter(|experiment| is_owned(&experiment.metadata, uid)) {
        let info = ExperimentInfo::of(experiment, &family.replica_sets, &family.pods, runs, now);
        found.entry(Reverse(number(&experiment.metadata))).or_default().experiments.push(info);
    }
    for run in in_order(runs).into_iter().filter(|run| is_owned(&run.metadata, uid)) {
        found.entry(Reverse(number(&run.metadata))).or_default().runs.push(RunInfo::of(run, now));
    }
    found.into_iter().map(|(Reverse(number), revision)| Revision { number, ..revision }).collect()
}

/// The number of the revision that something was made for.
pub fn number(metadata: &ObjectMeta) -> i64 {
    let annotations = metadata.annotations.as_ref();
    annotations.and_then(|map| map.get(labels::REVISION)).and_then(|text| text.parse().ok()).unwrap_or(0)
}

impl Counts {
    /// The counts in a rollout's status.
    pub fn of(rollout: &Rollout) -> Counts {
        let status = rollout.status();
        Counts {
            desired: rollout.spec.replicas.unwrap_or(1),
            current: status.replicas,
            updated: status.updated_replicas,
            ready: status.ready_replicas,
            available: status.available_replicas,
        }
    }
}

/// What a rollout waits for, in one sentence.
pub fn waiting(rollout: &Rollout) -> Option<String> {
    let Some(waiting) = rollout.status().waiting_on.as_ref() else {
        // The installed CRD may drop the field, and keeps the condition.
        return conditions::get(rollout.status(), conditions::kind::WAITING)
            .map(|condition| text::message(&condition.message));
    };
    Some(match &waiting.object {
        Some(object) if !waiting.message.contains(object.as_str()) => {
            text::message(&format!("{} ({object})", waiting.message))
        }
        _ => text::message(&waiting.message),
    })
}

/// Images of the ReplicaSets that have pods, oldest revision last; without any, those of the manifest.
fn running_images(rollout: &Rollout, revisions: &[Revision]) -> Vec<(String, Vec<&'static str>)> {
    let mut found: Vec<(String, Vec<&'static str>)> = Vec::new();
    let running = revisions.iter().flat_map(|revision| &revision.replica_sets).filter(|rs| rs.runs);
    for (rs, image) in running.flat_map(|rs| rs.images.iter().map(move |image| (rs, image))) {
        if let Some((_, roles)) = found.iter_mut().find(|(known, _)| known == image) {
            for role in &rs.roles {
                if !roles.contains(role) {
                    roles.push(role);
                }
            }
        } else {
            found.push((image.clone(), rs.roles.clone()));
        }
    }
    if found.is_empty() {
        let wanted = rollout.spec.template.as_ref().map(images).unwrap_or_default();
        found = wanted.into_iter().map(|image| (image, Vec::new())).collect();
    }
    found.sort();
    found
}
