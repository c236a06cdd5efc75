//! Which ReplicaSet is which: the new revision, the stable one and the rest.

use serde_json::Value;

use crate::api::{ReplicaSet, Rollout, labels};
use crate::identity::{self, Candidate, PodHash, find_new_replica_set};
use crate::replicas::Size;
use crate::snapshot::Snapshot;

/// The ReplicaSets of a rollout by their role.
#[derive(Clone, Debug)]
pub struct Revisions<'a> {
    /// The hash of the revision that the manifest asks for: the label of its ReplicaSet where it exists.
    pub hash: PodHash,
    /// Its number: one more than every older revision's.
    pub number: i64,
    /// Its ReplicaSet, unless it is still to be created.
    pub new: Option<&'a ReplicaSet>,
    /// The ReplicaSet named by `status.stableRS`; the same as `new` once the update is complete.
    pub stable: Option<&'a ReplicaSet>,
    /// All others, oldest revision first.
    pub old: Vec<&'a ReplicaSet>,
}

impl<'a> Revisions<'a> {
    /// Sorts out the ReplicaSets that the rollout owns.
    ///
    /// A revision's identity is the label of its ReplicaSet. So a live ReplicaSet made by any release of Argo Rollouts is
    /// adopted as it is, whatever its hash was computed from.
    pub fn of(snapshot: &'a Snapshot) -> Revisions<'a> {
        let rollout = &snapshot.rollout;
        let mut owned: Vec<&ReplicaSet> = snapshot.owned().collect();
        owned.sort_by(|a, b| (a.created(), a.name()).cmp(&(b.created(), b.name())));
        let (template, collisions) = (snapshot.template().unwrap_or(&Value::Null), rollout.status().collision_count);
        let current =
            Some(PodHash::from(rollout.status().current_pod_hash.as_str())).filter(|hash| !hash.as_str().is_empty());
        let found = find_new_replica_set(template, collisions, current.as_ref(), owned.iter().map(|rs| candidate(rs)));
        let new = found.as_ref().and_then(|found| owned.iter().copied().find(|rs| rs.name() == found.replica_set.name));
        let hash = found.map_or_else(|| identity::pod_template_hash(template, collisions), |found| found.hash);
        let stable_hash = rollout.status().stable_rs.as_str();
        let stable = owned.iter().copied().find(|rs| !stable_hash.is_empty() && rs.has_hash(stable_hash));
        let is = |role: Option<&ReplicaSet>, rs: &ReplicaSet| role.is_some_and(|role| role.uid() == rs.uid());
        let newest_other = owned.iter().filter(|rs| !is(new, rs)).map(|rs| rs.revision()).max().unwrap_or(0);
        let mut old: Vec<&ReplicaSet> = owned.iter().copied().filter(|rs| !is(new, rs) && !is(stable, rs)).collect();
        old.sort_by_key(|rs| rs.revision());
        let number = new.map_or(0, ReplicaSet::revision).max(newest_other + 1);
        Revisions { hash, number, new, stable, old }
    }

    /// Every ReplicaSet once.
    pub fn all(&self) -> impl Iterator<Item = &'a ReplicaSet> + '_ {
        let stable = self.stable.filter(|_| !self.is_stable_new());
        self.new.into_iter().chain(stable).chain(self.old.iter().copied())
    }

    /// Whether the new ReplicaSet is the stable one.
    pub fn is_stable_new(&self) -> bool {
        matches!((self.new, self.stable), (Some(new), Some(stable)) if new.uid() == stable.uid())
    }

    /// The stable ReplicaSet where it is another one than the new.
    pub fn other_stable(&self) -> Option<&'a ReplicaSet> {
        self.stable.filter(|_| !self.is_stable_new())
    }

    /// The ReplicaSet with this hash.
    pub fn with_hash(&self, hash: &str) -> Option<&'a ReplicaSet> {
        self.all().find(|rs| rs.has_hash(hash))
    }
}

fn candidate(rs: &ReplicaSet) -> Candidate<'_> {
    Candidate {
        name: rs.name(),
        created: rs.created(),
        labels: rs.metadata.labels.as_ref(),
        annotations: rs.metadata.annotations.as_ref(),
        template: &rs.spec.template,
    }
}

/// Whether the ReplicaSet's controller is this Rollout.
pub fn owns(rollout: &Rollout, rs: &ReplicaSet) -> bool {
    rs.controller_uid().is_some_and(|uid| Some(uid) == rollout.metadata.uid.as_deref())
}

impl ReplicaSet {
    /// `metadata.name`.
    pub fn name(&self) -> &str {
        self.metadata.name.as_deref().unwrap_or_default()
    }

    /// `metadata.uid`.
    pub fn uid(&self) -> &str {
        self.metadata.uid.as_deref().unwrap_or_default()
    }

    /// When it was created; `None` only for one that is not stored yet.
    pub fn created(&self) -> Option<jiff::Timestamp> {
        self.metadata.creation_timestamp.as_ref().map(|time| time.0)
    }

    /// The uid of the owner that controls it.
    pub fn controller_uid(&self) -> Option<&str> {
        let owners = self.metadata.owner_references.as_ref()?;
        owners.iter().find(|owner| owner.controller == Some(true)).map(|owner| owner.uid.as_str())
    }

    /// The hash it carries as a label: its revision's identity.
    pub fn hash(&self) -> Option<PodHash> {
        self.metadata.labels.as_ref()?.get(labels::POD_TEMPLATE_HASH).map(|hash| PodHash::from(hash.as_str()))
    }

    /// Whether it is the revision with this hash.
    pub fn has_hash(&self, hash: &str) -> bool {
        self.hash().is_some_and(|own| own.as_str() == hash)
    }

    /// An annotation's value.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.metadata.annotations.as_ref()?.get(key).map(String::as_str)
    }

    /// Its revision's number, 0 where the annotation is missing or not a number.
    pub fn revision(&self) -> i64 {
        self.annotation(labels::REVISION).and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    /// `spec.replicas`, which the API server defaults to 1.
    pub fn wanted(&self) -> i32 {
        self.spec.replicas.unwrap_or(1)
    }

    /// When it loses its pods, where that is settled. A deadline that cannot be read is none.
    pub fn scale_down_deadline(&self) -> Option<jiff::Timestamp> {
        self.annotation(labels::SCALE_DOWN_DEADLINE).and_then(|text| text.parse().ok())
    }

    /// Wanted and available pods.
    pub fn size(&self) -> Size {
        Size { spec: self.wanted(), available: self.observed().available_replicas }
    }

    /// Pods that traffic can be sent to: none while its status is older than its spec, because pods that it counts may be on
    /// their way out.
    pub fn certain(&self) -> i32 {
        if self.is_observed() { self.size().serving() } else { 0 }
    }

    /// Whether its deletion has begun.
    pub fn is_deleting(&self) -> bool {
        self.metadata.deletion_timestamp.is_some()
    }

    /// Whether its status speaks of its present spec.
    pub fn is_observed(&self) -> bool {
        self.observed().observed_generation.unwrap_or(0) >= self.metadata.generation.unwrap_or(0)
    }
}
