//! Where pods may run: tolerations, affinity, spread.

use serde_json::{Value, json};

use super::common::{one_of, selector};
use super::names::{self, report};
use crate::read::{at, is_empty, items, number, text};
use crate::refusal::Cause;

/// Tolerations of taints.
pub(super) fn tolerations(out: &mut Vec<Cause>, field: &str, tolerations: &[Value]) {
    for (index, toleration) in tolerations.iter().enumerate() {
        let field = format!("{field}[{index}]");
        let (key, operator, value) = (text(toleration, "key"), text(toleration, "operator"), text(toleration, "value"));
        if !key.is_empty() {
            report(out, &format!("{field}.key"), key, names::qualified(key));
        }
        if key.is_empty() && operator != "Exists" {
            let detail = "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
            out.push(Cause::invalid(format!("{field}.operator"), &json!(operator), detail));
        }
        if !at(toleration, "tolerationSeconds").is_null() && text(toleration, "effect") != "NoExecute" {
            let detail = "effect must be 'NoExecute' when `tolerationSeconds` is set";
            out.push(Cause::invalid(format!("{field}.effect"), &json!(text(toleration, "effect")), detail));
        }
        // A wrong value is told of the operator.
        let at_operator = format!("{field}.operator");
        match operator {
            "" | "Equal" => {
                if let Some(wrong) = names::label_value(value).into_iter().next() {
                    report(out, &at_operator, value, vec![wrong]);
                }
            }
            "Exists" if !value.is_empty() => {
                let detail = "value must be empty when `operator` is 'Exists'";
                out.push(Cause::invalid(at_operator, &json!(value), detail));
            }
            "Exists" => {}
            other => out.push(Cause::not_supported(at_operator, &json!(other), &["Equal", "Exists"])),
        }
        one_of(out, toleration, &field, "effect", &["NoSchedule", "PreferNoSchedule", "NoExecute"]);
    }
}

/// Affinity to other pods; node affinity is taken as it comes.
pub(super) fn affinity(out: &mut Vec<Cause>, field: &str, affinity: &Value) {
    for kind in ["podAffinity", "podAntiAffinity"] {
        let rules = at(affinity, kind);
        let required = format!("{field}.{kind}.requiredDuringSchedulingIgnoredDuringExecution");
        for (index, term) in items(rules, "requiredDuringSchedulingIgnoredDuringExecution").iter().enumerate() {
            pod_affinity_term(out, &format!("{required}[{index}]"), term);
        }
        let preferred = format!("{field}.{kind}.preferredDuringSchedulingIgnoredDuringExecution");
        for (index, weighted) in items(rules, "preferredDuringSchedulingIgnoredDuringExecution").iter().enumerate() {
            let field = format!("{preferred}[{index}]");
            let weight = number(weighted, "weight").unwrap_or_default();
            if !(1..=100).contains(&weight) {
                out.push(Cause::invalid(format!("{field}.weight"), &json!(weight), "must be in the range 1-100"));
            }
            pod_affinity_term(out, &format!("{field}.podAffinityTerm"), at(weighted, "podAffinityTerm"));
        }
    }
}

fn pod_affinity_term(out: &mut Vec<Cause>, field: &str, term: &Value) {
    for name in ["labelSelector", "namespaceSelector"] {
        selector(out, &format!("{field}.{name}"), at(term, name));
    }
    let key = text(term, "topologyKey");
    let at_key = format!("{field}.topologyKey");
    if key.is_empty() {
        out.push(Cause::required(&at_key, "can not be empty"));
    }
    report(out, &at_key, key, names::qualified(key));
}

/// Constraints on how pods spread.
pub(super) fn spread(out: &mut Vec<Cause>, field: &str, constraints: &[Value]) {
    for (index, constraint) in constraints.iter().enumerate() {
        let field = format!("{field}[{index}]");
        let skew = number(constraint, "maxSkew").unwrap_or_default();
        if skew <= 0 {
            out.push(Cause::invalid(format!("{field}.maxSkew"), &json!(skew), "must be greater than zero"));
        }
        if is_empty(constraint, "topologyKey") {
            out.push(Cause::required(format!("{field}.topologyKey"), "can not be empty"));
        }
        one_of(out, constraint, &field, "whenUnsatisfiable", &["DoNotSchedule", "ScheduleAnyway"]);
        selector(out, &format!("{field}.labelSelector"), at(constraint, "labelSelector"));
    }
}
