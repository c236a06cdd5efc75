//! `HorizontalPodAutoscaler`s.

use serde_json::{Value, json};

use super::common::{POSITIVE, not_negative};
use super::names::{path_segment, report};
use crate::kinds::nanos;
use crate::read::{at, is_empty, items, number, text};
use crate::refusal::Cause;

/// The sources of metrics, and the field of each, in the order in which they are looked at.
const SOURCES: [(&str, &str); 5] = [
    ("Object", "object"),
    ("External", "external"),
    ("Pods", "pods"),
    ("Resource", "resource"),
    ("ContainerResource", "containerResource"),
];
/// The same as refusals list them.
const SOURCE_NAMES: [&str; 5] = ["ContainerResource", "External", "Object", "Pods", "Resource"];
/// The longest that an autoscaler can wait, and look back, in seconds.
const LONGEST_WINDOW: i64 = 3600;
const LONGEST_PERIOD: i64 = 1800;
/// The least of what must be there, in the words of a refusal.
const ABOVE_ZERO: (i64, &str) = (1, "must be greater than zero");

/// An autoscaler.
pub(super) fn autoscaler(out: &mut Vec<Cause>, object: &Value) {
    let spec = at(object, "spec");
    let (least, most) = (number(spec, "minReplicas"), number(spec, "maxReplicas").unwrap_or_default());
    if let Some(least) = least.filter(|least| *least < 1) {
        out.push(Cause::invalid("spec.minReplicas", &json!(least), "must be greater than or equal to 1"));
    }
    if most < 1 {
        out.push(Cause::invalid("spec.maxReplicas", &json!(most), POSITIVE));
    }
    if least.is_some_and(|least| most < least) {
        let detail = "must be greater than or equal to `minReplicas`";
        out.push(Cause::invalid("spec.maxReplicas", &json!(most), detail));
    }
    reference(out, "spec.scaleTargetRef", at(spec, "scaleTargetRef"));
    let version = text(spec, "scaleTargetRef.apiVersion");
    if let Some(detail) = group_mistake(version) {
        out.push(Cause::invalid("spec.scaleTargetRef.apiVersion", &json!(version), &detail));
    }
    metrics(out, spec);
    for direction in ["scaleUp", "scaleDown"] {
        let rules = at(spec, &format!("behavior.{direction}"));
        if !rules.is_null() {
            behavior(out, &format!("spec.behavior.{direction}"), rules);
        }
    }
    for field in ["currentReplicas", "desiredReplicas"] {
        not_negative(out, at(object, "status"), "status", field);
    }
}

/// An object by kind and name.
fn reference(out: &mut Vec<Cause>, field: &str, reference: &Value) {
    for name in ["kind", "name"] {
        segment(out, &format!("{field}.{name}"), text(reference, name), "");
    }
}

/// A text that becomes part of a path, and must be there.
fn segment(out: &mut Vec<Cause>, field: &str, value: &str, missing: &str) {
    if value.is_empty() {
        out.push(Cause::required(field, missing));
    } else {
        report(out, field, value, path_segment(value));
    }
}

/// What is scaled has a group.
fn group_mistake(version: &str) -> Option<String> {
    match version.matches('/').count() {
        0 => Some("apiVersion must specify API group".to_owned()),
        1 => None,
        _ => Some(format!("unexpected GroupVersion string: {version}")),
    }
}

fn metrics(out: &mut Vec<Cause>, spec: &Value) {
    let metrics = items(spec, "metrics");
    let outside = |metric: &Value| matches!(text(metric, "type"), "Object" | "External");
    if number(spec, "minReplicas") == Some(0) && !metrics.iter().any(outside) {
        let detail = "must specify at least one Object or External metric to support scaling to zero replicas";
        out.push(Cause::forbidden("spec.metrics", detail));
    }
    for (index, metric) in metrics.iter().enumerate() {
        one_metric(out, &format!("spec.metrics[{index}]"), metric);
    }
}

fn one_metric(out: &mut Vec<Cause>, field: &str, metric: &Value) {
    let kind = text(metric, "type");
    let unknown = || Cause::not_supported(format!("{field}.type"), &json!(kind), &SOURCE_NAMES);
    let expected = SOURCES.iter().find(|(name, _)| *name == kind).map(|(_, source)| *source);
    if kind.is_empty() {
        out.push(Cause::required(format!("{field}.type"), "must specify a metric source type"));
    }
    if expected.is_none() {
        out.push(unknown());
    }
    let present: Vec<&str> =
        SOURCES.iter().map(|(_, source)| *source).filter(|source| !at(metric, source).is_null()).collect();
    if let Some(first) = present.first() {
        source(out, &format!("{field}.{first}"), first, at(metric, first));
    }
    match expected {
        None => out.push(unknown()),
        Some(expected) if !present.contains(&expected) => {
            let detail = "must populate information for the given metric source";
            out.push(Cause::required(format!("{field}.{expected}"), detail));
        }
        Some(_) => {}
    }
    if present.len() > 1 {
        for other in present.iter().filter(|source| Some(**source) != expected) {
            out.push(Cause::forbidden(format!("{field}.{other}"), "must populate the given metric source only"));
        }
    }
}

