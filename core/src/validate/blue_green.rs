//! Rules for blue-green.

use super::problem::Problems;
use super::{analysis, anti_affinity, limits, traffic};
use crate::api::{BlueGreenStrategy, Rollout};

const FIELD: &str = "spec.strategy.blueGreen";

/// `spec.revisionHistoryLimit` when the manifest is silent.
const DEFAULT_HISTORY: i32 = 10;

pub(super) fn check(strategy: &BlueGreenStrategy, rollout: &Rollout, found: &mut Problems) {
    let active = strategy.active_service.as_str();
    if active.is_empty() {
        // Of ours: Argo Rollouts calls an empty active Service the same as an absent preview Service.
        found.required(format!("{FIELD}.activeService"), "blue-green switches the selector of this Service");
    } else if strategy.preview_service.as_deref() == Some(active) {
        let detail = "This rollout uses the same service for the active and preview services, but two different services are required.";
        found.invalid(format!("{FIELD}.activeService"), &active, detail);
    }
    if let Some(routing) = &strategy.traffic_routing {
        let field = format!("{FIELD}.trafficRouting.gatewayAPI");
        match &routing.gateway_api {
            Some(gateway) => traffic::check_gateway(&field, gateway, found),
            None => found.required(
                field,
                "of all routers, only routes of the Gateway API say whether they have heard of a switch",
            ),
        }
    }
    let history = rollout.spec.revision_history_limit.unwrap_or(DEFAULT_HISTORY);
    if let Some(limit) = strategy.scale_down_delay_revision_limit.filter(|limit| *limit > history) {
        let detail = "This rollout's revision history limit can not be smaller than the rollout's scale down limit";
        found.invalid(format!("{FIELD}.scaleDownDelayRevisionLimit"), &limit, detail);
    }
    anti_affinity::check(&format!("{FIELD}.antiAffinity"), strategy.anti_affinity.as_ref(), found);
    limits::check(&format!("{FIELD}.maxUnavailable"), strategy.max_unavailable.as_ref(), found);
    for (name, block) in [
        ("prePromotionAnalysis", &strategy.pre_promotion_analysis),
        ("postPromotionAnalysis", &strategy.post_promotion_analysis),
    ] {
        if let Some(block) = block {
            analysis::check(&format!("{FIELD}.{name}"), &block.templates, &block.args, found);
        }
    }
    doubtful(strategy, rollout, found);
}

/// Of ours: Argo Rollouts runs these manifests.
fn doubtful(strategy: &BlueGreenStrategy, rollout: &Rollout, found: &mut Problems) {
    for (name, count) in [
        ("previewReplicaCount", strategy.preview_replica_count),
        ("autoPromotionSeconds", strategy.auto_promotion_seconds),
        ("scaleDownDelaySeconds", strategy.scale_down_delay_seconds),
        ("scaleDownDelayRevisionLimit", strategy.scale_down_delay_revision_limit),
        ("abortScaleDownDelaySeconds", strategy.abort_scale_down_delay_seconds),
    ] {
        found.better_not_negative(&format!("{FIELD}.{name}"), count);
    }
    if strategy.auto_promotion_enabled == Some(false) && strategy.auto_promotion_seconds.is_some_and(|s| s > 0) {
        found.warn(
            format!("{FIELD}.autoPromotionSeconds"),
            "has no effect, because autoPromotionEnabled is false and a person promotes",
        );
    }
    let replicas = rollout.spec.replicas.unwrap_or(1);
    if let Some(count) = strategy.preview_replica_count.filter(|count| *count > replicas) {
        let message = format!("{count} is more than the {replicas} of spec.replicas");
        found.warn(format!("{FIELD}.previewReplicaCount"), message);
    }
}
