//! ReplicaSets, Deployments and what is built like them.

use serde_json::{Value, json};

use super::common::{IMMUTABLE, NOT_NEGATIVE, is_nothing, not_negative, number_or_percent, selector, selects_all};
use super::metadata::{self, invalid_text};
use super::pods;
use crate::read::{at, entries, items, number, text};
use crate::refusal::Cause;

/// A ReplicaSet.
pub(super) fn replica_set(out: &mut Vec<Cause>, object: &Value, old: Option<&Value>) {
    let spec = at(object, "spec");
    not_negative(out, spec, "spec", "replicas");
    not_negative(out, spec, "spec", "minReadySeconds");
    required_selector(out, spec, "deployment");
    template(out, spec);
    if let Some(old) = old {
        same_selector(out, spec, at(old, "spec"));
    }
}

/// A Deployment.
pub(super) fn deployment(out: &mut Vec<Cause>, object: &Value, old: Option<&Value>) {
    let spec = at(object, "spec");
    not_negative(out, spec, "spec", "replicas");
    required_selector(out, spec, "deployment");
    template(out, spec);
    strategy(out, "spec.strategy", at(spec, "strategy"));
    not_negative(out, spec, "spec", "minReadySeconds");
    not_negative(out, spec, "spec", "revisionHistoryLimit");
    if let Some(deadline) = number(spec, "progressDeadlineSeconds") {
        let mut wrong = |detail: &str| {
            out.push(Cause::invalid("spec.progressDeadlineSeconds", &json!(deadline), detail));
        };
        if deadline < 0 {
            wrong(NOT_NEGATIVE);
        }
        if deadline <= number(spec, "minReadySeconds").unwrap_or_default() {
            wrong("must be greater than minReadySeconds");
        }
    }
    if let Some(old) = old {
        same_selector(out, spec, at(old, "spec"));
    }
}

/// A selector that must be there and ask for something.
pub(super) fn required_selector(out: &mut Vec<Cause>, spec: &Value, kind: &str) {
    let value = at(spec, "selector");
    if value.is_null() {
        out.push(Cause::required("spec.selector", ""));
        return;
    }
    selector(out, "spec.selector", value);
    if selects_all(value) {
        // ReplicaSets are told that they are Deployments.
        out.push(Cause::invalid("spec.selector", value, &format!("empty selector is invalid for {kind}")));
    }
}

/// The selector, which stays what it was.
pub(super) fn same_selector(out: &mut Vec<Cause>, spec: &Value, old: &Value) {
    let (new, old) = (at(spec, "selector"), at(old, "selector"));
    if new != old {
        out.push(invalid_text("spec.selector", &selector_text(new), IMMUTABLE));
    }
}

/// The template of the pods of a ReplicaSet, which are to run for ever.
fn template(out: &mut Vec<Cause>, spec: &Value) {
    if !matching_template(out, spec, std::iter::empty()) {
        return;
    }
    restarts_always(out, spec);
    if !at(spec, "template.spec.activeDeadlineSeconds").is_null() {
        let detail = "activeDeadlineSeconds in ReplicaSet is not Supported";
        out.push(Cause::forbidden("spec.template.spec.activeDeadlineSeconds", detail));
    }
}

/// A template that the selector beside it selects; says whether the selector could be read. `claims` are volumes that come
/// from elsewhere.
pub(super) fn matching_template<'a>(
    out: &mut Vec<Cause>,
    spec: &'a Value,
    claims: impl Iterator<Item = &'a str>,
) -> bool {
    let template = at(spec, "template");
    let selector = at(spec, "selector");
    if !selector.is_null() && broken(selector) {
        out.push(invalid_text("spec.selector", &selector_text(selector), "invalid label selector"));
        return false;
    }
    let labels = at(template, "metadata.labels");
    if selector.is_null() || !selects(selector, labels) {
        let detail = "`selector` does not match template `labels`";
        out.push(Cause::invalid("spec.template.metadata.labels", labels, detail));
    }
    bare_template(out, "spec.template", template, claims);
    true
}

/// A pod template on its own.
pub(super) fn bare_template<'a>(
    out: &mut Vec<Cause>,
    field: &str,
    template: &'a Value,
    claims: impl Iterator<Item = &'a str>,
) {
    metadata::template(out, field, at(template, "metadata"));
    pods::spec(out, &format!("{field}.spec"), at(template, "spec"), claims);
    if !items(template, "spec.ephemeralContainers").is_empty() {
        let field = format!("{field}.spec.ephemeralContainers");
        out.push(Cause::forbidden(field, "ephemeral containers not allowed in pod template"));
    }
}

