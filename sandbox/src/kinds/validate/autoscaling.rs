//! `HorizontalPodAutoscaler`s.

use serde_json::{Value, json};

use super::common::POSITIVE;
use crate::read::{at, is_empty, items, number, text};
use crate::refusal::Cause;

/// The sources of metrics, and the field of each.
const SOURCES: [(&str, &str); 5] = [
    ("ContainerResource", "containerResource"),
    ("External", "external"),
    ("Object", "object"),
    ("Pods", "pods"),
    ("Resource", "resource"),
];

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
    target(out, at(spec, "scaleTargetRef"));
    metrics(out, spec);
}

fn target(out: &mut Vec<Cause>, target: &Value) {
    for name in ["kind", "name"] {
        if is_empty(target, name) {
            out.push(Cause::required(format!("spec.scaleTargetRef.{name}"), ""));
        }
    }
    if is_empty(target, "apiVersion") {
        let field = "spec.scaleTargetRef.apiVersion";
        out.push(Cause::invalid(field, &json!(""), "apiVersion must specify API group"));
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
        let field = format!("spec.metrics[{index}]");
        let kind = text(metric, "type");
        match SOURCES.iter().find(|(name, _)| *name == kind) {
            None => {
                let names = SOURCES.map(|(name, _)| name);
                out.push(Cause::not_supported(format!("{field}.type"), &json!(kind), &names));
            }
            Some((_, source)) if at(metric, source).is_null() => {
                let detail = "must populate information for the given metric source";
                out.push(Cause::required(format!("{field}.{source}"), detail));
            }
            Some(_) => {}
        }
    }
}
