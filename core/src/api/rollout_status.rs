//! `status` of a Rollout. People write parts of it too: `abort`, `promoteFull`, `pauseConditions` and `currentStepIndex` are
//! how clients ask for something.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{null, raw};

/// Where a rollout stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RolloutStatus {
    /// Asks to give the update up, and says that it was.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "null::is_false")]
    pub abort: bool,
    /// Why it pauses. Removing an entry ends that pause.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub pause_conditions: Vec<PauseCondition>,
    /// Whether the controller began a pause; with no pause condition left, somebody ended it.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "null::is_false")]
    pub controller_pause: bool,
    /// When the update was given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aborted_at: Option<Time>,
    /// Hash of the revision that the manifest asks for.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub current_pod_hash: String,
    /// Hash of the steps.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub current_step_hash: String,
    /// Pods of all revisions.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "null::is_zero")]
    pub replicas: i32,
    /// Of them, the new revision's.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "null::is_zero")]
    pub updated_replicas: i32,
    /// Of them, the ready ones.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "null::is_zero")]
    pub ready_replicas: i32,
    /// Of them, the available ones.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "null::is_zero")]
    pub available_replicas: i32,
    /// The step in force, counted from 0; the number of steps once all are done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_step_index: Option<i32>,
    /// Names that were taken when a ReplicaSet was created; part of the hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collision_count: Option<i32>,
    /// Generation of the manifest that this status speaks of, as a decimal number.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub observed_generation: String,
    /// Conditions.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<RolloutCondition>,
    /// State of a canary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<CanaryStatus>,
    /// State of a blue-green update.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blue_green: Option<BlueGreenStatus>,
    /// Pods as autoscalers count them.
    #[serde(
        rename = "HPAReplicas",
        default,
        deserialize_with = "null::as_default",
        skip_serializing_if = "null::is_zero"
    )]
    pub hpa_replicas: i32,
    /// Which pods an autoscaler looks at.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub selector: String,
    /// Hash of the stable revision.
    #[serde(
        rename = "stableRS",
        default,
        deserialize_with = "null::as_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub stable_rs: String,
    /// The `spec.restartAt` that was last carried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restarted_at: Option<Time>,
    /// Asks to skip everything that is left of the update.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "null::is_false")]
    pub promote_full: bool,
    /// Healthy, Progressing, Paused or Degraded.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub phase: String,
    /// Why, in one sentence.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Generation of the referenced workload that this status speaks of.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub workload_observed_generation: String,
    /// State of the AWS load balancer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alb: Option<AlbStatus>,
    /// State of several AWS load balancers.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub albs: Vec<AlbStatus>,
    /// How long the update took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<RolloutDuration>,
    /// What the rollout waits for now. An addition of Sluice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_on: Option<WaitingOn>,
}

/// One reason to pause.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PauseCondition {
    /// `CanaryPauseStep`, `BlueGreenPause`, `InconclusiveAnalysisRun` or `InconclusiveExperiment`.
    pub reason: String,
    /// When it began.
    pub start_time: Time,
}

/// One aspect of the state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RolloutCondition {
    /// `InvalidSpec`, Available, Progressing, `ReplicaFailure`, Paused, Completed or Healthy.
    #[serde(rename = "type")]
    pub type_: String,
    /// True, False or Unknown.
    pub status: String,
    /// When it was last confirmed.
    pub last_update_time: Time,
    /// When `status` last changed.
    pub last_transition_time: Time,
    /// Why, in one word.
    pub reason: String,
    /// Why, in one sentence.
    pub message: String,
}

/// State of a canary.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CanaryStatus {
    /// The analysis of the step in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_step_analysis_run_status: Option<RolloutAnalysisRunStatus>,
    /// The analysis beside the steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_background_analysis_run_status: Option<RolloutAnalysisRunStatus>,
    /// The experiment of the step in force.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub current_experiment: String,
    /// Weights as they were last set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<TrafficWeights>,
    /// Which of two Services is stable: `ping` or `pong`.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub stable_ping_pong: String,
    /// State of plugin steps.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub step_plugin_statuses: Vec<StepPluginStatus>,
}

/// Weights as they were last set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrafficWeights {
    /// Of the new revision.
    pub canary: WeightDestination,
    /// Of the stable revision.
    pub stable: WeightDestination,
    /// Of experiments.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "Vec::is_empty")]
    pub additional: Vec<WeightDestination>,
    /// Whether the router was seen to use them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified: Option<bool>,
}

