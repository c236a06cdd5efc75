//! Rules that hold for every strategy.

use std::collections::BTreeMap;

use super::problem::Problems;
use super::{blue_green, canary, template, workload};
use crate::api::{LabelSelector, Rollout};
use crate::status::deadline;
use crate::strategy::Strategy;

pub(super) fn check(rollout: &Rollout, found: &mut Problems) {
    let spec = &rollout.spec;
    found.not_negative("spec.replicas", spec.replicas);
    check_selector(rollout, found);
    if let Some(reference) = &spec.workload_ref {
        workload::check(reference, spec.template.as_ref(), found);
    } else {
        template::check(spec.template.as_ref(), spec.selector.as_ref(), found);
    }
    found.not_negative("spec.minReadySeconds", spec.min_ready_seconds);
    found.not_negative("spec.revisionHistoryLimit", spec.revision_history_limit);
    check_deadline(rollout, found);
    initial_deploy(rollout, found);
    history(rollout, found);
    strategy(rollout, found);
}

fn check_deadline(rollout: &Rollout, found: &mut Problems) {
    const FIELD: &str = "spec.progressDeadlineSeconds";
    let seconds = deadline::seconds(rollout);
    if seconds < 0 {
        found.not_negative(FIELD, Some(seconds));
    } else if seconds <= rollout.spec.min_ready_seconds.unwrap_or(0) {
        found.invalid(FIELD, &seconds, "must be greater than minReadySeconds");
    }
}

/// Of ours, as the field is.
fn initial_deploy(rollout: &Rollout, found: &mut Problems) {
    let Some(policy) = rollout.spec.initial_deploy.as_deref() else { return };
    match policy {
        "none" | "steps" | "analysis" => {}
        other => found.unsupported("spec.initialDeploy", other, &["none", "steps", "analysis"]),
    }
    let strategy = Strategy::of(rollout);
    let nothing = strategy.is_some_and(|strategy| match strategy {
        Strategy::Canary(_) => strategy.steps().is_empty(),
        Strategy::BlueGreen(blue_green) => {
            blue_green.auto_promotion_enabled != Some(false) && blue_green.auto_promotion_seconds.unwrap_or(0) <= 0
        }
    });
    if policy == "steps" && nothing {
        found.warn("spec.initialDeploy", "there are no steps and no pause that a first revision could go through");
    }
}

/// Of ours: Argo Rollouts runs these manifests.
fn history(rollout: &Rollout, found: &mut Problems) {
    if let Some(window) = &rollout.spec.rollback_window {
        match window.revisions {
            Some(revisions) if revisions > 0 => {}
            _ => found.warn("spec.rollbackWindow.revisions", "without a number above 0 the window has no effect"),
        }
    }
    if let Some(limits) = &rollout.spec.analysis {
        found.better_not_negative("spec.analysis.successfulRunHistoryLimit", limits.successful_run_history_limit);
        found.better_not_negative("spec.analysis.unsuccessfulRunHistoryLimit", limits.unsuccessful_run_history_limit);
    }
}

fn check_selector(rollout: &Rollout, found: &mut Problems) {
    match &rollout.spec.selector {
        Some(selector) => requirements(selector, found),
        // The selector then comes from the workload.
        None if rollout.spec.workload_ref.is_some() => {}
        None => found.required("spec.selector", "Rollout has missing field '.spec.selector'"),
    }
}

fn requirements(selector: &LabelSelector, found: &mut Problems) {
    let is_empty = selector.match_labels.as_ref().is_none_or(BTreeMap::is_empty)
        && selector.match_expressions.as_ref().is_none_or(Vec::is_empty);
    if is_empty {
        found.invalid("spec.selector", selector, "empty selector is invalid for deployment");
    }
    for (index, requirement) in selector.match_expressions.iter().flatten().enumerate() {
        let field = format!("spec.selector.matchExpressions[{index}]");
        let has_values = requirement.values.as_ref().is_some_and(|values| !values.is_empty());
        match requirement.operator.as_str() {
            "In" | "NotIn" if !has_values => {
                found.required(format!("{field}.values"), "must be specified when `operator` is 'In' or 'NotIn'");
            }
            "Exists" | "DoesNotExist" if has_values => {
                let message = "Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
                found.error(format!("{field}.values"), message);
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            other => found.invalid(format!("{field}.operator"), &other, "not a valid selector operator"),
        }
    }
}

fn strategy(rollout: &Rollout, found: &mut Problems) {
    const FIELD: &str = "spec.strategy.strategy";
    let strategy = &rollout.spec.strategy;
    match (&strategy.canary, &strategy.blue_green) {
        (None, None) => {
            found.required(FIELD, "Rollout has missing field '.spec.strategy.canary or .spec.strategy.blueGreen'");
        }
        (Some(_), Some(_)) => found.invalid(FIELD, strategy, "Multiple Strategies can not be listed"),
        (Some(canary), None) => canary::check(canary, rollout, found),
        (None, Some(blue_green)) => blue_green::check(blue_green, rollout, found),
    }
}
