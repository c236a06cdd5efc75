//! Defaults of Jobs, and of what scales and guards: those that depend on other values of the object.

use serde_json::{Map, Value, json};
use sluice_core::identity::Quantity;

use super::fill::Literal::{Number, Text};
use super::fill::{apply, each, unset, zero};
use crate::read::{at, is_empty, is_true, items, make, text};

/// A Job. Without numbers it runs one pod; with `parallelism` alone it is a work queue.
pub(super) fn job(object: &mut Value) {
    let unset_number = |object: &Value, name: &str| at(object, name).is_null();
    if unset_number(object, "spec.completions") && unset_number(object, "spec.parallelism") {
        apply(object, &[unset("spec!", "completions", Number(1))]);
    }
    apply(object, &[unset("spec!", "parallelism", Number(1))]);
    if !is_true(object, "spec.manualSelector") {
        generated_selector(object);
    }
    if is_empty(object, "metadata.labels") {
        let labels = at(object, "spec.template.metadata.labels").clone();
        if let Value::Object(labels) = labels {
            make(object, "metadata.labels").extend(labels);
        }
    }
}

/// Labels of pods by which a Job knows its own, made of its uid.
fn generated_selector(object: &mut Value) {
    let (uid, name) = (text(object, "metadata.uid").to_owned(), text(object, "metadata.name").to_owned());
    if uid.is_empty() {
        return;
    }
    make(object, "spec.selector.matchLabels").insert(UID_LABEL.to_owned(), json!(uid));
    let labels = make(object, "spec.template.metadata.labels");
    for (label, value) in
        [(UID_LABEL, &uid), ("controller-uid", &uid), ("batch.kubernetes.io/job-name", &name), ("job-name", &name)]
    {
        labels.insert(label.to_owned(), json!(value));
    }
}

/// The label by which a Job selects its pods.
const UID_LABEL: &str = "batch.kubernetes.io/controller-uid";

/// A `HorizontalPodAutoscaler`: without a metric it looks at the CPU.
pub(super) fn autoscaler(object: &mut Value) {
    if is_empty(object, "spec.metrics") {
        let target = json!({ "type": "Utilization", "averageUtilization": 80 });
        let cpu = json!({ "type": "Resource", "resource": { "name": "cpu", "target": target } });
        make(object, "spec").insert("metrics".to_owned(), json!([cpu]));
    }
    each(object, "spec.behavior", &mut |behavior| {
        apply(
            behavior,
            &[
                unset("scaleUp!", "selectPolicy", Text("Max")),
                unset("scaleUp!", "stabilizationWindowSeconds", Number(0)),
                unset("scaleDown!", "selectPolicy", Text("Max")),
            ],
        );
        let percent = json!({ "type": "Percent", "value": 100, "periodSeconds": 15 });
        let pods = json!({ "type": "Pods", "value": 4, "periodSeconds": 15 });
        for (direction, policies) in [("scaleUp", json!([pods, percent])), ("scaleDown", json!([percent]))] {
            let rules = make(behavior, direction);
            if rules.get("policies").is_none_or(Value::is_null) {
                rules.insert("policies".to_owned(), policies);
            }
            // The API server leaves it out, because the feature is off.
            rules.remove("tolerance");
        }
    });
    for source in ["resource", "containerResource", "pods", "object", "external"] {
        each(object, &format!("spec.metrics[].{source}.target"), &mut |target| {
            for amount in target.as_object_mut().into_iter().flat_map(Map::values_mut) {
                if let Some(Ok(quantity)) = amount.as_str().map(Quantity::parse) {
                    *amount = json!(quantity.to_string());
                }
            }
        });
    }
}

/// A `NetworkPolicy` says which directions it is about.
pub(super) fn network_policy(object: &mut Value) {
    if is_empty(object, "spec.policyTypes") {
        let both = !items(object, "spec.egress").is_empty();
        let types = if both { json!(["Ingress", "Egress"]) } else { json!(["Ingress"]) };
        make(object, "spec").insert("policyTypes".to_owned(), types);
    }
}

/// A binding of RBAC: users and groups belong to its group, service accounts to none.
pub(super) fn binding(object: &mut Value) {
    each(object, "subjects[]", &mut |subject| {
        if matches!(text(subject, "kind"), "User" | "Group") {
            apply(subject, &[zero("", "apiGroup", Text("rbac.authorization.k8s.io"))]);
        }
    });
}

/// A `StatefulSet` or `DaemonSet` that replaces its pods by itself.
pub(super) fn rolling_update(kind: &str, object: &mut Value) {
    if text(object, "spec.updateStrategy.type") == "RollingUpdate" {
        const ROLLING: &str = "spec.updateStrategy.rollingUpdate!";
        if kind == "StatefulSet" {
            apply(object, &[unset(ROLLING, "partition", Number(0))]);
        } else {
            apply(object, &[unset(ROLLING, "maxUnavailable", Number(1)), unset(ROLLING, "maxSurge", Number(0))]);
        }
    }
    if kind == "DaemonSet" {
        let annotations = make(object, "metadata.annotations");
        annotations.entry("deprecated.daemonset.template.generation").or_insert(json!("1"));
    }
}
