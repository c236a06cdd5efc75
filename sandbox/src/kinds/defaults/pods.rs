//! Defaults of pods and of pod templates. What is common to both is `sluice_core`'s, where it decides about identity.

use serde_json::{Map, Value, json};
use sluice_core::identity::default_pod_template;

use super::super::amount::nanos;
use super::admission;
use super::fill::Literal::{Bool, Empty, Null, Text};
use super::fill::{apply, drop_field, each, unset, zero};
use crate::read::{is_true, items, number, text};

/// A pod template, wherever it is.
pub(super) fn default_template(template: &mut Value) {
    apply(template, &[unset("", "metadata", Empty)]);
    default_pod_template(template);
    always_written(template);
    each(template, "spec", &mut drop_disabled);
}

/// A pod: as a template, and what makes it complete.
pub(super) fn default(pod: &mut Value) {
    default_pod_template(pod);
    always_written(pod);
    each(pod, "spec", &mut |spec| {
        drop_disabled(spec);
        host_ports(spec);
        apply(spec, &[unset("", "enableServiceLinks", Bool(true))]);
        limits_become_requests(spec);
        if number(spec, "terminationGracePeriodSeconds").is_some_and(|seconds| seconds < 0) {
            spec["terminationGracePeriodSeconds"] = json!(1);
        }
    });
    apply(pod, &[zero("status!", "phase", Text("Pending"))]);
    let quality = json!(quality_of_service(pod));
    each(pod, "status", &mut |status| {
        if status.get("qosClass").is_none_or(Value::is_null)
            && let Some(status) = status.as_object_mut()
        {
            status.insert("qosClass".to_owned(), quality.clone());
        }
    });
}

/// What admission adds to a pod.
pub(super) fn admit(pod: &mut Value) {
    each(pod, "spec", &mut admission::admit);
}

/// What Go writes even where it is empty, and the old name of the service account.
fn always_written(holder: &mut Value) {
    apply(holder, &[unset("spec", "containers", Null)]);
    for list in ["spec.containers[]", "spec.initContainers[]", "spec.ephemeralContainers[]"] {
        apply(holder, &[unset(list, "resources", Empty)]);
    }
    each(holder, "spec", &mut |spec| {
        let name = match text(spec, "serviceAccountName") {
            "" => text(spec, "serviceAccount").to_owned(),
            name => name.to_owned(),
        };
        if let (false, Some(spec)) = (name.is_empty(), spec.as_object_mut()) {
            spec.insert("serviceAccount".to_owned(), json!(name));
            spec.insert("serviceAccountName".to_owned(), json!(name));
        }
    });
}

/// Restart policies and rules of ordinary containers are behind a gate that is off; of init containers, the one value is kept.
fn drop_disabled(spec: &mut Value) {
    for list in ["containers[]", "initContainers[]"] {
        each(spec, list, &mut |container| {
            let is_sidecar = list == "initContainers[]" && text(container, "restartPolicy") == "Always";
            if !is_sidecar {
                drop_field(container, "", "restartPolicy");
            }
            drop_field(container, "", "restartPolicyRules");
        });
    }
}

fn host_ports(spec: &mut Value) {
    if !is_true(spec, "hostNetwork") {
        return;
    }
    for list in ["containers[].ports[]", "initContainers[].ports[]"] {
        each(spec, list, &mut |port| {
            let number = port.get("containerPort").cloned().unwrap_or_default();
            if let Some(port) = port.as_object_mut()
                && port.get("hostPort").is_none_or(|port| port.is_null() || port == 0)
            {
                port.insert("hostPort".to_owned(), number);
            }
        });
    }
}

fn limits_become_requests(spec: &mut Value) {
    for list in ["containers[].resources", "initContainers[].resources"] {
        each(spec, list, &mut |resources| {
            let Some(limits) = resources.get("limits").and_then(Value::as_object).cloned() else { return };
            let Some(resources) = resources.as_object_mut() else { return };
            let requests = resources.entry("requests").or_insert(Value::Null);
            if requests.is_null() {
                *requests = Value::Object(Map::new());
            }
            if let Some(requests) = requests.as_object_mut() {
                for (name, amount) in limits {
                    requests.entry(name).or_insert(amount);
                }
            }
        });
    }
}

/// The pod's class: whether every container has CPU and memory limits that equal its requests, or none has any.
fn quality_of_service(pod: &Value) -> &'static str {
    let spec = pod.get("spec").unwrap_or(&Value::Null);
    let containers = ["containers", "initContainers"].iter().flat_map(|list| items(spec, list));
    let amount = |container: &Value, list: &str, name: &str| {
        nanos(text(container, &format!("resources.{list}.{name}"))).filter(|amount| *amount > 0)
    };
    let (mut any, mut guaranteed) = (false, true);
    for container in containers {
        for name in ["cpu", "memory"] {
            let (request, limit) = (amount(container, "requests", name), amount(container, "limits", name));
            any |= request.is_some() || limit.is_some();
            guaranteed &= limit.is_some() && request == limit;
        }
    }
    match (any, guaranteed) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}
