//! What a plan may do to the cluster.
//!
//! An effect carries everything its write needs, its precondition included: executing it takes no decision, and executing it
//! late conflicts instead of moving the world backwards. [`wire`] turns effects into requests.

pub mod merge;
pub mod wire;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::api::ReplicaSet;
use crate::event::Note;

/// Effects run in phases. The first phase that has work runs; the next one needs a fresh observation. So nothing shrinks
/// before what replaces it has been seen to serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Add capacity.
    Grow,
    /// Move traffic onto it.
    Shift,
    /// See the traffic arrive.
    Verify,
    /// Remove capacity that nothing uses any more.
    Shrink,
    /// Delete what is left over.
    Collect,
}

/// An existing object and the identity under which it was observed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// `metadata.name`; the namespace is the rollout's.
    pub name: String,
    /// `metadata.uid`: a namesake that replaced the object is not it.
    pub uid: String,
    /// `metadata.resourceVersion` at the observation.
    pub resource_version: String,
}

/// A value and what it replaces; the write is refused when the old value is no longer there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change<T> {
    /// What was observed.
    pub from: T,
    /// What it becomes.
    pub to: T,
}

/// One annotation to set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotation {
    /// Its key.
    pub key: String,
    /// `from` is `None` where the key was absent.
    pub value: Change<Option<String>>,
}

/// A patch of a ReplicaSet: its size and what is written along with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaSetPatch {
    /// The ReplicaSet.
    pub target: Target,
    /// `spec.replicas`.
    pub replicas: Option<Change<i32>>,
    /// `spec.minReadySeconds`.
    pub min_ready_seconds: Option<Change<i32>>,
    /// Annotations of the ReplicaSet itself.
    pub annotations: Vec<Annotation>,
    /// Whether the ReplicaSet had any annotation: JSON Patch cannot add into a map that is not there.
    pub had_annotations: bool,
}

/// A patch of the Rollout outside its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RolloutPatch {
    /// The Rollout.
    pub target: Target,
    /// `spec.replicas`, written where the manifest is silent: autoscalers need it.
    pub replicas: Option<i32>,
    /// Annotations to set.
    pub annotations: Vec<Annotation>,
    /// Whether the Rollout had any annotation.
    pub had_annotations: bool,
}

/// A change of who owns a ReplicaSet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ownership {
    /// The ReplicaSet.
    pub target: Target,
    /// Its new `metadata.ownerReferences`, complete.
    pub owner_references: serde_json::Value,
    /// The hash by which an adopted ReplicaSet is found; `None` when it is released.
    pub adopted: bool,
}

/// One write.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Create the ReplicaSet of a revision. Its name is derived from the revision, so that a second attempt finds the first.
    CreateReplicaSet(Box<ReplicaSet>),
    /// Change a ReplicaSet's size, or what is written beside it.
    PatchReplicaSet(ReplicaSetPatch),
    /// Adopt or release a ReplicaSet.
    OwnReplicaSet(Ownership),
    /// Delete a ReplicaSet that history no longer keeps.
    DeleteReplicaSet(Target),
    /// Write a default or an annotation to the Rollout.
    PatchRollout(RolloutPatch),
    /// Evict a pod, within what disruption budgets allow.
    EvictPod(Target),
}

/// What an effect does to what, as a key: the API server's refusal of one effect holds back that effect and no other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EffectKey {
    /// `create`, `grow`, `shrink`, `annotate`, `adopt`, `release`, `delete`, `evict`.
    pub verb: String,
    /// Kind of the object.
    pub kind: String,
    /// Its name.
    pub name: String,
}

impl fmt::Display for EffectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.verb, self.kind, self.name)
    }
}

impl Effect {
    /// Which effect this is, whatever values it carries.
    pub fn key(&self) -> EffectKey {
        let (verb, kind, name) = match self {
            Effect::CreateReplicaSet(rs) => ("create", "ReplicaSet", rs.metadata.name.clone().unwrap_or_default()),
            Effect::PatchReplicaSet(patch) => (patch.verb(), "ReplicaSet", patch.target.name.clone()),
            Effect::OwnReplicaSet(own) => {
                (if own.adopted { "adopt" } else { "release" }, "ReplicaSet", own.target.name.clone())
            }
            Effect::DeleteReplicaSet(target) => ("delete", "ReplicaSet", target.name.clone()),
            Effect::PatchRollout(patch) => ("annotate", "Rollout", patch.target.name.clone()),
            Effect::EvictPod(target) => ("evict", "Pod", target.name.clone()),
        };
        EffectKey { verb: verb.into(), kind: kind.into(), name }
    }
}

impl ReplicaSetPatch {
    /// A patch that changes nothing yet.
    pub fn of(rs: &ReplicaSet) -> ReplicaSetPatch {
        ReplicaSetPatch {
            target: Target::of(&rs.metadata),
            replicas: None,
            min_ready_seconds: None,
            annotations: Vec::new(),
            had_annotations: rs.metadata.annotations.as_ref().is_some_and(|map| !map.is_empty()),
        }
    }

    /// Whether it would change anything.
    pub fn is_empty(&self) -> bool {
        self.replicas.is_none() && self.min_ready_seconds.is_none() && self.annotations.is_empty()
    }

    fn verb(&self) -> &'static str {
        match &self.replicas {
            Some(change) if change.to > change.from => "grow",
            Some(_) => "shrink",
            None => "annotate",
        }
    }
}

impl Target {
    /// The object with this metadata.
    pub fn of(metadata: &k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta) -> Target {
        Target {
            name: metadata.name.clone().unwrap_or_default(),
            uid: metadata.uid.clone().unwrap_or_default(),
            resource_version: metadata.resource_version.clone().unwrap_or_default(),
        }
    }
}

/// An effect with its place in the order.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    /// The write.
    pub effect: Effect,
    /// Its phase; `None` runs whenever it is planned.
    pub phase: Option<Phase>,
    /// What to tell once it has succeeded.
    pub notes: Vec<Note>,
}
