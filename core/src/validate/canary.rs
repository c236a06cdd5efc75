//! Rules for a canary.

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::Problem;
use crate::api::{CanaryStep, CanaryStrategy, Rollout};
use crate::replicas::limits::parse_percent;
use crate::steps;

const CANARY: &str = "spec.strategy.canary";

pub(super) fn check(rollout: &Rollout) -> Result<(), Problem> {
    let Some(canary) = &rollout.spec.strategy.canary else { return Ok(()) };
    limits(canary)?;
    services(canary)?;
    without_router(canary)?;
    for (index, step) in canary.steps.iter().flatten().enumerate() {
        check_step(index, step)?;
    }
    Ok(())
}

fn limits(canary: &CanaryStrategy) -> Result<(), Problem> {
    for (field, value) in [("maxSurge", &canary.max_surge), ("maxUnavailable", &canary.max_unavailable)] {
        let problem = match value {
            Some(IntOrString::Int(count)) if *count < 0 => "must be greater than or equal to 0",
            Some(IntOrString::String(text)) if parse_percent(text).is_none() => {
                "must be an integer or a percentage (for example \"25%\")"
            }
            _ => continue,
        };
        return Err(Problem::invalid(format!("{CANARY}.{field}"), value, problem));
    }
    let is_zero = |value: &Option<IntOrString>| match value {
        Some(IntOrString::Int(count)) => *count == 0,
        Some(IntOrString::String(text)) => parse_percent(text) == Some(0),
        None => false,
    };
    if is_zero(&canary.max_surge) && is_zero(&canary.max_unavailable) {
        let detail = "MaxSurge and MaxUnavailable both can not be zero";
        return Err(Problem::invalid(format!("{CANARY}.maxSurge"), &canary.max_surge, detail));
    }
    Ok(())
}

fn services(canary: &CanaryStrategy) -> Result<(), Problem> {
    let service = canary.canary_service.as_deref().unwrap_or_default();
    if !service.is_empty() && canary.stable_service.as_deref() == Some(service) {
        let detail = "This rollout uses the same service for the stable and canary services, but two different services are required.";
        return Err(Problem::invalid(format!("{CANARY}.stableService"), &service, detail));
    }
    Ok(())
}

/// What only makes sense with a traffic router.
fn without_router(canary: &CanaryStrategy) -> Result<(), Problem> {
    if canary.traffic_routing.is_some() {
        return Ok(());
    }
    if let Some(seconds) = canary.scale_down_delay_seconds {
        let detail = "Canary scaleDownDelaySeconds can only be used with traffic routing";
        return Err(Problem::invalid(format!("{CANARY}.scaleDownDelaySeconds"), &seconds, detail));
    }
    if canary.dynamic_stable_scale {
        let detail = "Canary dynamicStableScale can only be used with traffic routing";
        return Err(Problem::invalid(format!("{CANARY}.dynamicStableScale"), &true, detail));
    }
    Ok(())
}

fn check_step(index: usize, step: &CanaryStep) -> Result<(), Problem> {
    let field = format!("{CANARY}.steps[{index}]");
    let mut kinds = steps::kinds_of(step);
    let (Some(kind), None) = (kinds.next(), kinds.next()) else {
        let detail = "Step must have one of the following set: experiment, setWeight, setCanaryScale, plugin or pause";
        return Err(Problem::invalid(field, step, detail));
    };
    kind.validate(step).map_err(|detail| {
        let value = serde_json::to_value(step).unwrap_or_default();
        Problem::invalid(format!("{field}.{}", kind.field()), &value[kind.field()], &detail)
    })?;
    Ok(())
}
