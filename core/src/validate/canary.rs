//! Rules for a canary.

use super::problem::Problems;
use super::{analysis, anti_affinity, limits, steps, traffic};
use crate::api::{CanaryStrategy, ReplicaProgressThreshold, Rollout};

pub(super) const CANARY: &str = "spec.strategy.canary";

pub(super) fn check(canary: &CanaryStrategy, rollout: &Rollout, found: &mut Problems) {
    surge(canary, found);
    services(canary, found);
    traffic::check(canary, found);
    without_router(canary, found);
    both_delays(canary, found);
    traffic::check_max_weight(canary, found);
    steps::check(canary, found);
    anti_affinity::check(&format!("{CANARY}.antiAffinity"), canary.anti_affinity.as_ref(), found);
    traffic::check_objects(canary, found);
    background(canary, found);
    threshold(canary, rollout, found);
    doubtful(canary, rollout, found);
}

fn surge(canary: &CanaryStrategy, found: &mut Problems) {
    let (surge, unavailable) = (canary.max_surge.as_ref(), canary.max_unavailable.as_ref());
    limits::check(&format!("{CANARY}.maxSurge"), surge, found);
    limits::check(&format!("{CANARY}.maxUnavailable"), unavailable, found);
    if limits::is_zero(surge) && limits::is_zero(unavailable) {
        found.invalid(
            format!("{CANARY}.maxSurge"),
            &canary.max_surge,
            "MaxSurge and MaxUnavailable both can not be zero",
        );
    }
}

fn services(canary: &CanaryStrategy, found: &mut Problems) {
    let service = canary.canary_service.as_deref().unwrap_or_default();
    if !service.is_empty() && canary.stable_service.as_deref() == Some(service) {
        let detail = "This rollout uses the same service for the stable and canary services, but two different services are required.";
        found.invalid(format!("{CANARY}.stableService"), &service, detail);
    }
}

/// What only makes sense with a traffic router.
fn without_router(canary: &CanaryStrategy, found: &mut Problems) {
    if canary.traffic_routing.is_some() {
        return;
    }
    if let Some(seconds) = canary.scale_down_delay_seconds {
        let detail = "Canary scaleDownDelaySeconds can only be used with traffic routing";
        found.invalid(format!("{CANARY}.scaleDownDelaySeconds"), &seconds, detail);
    }
    if canary.dynamic_stable_scale {
        let detail = "Canary dynamicStableScale can only be used with traffic routing";
        found.invalid(format!("{CANARY}.dynamicStableScale"), &true, detail);
    }
    // Of ours: Argo Rollouts ignores these silently.
    for (name, is_set) in [
        ("scaleDownDelayRevisionLimit", canary.scale_down_delay_revision_limit.is_some()),
        ("abortScaleDownDelaySeconds", canary.abort_scale_down_delay_seconds.is_some()),
        ("minPodsPerReplicaSet", canary.min_pods_per_replica_set.is_some()),
    ] {
        if is_set {
            found.warn(format!("{CANARY}.{name}"), "has no effect without traffic routing");
        }
    }
}

fn both_delays(canary: &CanaryStrategy, found: &mut Problems) {
    if canary.traffic_routing.is_some() && canary.dynamic_stable_scale && canary.scale_down_delay_seconds.is_some() {
        let detail = "Canary dynamicStableScale cannot be used with scaleDownDelaySeconds";
        found.invalid(format!("{CANARY}.dynamicStableScale"), &true, detail);
    }
}

fn background(canary: &CanaryStrategy, found: &mut Problems) {
    let Some(block) = &canary.analysis else { return };
    analysis::check(&format!("{CANARY}.analysis"), &block.templates, &block.args, found);
    let field = format!("{CANARY}.analysis.startingStep");
    found.better_not_negative(&field, block.starting_step);
    let steps = canary.steps.as_ref().map_or(0, Vec::len);
    if let Some(step) = block.starting_step.filter(|step| usize::try_from(*step).is_ok_and(|step| step >= steps)) {
        found.warn(field, format!("there is no step {step}, so this analysis never starts; the first step is 0"));
    }
}

/// Of ours: how much has to be available for a step to go on must be something that can be reached.
fn threshold(canary: &CanaryStrategy, rollout: &Rollout, found: &mut Problems) {
    let Some(ReplicaProgressThreshold { type_, value }) = &canary.replica_progress_threshold else { return };
    let field = format!("{CANARY}.replicaProgressThreshold");
    match type_.as_str() {
        "Percent" if !(0..=100).contains(value) => {
            found.invalid(format!("{field}.value"), value, "must be between 0 and 100");
        }
        "Pods" if *value < 0 => found.not_negative(&format!("{field}.value"), Some(*value)),
        "Pods" if *value > rollout.spec.replicas.unwrap_or(1) => {
            let replicas = rollout.spec.replicas.unwrap_or(1);
            found.warn(format!("{field}.value"), format!("{value} is more than the {replicas} of spec.replicas"));
        }
        "Percent" | "Pods" => {}
        other => found.unsupported(format!("{field}.type"), other, &["Percent", "Pods"]),
    }
}

/// Of ours: Argo Rollouts runs these manifests.
fn doubtful(canary: &CanaryStrategy, rollout: &Rollout, found: &mut Problems) {
    for (name, count) in [
        ("scaleDownDelaySeconds", canary.scale_down_delay_seconds),
        ("scaleDownDelayRevisionLimit", canary.scale_down_delay_revision_limit),
        ("abortScaleDownDelaySeconds", canary.abort_scale_down_delay_seconds),
        ("minPodsPerReplicaSet", canary.min_pods_per_replica_set),
    ] {
        found.better_not_negative(&format!("{CANARY}.{name}"), count);
    }
    let replicas = rollout.spec.replicas.unwrap_or(1);
    if let Some(count) = canary.min_pods_per_replica_set.filter(|count| *count > replicas && replicas > 0) {
        let message =
            format!("{count} is more than the {replicas} of spec.replicas, which is the most that it asks for");
        found.warn(format!("{CANARY}.minPodsPerReplicaSet"), message);
    }
}