/// One source of metrics.
fn source(out: &mut Vec<Cause>, field: &str, kind: &str, source: &Value) {
    if kind == "object" {
        reference(out, &format!("{field}.describedObject"), at(source, "describedObject"));
    }
    if matches!(kind, "resource" | "containerResource") {
        if is_empty(source, "name") {
            out.push(Cause::required(format!("{field}.name"), "must specify a resource name"));
        }
        if kind == "containerResource" && is_empty(source, "container") {
            out.push(Cause::required(format!("{field}.container"), "must specify a container"));
        }
    } else {
        segment(out, &format!("{field}.metric.name"), text(source, "metric.name"), "must specify a metric name");
    }
    let (wanted, field) = (at(source, "target"), format!("{field}.target"));
    target(out, &field, wanted);
    let has = |name: &str| !at(wanted, name).is_null();
    let mut missing = |name: &str, detail| out.push(Cause::required(format!("{field}.{name}"), detail));
    match kind {
        "resource" | "containerResource" if !has("averageUtilization") && !has("averageValue") => {
            missing("averageUtilization", "must set either a target raw value or a target utilization");
        }
        "resource" | "containerResource" if has("averageUtilization") && has("averageValue") => {
            let detail = "may not set both a target raw value and a target utilization";
            out.push(Cause::forbidden(format!("{field}.averageValue"), detail));
        }
        "pods" if !has("averageValue") => missing("averageValue", "must specify a positive target averageValue"),
        "object" if !has("value") && !has("averageValue") => {
            missing("averageValue", "must set either a target value or averageValue");
        }
        "external" if !has("value") && !has("averageValue") => {
            missing("averageValue", "must set either a target value for metric or a per-pod target");
        }
        "external" if has("value") && has("averageValue") => {
            let detail = "may not set both a target value for metric and a per-pod target";
            out.push(Cause::forbidden(format!("{field}.value"), detail));
        }
        _ => {}
    }
}

/// What a metric should be.
fn target(out: &mut Vec<Cause>, field: &str, target: &Value) {
    let kind = text(target, "type");
    if kind.is_empty() {
        out.push(Cause::required(format!("{field}.type"), "must specify a metric target type"));
    }
    if !matches!(kind, "Utilization" | "Value" | "AverageValue") {
        let detail = "must be either Utilization, Value, or AverageValue";
        out.push(Cause::invalid(format!("{field}.type"), &json!(kind), detail));
    }
    for name in ["value", "averageValue"] {
        let amount = text(target, name);
        if nanos(amount).is_some_and(|amount| amount <= 0) {
            out.push(Cause::invalid(format!("{field}.{name}"), &json!(amount), "must be positive"));
        }
    }
    if let Some(share) = number(target, "averageUtilization").filter(|share| *share < 1) {
        out.push(Cause::invalid(format!("{field}.averageUtilization"), &json!(share), POSITIVE));
    }
}

/// The rules of one direction.
fn behavior(out: &mut Vec<Cause>, field: &str, rules: &Value) {
    between(
        out,
        field,
        rules,
        "stabilizationWindowSeconds",
        (0, "must be greater than or equal to zero"),
        LONGEST_WINDOW,
    );
    let select = at(rules, "selectPolicy");
    if !select.is_null() && !["Disabled", "Max", "Min"].contains(&select.as_str().unwrap_or_default()) {
        out.push(Cause::not_supported(format!("{field}.selectPolicy"), select, &["Disabled", "Max", "Min"]));
    }
    let policies = items(rules, "policies");
    if policies.is_empty() {
        out.push(Cause::required(format!("{field}.policies"), "must specify at least one Policy"));
    }
    for (index, policy) in policies.iter().enumerate() {
        let field = format!("{field}.policies[{index}]");
        let kind = text(policy, "type");
        if !["Percent", "Pods"].contains(&kind) {
            out.push(Cause::not_supported(format!("{field}.type"), &json!(kind), &["Percent", "Pods"]));
        }
        between(out, &field, policy, "value", ABOVE_ZERO, i64::MAX);
        between(out, &field, policy, "periodSeconds", ABOVE_ZERO, LONGEST_PERIOD);
    }
}

/// A number within limits, the lower one in the words of a refusal.
fn between(out: &mut Vec<Cause>, field: &str, holder: &Value, name: &str, least: (i64, &str), most: i64) {
    let Some(value) = number(holder, name) else { return };
    if value < least.0 {
        out.push(Cause::invalid(format!("{field}.{name}"), &json!(value), least.1));
    }
    if value > most {
        let detail = format!("must be less than or equal to {most}");
        out.push(Cause::invalid(format!("{field}.{name}"), &json!(value), &detail));
    }
}
