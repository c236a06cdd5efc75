//! Kubernetes Events about a rollout: reasons and texts as Argo Rollouts writes them, because notification triggers and
//! dashboards are built on both.

use std::fmt;

use crate::analysis::Phase;
use crate::analysis::origin::Origin;
use crate::api::{RolloutAnalysisRunStatus, StepPluginStatus};
use crate::effect::RouteChange;
use crate::step_plugin;
use crate::traffic::RouteAction;

const SCALING: &str = "ScalingReplicaSet";
const STEP_COMPLETED: &str = "RolloutStepCompleted";

/// Whether an event needs a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Something went as asked.
    Normal,
    /// Something did not.
    Warning,
}

impl Severity {
    /// The `type` of a Kubernetes Event.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Normal => "Normal",
            Severity::Warning => "Warning",
        }
    }
}

/// One thing to tell about a rollout, once the write that makes it true has succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The event's `reason`; notification triggers are named after it.
    pub reason: &'static str,
    /// Its `type`.
    pub severity: Severity,
    /// Its `message`.
    pub message: String,
}

impl Note {
    fn normal(reason: &'static str, message: String) -> Note {
        Note { reason, severity: Severity::Normal, message }
    }

    fn warning(reason: &'static str, message: String) -> Note {
        Note { reason, severity: Severity::Warning, message }
    }

    /// The controller has seen this Rollout for the first time.
    pub fn added(namespace: &str, name: &str) -> Note {
        Note::normal("RolloutAddedToInformer", format!("Rollout resource added to informer: {namespace}/{name}"))
    }

    /// The Rollout's revision moved.
    pub fn updated(revision: i64) -> Note {
        Note::normal("RolloutUpdated", format!("Rollout updated to revision {revision}"))
    }

    /// A revision got its ReplicaSet.
    pub fn replica_set_created(name: &str, revision: i64) -> Note {
        Note::normal("NewReplicaSetCreated", format!("Created ReplicaSet {name} (revision {revision})"))
    }

    /// The API server refused a revision's ReplicaSet.
    pub fn replica_set_refused(name: &str, error: &str) -> Note {
        Note::warning("ReplicaSetCreateError", format!("Failed to create new replica set \"{name}\": {error}"))
    }

    /// A ReplicaSet's size changed.
    pub fn scaled(name: &str, revision: i64, from: i32, to: i32) -> Note {
        let direction = if to > from { "up" } else { "down" };
        Note::normal(SCALING, format!("Scaled {direction} ReplicaSet {name} (revision {revision}) from {from} to {to}"))
    }

    /// An object of a traffic router was written; `None` for those of which Argo Rollouts tells nothing.
    pub fn routed(change: &RouteChange) -> Option<Note> {
        let RouteChange { router, routing, write } = change;
        let is_new = matches!(write.action, RouteAction::Create(_));
        let reason = match (write.kind.group, write.kind.kind) {
            ("networking.k8s.io", "Ingress") if router.ends_with("ALB") => "PatchingALBIngress",
            ("networking.k8s.io", "Ingress") if is_new => "CreatingCanaryIngress",
            ("networking.k8s.io", "Ingress") => "PatchingCanaryIngress",
            // With a space, as it always was.
            ("networking.istio.io", "VirtualService") => "Updated VirtualService",
            ("networking.istio.io", "DestinationRule") => "UpdatedDestinationRule",
            ("split.smi-spec.io", "TrafficSplit") if is_new => "TrafficSplitCreated",
            _ => return None,
        };
        let done = match write.action {
            RouteAction::Create(_) => "Created",
            RouteAction::Delete(_) => "Deleted",
            RouteAction::Patch(_) | RouteAction::Tell(_) => "Updated",
        };
        let (kind, name, weight) = (write.kind.kind, &write.name, routing.weight);
        let message = format!("{done} {kind} {name}: {} of {} go to the canary", weight.value(), weight.max());
        Some(Note::normal(reason, message))
    }

    /// A traffic router cannot be told where requests go.
    pub fn routing_failed(what: &str) -> Note {
        Note::warning("TrafficRoutingError", what.to_owned())
    }

