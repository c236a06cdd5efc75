//! The workload that a Rollout takes its pods' template from (`spec.workloadRef`).

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde_json::Value;

use crate::api::{ObjectRef, Rollout};
use crate::effect::Target;

/// The kinds that have a pod template to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WorkloadKind {
    /// `apps/v1`, the only one that can be scaled down.
    Deployment,
    /// `apps/v1`.
    ReplicaSet,
    /// `v1`; it runs nothing.
    PodTemplate,
}

impl WorkloadKind {
    /// All of them.
    pub const ALL: [WorkloadKind; 3] = [WorkloadKind::Deployment, WorkloadKind::ReplicaSet, WorkloadKind::PodTemplate];

    /// The kind by its name, of whatever group.
    pub fn named(kind: &str) -> Option<WorkloadKind> {
        WorkloadKind::ALL.into_iter().find(|known| known.as_str() == kind)
    }

    /// The kind that a manifest refers to.
    pub fn of(reference: &ObjectRef) -> Option<WorkloadKind> {
        let kind = WorkloadKind::named(reference.kind.as_deref()?)?;
        (reference.api_version.as_deref() == Some(kind.api_version())).then_some(kind)
    }

    /// As it stands in a manifest.
    pub fn as_str(self) -> &'static str {
        match self {
            WorkloadKind::Deployment => "Deployment",
            WorkloadKind::ReplicaSet => "ReplicaSet",
            WorkloadKind::PodTemplate => "PodTemplate",
        }
    }

    /// Its `apiVersion`.
    pub fn api_version(self) -> &'static str {
        match self {
            WorkloadKind::Deployment | WorkloadKind::ReplicaSet => "apps/v1",
            WorkloadKind::PodTemplate => "v1",
        }
    }

    /// Its group; empty for the core group.
    pub fn group(self) -> &'static str {
        self.api_version().split_once('/').map_or("", |(group, _)| group)
    }

    /// How the API server calls the resource in its messages.
    pub fn resource(self) -> &'static str {
        match self {
            WorkloadKind::Deployment => "deployments.apps",
            WorkloadKind::ReplicaSet => "replicasets.apps",
            WorkloadKind::PodTemplate => "podtemplates",
        }
    }

    /// Where the pod template is, as a JSON Pointer.
    pub fn template_path(self) -> &'static str {
        match self {
            WorkloadKind::Deployment | WorkloadKind::ReplicaSet => "/spec/template",
            WorkloadKind::PodTemplate => "/template",
        }
    }

    /// How the API server says that there is none of this name.
    pub fn not_found(self, name: &str) -> String {
        format!("{} {name:?} not found", self.resource())
    }
}

/// What a decision needs to know of a workload.
#[derive(Clone, Debug, PartialEq)]
pub struct Workload {
    /// Its kind.
    pub kind: WorkloadKind,
    /// Its identity.
    pub target: Target,
    /// `metadata.generation`.
    pub generation: i64,
    /// Its pod template.
    pub template: Value,
    /// `spec.selector`; a `PodTemplate` has none.
    pub selector: Option<LabelSelector>,
    /// `spec.replicas`; 0 for a `PodTemplate`.
    pub replicas: i32,
}

/// When a Deployment that is referred to loses its pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScaleDown {
    /// Never: it is the user's.
    Never,
    /// Once the Rollout serves in full.
    OnSuccess,
    /// One pod for each of the Rollout that serves.
    Progressively,
}

impl ScaleDown {
    /// What a manifest asks for. Other words mean never, as they do for Argo Rollouts.
    pub fn of(rollout: &Rollout) -> ScaleDown {
        let reference = rollout.spec.workload_ref.as_ref();
        match reference.and_then(|reference| reference.scale_down.as_deref()) {
            Some("onsuccess") => ScaleDown::OnSuccess,
            Some("progressively") => ScaleDown::Progressively,
            _ => ScaleDown::Never,
        }
    }
}
