//! Rules for steps. What a kind of step can say of itself is in its own file; here is what depends on the strategy around it.

use super::canary::CANARY;
use super::problem::Problems;
use super::{analysis, experiment, routes};
use crate::api::{CanaryStep, CanaryStrategy, PluginStep, SetCanaryScale};
use crate::steps;

pub(super) fn check(canary: &CanaryStrategy, found: &mut Problems) {
    let routes = routes::Routes::of(canary);
    for (index, step) in canary.steps.iter().flatten().enumerate() {
        let field = format!("{CANARY}.steps[{index}]");
        let mut kinds = steps::kinds_of(step);
        let (Some(kind), None) = (kinds.next(), kinds.next()) else {
            let detail =
                "Step must have one of the following set: experiment, setWeight, setCanaryScale, plugin or pause";
            found.invalid(field, step, detail);
            continue;
        };
        let field = format!("{field}.{}", kind.field());
        if let Err(detail) = kind.validate(step) {
            let value = serde_json::to_value(step).unwrap_or_default();
            found.invalid(&field, &value[kind.field()], &detail);
        }
        check_in_context(&field, step, canary, &routes, found);
    }
}

fn check_in_context(
    field: &str,
    step: &CanaryStep,
    canary: &CanaryStrategy,
    routes: &routes::Routes<'_>,
    found: &mut Problems,
) {
    let max_weight = canary.max_weight();
    if let Some(weight) = step.set_weight.filter(|weight| !(0..=max_weight).contains(weight)) {
        found.invalid(field, &weight, &format!("SetWeight needs to be between 0 and {max_weight}"));
    }
    if let Some(scale) = &step.set_canary_scale {
        check_scale(field, scale, canary, found);
    }
    if let Some(route) = &step.set_header_route {
        routes.check_header(field, route, found);
    }
    if let Some(route) = &step.set_mirror_route {
        routes.check_mirror(field, route, found);
    }
    if let Some(block) = &step.analysis {
        analysis::check(field, &block.templates, &block.args, found);
    }
    if let Some(step) = &step.experiment {
        experiment::check(field, step, canary, found);
    }
    if let Some(PluginStep { name, .. }) = &step.plugin
        && name.is_empty()
    {
        // Of ours: there is nothing to run.
        found.required(format!("{field}.name"), "");
    }
}

fn check_scale(field: &str, scale: &SetCanaryScale, canary: &CanaryStrategy, found: &mut Problems) {
    if canary.traffic_routing.is_none() {
        found.invalid(field, scale, "SetCanaryScale requires TrafficRouting to be set");
    }
    // Of ours: Argo Rollouts takes the first that is set, and the weight where none is.
    let set = [scale.replicas.is_some(), scale.weight.is_some(), scale.match_traffic_weight];
    if set.iter().filter(|is_set| **is_set).count() != 1 {
        found.warn(field, "should have exactly one of replicas, weight and matchTrafficWeight");
    }
    found.better_not_negative(&format!("{field}.replicas"), scale.replicas);
    let all = canary.max_weight();
    if let Some(weight) = scale.weight.filter(|weight| !(0..=all).contains(weight)) {
        found.warn(format!("{field}.weight"), format!("{weight} is no share of spec.replicas between 0 and {all}"));
    }
}