    /// A load balancer was seen to do what it was told.
    pub fn balancer_verified(what: &str) -> Note {
        Note::normal("TargetGroupVerified", format!("Verified that AWS does what it was told: {what}"))
    }

    /// A load balancer was told something, and is not known to do it.
    pub fn balancer_unverified(what: &str) -> Note {
        Note::warning("TargetGroupUnverified", format!("Not verified yet that AWS does what it was told: {what}"))
    }

    /// AWS does not say what its load balancers do.
    pub fn verification_failed(what: &str) -> Note {
        Note::warning("TargetGroupVerifyError", what.to_owned())
    }

    /// There is no load balancer to ask AWS about.
    pub fn load_balancer_not_found(what: &str) -> Note {
        Note::warning("LoadBalancerNotFound", what.to_owned())
    }

    /// A Deployment that the Rollout takes its template from lost pods. The reason is of ours.
    pub fn workload_scaled(name: &str, from: i32, to: i32) -> Note {
        Note::normal("ScalingDeployment", format!("Scaled down Deployment {name} from {from} to {to}"))
    }

    /// A new revision is on its way, so the rollout is no longer complete.
    pub fn not_completed(revision: i64, hash: &str) -> Note {
        Note::normal(
            "RolloutNotCompleted",
            format!("Rollout not completed, started update to revision {revision} ({hash})"),
        )
    }

    /// A revision became the stable one.
    pub fn completed(revision: i64, hash: &str, why: &str) -> Note {
        Note::normal("RolloutCompleted", format!("Rollout completed update to revision {revision} ({hash}): {why}"))
    }

    /// A step is done; `number` counts from 1.
    pub fn step_completed(number: usize, steps: usize, step: impl fmt::Display) -> Note {
        Note::normal(STEP_COMPLETED, format!("Rollout step {number}/{steps} completed ({step})"))
    }

    /// A step plugin has come to another phase; `number` counts from 1.
    pub fn step_plugin(number: usize, entry: &StepPluginStatus) -> Note {
        let StepPluginStatus { name, operation, phase, message, .. } = entry;
        let said = if message.is_empty() { String::new() } else { format!(": {message}") };
        let message = format!("Plugin {name} of step {number} is {phase} ({operation}){said}");
        let fails = [step_plugin::phase::FAILED, step_plugin::phase::ERROR].contains(&phase.as_str());
        if fails {
            Note::warning("StepPluginTransition", message)
        } else {
            Note::normal("StepPluginTransition", message)
        }
    }

    /// All measurements of a metric are taken.
    pub fn metric_completed(name: &str, phase: Phase) -> Note {
        let message = format!("Metric '{name}' Completed. Result: {phase}");
        Note { reason: phase_reason(&METRIC, phase), severity: severity_of(phase), message }
    }

    /// An analysis run is over.
    pub fn analysis_completed(phase: Phase) -> Note {
        let message = format!("Analysis Completed. Result: {phase}");
        Note { reason: phase_reason(&ANALYSIS_RUN, phase), severity: severity_of(phase), message }
    }

    /// An analysis run of the rollout has come to another phase.
    pub fn analysis_moved(origin: Origin, entry: &RolloutAnalysisRunStatus, before: Option<&str>) -> Note {
        let RolloutAnalysisRunStatus { name, status, message } = entry;
        let before = before.unwrap_or("NoPreviousStatus");
        let said = if message.is_empty() { String::new() } else { format!(" Message: '{message}'") };
        let message =
            format!("{} Analysis Run '{name}' Status New: '{status}' Previous: '{before}'{said}", origin.label());
        let phase = Phase::read(status);
        Note { reason: phase_reason(&ANALYSIS_RUN, phase), severity: severity_of(phase), message }
    }

    /// An analysis run is of no use any more.
    pub fn analysis_terminated(name: &str) -> Note {
        Note::normal("AnalysisRunTerminating", format!("Analysis run '{name}' is ended: nothing waits for it any more"))
    }

    /// An experiment has come to another phase.
    pub fn experiment_moved(before: Phase, phase: Phase, message: &str) -> Note {
        let said = if message.is_empty() { String::new() } else { format!(": {message}") };
        let message = format!("Experiment transitioned from {before} -> {phase}{said}");
        Note { reason: phase_reason(&EXPERIMENT, phase), severity: severity_of(phase), message }
    }

