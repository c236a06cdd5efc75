//! What the API accepts and this version does not act on: such a rollout is held with a message, never half obeyed.

use crate::api::{CanaryStrategy, Rollout, TrafficRouting};
use crate::strategy::Strategy;

/// The strategy, where everything in the manifest is acted on. `routers` names the traffic routers that there are.
pub(super) fn check<'a>(rollout: &'a Rollout, routers: &[&str]) -> Result<Strategy<'a>, String> {
    let held =
        |field: &str| Err(format!("{field} is not supported by this version of Sluice; the rollout is held as it is"));
    if rollout.spec.initial_deploy.as_deref() == Some("analysis") {
        return held("spec.initialDeploy: analysis");
    }
    let Some(strategy) = Strategy::of(rollout) else { return held("spec.strategy") };
    let field = match strategy {
        Strategy::Canary(canary) => of_canary(canary, routers).map(|field| format!("spec.strategy.canary.{field}")),
        Strategy::BlueGreen(_) => None,
    };
    field.map_or(Ok(strategy), |field| held(&field))
}

// `minPodsPerReplicaSet`, `abortScaleDownDelaySeconds` and `scaleDownDelayRevisionLimit` mean nothing without a router.
fn of_canary(canary: &CanaryStrategy, routers: &[&str]) -> Option<&'static str> {
    let named = canary.traffic_routing.as_ref().map(TrafficRouting::router_names);
    // One that names no router has nothing that could carry its weights.
    let carried = named.is_none_or(|named| !named.is_empty() && named.iter().all(|name| routers.contains(name)));
    (!carried).then_some("trafficRouting")
}
