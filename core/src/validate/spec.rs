//! Rules that hold for every strategy.

use serde_json::Value;

use super::Problem;
use crate::api::{LabelSelector, Rollout};
use crate::selector;
use crate::status::deadline;

pub(super) fn check(rollout: &Rollout) -> Result<(), Problem> {
    counts(rollout)?;
    if rollout.spec.workload_ref.is_none() {
        check_selector(rollout.spec.selector.as_ref())?;
        template(rollout)?;
    } else if rollout.spec.template.as_ref().is_some_and(has_content) {
        return Err(Problem {
            field: "spec.template".into(),
            message: "Internal error: template must be empty for workload reference rollout".into(),
        });
    }
    strategy(rollout)
}

fn counts(rollout: &Rollout) -> Result<(), Problem> {
    let spec = &rollout.spec;
    let counts = [
        ("spec.replicas", spec.replicas),
        ("spec.minReadySeconds", spec.min_ready_seconds),
        ("spec.revisionHistoryLimit", spec.revision_history_limit),
        ("spec.progressDeadlineSeconds", spec.progress_deadline_seconds),
    ];
    for (field, count) in counts {
        if let Some(count) = count.filter(|count| *count < 0) {
            return Err(Problem::invalid(field, &count, "must be greater than or equal to 0"));
        }
    }
    if deadline::seconds(rollout) <= spec.min_ready_seconds.unwrap_or(0) {
        let seconds = deadline::seconds(rollout);
        let detail = "must be greater than minReadySeconds";
        return Err(Problem::invalid("spec.progressDeadlineSeconds", &seconds, detail));
    }
    Ok(())
}

fn check_selector(selector: Option<&LabelSelector>) -> Result<(), Problem> {
    let Some(selector) = selector else {
        return Err(Problem::required("spec.selector", "Rollout has missing field '.spec.selector'"));
    };
    let is_empty = selector.match_labels.as_ref().is_none_or(std::collections::BTreeMap::is_empty)
        && selector.match_expressions.as_ref().is_none_or(Vec::is_empty);
    if is_empty {
        return Err(Problem::invalid("spec.selector", selector, "empty selector is invalid for deployment"));
    }
    for (index, requirement) in selector.match_expressions.iter().flatten().enumerate() {
        if !["In", "NotIn", "Exists", "DoesNotExist"].contains(&requirement.operator.as_str()) {
            let field = format!("spec.selector.matchExpressions[{index}].operator");
            return Err(Problem::invalid(field, &requirement.operator, "not a valid selector operator"));
        }
    }
    Ok(())
}

/// What Kubernetes would refuse in a ReplicaSet's pod template, as far as it can be said without a cluster; the rest comes
/// back from the API server when the ReplicaSet is created.
fn template(rollout: &Rollout) -> Result<(), Problem> {
    let empty = Value::Null;
    let template = rollout.spec.template.as_ref().unwrap_or(&empty);
    let labels = template.pointer("/metadata/labels").cloned().unwrap_or_else(|| Value::Object(serde_json::Map::new()));
    let pairs = labels.as_object().into_iter().flatten();
    let map = pairs.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect();
    if rollout.spec.selector.as_ref().is_some_and(|selector| !selector::matches(selector, &map)) {
        let detail = "`selector` does not match template `labels`";
        return Err(Problem::invalid("spec.template.metadata.labels", &labels, detail));
    }
    let spec = template.get("spec").unwrap_or(&empty);
    let containers = spec.get("containers").and_then(Value::as_array).filter(|list| !list.is_empty());
    let Some(containers) = containers else {
        return Err(Problem { field: "spec.template.spec.containers".into(), message: "Required value".into() });
    };
    for (index, container) in containers.iter().enumerate() {
        for field in ["name", "image"] {
            if container.get(field).and_then(Value::as_str).is_none_or(str::is_empty) {
                let field = format!("spec.template.spec.containers[{index}].{field}");
                return Err(Problem { field, message: "Required value".into() });
            }
        }
    }
    match spec.get("restartPolicy").and_then(Value::as_str) {
        None | Some("" | "Always") => {}
        Some(other) => {
            return Err(Problem {
                field: "spec.template.spec.restartPolicy".into(),
                message: format!("Unsupported value: \"{other}\": supported values: \"Always\""),
            });
        }
    }
    if spec.get("activeDeadlineSeconds").is_some_and(|seconds| !seconds.is_null()) {
        let message = "Forbidden: activeDeadlineSeconds in ReplicaSet is not Supported".into();
        return Err(Problem { field: "spec.template.spec.activeDeadlineSeconds".into(), message });
    }
    Ok(())
}

/// Whether anything is left of a template besides its mandatory frame.
fn has_content(template: &Value) -> bool {
    match template {
        Value::Null => false,
        Value::Object(map) => map.values().any(has_content),
        Value::Array(list) => !list.is_empty(),
        _ => true,
    }
}

fn strategy(rollout: &Rollout) -> Result<(), Problem> {
    let strategy = &rollout.spec.strategy;
    match (&strategy.canary, &strategy.blue_green) {
        (None, None) => Err(Problem::required(
            "spec.strategy.strategy",
            "Rollout has missing field '.spec.strategy.canary or .spec.strategy.blueGreen'",
        )),
        (Some(_), Some(_)) => {
            let detail = "Multiple Strategies can not be listed";
            Err(Problem::invalid("spec.strategy.strategy", strategy, detail))
        }
        _ => Ok(()),
    }
}
