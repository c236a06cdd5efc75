//! Pods, whose state is one word that people know.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::cells::{NONE, name, or_none, text_or_none};
use super::duration::{age, human_duration, time};
use crate::read::{at, is_true, items, number, text};

/// What can be told of a pod at a glance.
#[derive(Default)]
struct Glance {
    reason: String,
    ready: usize,
    total: usize,
    restarts: i64,
    last_restart: Option<Timestamp>,
}

/// The cells of a pod.
pub(super) fn pod(object: &Value, now: Timestamp) -> Vec<Value> {
    let glance = glance(object);
    let restarts = match glance.last_restart {
        Some(last) if glance.restarts > 0 => {
            format!("{} ({} ago)", glance.restarts, human_duration(now.duration_since(last)))
        }
        _ => glance.restarts.to_string(),
    };
    let address = items(object, "status.podIPs").first().map_or("", |address| text(address, "ip"));
    vec![
        name(object),
        json!(format!("{}/{}", glance.ready, glance.total)),
        json!(glance.reason),
        json!(restarts),
        age(object, now),
        or_none(address),
        text_or_none(object, "spec.nodeName"),
        text_or_none(object, "status.nominatedNodeName"),
        json!(readiness_gates(object)),
    ]
}

/// What the row of a pod says beside its cells: that it is done.
pub(super) fn row_conditions(object: &Value) -> Option<Value> {
    if text(object, "kind") != "Pod" || text(object, "apiVersion") != "v1" {
        return None;
    }
    let (reason, message) = match text(object, "status.phase") {
        "Succeeded" => ("Succeeded", "The pod has completed successfully."),
        "Failed" => ("Failed", "The pod failed."),
        _ => return None,
    };
    Some(json!([{ "type": "Completed", "status": "True", "reason": reason, "message": message }]))
}

fn glance(pod: &Value) -> Glance {
    let sidecars = items(pod, "spec.initContainers").iter().filter(|container| is_sidecar(container)).count();
    let mut glance = Glance {
        reason: match text(pod, "status.reason") {
            "" => text(pod, "status.phase").to_owned(),
            reason => reason.to_owned(),
        },
        total: items(pod, "spec.containers").len() + sidecars,
        ..Glance::default()
    };
    let is_held_back =
        |condition: &Value| text(condition, "type") == "PodScheduled" && text(condition, "reason") == "SchedulingGated";
    if items(pod, "status.conditions").iter().any(is_held_back) {
        "SchedulingGated".clone_into(&mut glance.reason);
    }
    let initializing = look_at_init_containers(pod, &mut glance);
    if !initializing || condition(pod, "Initialized") {
        look_at_containers(pod, &mut glance);
    }
    if !text(pod, "metadata.deletionTimestamp").is_empty() {
        let is_done = matches!(text(pod, "status.phase"), "Succeeded" | "Failed");
        if text(pod, "status.reason") == "NodeLost" {
            "Unknown".clone_into(&mut glance.reason);
        } else if !is_done {
            "Terminating".clone_into(&mut glance.reason);
        }
    }
    glance
}

fn is_sidecar(container: &Value) -> bool {
    text(container, "restartPolicy") == "Always"
}

fn condition(pod: &Value, kind: &str) -> bool {
    items(pod, "status.conditions").iter().any(|c| text(c, "type") == kind && text(c, "status") == "True")
}

/// Follows the init containers up to the one that is at work, if any.
fn look_at_init_containers(pod: &Value, glance: &mut Glance) -> bool {
    let specs = items(pod, "spec.initContainers");
    let is_sidecar =
        |status: &Value| specs.iter().any(|spec| at(spec, "name") == at(status, "name") && is_sidecar(spec));
    let statuses = items(pod, "status.initContainerStatuses");
    let (mut restarts, mut last_restart) = (0, None);
    for (index, status) in statuses.iter().enumerate() {
        restarts += number(status, "restartCount").unwrap_or_default();
        last_restart = last_restart.max(finished(status));
        if is_sidecar(status) {
            glance.restarts += number(status, "restartCount").unwrap_or_default();
            glance.last_restart = glance.last_restart.max(finished(status));
        }
        let terminated = at(status, "state.terminated");
        let waiting = text(status, "state.waiting.reason");
        if !terminated.is_null() && number(terminated, "exitCode") == Some(0) {
            continue;
        }
        if is_sidecar(status) && is_true(status, "started") {
            glance.ready += usize::from(is_true(status, "ready"));
            continue;
        }
        glance.reason = if !terminated.is_null() {
            format!("Init:{}", ending(terminated))
        } else if !waiting.is_empty() && waiting != "PodInitializing" {
            format!("Init:{waiting}")
        } else {
            format!("Init:{index}/{}", specs.len())
        };
        // Until they are done, all of them count.
        (glance.restarts, glance.last_restart) = (restarts, last_restart);
        return true;
    }
    false
}

fn look_at_containers(pod: &Value, glance: &mut Glance) {
    let mut is_running = false;
    // The first container has the last word.
    for status in items(pod, "status.containerStatuses").iter().rev() {
        glance.restarts += number(status, "restartCount").unwrap_or_default();
        glance.last_restart = glance.last_restart.max(finished(status));
        let (waiting, terminated) = (text(status, "state.waiting.reason"), at(status, "state.terminated"));
        if !waiting.is_empty() {
            waiting.clone_into(&mut glance.reason);
        } else if !terminated.is_null() {
            glance.reason = ending(terminated);
        } else if is_true(status, "ready") && !at(status, "state.running").is_null() {
            is_running = true;
            glance.ready += 1;
        }
    }
    if glance.reason == "Completed" && is_running {
        let reason = if condition(pod, "Ready") { "Running" } else { "NotReady" };
        reason.clone_into(&mut glance.reason);
    }
}

/// How a container ended.
fn ending(terminated: &Value) -> String {
    let signal = number(terminated, "signal").unwrap_or_default();
    match text(terminated, "reason") {
        "" if signal != 0 => format!("Signal:{signal}"),
        "" => format!("ExitCode:{}", number(terminated, "exitCode").unwrap_or_default()),
        reason => reason.to_owned(),
    }
}

fn finished(status: &Value) -> Option<Timestamp> {
    time(status, "lastState.terminated.finishedAt")
}

/// How many of the readiness gates are open.
fn readiness_gates(pod: &Value) -> String {
    let gates = items(pod, "spec.readinessGates");
    if gates.is_empty() {
        return NONE.to_owned();
    }
    let open = gates.iter().filter(|gate| condition(pod, text(gate, "conditionType"))).count();
    format!("{open}/{}", gates.len())
}
