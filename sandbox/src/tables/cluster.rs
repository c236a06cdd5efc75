//! Nodes, namespaces, and what limits and allows.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::cells::{count, name, or_none, written};
use super::duration::age;
use crate::read::{at, entries, is_true, items, text};

/// The cells of a Namespace.
pub(super) fn namespace(object: &Value, now: Timestamp) -> Vec<Value> {
    vec![name(object), json!(text(object, "status.phase")), age(object, now)]
}

/// The cells of a Node.
pub(super) fn node(object: &Value, now: Timestamp) -> Vec<Value> {
    let ready = items(object, "status.conditions").iter().find(|condition| text(condition, "type") == "Ready");
    let mut status = match ready.map(|condition| text(condition, "status")) {
        Some("True") => "Ready".to_owned(),
        Some(_) => "NotReady".to_owned(),
        None => "Unknown".to_owned(),
    };
    if is_true(object, "spec.unschedulable") {
        status.push_str(",SchedulingDisabled");
    }
    let address = |kind: &str| {
        let found = items(object, "status.addresses").iter().find(|address| text(address, "type") == kind);
        or_none(found.map_or("", |address| text(address, "address")))
    };
    let info = |field: &str| match text(object, &format!("status.nodeInfo.{field}")) {
        "" => json!("<unknown>"),
        value => json!(value),
    };
    vec![
        name(object),
        json!(status),
        or_none(&roles(object).join(",")),
        age(object, now),
        json!(text(object, "status.nodeInfo.kubeletVersion")),
        address("InternalIP"),
        address("ExternalIP"),
        info("osImage"),
        info("kernelVersion"),
        info("containerRuntimeVersion"),
    ]
}

/// The roles that labels give to a node.
fn roles(node: &Value) -> Vec<&str> {
    let mut roles: Vec<&str> = entries(node, "metadata.labels")
        .filter_map(|(label, value)| match label.strip_prefix("node-role.kubernetes.io/") {
            Some(role) => Some(role),
            None if label == "kubernetes.io/role" => value.as_str(),
            None => None,
        })
        .filter(|role| !role.is_empty())
        .collect();
    roles.sort_unstable();
    roles.dedup();
    roles
}

/// The cells of a `ResourceQuota`: what is used of what there is, limits apart.
pub(super) fn quota(object: &Value, now: Timestamp) -> Vec<Value> {
    let (mut requests, mut limits) = (Vec::new(), Vec::new());
    for (resource, hard) in entries(object, "status.hard") {
        let used = at(object, "status.used").get(resource).unwrap_or(&Value::Null);
        let shown = format!("{resource}: {}/{}", written(used, "0"), written(hard, "0"));
        if resource.starts_with("limits.") { limits.push(shown) } else { requests.push(shown) }
    }
    vec![name(object), json!(requests.join(", ")), json!(limits.join(", ")), age(object, now)]
}

/// The cells of a `PodDisruptionBudget`.
pub(super) fn disruption_budget(object: &Value, now: Timestamp) -> Vec<Value> {
    vec![
        name(object),
        json!(written(at(object, "spec.minAvailable"), "N/A")),
        json!(written(at(object, "spec.maxUnavailable"), "N/A")),
        count(object, "status.disruptionsAllowed"),
        age(object, now),
    ]
}

/// The cells of a Lease.
pub(super) fn lease(object: &Value, now: Timestamp) -> Vec<Value> {
    vec![name(object), json!(text(object, "spec.holderIdentity")), age(object, now)]
}

/// The cells of a `RoleBinding` or `ClusterRoleBinding`.
pub(super) fn binding(object: &Value, now: Timestamp) -> Vec<Value> {
    let subjects = |kind: &str| {
        let shown = |subject: &Value| match text(subject, "namespace") {
            "" => text(subject, "name").to_owned(),
            namespace => format!("{namespace}/{}", text(subject, "name")),
        };
        let all = items(object, "subjects").iter().filter(|subject| text(subject, "kind") == kind);
        json!(all.map(shown).collect::<Vec<_>>().join(", "))
    };
    let role = format!("{}/{}", text(object, "roleRef.kind"), text(object, "roleRef.name"));
    vec![name(object), json!(role), age(object, now), subjects("User"), subjects("Group"), subjects("ServiceAccount")]
}
