//! Finding the ReplicaSet of a rollout's current revision among those it owns.
//!
//! Order matters: every wrong answer here is either an unwanted new revision or the wrong pods being promoted.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::equality::{Comparable, POD_HASH_LABEL};
use super::hash::{PodHash, legacy_pod_template_hash, pod_template_hash};

/// A live ReplicaSet of the rollout.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its creation time; one without sorts last.
    pub created: Option<Timestamp>,
    /// Its labels.
    pub labels: Option<&'a BTreeMap<String, String>>,
    /// Its annotations.
    pub annotations: Option<&'a BTreeMap<String, String>>,
    /// Its `spec.template`.
    pub template: &'a Value,
}

impl Candidate<'_> {
    fn label(&self) -> Option<&str> {
        self.labels?.get(POD_HASH_LABEL).map(String::as_str)
    }
}

/// What made a ReplicaSet the one of the current revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatchedBy {
    /// Status already names it, and its template still means the same.
    Status,
    /// Its label is the hash of the template.
    Hash,
    /// Its label is the hash that Argo Rollouts ≤1.8 gave to the template.
    LegacyHash,
    /// Its template means the same.
    Template,
}

/// The ReplicaSet of the current revision.
#[derive(Debug, Clone)]
pub struct Found<'a> {
    /// The ReplicaSet.
    pub replica_set: Candidate<'a>,
    /// The identity of the revision: the label of its ReplicaSet, never the hash computed anew.
    pub hash: PodHash,
    /// Why it is this one.
    pub by: MatchedBy,
}

/// Finds the ReplicaSet of the revision that `desired` is, as Argo Rollouts ≥1.9 does: by hash, by the hash of earlier
/// releases, by meaning; the oldest first among equals.
///
/// Beyond that, a ReplicaSet that `status.currentPodHash` names comes first as long as its template means the same: a
/// cluster that went up, down and up again between releases has a ReplicaSet for each hash, and the one in service must
/// not be abandoned for an older twin. The hash of Kubernetes' own `ComputeHash` (over a dump of Go structs) is not
/// computed: a ReplicaSet that has such a label is found by meaning.
pub fn find_new_replica_set<'a>(
    desired: &Value,
    collision_count: Option<i32>,
    current: Option<&PodHash>,
    candidates: impl IntoIterator<Item = Candidate<'a>>,
) -> Option<Found<'a>> {
    let mut candidates: Vec<_> = candidates.into_iter().collect();
    candidates.sort_by_key(|candidate| (candidate.created.is_none(), candidate.created, candidate.name));
    let labelled =
        |hash: &PodHash| candidates.iter().copied().find(|candidate| candidate.label() == Some(hash.as_str()));
    let comparable = Comparable::new(desired);
    let means_the_same = |candidate: &Candidate<'_>| comparable.matches_live(candidate.template, candidate.annotations);

    let hash = pod_template_hash(desired, collision_count);
    // Where status names our own hash, the label decides alone and nothing needs to be compared.
    let in_status = current.filter(|current| **current != hash).and_then(labelled).filter(means_the_same);
    let by_legacy_hash = || labelled(&legacy_pod_template_hash(desired, collision_count));
    // Without the label a ReplicaSet is no revision of a rollout.
    let by_template = || candidates.iter().copied().filter(|c| c.label().is_some()).find(means_the_same);

    let (replica_set, by) = in_status
        .map(|found| (found, MatchedBy::Status))
        .or_else(|| labelled(&hash).map(|found| (found, MatchedBy::Hash)))
        .or_else(|| by_legacy_hash().map(|found| (found, MatchedBy::LegacyHash)))
        .or_else(|| by_template().map(|found| (found, MatchedBy::Template)))?;
    let hash = replica_set.label().map(PodHash::from)?;
    Some(Found { replica_set, hash, by })
}