    /// The pods of an experiment's template have come to another state.
    pub fn template_moved(name: &str, before: &str, now: &str, message: &str) -> Note {
        let said = if message.is_empty() { String::new() } else { format!(": {message}") };
        let message = format!("Template '{name}' transitioned from {before} -> {now}{said}");
        match now {
            "Progressing" => Note::normal("TemplateProgressing", message),
            "Running" => Note::normal("TemplateRunning", message),
            "Successful" => Note::normal("TemplateSuccessful", message),
            "Failed" => Note::warning("TemplateFailed", message),
            _ => Note::warning("TemplateError", message),
        }
    }

    /// The size of an experiment's ReplicaSet changed.
    pub fn experiment_scaled(name: &str, from: i32, to: i32) -> Note {
        let direction = if to > from { "up" } else { "down" };
        Note::normal(SCALING, format!("Scaled {direction} ReplicaSet {name} from {from} to {to}"))
    }

    /// An analysis of an experiment has come to another phase.
    pub fn experiment_analysis_moved(name: &str, phase: Phase, message: &str) -> Note {
        let said = if message.is_empty() { String::new() } else { format!(": {message}") };
        let message = format!("AnalysisRun '{name}' transitioned to {phase}{said}");
        Note { reason: phase_reason(&ANALYSIS_RUN, phase), severity: severity_of(phase), message }
    }

    /// A step has got its experiment.
    pub fn experiment_created(name: &str) -> Note {
        Note::normal("ExperimentCreated", format!("Created Experiment '{name}'"))
    }

    /// An experiment is of no use any more.
    pub fn experiment_terminated(name: &str) -> Note {
        Note::normal("ExperimentTerminating", format!("Experiment '{name}' is ended: nothing waits for it any more"))
    }

    /// An entry of `argo-rollouts-config` is wrong.
    pub fn invalid_plugin(message: &str) -> Note {
        Note::warning("InvalidPlugin", message.to_owned())
    }

    /// Something that the rollout needs is not there.
    pub fn cannot_reconcile(message: &str) -> Note {
        Note::warning("ReconciliationError", message.to_owned())
    }

    /// The steps are skipped, because the revision is known to be good.
    pub fn steps_skipped(message: &str) -> Note {
        Note::normal("SkipSteps", message.to_owned())
    }

    /// A Service selects another revision; `None` is any.
    pub fn switched(service: &str, from: Option<&str>, to: Option<&str>) -> Note {
        let (from, to) = (from.unwrap_or_default(), to.unwrap_or_default());
        Note::normal("SwitchService", format!("Switched selector for service '{service}' from '{from}' to '{to}'"))
    }

    /// Routers send another share of the traffic to the canary; `None` where they were told nothing before.
    pub fn weight_updated(from: Option<i32>, to: i32) -> Note {
        let from = from.map_or(String::new(), |from| format!("from {from} "));
        Note::normal("TrafficWeightUpdated", format!("Traffic weight updated {from}to {to}"))
    }

    /// The rollout waits for a person or for time.
    pub fn paused(reason: Option<&str>) -> Note {
        let message = match reason {
            Some(reason) => format!("Rollout is paused ({reason})"),
            None => "Rollout is paused".to_owned(),
        };
        Note::normal("RolloutPaused", message)
    }

    /// It goes on.
    pub fn resumed() -> Note {
        Note::normal("RolloutResumed", "Rollout is resumed".to_owned())
    }

    /// The update was given up and the stable revision serves.
    pub fn aborted(message: &str) -> Note {
        Note::warning("RolloutAborted", message.to_owned())
    }

    /// An aborted update is tried again.
    pub fn retried() -> Note {
        Note::normal("RolloutRetry", "Retrying Rollout after abort".to_owned())
    }

    /// The update made no progress within its deadline.
    pub fn timed_out(message: &str) -> Note {
        Note::warning("ProgressDeadlineExceeded", message.to_owned())
    }

    /// The manifest cannot be acted on.
    pub fn invalid(message: &str) -> Note {
        Note::warning("InvalidSpec", message.to_owned())
    }

    /// A write failed for a reason that the controller cannot mend.
    pub fn reconciliation_error(message: &str) -> Note {
        Note::warning("ReconciliationError", message.to_owned())
    }
}

