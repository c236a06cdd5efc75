//! Environment variables of a container.

use serde_json::{Value, json};

use super::names::{self, report};
use crate::read::{at, is_empty, items, text};
use crate::refusal::Cause;

/// What a `fieldRef` of a variable may name.
const FIELDS: [&str; 8] = [
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
];
const RESOURCES: [&str; 6] = [
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
];
const SOURCES: [&str; 4] = ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef"];
const MORE_THAN_ONE: &str = "may not have more than one field specified at a time";

/// `env` and `envFrom`.
pub(super) fn check(out: &mut Vec<Cause>, field: &str, container: &Value) {
    for (index, variable) in items(container, "env").iter().enumerate() {
        let field = format!("{field}.env[{index}]");
        names::required(out, &format!("{field}.name"), text(variable, "name"), names::environment_name);
        let source = at(variable, "valueFrom");
        if !source.is_null() {
            value_from(out, &format!("{field}.valueFrom"), source, !is_empty(variable, "value"));
        }
    }
    let field = format!("{field}.envFrom");
    for (index, source) in items(container, "envFrom").iter().enumerate() {
        let item = format!("{field}[{index}]");
        let prefix = text(source, "prefix");
        report(out, &format!("{item}.prefix"), prefix, names::environment_name(prefix));
        let given: Vec<&str> =
            ["configMapRef", "secretRef"].into_iter().filter(|name| !at(source, name).is_null()).collect();
        for name in &given {
            if is_empty(source, &format!("{name}.name")) {
                out.push(Cause::required(format!("{item}.{name}.name"), ""));
            }
        }
        match given.len() {
            0 => out.push(Cause::invalid(&field, &json!(""), "must specify one of: `configMapRef` or `secretRef`")),
            1 => {}
            _ => out.push(Cause::invalid(&field, &json!(""), MORE_THAN_ONE)),
        }
    }
}

fn value_from(out: &mut Vec<Cause>, field: &str, source: &Value, has_value: bool) {
    let given: Vec<&str> = SOURCES.into_iter().filter(|name| !at(source, name).is_null()).collect();
    for name in &given {
        let inner = at(source, name);
        let field = format!("{field}.{name}");
        match *name {
            "fieldRef" => field_ref(out, &field, text(inner, "fieldPath")),
            "resourceFieldRef" => resource_ref(out, &field, text(inner, "resource")),
            _ => {
                names::required(out, &format!("{field}.key"), text(inner, "key"), names::config_key);
            }
        }
    }
    if given.is_empty() && at(source, "fileKeyRef").is_null() {
        let detail = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`";
        out.push(Cause::invalid(field, &json!(""), detail));
    } else if has_value {
        out.push(Cause::invalid(field, &json!(""), "may not be specified when `value` is not empty"));
    } else if given.len() > 1 {
        out.push(Cause::invalid(field, &json!(""), MORE_THAN_ONE));
    }
}

fn field_ref(out: &mut Vec<Cause>, field: &str, path: &str) {
    let field = format!("{field}.fieldPath");
    let is_subscript = path.starts_with("metadata.labels['") || path.starts_with("metadata.annotations['");
    if path.is_empty() {
        out.push(Cause::required(field, ""));
    } else if !FIELDS.contains(&path) && path != "status.podIPs" && !is_subscript {
        let detail = format!("error converting fieldPath: field label not supported: {path}");
        out.push(Cause::invalid(field, &json!(path), &detail));
    }
}

fn resource_ref(out: &mut Vec<Cause>, field: &str, resource: &str) {
    let field = format!("{field}.resource");
    let is_huge = resource.starts_with("limits.hugepages-") || resource.starts_with("requests.hugepages-");
    if resource.is_empty() {
        out.push(Cause::required(field, ""));
    } else if !RESOURCES.contains(&resource) && !is_huge {
        out.push(Cause::not_supported(field, &json!(resource), &RESOURCES));
    }
}
