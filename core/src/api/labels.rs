//! Labels and annotations that Sluice reads and writes; the keys are Argo Rollouts' own.

/// Label of ReplicaSets and pods, and in selectors: which revision.
pub const POD_TEMPLATE_HASH: &str = "rollouts-pod-template-hash";
/// Annotation: the revision's number.
pub const REVISION: &str = "rollout.argoproj.io/revision";
/// Annotation of ReplicaSets: numbers that the revision had before, separated by commas.
pub const REVISION_HISTORY: &str = "rollout.argoproj.io/revision-history";
/// Annotation of ReplicaSets: `spec.replicas` of the Rollout when their size was set.
pub const DESIRED_REPLICAS: &str = "rollout.argoproj.io/desired-replicas";
/// Annotation of Rollouts: state of the notifications engine.
pub const NOTIFIED: &str = "notified.notifications.argoproj.io";
/// Label: which controller acts on the object, where there are several.
pub const INSTANCE_ID: &str = "argo-rollouts.argoproj.io/controller-instance-id";
