//! Which node a pod goes to.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::object;
use crate::selector;
use crate::state::State;
use crate::workloads::events;
use crate::write::{self, Call};

const SCHEDULER: &str = "kube-scheduler";

/// Gives a pod to the node with the fewest among those that it selects. Where there is none, says so.
pub fn place(state: &mut State, pod: &Value) -> Option<Arc<Value>> {
    if object::is_deleting(pod) || is_gated(pod) {
        return None;
    }
    let wanted = object::texts(&pod["spec"]["nodeSelector"]);
    let on = |node: &str| state.store.list("pods", None).filter(|pod| pod["spec"]["nodeName"] == node).count();
    let nodes = state.store.list("nodes", None).filter(|node| selector::has_all(&wanted, node));
    let Some(node) = nodes.map(|node| object::name(node).to_owned()).min_by_key(|node| on(node)) else {
        refuse(state, pod);
        return None;
    };
    let resource = state.registry.known("pods");
    let scheduled = json!({
        "type": "PodScheduled", "status": "True", "lastProbeTime": null, "lastTransitionTime": object::time(state.now),
    });
    let call = Call::new(&resource, object::namespace(pod), SCHEDULER);
    let bound = write::bind(state, &call, object::name(pod), &node, scheduled).ok()?;
    let message = format!("Successfully assigned {}/{} to {node}", object::namespace(pod), object::name(pod));
    events::tell_scheduled(state, pod, "Binding", "Normal", "Scheduled", &message);
    Some(bound)
}

/// A pod with scheduling gates waits for them to be opened, and one of another scheduler for that.
fn is_gated(pod: &Value) -> bool {
    let scheduler = pod["spec"]["schedulerName"].as_str().unwrap_or("default-scheduler");
    scheduler != "default-scheduler" || pod["spec"]["schedulingGates"].as_array().is_some_and(|gates| !gates.is_empty())
}

/// A pod that no node takes waits, and says why.
fn refuse(state: &mut State, pod: &Value) {
    let all = state.store.list("nodes", None).count();
    let message = format!(
        "0/{all} nodes are available: {all} node(s) didn't match Pod's node affinity/selector. no new claims to \
         deallocate, preemption: 0/{all} nodes are available: {all} Preemption is not helpful for scheduling."
    );
    if object::condition(pod, "PodScheduled").is_some_and(|condition| condition["message"] == message) {
        return;
    }
    let condition = json!({
        "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message,
        "lastProbeTime": null, "lastTransitionTime": object::time(state.now),
        "observedGeneration": pod["metadata"]["generation"],
    });
    let resource = state.registry.known("pods");
    let call = Call::new(&resource, object::namespace(pod), SCHEDULER).status();
    // Gone in the meantime is fine: there is nothing left to place.
    let _ = write::update(state, &call, object::name(pod), |current| {
        let mut new = current.clone();
        let mut conditions = current["status"]["conditions"].as_array().cloned().unwrap_or_default();
        conditions.retain(|condition| condition["type"] != "PodScheduled");
        conditions.push(condition);
        new["status"]["conditions"] = json!(conditions);
        Ok(new)
    });
    events::tell_scheduled(state, pod, "Scheduling", "Warning", "FailedScheduling", &message);
}
