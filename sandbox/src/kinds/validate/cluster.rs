//! Nodes, claims of storage, and RBAC.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::amount::nanos;
use super::common::one_of;
use super::metadata::invalid_text;
use super::names::{self, report};
use super::resources::written;
use crate::read::{at, is_empty, items, text};
use crate::refusal::Cause;

const GROUP: &str = "rbac.authorization.k8s.io";

/// A Node, of which only the taints can be wrong; the API server tells them of `metadata`.
pub(super) fn node(out: &mut Vec<Cause>, object: &Value) {
    let mut taken = BTreeSet::new();
    for (index, taint) in items(object, "spec.taints").iter().enumerate() {
        let field = format!("metadata.taints[{index}]");
        let (key, value, effect) = (text(taint, "key"), text(taint, "value"), text(taint, "effect"));
        report(out, &format!("{field}.key"), key, names::qualified(key));
        report(out, &format!("{field}.value"), value, names::label_value(value));
        if effect.is_empty() {
            out.push(Cause::required(format!("{field}.effect"), ""));
        }
        one_of(out, taint, &field, "effect", &["NoSchedule", "PreferNoSchedule", "NoExecute"]);
        if !taken.insert((key, effect)) {
            let message = format!(
                "Duplicate value: {{\"Key\":{key:?},\"Value\":{value:?},\"Effect\":{effect:?},\"TimeAdded\":null}}: \
                 taints must be unique by key and effect pair"
            );
            out.push(Cause { reason: "FieldValueDuplicate", message, field });
        }
    }
}

/// A `PersistentVolumeClaim`; with `old`, an update of it.
pub(super) fn claim(out: &mut Vec<Cause>, object: &Value, old: Option<&Value>) {
    const MODES: [&str; 4] = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
    let spec = at(object, "spec");
    if is_empty(spec, "accessModes") {
        out.push(Cause::required("spec.accessModes", "at least 1 access mode is required"));
    }
    for mode in items(spec, "accessModes") {
        if !MODES.iter().any(|known| mode == known) {
            out.push(Cause::not_supported("spec.accessModes", mode, &MODES));
        }
    }
    let size = at(spec, "resources.requests.storage");
    if size.is_null() {
        out.push(Cause::required("spec.resources[storage]", ""));
    } else if nanos(&written(size)).is_some_and(|size| size <= 0) {
        out.push(Cause::invalid("spec.resources[storage]", &json!(written(size)), "must be greater than zero"));
    }
    one_of(out, spec, "spec", "volumeMode", &["Block", "Filesystem"]);
    let fixed = |spec: &Value| {
        let mut spec = spec.clone();
        if let Some(fields) = spec.as_object_mut() {
            fields.remove("resources");
            fields.remove("volumeAttributesClassName");
        }
        spec
    };
    // Binding sets the volume's name once.
    let is_bound = old.is_some_and(|old| !is_empty(old, "spec.volumeName"));
    if let Some(old) = old
        && (is_bound || is_empty(spec, "volumeName"))
        && fixed(spec) != fixed(at(old, "spec"))
    {
        let detail = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound \
                      claims";
        out.push(Cause::forbidden("spec", detail));
    }
}

/// A Role or `ClusterRole`.
pub(super) fn role(out: &mut Vec<Cause>, object: &Value, namespaced: bool) {
    for (index, rule) in items(object, "rules").iter().enumerate() {
        let field = format!("rules[{index}]");
        let missing = |out: &mut Vec<Cause>, name: &str, detail: &str| {
            if is_empty(rule, name) {
                out.push(Cause::required(format!("{field}.{name}"), detail));
            }
        };
        missing(out, "verbs", "verbs must contain at least one value");
        if is_empty(rule, "nonResourceURLs") {
            missing(out, "apiGroups", "resource rules must supply at least one api group");
            missing(out, "resources", "resource rules must supply at least one resource");
            continue;
        }
        let (field, urls) = (format!("{field}.nonResourceURLs"), at(rule, "nonResourceURLs"));
        if namespaced {
            out.push(Cause::invalid(field, urls, "namespaced rules cannot apply to non-resource URLs"));
        } else if ["apiGroups", "resources", "resourceNames"].iter().any(|name| !is_empty(rule, name)) {
            let detail = "rules cannot apply to both regular resources and non-resource URLs";
            out.push(Cause::invalid(field, urls, detail));
        }
    }
}

/// A `RoleBinding` or `ClusterRoleBinding`; with `old`, an update of it.
pub(super) fn binding(out: &mut Vec<Cause>, object: &Value, old: Option<&Value>, namespaced: bool) {
    let role = at(object, "roleRef");
    one_of(out, role, "roleRef", "apiGroup", &[GROUP]);
    let kinds: &[&str] = if namespaced { &["Role", "ClusterRole"] } else { &["ClusterRole"] };
    if !kinds.contains(&text(role, "kind")) {
        out.push(Cause::not_supported("roleRef.kind", &json!(text(role, "kind")), kinds));
    }
    names::required(out, "roleRef.name", text(role, "name"), names::path_segment);
    for (index, subject) in items(object, "subjects").iter().enumerate() {
        let field = format!("subjects[{index}]");
        if is_empty(subject, "name") {
            out.push(Cause::required(format!("{field}.name"), ""));
        }
        match text(subject, "kind") {
            "ServiceAccount" if !namespaced && is_empty(subject, "namespace") => {
                out.push(Cause::required(format!("{field}.namespace"), ""));
            }
            "ServiceAccount" => {}
            "User" | "Group" => one_of(out, subject, &field, "apiGroup", &[GROUP]),
            other => {
                let kinds = ["ServiceAccount", "User", "Group"];
                out.push(Cause::not_supported(format!("{field}.kind"), &json!(other), &kinds));
            }
        }
    }
    if old.is_some_and(|old| at(old, "roleRef") != role) {
        let shown = format!(
            "{{\"APIGroup\":{},\"Kind\":{},\"Name\":{}}}",
            at(role, "apiGroup"),
            at(role, "kind"),
            at(role, "name")
        );
        out.push(invalid_text("roleRef", &shown, "cannot change roleRef"));
    }
}
