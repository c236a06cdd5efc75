//! `Rollout`: a workload whose updates walk through steps.

use std::sync::LazyLock;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, Time};
use kube_derive::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{BlueGreenStrategy, CanaryStrategy, RolloutStatus, labels, null, raw};

/// What a Rollout should run, and how an update of it goes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema, CustomResource)]
#[kube(
    group = "argoproj.io",
    version = "v1alpha1",
    kind = "Rollout",
    namespaced,
    shortname = "ro",
    status = "RolloutStatus",
    derive = "PartialEq",
    derive = "Default",
    scale(
        spec_replicas_path = ".spec.replicas",
        status_replicas_path = ".status.HPAReplicas",
        label_selector_path = ".status.selector"
    ),
    printcolumn(
        name = "Desired",
        type_ = "integer",
        description = "Number of desired pods",
        json_path = ".spec.replicas"
    ),
    printcolumn(
        name = "Current",
        type_ = "integer",
        description = "Total number of non-terminated pods targeted by this rollout",
        json_path = ".status.replicas"
    ),
    printcolumn(
        name = "Up-to-date",
        type_ = "integer",
        description = "Total number of non-terminated pods targeted by this rollout that have the desired template spec",
        json_path = ".status.updatedReplicas"
    ),
    printcolumn(
        name = "Available",
        type_ = "integer",
        description = "Total number of available pods (ready for at least minReadySeconds) targeted by this rollout",
        json_path = ".status.availableReplicas"
    ),
    printcolumn(
        name = "Age",
        type_ = "date",
        description = "Time since resource was created",
        json_path = ".metadata.creationTimestamp"
    ),
    crates(
        kube_core = "::kube_core",
        k8s_openapi = "::k8s_openapi",
        schemars = "::schemars",
        serde = "::serde",
        serde_json = "::serde_json"
    )
)]
#[serde(rename_all = "camelCase")]
pub struct RolloutSpec {
    /// Pods to run; 1 when absent, which the controller then writes down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i32>,
    /// Which pods belong to the Rollout. It must select the template's labels and cannot be changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<LabelSelector>,
    /// The pods. What newer releases of Kubernetes add to pods is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "raw::pod_template")]
    pub template: Option<Value>,
    /// A workload to take the template, and where it is absent the selector, from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload_ref: Option<ObjectRef>,
    /// Seconds for which a pod must have been ready to count as available; 0 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_ready_seconds: Option<i32>,
    /// When going back to an older revision skips the steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback_window: Option<RollbackWindowSpec>,
    /// What the very first revision has to go through: `none`, when absent, makes it stable at once; `steps` takes it through the
    /// steps of a canary, or the pause of blue-green before its first switch. An addition of Sluice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_deploy: Option<String>,
    /// How an update goes.
    #[serde(default, deserialize_with = "null::as_default")]
    pub strategy: RolloutStrategy,
    /// Drained ReplicaSets to keep for going back to; 10 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision_history_limit: Option<i32>,
    /// Stops sizes and steps where they are.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "null::is_false")]
    pub paused: bool,
    /// Seconds without progress after which the update is reported as degraded; 600 when absent. More than `minReadySeconds`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress_deadline_seconds: Option<i32>,
    /// Aborts the update at the deadline instead of only reporting it.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "null::is_false")]
    pub progress_deadline_abort: bool,
    /// Pods created before this time are replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart_at: Option<Time>,
    /// Analysis runs and experiments to keep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub analysis: Option<AnalysisRunStrategy>,
}

/// How an update goes; exactly one field is set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RolloutStrategy {
    /// Switch all traffic at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blue_green: Option<BlueGreenStrategy>,
    /// Give the new revision a growing share, step by step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<CanaryStrategy>,
}

/// A workload to take the template from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObjectRef {
    /// Its apiVersion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
    /// Deployment, ReplicaSet or `PodTemplate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// When a referenced Deployment loses its pods: `never`, `onsuccess` or `progressively`; never when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale_down: Option<String>,
}

/// When going back skips the steps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RollbackWindowSpec {
    /// How many revisions back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revisions: Option<i32>,
}

/// Finished analysis runs and experiments to keep.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AnalysisRunStrategy {
    /// Successful ones; 5 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub successful_run_history_limit: Option<i32>,
    /// Others; 5 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsuccessful_run_history_limit: Option<i32>,
}

static NOTHING_YET: LazyLock<RolloutStatus> = LazyLock::new(RolloutStatus::default);

impl Rollout {
    /// The status; an empty one before the first is written.
    pub fn status(&self) -> &RolloutStatus {
        self.status.as_ref().unwrap_or(&NOTHING_YET)
    }

    /// Whether the status speaks of the manifest as it is, and of the workload as the manifest knows it.
    pub fn is_observed(&self) -> bool {
        self.is_manifest_observed() && self.is_workload_observed()
    }

    /// Whether the status speaks of the manifest as it is.
    pub fn is_manifest_observed(&self) -> bool {
        self.status().observed_generation == self.metadata.generation.unwrap_or(0).to_string()
    }

    /// Whether the status speaks of the workload as the manifest knows it. One without a workload has nothing to look at.
    pub fn is_workload_observed(&self) -> bool {
        let annotations = self.metadata.annotations.as_ref().filter(|_| self.spec.workload_ref.is_some());
        let known = annotations.and_then(|annotations| annotations.get(labels::WORKLOAD_GENERATION));
        known.is_none_or(|generation| *generation == self.status().workload_observed_generation)
    }
}
