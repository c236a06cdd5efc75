//! What a plan may do to the cluster.
//!
//! An effect carries everything its write needs, its precondition included: executing it takes no decision, and executing it
//! late conflicts instead of moving the world backwards. [`wire`] turns effects into requests.

mod child;
pub mod merge;
pub mod wire;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use child::{Child, ChildKind, ChildWrite, termination};

use crate::api::{ReplicaSet, labels};
use crate::event::Note;
use crate::traffic::{RouteWrite, Routing};

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

/// One label, annotation or selector entry to set or to remove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its key.
    pub key: String,
    /// `from` is `None` where the key was absent, `to` where it goes.
    pub value: Change<Option<String>>,
}

impl Entry {
    /// The change of one entry, unless there is none to make.
    pub fn change(key: &str, from: Option<&str>, to: Option<&str>) -> Option<Entry> {
        let value = Change { from: from.map(str::to_owned), to: to.map(str::to_owned) };
        (from != to).then(|| Entry { key: key.to_owned(), value })
    }

    /// Whether nothing was there before.
    pub fn is_new(&self) -> bool {
        self.value.from.is_none()
    }
}

/// Changes of a map of texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entries {
    /// What changes.
    pub changes: Vec<Entry>,
    /// Whether the map had any entry: JSON Patch cannot add into a map that is not there.
    pub had_any: bool,
}

impl Entries {
    /// No changes yet of this map.
    pub fn of(map: Option<&BTreeMap<String, String>>) -> Entries {
        Entries { changes: Vec::new(), had_any: map.is_some_and(|map| !map.is_empty()) }
    }
}

/// A patch of a ReplicaSet: its size and what is written along with it.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplicaSetPatch {
    /// The ReplicaSet.
    pub target: Target,
    /// `spec.replicas`.
    pub replicas: Option<Change<i32>>,
    /// `spec.minReadySeconds`.
    pub min_ready_seconds: Option<Change<i32>>,
    /// Annotations of the ReplicaSet itself.
    pub annotations: Entries,
    /// What pods that are created from now on look like.
    pub template: TemplatePatch,
}

/// Changes of a ReplicaSet's pod template that are no new revision.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TemplatePatch {
    /// Labels.
    pub labels: Entries,
    /// Annotations.
    pub annotations: Entries,
    /// `spec.affinity`; null where it is absent.
    pub affinity: Option<Change<Value>>,
}

impl TemplatePatch {
    /// Whether it would change nothing.
    pub fn is_empty(&self) -> bool {
        self.labels.changes.is_empty() && self.annotations.changes.is_empty() && self.affinity.is_none()
    }
}

/// A patch of the labels and annotations of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodPatch {
    /// The pod.
    pub target: Target,
    /// Labels.
    pub labels: Entries,
    /// Annotations.
    pub annotations: Entries,
}

/// A patch of a Service: which revision it selects, and for which Rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServicePatch {
    /// The Service.
    pub target: Target,
    /// The entries of `spec.selector`; only the hash is ours.
    pub selector: Entries,
    /// Annotations.
    pub annotations: Entries,
}

impl ServicePatch {
    /// The revision that it selects from then on; `None` when the patch leaves that as it is.
    pub fn hash(&self) -> Option<&Change<Option<String>>> {
        self.selector.changes.iter().find(|entry| entry.key == labels::POD_TEMPLATE_HASH).map(|entry| &entry.value)
    }
}

/// A patch of the Rollout outside its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RolloutPatch {
    /// The Rollout.
    pub target: Target,
    /// `spec.replicas`, written where the manifest is silent: autoscalers need it.
    pub replicas: Option<i32>,
    /// Annotations to set.
    pub annotations: Entries,
}

/// A change of an object that a traffic router reads.
#[derive(Clone, Debug, PartialEq)]
pub struct RouteChange {
    /// Name of the router.
    pub router: String,
    /// What it is told.
    pub routing: Routing,
    /// How an object says so.
    pub write: RouteWrite,
}

/// A new size for the Deployment that the template is taken from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkloadScale {
    /// The Deployment.
    pub target: Target,
    /// `spec.replicas`.
    pub replicas: Change<i32>,
}

/// A change of who owns a ReplicaSet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ownership {
    /// The ReplicaSet.
    pub target: Target,
    /// Its new `metadata.ownerReferences`, complete.
    pub owner_references: Value,
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
    /// Change labels and annotations of a pod.
    PatchPod(PodPatch),
    /// Point a Service at a revision, or let go of it.
    PatchService(ServicePatch),
    /// Tell a traffic router where requests go.
    Route(Box<RouteChange>),
    /// Take pods of the Deployment away that the template is taken from.
    ScaleWorkload(WorkloadScale),
    /// Create the Service of an experiment's template.
    CreateService(Box<Value>),
    /// Delete it again.
    DeleteService(Target),
    /// Create, end or delete an AnalysisRun or an Experiment of the Rollout.
    Child(ChildWrite),
}

/// What an effect does to what, as a key: the API server's refusal of one effect holds back that effect and no other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EffectKey {
    /// `create`, `grow`, `shrink`, `annotate`, `adopt`, `release`, `delete`, `evict`, `label`, `point`, `route`, `terminate`.
    pub verb: String,
    /// Kind of the object.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Where it is, and of which group its kind is, for kinds of others.
    pub scope: String,
}

impl fmt::Display for EffectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.verb, self.kind, self.name)
    }
}

impl Effect {
    /// Whether it concerns a pod.
    pub fn is_of_a_pod(&self) -> bool {
        matches!(self, Effect::PatchPod(_) | Effect::EvictPod(_))
    }

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
            Effect::PatchPod(patch) => ("label", "Pod", patch.target.name.clone()),
            Effect::PatchService(patch) => ("point", "Service", patch.target.name.clone()),
            Effect::Route(change) => ("route", change.write.kind.kind, change.write.name.clone()),
            Effect::CreateService(service) => {
                ("create", "Service", service["metadata"]["name"].as_str().unwrap_or_default().to_owned())
            }
            Effect::DeleteService(target) => ("delete", "Service", target.name.clone()),
            Effect::Child(write) => {
                let (verb, kind, name) = write.parts();
                (verb, kind.as_str(), name.to_owned())
            }
            Effect::ScaleWorkload(scale) => ("shrink", "Deployment", scale.target.name.clone()),
        };
        let scope = match self {
            Effect::Route(change) => format!("{}/{}", change.write.namespace, change.write.kind.group),
            _ => String::new(),
        };
        EffectKey { verb: verb.into(), kind: kind.into(), name, scope }
    }
}

impl ReplicaSetPatch {
    /// A patch that changes nothing yet.
    pub fn of(rs: &ReplicaSet) -> ReplicaSetPatch {
        ReplicaSetPatch {
            target: Target::of(&rs.metadata),
            replicas: None,
            min_ready_seconds: None,
            annotations: Entries::of(rs.metadata.annotations.as_ref()),
            template: TemplatePatch::default(),
        }
    }

    /// Whether it would change anything.
    pub fn is_empty(&self) -> bool {
        self.replicas.is_none()
            && self.min_ready_seconds.is_none()
            && self.annotations.changes.is_empty()
            && self.template.is_empty()
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
