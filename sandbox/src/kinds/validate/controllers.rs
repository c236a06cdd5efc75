//! The controllers of pods that Sluice does not own: `StatefulSet`s, `DaemonSet`s, `ReplicationController`s, and pod templates.

use serde_json::{Value, json};

use super::common::{NOT_NEGATIVE, is_nothing, not_negative, number_or_percent, selector, selects_all};
use super::metadata::invalid_text;
use super::workloads::{
    bare_template, matching_template, required_selector, restarts_always, same_selector, update_strategy_text,
};
use crate::read::{at, is_empty, items, number, text};
use crate::refusal::Cause;

/// A `StatefulSet`; with `old`, an update of it.
pub(super) fn stateful_set(out: &mut Vec<Cause>, object: &Value, old: Option<&Value>) {
    let spec = at(object, "spec");
    if let Some(old) = old
        && frozen(spec) != frozen(at(old, "spec"))
    {
        let detail = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', \
                      'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and \
                      'minReadySeconds' are forbidden";
        out.push(Cause::forbidden("spec", detail));
    }
    let policy = text(spec, "podManagementPolicy");
    if !matches!(policy, "OrderedReady" | "Parallel") {
        let detail = "must be 'OrderedReady' or 'Parallel'";
        out.push(Cause::invalid("spec.podManagementPolicy", &json!(policy), detail));
    }
    let strategy = at(spec, "updateStrategy");
    match text(strategy, "type") {
        "RollingUpdate" => {
            if let Some(partition) = number(strategy, "rollingUpdate.partition").filter(|partition| *partition < 0) {
                let field = "spec.updateStrategy.rollingUpdate.partition";
                out.push(Cause::invalid(field, &json!(partition), NOT_NEGATIVE));
            }
        }
        "OnDelete" => {}
        _ => {
            let detail = "must be 'RollingUpdate' or 'OnDelete'";
            out.push(invalid_text("spec.updateStrategy", &update_strategy_text(strategy), detail));
        }
    }
    not_negative(out, spec, "spec", "replicas");
    not_negative(out, spec, "spec", "minReadySeconds");
    required_selector(out, spec, "statefulset");
    let claims = items(spec, "volumeClaimTemplates").iter().map(|claim| text(claim, "metadata.name"));
    if matching_template(out, spec, claims) {
        restarts_always(out, spec);
    }
}

/// The part of the spec that stays as it is.
fn frozen(spec: &Value) -> Value {
    let mut spec = spec.clone();
    if let Some(fields) = spec.as_object_mut() {
        for name in [
            "replicas",
            "ordinals",
            "template",
            "updateStrategy",
            "revisionHistoryLimit",
            "persistentVolumeClaimRetentionPolicy",
            "minReadySeconds",
        ] {
            fields.remove(name);
        }
    }
    spec
}

/// A `DaemonSet`; with `old`, an update of it.
pub(super) fn daemon_set(out: &mut Vec<Cause>, object: &Value, old: Option<&Value>) {
    let spec = at(object, "spec");
    let own = at(spec, "selector");
    if !own.is_null() {
        selector(out, "spec.selector", own);
        if selects_all(own) {
            out.push(Cause::invalid("spec.selector", own, "empty selector is invalid for daemonset"));
        }
    }
    if matching_template(out, spec, std::iter::empty()) {
        restarts_always(out, spec);
    }
    not_negative(out, spec, "spec", "minReadySeconds");
    let strategy = at(spec, "updateStrategy");
    match text(strategy, "type") {
        "RollingUpdate" => daemon_rolling(out, at(strategy, "rollingUpdate")),
        "OnDelete" => {}
        _ => {
            let message = format!(
                "Unsupported value: {}: supported values: \"RollingUpdate\", \"OnDelete\"",
                update_strategy_text(strategy)
            );
            let field = "spec.updateStrategy".to_owned();
            out.push(Cause { reason: "FieldValueNotSupported", message, field });
        }
    }
    not_negative(out, spec, "spec", "revisionHistoryLimit");
    if let Some(old) = old {
        same_selector(out, spec, at(old, "spec"));
    }
}

fn daemon_rolling(out: &mut Vec<Cause>, rolling: &Value) {
    const FIELD: &str = "spec.updateStrategy.rollingUpdate";
    let (unavailable, surge) = (at(rolling, "maxUnavailable"), at(rolling, "maxSurge"));
    number_or_percent(out, &format!("{FIELD}.maxUnavailable"), unavailable, true);
    number_or_percent(out, &format!("{FIELD}.maxSurge"), surge, true);
    match (is_nothing(unavailable), is_nothing(surge)) {
        (false, false) => {
            let detail = "may not be set when maxUnavailable is non-zero";
            out.push(Cause::invalid(format!("{FIELD}.maxSurge"), surge, detail));
        }
        (true, true) => {
            let detail = "cannot be 0 when maxSurge is 0";
            out.push(Cause::invalid(format!("{FIELD}.maxUnavailable"), unavailable, detail));
        }
        _ => {}
    }
}

/// A `ReplicationController`, whose selector is a mere map.
pub(super) fn replication_controller(out: &mut Vec<Cause>, object: &Value) {
    let spec = at(object, "spec");
    not_negative(out, spec, "spec", "minReadySeconds");
    if is_empty(spec, "selector") {
        out.push(Cause::required("spec.selector", ""));
    }
    not_negative(out, spec, "spec", "replicas");
    let template = at(spec, "template");
    if template.is_null() {
        out.push(Cause::required("spec.template", ""));
        return;
    }
    let labels = at(template, "metadata.labels");
    let has = |(key, value): (&String, &Value)| labels.get(key) == Some(value);
    if !is_empty(spec, "selector") && !at(spec, "selector").as_object().into_iter().flatten().all(has) {
        let detail = "`selector` does not match template `labels`";
        out.push(Cause::invalid("spec.template.metadata.labels", labels, detail));
    }
    bare_template(out, "spec.template", template, std::iter::empty());
    restarts_always(out, spec);
}