/// Pods that are to run for ever.
pub(super) fn restarts_always(out: &mut Vec<Cause>, spec: &Value) {
    let policy = text(spec, "template.spec.restartPolicy");
    if matches!(policy, "Never" | "OnFailure") {
        out.push(Cause::not_supported("spec.template.spec.restartPolicy", &json!(policy), &["Always"]));
    }
}

fn broken(selector: &Value) -> bool {
    let mut wrong = Vec::new();
    super::common::selector(&mut wrong, "", selector);
    !wrong.is_empty()
}

/// Whether a selector selects these labels; one without requirements selects all.
pub(super) fn selects(selector: &Value, labels: &Value) -> bool {
    let expressions = items(selector, "matchExpressions");
    entries(selector, "matchLabels").all(|(key, value)| labels.get(key) == Some(value))
        && expressions.iter().all(|requirement| {
            let value = labels.get(text(requirement, "key"));
            let is_listed = value.is_some_and(|value| items(requirement, "values").contains(value));
            match text(requirement, "operator") {
                "In" => is_listed,
                "NotIn" => !is_listed,
                "Exists" => value.is_some(),
                _ => value.is_none(),
            }
        })
}

/// A selector with its fields in Go's order.
pub(super) fn selector_text(selector: &Value) -> String {
    if selector.is_null() {
        return "null".to_owned();
    }
    let fields: Vec<String> = ["matchLabels", "matchExpressions"]
        .into_iter()
        .filter(|name| !at(selector, name).is_null())
        .map(|name| format!("{name:?}:{}", at(selector, name)))
        .collect();
    format!("{{{}}}", fields.join(","))
}

/// How a Deployment replaces its pods.
fn strategy(out: &mut Vec<Cause>, field: &str, strategy: &Value) {
    let rolling = at(strategy, "rollingUpdate");
    match text(strategy, "type") {
        "Recreate" if !rolling.is_null() => out.push(Cause::forbidden(
            format!("{field}.rollingUpdate"),
            "may not be specified when strategy `type` is 'Recreate'",
        )),
        "Recreate" => {}
        "RollingUpdate" => rolling_update(out, &format!("{field}.rollingUpdate"), rolling),
        _ => {
            let message = format!(
                "Unsupported value: {}: supported values: \"Recreate\", \"RollingUpdate\"",
                update_strategy_text(strategy)
            );
            out.push(Cause { reason: "FieldValueNotSupported", message, field: field.to_owned() });
        }
    }
}

/// A strategy of updates as the API server prints its own structure.
pub(super) fn update_strategy_text(strategy: &Value) -> String {
    let rolling = at(strategy, "rollingUpdate");
    format!("{{\"Type\":{:?},\"RollingUpdate\":{}}}", text(strategy, "type"), rolling_text(rolling))
}

fn rolling_text(rolling: &Value) -> String {
    if rolling.is_null() {
        return "null".to_owned();
    }
    let or_zero = |name: &str| at(rolling, name).as_null().map_or(at(rolling, name).to_string(), |()| "0".to_owned());
    format!("{{\"MaxUnavailable\":{},\"MaxSurge\":{}}}", or_zero("maxUnavailable"), or_zero("maxSurge"))
}

fn rolling_update(out: &mut Vec<Cause>, field: &str, rolling: &Value) {
    let (unavailable, surge) = (at(rolling, "maxUnavailable"), at(rolling, "maxSurge"));
    number_or_percent(out, &format!("{field}.maxUnavailable"), unavailable, false);
    number_or_percent(out, &format!("{field}.maxSurge"), surge, false);
    if is_nothing(unavailable) && is_nothing(surge) {
        let detail = "may not be 0 when `maxSurge` is 0";
        out.push(Cause::invalid(format!("{field}.maxUnavailable"), unavailable, detail));
    }
    let above_all = unavailable.as_str().and_then(super::common::percent).is_some_and(|percent| percent > 100);
    if above_all {
        let detail = "must not be greater than 100%";
        out.push(Cause::invalid(format!("{field}.maxUnavailable"), unavailable, detail));
    }
}
