//! Labels and annotations that Sluice reads and writes; the keys are Argo Rollouts' own.

/// Label of ReplicaSets and pods, and in selectors: which revision.
pub const POD_TEMPLATE_HASH: &str = "rollouts-pod-template-hash";
/// Annotation: the revision's number.
pub const REVISION: &str = "rollout.argoproj.io/revision";
/// Annotation of ReplicaSets: numbers that the revision had before, separated by commas.
pub const REVISION_HISTORY: &str = "rollout.argoproj.io/revision-history";
/// Annotation of ReplicaSets: `spec.replicas` of the Rollout when their size was set.
pub const DESIRED_REPLICAS: &str = "rollout.argoproj.io/desired-replicas";
/// Annotations of ReplicaSets that make sense only together with the size that they speak of.
pub const OF_SIZE: [&str; 2] = [DESIRED_REPLICAS, SCALE_DOWN_DEADLINE];
/// Annotation of ReplicaSets: labels and annotations that were added to their pods, as JSON.
pub const EPHEMERAL_METADATA: &str = "rollout.argoproj.io/ephemeral-metadata";
/// Annotation of Rollouts: generation of the workload that `spec.workloadRef` names.
pub const WORKLOAD_GENERATION: &str = "rollout.argoproj.io/workload-generation";
/// Annotation of ReplicaSets: when they lose their pods, in RFC 3339.
pub const SCALE_DOWN_DEADLINE: &str = "scale-down-deadline";
/// Annotation of Services and routing objects: the Rollout that manages them.
pub const MANAGED_BY: &str = "argo-rollouts.argoproj.io/managed-by-rollouts";
/// Annotation of routing objects, of ours: what their data plane was told of each Rollout, as JSON.
pub const ROUTED: &str = "rollout.argoproj.io/routed";
/// Annotation of Rollouts, of ours: the traffic routing that is to be undone when the manifest asks for another, as JSON.
pub const ROUTES_BY: &str = "rollout.argoproj.io/routes-by";
/// Label: which controller acts on the object, where there are several.
pub const INSTANCE_ID: &str = "argo-rollouts.argoproj.io/controller-instance-id";
/// Annotation of Rollouts: state of the notifications engine.
pub const NOTIFIED: &str = "notified.notifications.argoproj.io";
/// Annotation of what an experiment owns: the experiment,
pub const EXPERIMENT_NAME: &str = "experiment.argoproj.io/name";
/// and which of its templates.
pub const EXPERIMENT_TEMPLATE: &str = "experiment.argoproj.io/template-name";
/// Label of analysis runs: what started them (`Step`, `Background`, `PrePromotion`, `PostPromotion`).
pub const ROLLOUT_TYPE: &str = "rollout-type";
/// Label of analysis runs: the step that started them.
pub const STEP_INDEX: &str = "step-index";