/// The weight of one destination.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WeightDestination {
    /// Its weight.
    pub weight: i32,
    /// Its Service.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub service_name: String,
    /// Its revision.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub pod_template_hash: String,
}

/// State of a plugin step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepPluginStatus {
    /// Index of the step.
    pub index: i32,
    /// Name of the plugin.
    pub name: String,
    /// What the plugin says.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,
    /// When it was last called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Time>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,
    /// Run, Terminate or Abort.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub operation: String,
    /// Running, Successful, Failed or Error.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub phase: String,
    /// Time until it is called again.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub backoff: String,
    /// How often it was called.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "null::is_zero")]
    pub executions: i32,
    /// Whether the plugin is switched off.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "null::is_false")]
    pub disabled: bool,
    /// The plugin's own state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "raw::any")]
    pub status: Option<Value>,
}

/// An analysis run of the rollout.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RolloutAnalysisRunStatus {
    /// Its name.
    pub name: String,
    /// Its phase.
    pub status: String,
    /// Its message.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// State of a blue-green update.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BlueGreenStatus {
    /// Hash that the preview Service selects.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub preview_selector: String,
    /// Hash that the active Service selects.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub active_selector: String,
    /// Whether the preview may grow to its full size.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "null::is_false")]
    pub scale_up_preview_check_point: bool,
    /// The analysis before the switch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pre_promotion_analysis_run_status: Option<RolloutAnalysisRunStatus>,
    /// The analysis after the switch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post_promotion_analysis_run_status: Option<RolloutAnalysisRunStatus>,
}

/// State of an AWS load balancer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AlbStatus {
    /// The load balancer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_balancer: Option<AwsResourceRef>,
    /// Target group of the new revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary_target_group: Option<AwsResourceRef>,
    /// Target group of the stable revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stable_target_group: Option<AwsResourceRef>,
    /// The Ingress.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub ingress: String,
}

/// A resource of AWS.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AwsResourceRef {
    /// Its name.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Its ARN.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub arn: String,
    /// Its name as CloudWatch has it.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub full_name: String,
}

/// How long an update took.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RolloutDuration {
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout_started_at: Option<Time>,
    /// Since when it waits for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manual_pause_started_at: Option<Time>,
    /// Seconds in which it waited for people before that.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "null::is_zero_long")]
    pub total_manual_pause_duration_seconds: i64,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,
    /// Promoted, `FastPromoted`, Aborted, Superseded, `RolledBack` or `FastRolledBack`.
    #[serde(default, deserialize_with = "null::as_default", skip_serializing_if = "String::is_empty")]
    pub completion_status: String,
}

/// What a rollout waits for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WaitingOn {
    /// In one word, for programs.
    pub reason: String,
    /// The object that it is about, as `Kind/name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// In one sentence, for people.
    pub message: String,
    /// The most pods of the new revision that were ready and available meanwhile, added up: pods that come and go are no progress.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reached: Option<i32>,
}

impl WaitingOn {
    /// A wait for something, with the object that it is about as `Kind/name`.
    pub fn new(reason: &str, object: Option<String>, message: impl Into<String>) -> WaitingOn {
        WaitingOn { reason: reason.into(), object, message: message.into(), reached: None }
    }
}

impl RolloutStatus {
    /// Since when it pauses for this reason, if it does.
    pub fn paused_since(&self, reason: &str) -> Option<jiff::Timestamp> {
        self.pause_conditions
            .iter()
            .find(|condition| condition.reason == reason)
            .map(|condition| condition.start_time.0)
    }
}

/// Reasons of [`PauseCondition`].
pub struct PauseReason;

impl PauseReason {
    /// A pause step of a canary.
    pub const CANARY_PAUSE_STEP: &'static str = "CanaryPauseStep";
    /// A blue-green update that waits for its promotion.
    pub const BLUE_GREEN_PAUSE: &'static str = "BlueGreenPause";
    /// An analysis that came to no conclusion.
    pub const INCONCLUSIVE_ANALYSIS_RUN: &'static str = "InconclusiveAnalysisRun";
    /// An experiment that came to no conclusion.
    pub const INCONCLUSIVE_EXPERIMENT: &'static str = "InconclusiveExperiment";
}
