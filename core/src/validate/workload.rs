//! `workloadRef`: a workload that the template comes from.

use serde_json::Value;

use super::problem::Problems;
use crate::api::ObjectRef;

const FIELD: &str = "spec.workloadRef";

pub(super) fn check(reference: &ObjectRef, template: Option<&Value>, found: &mut Problems) {
    if template.is_some_and(has_content) {
        found.error("spec.template", "Internal error: template must be empty for workload reference rollout");
    }
    // Of ours from here on: Argo Rollouts says it when it reads the workload.
    let text = |part: &Option<String>| part.clone().unwrap_or_default();
    let (version, kind) = (text(&reference.api_version), text(&reference.kind));
    if text(&reference.name).is_empty() {
        found.required(format!("{FIELD}.name"), "");
    }
    match (version.as_str(), kind.as_str()) {
        ("apps/v1", "Deployment" | "ReplicaSet") | ("v1", "PodTemplate") => {}
        (_, "Deployment" | "ReplicaSet") => found.unsupported(format!("{FIELD}.apiVersion"), &version, &["apps/v1"]),
        (_, "PodTemplate") => found.unsupported(format!("{FIELD}.apiVersion"), &version, &["v1"]),
        _ => found.unsupported(format!("{FIELD}.kind"), &kind, &["Deployment", "ReplicaSet", "PodTemplate"]),
    }
    let scale_down = text(&reference.scale_down);
    if !["", "never", "onsuccess", "progressively"].contains(&scale_down.as_str()) {
        let message = format!("{scale_down:?} means never; there are \"never\", \"onsuccess\" and \"progressively\"");
        found.warn(format!("{FIELD}.scaleDown"), message);
    } else if kind != "Deployment" && !["", "never"].contains(&scale_down.as_str()) {
        found.warn(format!("{FIELD}.scaleDown"), "only a Deployment is scaled down");
    }
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
