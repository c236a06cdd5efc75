//! The step `experiment`.

use std::collections::BTreeSet;

use super::analysis;
use super::problem::Problems;
use crate::api::{CanaryStrategy, RolloutExperimentStep, RolloutExperimentTemplate};
use crate::time;

pub(super) fn check(field: &str, step: &RolloutExperimentStep, canary: &CanaryStrategy, found: &mut Problems) {
    for (index, template) in step.templates.iter().enumerate() {
        check_weight(&format!("{field}.templates[{index}].weight"), template, canary, found);
    }
    for (index, one) in step.analyses.iter().enumerate() {
        analysis::check_args(&format!("{field}.analyses[{index}]"), &one.args, found);
    }
    runs(field, step, canary, found);
}

fn check_weight(field: &str, template: &RolloutExperimentTemplate, canary: &CanaryStrategy, found: &mut Problems) {
    let Some(weight) = template.weight else { return };
    match &canary.traffic_routing {
        None => {
            let detail = "Experiment template weight cannot be set unless TrafficRouting is enabled";
            found.invalid(field, &weight, detail);
        }
        Some(routing)
            if routing.smi.is_none()
                && routing.alb.is_none()
                && routing.istio.is_none()
                // Of ours.
                && routing.gateway_api.is_none()
                && routing.plugins.is_empty() =>
        {
            let detail = "Experiment template weight is only available for TrafficRouting with SMI, ALB, Istio and Plugins at this time";
            found.invalid(field, &weight, detail);
        }
        Some(_) => found.better_not_negative(field, Some(weight)),
    }
}

/// Of ours: the experiment that comes of the step must be one that can run.
fn runs(field: &str, step: &RolloutExperimentStep, canary: &CanaryStrategy, found: &mut Problems) {
    if step.templates.is_empty() {
        found.required(format!("{field}.templates"), "an experiment runs at least one template");
    }
    if let Some(duration) = &step.duration
        && let Err(error) = time::parse_go_duration(duration)
    {
        found.invalid(format!("{field}.duration"), duration, &error.to_string());
    }
    let mut names = BTreeSet::new();
    for (index, template) in step.templates.iter().enumerate() {
        let field = format!("{field}.templates[{index}]");
        if !names.insert(template.name.as_str()) {
            found.duplicate(format!("{field}.name"), &template.name);
        }
        if !["stable", "canary"].contains(&template.spec_ref.as_str()) {
            found.unsupported(format!("{field}.specRef"), &template.spec_ref, &["stable", "canary"]);
        }
        found.better_not_negative(&format!("{field}.replicas"), template.replicas);
    }
    let mut names = BTreeSet::new();
    for (index, one) in step.analyses.iter().enumerate() {
        if !names.insert(one.name.as_str()) {
            found.duplicate(format!("{field}.analyses[{index}].name"), &one.name);
        }
    }
    let total: i64 = step.templates.iter().filter_map(|template| template.weight).map(i64::from).sum();
    let max_weight = canary.max_weight();
    if total > i64::from(max_weight) {
        found.warn(format!("{field}.templates"), format!("the weights add up to {total}, more than {max_weight}"));
    }
}
