//! The workload that a Rollout takes its pods' template from (`spec.workloadRef`).

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde_json::Value;

use crate::api::{ObjectRef, Rollout};
use crate::effect::Target;
use crate::object_kind::ObjectKind;

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

    /// The kind as one of all.
    pub fn object_kind(self) -> ObjectKind {
        let (group, plural) = match self {
            WorkloadKind::Deployment => ("apps", "deployments"),
            WorkloadKind::ReplicaSet => ("apps", "replicasets"),
            WorkloadKind::PodTemplate => ("", "podtemplates"),
        };
        ObjectKind { group, kind: self.as_str(), plural, versions: &["v1"] }
    }

    /// How the API server calls the resource in its messages.
    pub fn resource(self) -> String {
        self.object_kind().resource()
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

impl Workload {
    /// Reads an object of this kind.
    pub fn read(kind: WorkloadKind, object: &Value) -> Workload {
        let metadata = &object["metadata"];
        let text = |field: &str| metadata[field].as_str().unwrap_or_default().to_owned();
        let replicas = object["spec"]["replicas"].as_i64().and_then(|replicas| i32::try_from(replicas).ok());
        Workload {
            kind,
            target: Target { name: text("name"), uid: text("uid"), resource_version: text("resourceVersion") },
            generation: metadata["generation"].as_i64().unwrap_or(0),
            template: object.pointer(kind.template_path()).cloned().unwrap_or_default(),
            selector: serde_json::from_value(object["spec"]["selector"].clone()).ok(),
            replicas: replicas.unwrap_or(0),
        }
    }
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
