//! The model: a rollout with its revisions, as plain data ready to be shown.

use jiff::Timestamp;
use sluice_core::api::{ReplicaSet, Rollout};
use sluice_core::revision::owns;
use sluice_core::status::conditions;

use super::age;
use super::badge::Badge;
use super::phase;
use super::replica_set::{ReplicaSetInfo, images};
use super::strategy::{Strategy, roles};
use crate::client::Family;

/// What is shown of a rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    pub age: String,
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// Its number.
    pub number: i64,
    /// Its ReplicaSets; one, except after a hash collision.
    pub replica_sets: Vec<ReplicaSetInfo>,
}

impl RolloutInfo {
    /// What is shown of a rollout and its family at `now`.
    pub fn of(family: &Family, now: Timestamp) -> RolloutInfo {
        let rollout = &family.rollout;
        let (phase, message) = phase::shown(rollout);
        let mut owned: Vec<&ReplicaSet> = family.replica_sets.iter().filter(|rs| owns(rollout, rs)).collect();
        owned.sort_by_key(|rs| (std::cmp::Reverse(rs.revision()), rs.name().to_owned()));
        let strategy = Strategy::of(rollout, &owned);
        let mut revisions: Vec<Revision> = Vec::new();
        for rs in owned {
            let info = ReplicaSetInfo::of(rs, roles(rollout, rs), &family.pods, now);
            match revisions.last_mut() {
                Some(revision) if revision.number == rs.revision() => revision.replica_sets.push(info),
                _ => revisions.push(Revision { number: rs.revision(), replica_sets: vec![info] }),
            }
        }
        RolloutInfo {
            name: rollout.metadata.name.clone().unwrap_or_default(),
            namespace: rollout.metadata.namespace.clone().unwrap_or_default(),
            status: Badge::phase(&phase),
            waiting: waiting(rollout).filter(|waiting| *waiting != message),
            message,
            strategy,
            images: running_images(rollout, &revisions),
            replicas: Counts::of(rollout),
            age: age::age(rollout.metadata.creation_timestamp.as_ref().map(|time| time.0), now),
            revisions,
        }
    }
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

fn waiting(rollout: &Rollout) -> Option<String> {
    let Some(waiting) = rollout.status().waiting_on.as_ref() else {
        // The installed CRD may drop the field, and keeps the condition.
        return conditions::get(rollout.status(), conditions::kind::WAITING).map(|condition| condition.message.clone());
    };
    Some(match &waiting.object {
        Some(object) if !waiting.message.contains(object.as_str()) => format!("{} ({object})", waiting.message),
        _ => waiting.message.clone(),
    })
}

/// Images of the ReplicaSets that have pods, oldest revision last; without any, those of the manifest.
fn running_images(rollout: &Rollout, revisions: &[Revision]) -> Vec<(String, Vec<&'static str>)> {
    let mut found: Vec<(String, Vec<&'static str>)> = Vec::new();
    let running = revisions.iter().flat_map(|revision| &revision.replica_sets).filter(|rs| rs.runs);
    for (rs, image) in running.flat_map(|rs| rs.images.iter().map(move |image| (rs, image))) {
        if let Some((_, roles)) = found.iter_mut().find(|(known, _)| known == image) {
            roles.extend(rs.roles.iter().copied());
            roles.dedup();
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
