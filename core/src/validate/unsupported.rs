//! What the API accepts and this version does not act on: such a rollout is held with a message, never half obeyed.

use crate::api::{CanaryStrategy, Rollout};
use crate::steps;

pub(super) fn check(rollout: &Rollout) -> Result<&CanaryStrategy, String> {
    let held =
        |field: &str| Err(format!("{field} is not supported by this version of Sluice; the rollout is held as it is"));
    let spec = &rollout.spec;
    if spec.workload_ref.is_some() {
        return held("spec.workloadRef");
    }
    if spec.rollback_window.is_some() {
        return held("spec.rollbackWindow");
    }
    let Some(canary) = &spec.strategy.canary else {
        return held("spec.strategy.blueGreen");
    };
    // `minPodsPerReplicaSet`, `abortScaleDownDelaySeconds` and `scaleDownDelayRevisionLimit` mean nothing without a router.
    let fields = [
        ("canaryService", canary.canary_service.as_ref().is_some_and(|name| !name.is_empty())),
        ("stableService", canary.stable_service.as_ref().is_some_and(|name| !name.is_empty())),
        ("trafficRouting", canary.traffic_routing.is_some()),
        ("analysis", canary.analysis.is_some()),
        ("antiAffinity", canary.anti_affinity.is_some()),
        ("canaryMetadata", canary.canary_metadata.is_some()),
        ("stableMetadata", canary.stable_metadata.is_some()),
        ("pingPong", canary.ping_pong.is_some()),
        ("replicaProgressThreshold", canary.replica_progress_threshold.is_some()),
    ];
    if let Some((field, _)) = fields.into_iter().find(|(_, is_set)| *is_set) {
        return held(&format!("spec.strategy.canary.{field}"));
    }
    for (index, step) in canary.steps.iter().flatten().enumerate() {
        if let Some(kind) = steps::kind_of(step).filter(|kind| !kind.is_supported()) {
            return held(&format!("spec.strategy.canary.steps[{index}].{}", kind.field()));
        }
    }
    Ok(canary)
}
