//! `workloadRef`: a workload that the template comes from.

use serde_json::Value;

use super::problem::{Problem, Problems, Severity};
use super::template;
use crate::api::ObjectRef;
use crate::sight::Sight;
use crate::snapshot::Snapshot;
use crate::workload::WorkloadKind;

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

/// Whether the workload that the manifest refers to is there, and has pods that a Rollout can run; otherwise what is wrong, and the
/// workload as `Kind/name`.
pub(super) fn resolve(snapshot: &Snapshot) -> Result<(), (Problem, String)> {
    let Some(reference) = &snapshot.rollout.spec.workload_ref else { return Ok(()) };
    let Some(kind) = WorkloadKind::of(reference) else { return Ok(()) };
    let name = reference.name.as_deref().unwrap_or_default();
    let mut found = Problems::default();
    match &snapshot.workload {
        Sight::Missing => found.invalid(format!("{FIELD}.name"), &name, &kind.not_found(name)),
        Sight::Absent(why) | Sight::Unreadable(why) => {
            found.error(FIELD, format!("cannot watch {}: {why}", kind.resource()));
        }
        Sight::Found(_) => {
            if snapshot.selector().is_none() {
                found.required("spec.selector", "Rollout has missing field '.spec.selector'");
            }
            template::check(snapshot.template(), snapshot.selector(), &mut found);
        }
    }
    let first = found.into_vec().into_iter().find(|problem| problem.severity == Severity::Error);
    first.map_or(Ok(()), |problem| Err((problem, format!("{}/{name}", kind.as_str()))))
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
