//! What limits others: quotas, limit ranges and disruption budgets.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::amount::nanos;
use super::common::{number_or_percent, one_of, selector};
use super::metadata::invalid_text;
use super::resources::{of_quota, written};
use super::workloads::selector_text;
use crate::read::{at, entries, is_empty, items, text};
use crate::refusal::Cause;

const SCOPES: [&str; 7] = [
    "Terminating",
    "NotTerminating",
    "BestEffort",
    "NotBestEffort",
    "PriorityClass",
    "CrossNamespacePodAffinity",
    "VolumeAttributesClass",
];

/// A `ResourceQuota`; with `old`, an update of it.
pub(super) fn quota(out: &mut Vec<Cause>, object: &Value, old: Option<&Value>) {
    let spec = at(object, "spec");
    of_quota(out, "spec.hard", at(spec, "hard"));
    let scopes = at(spec, "scopes");
    let list: Vec<&str> = items(spec, "scopes").iter().filter_map(Value::as_str).collect();
    let mut wrong = |detail: &str| out.push(Cause::invalid("spec.scopes", scopes, detail));
    for scope in &list {
        if !SCOPES.contains(scope) {
            wrong("unsupported scope");
        }
        let limits_others = entries(spec, "hard").any(|(name, _)| !fits(scope, name));
        if SCOPES.contains(scope) && limits_others {
            wrong("unsupported scope applied to resource");
        }
    }
    let both = |one: &str, other: &str| list.contains(&one) && list.contains(&other);
    if both("BestEffort", "NotBestEffort") || both("Terminating", "NotTerminating") {
        wrong("conflicting scopes");
    }
    if let Some(old) = old {
        let old: Vec<&str> = items(old, "spec.scopes").iter().filter_map(Value::as_str).collect();
        if list.iter().collect::<BTreeSet<_>>() != old.iter().collect() {
            wrong("field is immutable");
        }
    }
}

/// Whether a scope can be told of what a resource counts.
fn fits(scope: &str, resource: &str) -> bool {
    match scope {
        "BestEffort" => matches!(resource, "pods" | "count/pods"),
        "VolumeAttributesClass" => resource.contains("storage") || resource.contains("persistentvolumeclaims"),
        _ => {
            let resource =
                resource.strip_prefix("requests.").or_else(|| resource.strip_prefix("limits.")).unwrap_or(resource);
            matches!(resource, "pods" | "count/pods" | "cpu" | "memory")
        }
    }
}

/// A `LimitRange`.
pub(super) fn limit_range(out: &mut Vec<Cause>, object: &Value) {
    let mut taken = BTreeSet::new();
    for (index, limit) in items(object, "spec.limits").iter().enumerate() {
        let field = format!("spec.limits[{index}]");
        let kind = text(limit, "type");
        if !taken.insert(kind) {
            out.push(Cause::duplicate(format!("{field}.type"), &json!(kind)));
        }
        if kind == "Pod" {
            for list in ["default", "defaultRequest"] {
                if !is_empty(limit, list) {
                    out.push(Cause::forbidden(format!("{field}.{list}"), "may not be specified when `type` is 'Pod'"));
                }
            }
        }
        let lists = ["max", "min", "default", "defaultRequest"];
        let names: BTreeSet<&String> =
            lists.iter().flat_map(|list| entries(limit, list)).map(|(name, _)| name).collect();
        for name in names {
            in_order(out, &field, limit, name, kind == "Container");
        }
    }
}

/// Least, default request, default limit, greatest: each not above the next.
fn in_order(out: &mut Vec<Cause>, field: &str, limit: &Value, name: &str, is_container: bool) {
    let amount = |list: &str| at(limit, list).get(name).map(written);
    let mut ordered = |low: (&str, &str), high: (&str, &str), shown: &str| {
        let (Some(least), Some(most)) = (amount(low.0), amount(high.0)) else { return };
        if nanos(&least) > nanos(&most) {
            let detail = format!("{} value {least} is greater than {} value {most}", low.1, high.1);
            let value = amount(shown).unwrap_or_default();
            // The API server names the field of one and prints the amount of the other.
            let value = if shown == "default" { &least } else { &value };
            out.push(Cause::invalid(format!("{field}.{shown}[{name}]"), &json!(value), &detail));
        }
    };
    let (min, max) = (("min", "min"), ("max", "max"));
    let (request, default) = (("defaultRequest", "default request"), ("default", "default"));
    ordered(min, max, "min");
    if is_container {
        ordered(min, request, "defaultRequest");
        ordered(request, max, "defaultRequest");
        ordered(request, default, "defaultRequest");
        ordered(min, default, "default");
        ordered(default, max, "default");
    }
}

/// A `PodDisruptionBudget`.
pub(super) fn disruption_budget(out: &mut Vec<Cause>, object: &Value) {
    let spec = at(object, "spec");
    let (least, most) = (at(spec, "minAvailable"), at(spec, "maxUnavailable"));
    if !least.is_null() && !most.is_null() {
        let selector = selector_text(at(spec, "selector"));
        let policy = at(spec, "unhealthyPodEvictionPolicy");
        let shown = format!(
            "{{\"MinAvailable\":{least},\"Selector\":{selector},\"MaxUnavailable\":{most},\
             \"UnhealthyPodEvictionPolicy\":{policy}}}"
        );
        out.push(invalid_text("spec", &shown, "minAvailable and maxUnavailable cannot be both set"));
    }
    number_or_percent(out, "spec.minAvailable", least, true);
    number_or_percent(out, "spec.maxUnavailable", most, true);
    one_of(out, spec, "spec", "unhealthyPodEvictionPolicy", &["AlwaysAllow", "IfHealthyBudget"]);
    selector(out, "spec.selector", at(spec, "selector"));
}
