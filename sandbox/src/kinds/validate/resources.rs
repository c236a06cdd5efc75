//! Resources of containers, and amounts in general.

use serde_json::{Value, json};
use sluice_core::identity::Quantity;

use super::super::amount::{is_whole, nanos};
use super::common::NOT_NEGATIVE;
use super::names::{self, report};
use crate::read::{at, entries};
use crate::refusal::Cause;

const WHOLE: &str = "must be an integer";

/// An amount as the API server writes it.
pub(super) fn written(amount: &Value) -> String {
    let text = amount.as_str().map_or_else(|| amount.to_string(), str::to_owned);
    Quantity::parse(&text).map_or(text, |quantity| quantity.to_string())
}

/// Requests and limits of a container, which has names of its own for what it may ask for.
pub(super) fn of_container(out: &mut Vec<Cause>, field: &str, resources: &Value) {
    for (name, amount) in entries(resources, "limits") {
        let at = format!("{field}.limits[{name}]");
        container_resource_name(out, &at, name);
        container_amount(out, &at, name, &written(amount));
    }
    let limits = at(resources, "limits");
    for (name, amount) in entries(resources, "requests") {
        let at = format!("{field}.requests[{name}]");
        let amount = written(amount);
        container_resource_name(out, &at, name);
        container_amount(out, &at, name, &amount);
        let limit = limits.get(name).map(written);
        match limit {
            Some(limit) if is_extended(name) && nanos(&amount) != nanos(&limit) => {
                let detail = format!("must be equal to {name} limit of {limit}");
                out.push(Cause::invalid(format!("{field}.requests"), &json!(amount), &detail));
            }
            Some(limit) if nanos(&amount) > nanos(&limit) => {
                let detail = format!("must be less than or equal to {name} limit of {limit}");
                out.push(Cause::invalid(format!("{field}.requests"), &json!(amount), &detail));
            }
            None if is_extended(name) => {
                let detail = "Limit must be set for non overcommitable resources";
                out.push(Cause::required(format!("{field}.limits"), detail));
            }
            _ => {}
        }
    }
}

fn container_resource_name(out: &mut Vec<Cause>, field: &str, name: &str) {
    let wrong = names::qualified(name);
    let qualified = wrong.is_empty();
    report(out, field, name, wrong);
    let is_standard = matches!(name, "cpu" | "memory" | "ephemeral-storage") || name.starts_with("hugepages-");
    if qualified && !name.contains('/') && !is_standard {
        for detail in
            ["must be a standard resource type or fully qualified", "must be a standard resource for containers"]
        {
            // Of the names without a prefix a few are known, though not for containers.
            if !(is_standard_name(name) && detail.ends_with("qualified")) {
                out.push(Cause::invalid(field, &json!(name), detail));
            }
        }
    }
}

fn is_standard_name(name: &str) -> bool {
    const COUNTED: [&str; 10] = [
        "pods",
        "services",
        "replicationcontrollers",
        "resourcequotas",
        "secrets",
        "configmaps",
        "persistentvolumeclaims",
        "services.loadbalancers",
        "services.nodeports",
        "storage",
    ];
    let name = name.strip_prefix("requests.").or_else(|| name.strip_prefix("limits.")).unwrap_or(name);
    COUNTED.contains(&name) || matches!(name, "cpu" | "memory" | "ephemeral-storage") || name.starts_with("hugepages-")
}

/// Devices and the like, which can be neither shared nor divided.
fn is_extended(name: &str) -> bool {
    name.contains('/') && !name.contains("kubernetes.io/") && !name.starts_with("requests.")
}

fn container_amount(out: &mut Vec<Cause>, field: &str, name: &str, amount: &str) {
    not_negative(out, field, amount);
    if is_extended(name) && !is_whole(amount) {
        out.push(Cause::invalid(field, &json!(amount), WHOLE));
    }
}

/// An amount below zero.
pub(super) fn not_negative(out: &mut Vec<Cause>, field: &str, amount: &str) {
    if nanos(amount).is_some_and(|nanos| nanos < 0) {
        out.push(Cause::invalid(field, &json!(amount), NOT_NEGATIVE));
    }
}

/// What a quota may limit, and by how much.
pub(super) fn of_quota(out: &mut Vec<Cause>, field: &str, hard: &Value) {
    for (name, amount) in hard.as_object().into_iter().flatten() {
        let at = format!("{field}[{name}]");
        let amount = written(amount);
        let wrong = names::qualified(name);
        let qualified = wrong.is_empty();
        report(out, &at, name, wrong);
        if qualified && !name.contains('/') && !is_standard_name(name) {
            for detail in
                ["must be a standard resource type or fully qualified", "must be a standard resource for quota"]
            {
                out.push(Cause::invalid(&at, &json!(name), detail));
            }
        }
        not_negative(out, &at, &amount);
        let is_counted = !name.contains('.') || name.starts_with("services.") || name.starts_with("count/");
        let is_measured = ["cpu", "memory", "storage", "ephemeral-storage"].contains(&name.as_str());
        if is_counted && !is_measured && is_standard_name(name) && !is_whole(&amount) {
            out.push(Cause::invalid(&at, &json!(amount), WHOLE));
        }
    }
}
