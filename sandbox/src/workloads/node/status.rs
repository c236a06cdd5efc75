//! The status that a node reports for a pod.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::behaviour::Behaviour;
use super::container::{Container, Stage, container_id, image_id};
use crate::object;

/// The status now. It starts from the one that is there, so that conditions of other writers stay, and one that does not
/// change keeps the time of its last transition.
pub fn of(
    pod: &Value,
    containers: &[Container],
    behaviour: &Behaviour,
    host: &str,
    address: &str,
    now: Timestamp,
) -> Value {
    let mut status = pod["status"].clone();
    if !status.is_object() {
        status = json!({});
    }
    status["observedGeneration"] = pod["metadata"]["generation"].clone();
    status["hostIP"] = json!(host);
    status["hostIPs"] = json!([{ "ip": host }]);
    if status["startTime"].is_null() {
        status["startTime"] = json!(object::time(now));
    }
    if !crate::workloads::pods::has_ended(pod) {
        status["phase"] = json!(phase(containers));
    }
    let begun = containers.iter().any(Container::has_begun);
    let addressed = containers.iter().any(Container::was_tried);
    if addressed {
        status["podIP"] = json!(address);
        status["podIPs"] = json!([{ "ip": address }]);
    }
    let inits = pod["spec"]["initContainers"].as_array().cloned().unwrap_or_default();
    if !inits.is_empty() {
        let start = status["startTime"].clone();
        status["initContainerStatuses"] = inits.iter().map(|spec| init_status(pod, spec, begun, &start)).collect();
    }
    status["containerStatuses"] = containers.iter().map(|container| container.status(pod, behaviour, now)).collect();
    let unready: Vec<&str> =
        containers.iter().filter(|c| !c.is_ready(behaviour, now)).map(|c| c.name.as_str()).collect();
    conditions(pod, &mut status, &unready, begun || inits.is_empty(), addressed, now);
    status
}

fn conditions(pod: &Value, status: &mut Value, unready: &[&str], initialized: bool, addressed: bool, now: Timestamp) {
    let phase = status["phase"].as_str().unwrap_or_default().to_owned();
    let over = phase == "Succeeded" || phase == "Failed";
    let mut set = |kind: &str, holds: bool, reason: &str, message: &str| {
        set_condition(pod, status, kind, holds, reason, message, now);
    };
    set("PodReadyToStartContainers", addressed && !over, "", "");
    set("Initialized", initialized, if initialized { "" } else { "ContainersNotInitialized" }, "");
    let (reason, message) = match phase.as_str() {
        "Succeeded" => ("PodCompleted", String::new()),
        "Failed" => ("PodFailed", String::new()),
        _ if unready.is_empty() => ("", String::new()),
        _ => ("ContainersNotReady", format!("containers with unready status: [{}]", unready.join(" "))),
    };
    set("ContainersReady", reason.is_empty(), reason, &message);
    let closed = closed_gates(pod);
    match (reason, closed.as_str()) {
        ("", "") => set("Ready", true, "", ""),
        ("", closed) => set("Ready", false, "ReadinessGatesNotReady", closed),
        (reason, _) => set("Ready", false, reason, &message),
    }
}

fn phase(containers: &[Container]) -> &'static str {
    let stages: Vec<Stage> = containers.iter().map(Container::stage).collect();
    let over = stages.iter().all(|stage| matches!(stage, Stage::Succeeded | Stage::Failed));
    if over && stages.contains(&Stage::Failed) {
        "Failed"
    } else if over {
        "Succeeded"
    } else if stages.contains(&Stage::Waiting) {
        "Pending"
    } else {
        "Running"
    }
}

/// Names the readiness gates that hold the pod back.
fn closed_gates(pod: &Value) -> String {
    let gates = pod["spec"]["readinessGates"].as_array().into_iter().flatten();
    let closed = gates.filter_map(|gate| {
        let kind = gate["conditionType"].as_str()?;
        match object::condition(pod, kind).map(|condition| condition["status"].as_str().unwrap_or_default()) {
            None => Some(format!("corresponding condition of pod readiness gate {kind:?} does not exist.")),
            Some("True") => None,
            Some(other) => Some(format!("the status of pod readiness gate {kind:?} is not \"True\", but {other}")),
        }
    });
    closed.collect::<Vec<_>>().join(", ")
}

/// Sets a condition. Its transition time moves only with its status: availability counts from there.
fn set_condition(
    pod: &Value,
    status: &mut Value,
    kind: &str,
    holds: bool,
    reason: &str,
    message: &str,
    now: Timestamp,
) {
    let value = if holds { "True" } else { "False" };
    let mut conditions = status["conditions"].as_array().cloned().unwrap_or_default();
    let old = conditions.iter().position(|condition| condition["type"] == kind);
    let since = match old.map(|at| &conditions[at]).filter(|old| old["status"] == value) {
        Some(old) => old["lastTransitionTime"].clone(),
        None => json!(object::time(now)),
    };
    let mut condition = json!({
        "type": kind, "status": value, "lastProbeTime": null, "lastTransitionTime": since,
        "observedGeneration": pod["metadata"]["generation"],
    });
    for (field, text) in [("reason", reason), ("message", message)] {
        if !text.is_empty() {
            condition[field] = json!(text);
        }
    }
    match old {
        Some(at) => conditions[at] = condition,
        None => conditions.push(condition),
    }
    status["conditions"] = json!(conditions);
}

/// An init container is over and done, or runs if it is a sidecar.
fn init_status(pod: &Value, spec: &Value, begun: bool, start: &Value) -> Value {
    let (name, image) = (&spec["name"], spec["image"].as_str().unwrap_or_default());
    if !begun {
        return json!({
            "name": name, "image": image, "imageID": "", "ready": false, "restartCount": 0, "started": false,
            "lastState": {}, "state": { "waiting": { "reason": "PodInitializing" } },
        });
    }
    let id = container_id(pod, name.as_str().unwrap_or_default(), 0);
    let sidecar = spec["restartPolicy"] == "Always";
    let state = if sidecar {
        json!({ "running": { "startedAt": start } })
    } else {
        json!({ "terminated": {
            "exitCode": 0, "reason": "Completed", "startedAt": start, "finishedAt": start, "containerID": id,
        } })
    };
    json!({
        "name": name, "image": image, "imageID": image_id(image), "containerID": id, "ready": true, "restartCount": 0,
        "started": sidecar, "lastState": {}, "state": state,
    })
}
