//! What Kubernetes refuses in a ReplicaSet's pod template, as far as people get it wrong by hand and it can be said without a
//! cluster. The rest comes back from the API server when the ReplicaSet is created.
//!
//! Values of a wrong type read as absent, as they do for Argo Rollouts, which goes on with what it can read.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::problem::Problems;
use crate::api::LabelSelector;
use crate::selector;

const SPEC: &str = "spec.template.spec";
const POLICIES: [&str; 3] = ["Always", "IfNotPresent", "Never"];

pub(super) fn check(template: Option<&Value>, selector: Option<&LabelSelector>, found: &mut Problems) {
    let empty = Value::Null;
    let template = template.unwrap_or(&empty);
    if let Some(selector) = selector {
        labels_match(template, selector, found);
    }
    let spec = template.get("spec").unwrap_or(&empty);
    let volumes = volumes(spec, found);
    if list(spec, "containers").is_empty() {
        found.required(format!("{SPEC}.containers"), "");
    }
    let mut names = BTreeSet::new();
    for kind in ["containers", "initContainers"] {
        for (index, container) in list(spec, kind).iter().enumerate() {
            let field = format!("{SPEC}.{kind}[{index}]");
            check_name(&format!("{field}.name"), text(container, "name"), &mut names, found);
            check_container(&field, container, &volumes, found);
        }
    }
    match text(spec, "restartPolicy") {
        "" | "Always" => {}
        other => found.unsupported(format!("{SPEC}.restartPolicy"), other, &["Always"]),
    }
    if spec.get("activeDeadlineSeconds").is_some_and(|seconds| !seconds.is_null()) {
        let message = "Forbidden: activeDeadlineSeconds in ReplicaSet is not Supported";
        found.error(format!("{SPEC}.activeDeadlineSeconds"), message);
    }
}

/// The labels of a pod template.
pub(super) fn labels(template: &Value) -> BTreeMap<String, String> {
    selector::texts(template, "/metadata/labels")
}

fn labels_match(template: &Value, selector: &LabelSelector, found: &mut Problems) {
    if !selector::matches(selector, &labels(template)) {
        let none = Value::Object(Map::new());
        let labels = template.pointer("/metadata/labels").unwrap_or(&none);
        found.invalid("spec.template.metadata.labels", labels, "`selector` does not match template `labels`");
    }
}

fn volumes<'a>(spec: &'a Value, found: &mut Problems) -> BTreeSet<&'a str> {
    let mut names = BTreeSet::new();
    for (index, volume) in list(spec, "volumes").iter().enumerate() {
        check_name(&format!("{SPEC}.volumes[{index}].name"), text(volume, "name"), &mut names, found);
    }
    names
}

fn check_name<'a>(field: &str, name: &'a str, taken: &mut BTreeSet<&'a str>, found: &mut Problems) {
    if name.is_empty() {
        found.required(field, "");
    } else if !is_label(name) {
        let detail = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start \
                      and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
                      '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
        found.invalid(field, &name, detail);
    } else if !taken.insert(name) {
        found.duplicate(field, name);
    }
}

fn check_container(field: &str, container: &Value, volumes: &BTreeSet<&str>, found: &mut Problems) {
    if text(container, "image").is_empty() {
        found.required(format!("{field}.image"), "");
    }
    let policy = text(container, "imagePullPolicy");
    if !policy.is_empty() && !POLICIES.contains(&policy) {
        found.unsupported(format!("{field}.imagePullPolicy"), policy, &POLICIES);
    }
    for (index, variable) in list(container, "env").iter().enumerate() {
        if text(variable, "name").is_empty() {
            found.required(format!("{field}.env[{index}].name"), "");
        }
    }
    for (index, mount) in list(container, "volumeMounts").iter().enumerate() {
        let field = format!("{field}.volumeMounts[{index}]");
        match text(mount, "name") {
            "" => found.required(format!("{field}.name"), ""),
            name if !volumes.contains(name) => found.error(format!("{field}.name"), format!("Not found: {name:?}")),
            _ => {}
        }
        if text(mount, "mountPath").is_empty() {
            found.required(format!("{field}.mountPath"), "");
        }
    }
    ports(field, container, found);
}

fn ports(field: &str, container: &Value, found: &mut Problems) {
    let mut names = BTreeSet::new();
    for (index, port) in list(container, "ports").iter().enumerate() {
        let field = format!("{field}.ports[{index}]");
        match port.get("containerPort").and_then(Value::as_i64).unwrap_or(0) {
            0 => found.required(format!("{field}.containerPort"), ""),
            1..=65535 => {}
            number => {
                found.invalid(format!("{field}.containerPort"), &number, "must be between 1 and 65535, inclusive");
            }
        }
        let name = text(port, "name");
        if !name.is_empty() && !names.insert(name) {
            found.duplicate(format!("{field}.name"), name);
        }
    }
}

fn is_label(name: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    name.len() <= 63 && name.bytes().all(is_inner) && !name.starts_with('-') && !name.ends_with('-')
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value.get(field).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
