//! What the API accepts and this version does not act on: such a rollout is held with a message, never half obeyed.

use crate::api::{BlueGreenStrategy, CanaryStrategy, Rollout, TrafficRouting};
use crate::steps;
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
        Strategy::BlueGreen(blue_green) => {
            of_blue_green(blue_green).map(|field| format!("spec.strategy.blueGreen.{field}"))
        }
    };
    field.map_or(Ok(strategy), |field| held(&field))
}

// `minPodsPerReplicaSet`, `abortScaleDownDelaySeconds` and `scaleDownDelayRevisionLimit` mean nothing without a router.
fn of_canary(canary: &CanaryStrategy, routers: &[&str]) -> Option<String> {
    let named = canary.traffic_routing.as_ref().map(TrafficRouting::router_names);
    // One that names no router has nothing that could carry its weights.
    let carried = named.is_none_or(|named| !named.is_empty() && named.iter().all(|name| routers.contains(name)));
    let fields = [("trafficRouting", !carried), ("analysis", canary.analysis.is_some())];
    let field = fields.into_iter().find(|(_, is_set)| *is_set).map(|(field, _)| field.to_owned());
    field.or_else(|| {
        canary.steps.iter().flatten().enumerate().find_map(|(index, step)| {
            let kind = steps::kind_of(step).filter(|kind| !kind.is_supported())?;
            Some(format!("steps[{index}].{}", kind.field()))
        })
    })
}

fn of_blue_green(blue_green: &BlueGreenStrategy) -> Option<String> {
    let fields = [
        ("prePromotionAnalysis", blue_green.pre_promotion_analysis.is_some()),
        ("postPromotionAnalysis", blue_green.post_promotion_analysis.is_some()),
    ];
    fields.into_iter().find(|(_, is_set)| *is_set).map(|(field, _)| field.to_owned())
}