/// Reasons that end with a phase, in the order of [`phase_reason`].
type OfPhases = [&'static str; 6];
const METRIC: OfPhases =
    ["MetricPending", "MetricRunning", "MetricSuccessful", "MetricFailed", "MetricError", "MetricInconclusive"];
const EXPERIMENT: OfPhases = [
    "ExperimentPending",
    "ExperimentRunning",
    "ExperimentSuccessful",
    "ExperimentFailed",
    "ExperimentError",
    "ExperimentInconclusive",
];
const ANALYSIS_RUN: OfPhases = [
    "AnalysisRunPending",
    "AnalysisRunRunning",
    "AnalysisRunSuccessful",
    "AnalysisRunFailed",
    "AnalysisRunError",
    "AnalysisRunInconclusive",
];

fn phase_reason(reasons: &OfPhases, phase: Phase) -> &'static str {
    use Phase::{Error, Failed, Inconclusive, Pending, Running, Successful};
    match phase {
        Pending => reasons[0],
        Running => reasons[1],
        Successful => reasons[2],
        Failed => reasons[3],
        Error => reasons[4],
        Inconclusive => reasons[5],
    }
}

fn severity_of(phase: Phase) -> Severity {
    if phase.is_bad() { Severity::Warning } else { Severity::Normal }
}

/// The events of one pass in the order in which they are told: what the effects did, then what the status says. Only where
/// the status says that a step is done do the sizes follow it, because they are the next step's.
pub fn in_order(of_effects: Vec<Note>, of_status: Vec<Note>) -> Vec<Note> {
    let advances = of_status.iter().any(|note| note.reason == STEP_COMPLETED);
    let (first, last): (Vec<_>, Vec<_>) = of_effects.into_iter().partition(|note| !advances || note.reason != SCALING);
    first.into_iter().chain(of_status).chain(last).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::object_kind::ObjectKind;
    use crate::traffic::{Destination, RouteWrite, Routing, Weight};

    fn told(
        router: &str,
        group: &'static str,
        kind: &'static str,
        action: RouteAction,
    ) -> Option<(&'static str, String)> {
        let kind = ObjectKind { group, kind, plural: "", versions: &["v1"] };
        let write = RouteWrite { kind, version: "v1".into(), namespace: "shop".into(), name: "web".into(), action };
        let to = Destination::default();
        let routing = Routing {
            canary: to.clone(),
            stable: to,
            weight: Weight::new(20, 100),
            additional: Vec::new(),
            routes: Vec::new(),
        };
        let note = Note::routed(&RouteChange { router: router.into(), routing, write })?;
        Some((note.reason, note.message))
    }

    #[test]
    fn writes_of_routers_have_the_reasons_that_triggers_are_named_after() {
        let patch = || RouteAction::Patch(Vec::new());
        let create = || RouteAction::Create(Value::Null);
        let (k8s, istio) = ("networking.k8s.io", "networking.istio.io");
        for (router, group, kind, action, reason) in [
            ("ALB", k8s, "Ingress", patch(), "PatchingALBIngress"),
            ("former ALB", k8s, "Ingress", patch(), "PatchingALBIngress"),
            ("Nginx", k8s, "Ingress", create(), "CreatingCanaryIngress"),
            ("Nginx", k8s, "Ingress", patch(), "PatchingCanaryIngress"),
            ("Istio", istio, "VirtualService", patch(), "Updated VirtualService"),
            ("Istio", istio, "DestinationRule", patch(), "UpdatedDestinationRule"),
            ("SMI", "split.smi-spec.io", "TrafficSplit", create(), "TrafficSplitCreated"),
        ] {
            assert_eq!(told(router, group, kind, action).map(|(reason, _)| reason), Some(reason), "{router} {kind}");
        }
        assert_eq!(told("GatewayAPI", "gateway.networking.k8s.io", "HTTPRoute", patch()), None);
        assert_eq!(told("AppMesh", "appmesh.k8s.aws", "VirtualService", patch()), None);
        let (_, message) = told("Nginx", k8s, "Ingress", create()).expect("an event");
        assert_eq!(message, "Created Ingress web: 20 of 100 go to the canary");
    }
}
