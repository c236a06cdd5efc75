//! Which node a pod goes to.

use std::collections::BTreeMap;
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
    let wanted = object::texts(&pod["spec"]["nodeSelector"]);
    let on = |node: &str| state.store.list("pods", None).filter(|pod| pod["spec"]["nodeName"] == node).count();
    let nodes = state.store.list("nodes", None).filter(|node| obstacle(node, &wanted, pod).is_none());
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

/// Why a node does not take a pod, in the words of the scheduler.
fn obstacle(node: &Value, wanted: &BTreeMap<String, String>, pod: &Value) -> Option<String> {
    let list = |value: &'_ Value| value.as_array().cloned().unwrap_or_default();
    let tolerations = list(&pod["spec"]["tolerations"]);
    let tolerated = |taint: &Value| tolerations.iter().any(|toleration| tolerates(toleration, taint));
    if node["spec"]["unschedulable"] == true
        && !tolerated(&json!({ "key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule" }))
    {
        return Some("node(s) were unschedulable".to_owned());
    }
    let repels = |taint: &&Value| taint["effect"] != "PreferNoSchedule" && !tolerated(taint);
    if let Some(taint) = list(&node["spec"]["taints"]).iter().find(repels) {
        let text = |field: &str| taint[field].as_str().unwrap_or_default().to_owned();
        return Some(format!("node(s) had untolerated taint {{{}: {}}}", text("key"), text("value")));
    }
    let matches = selector::has_all(wanted, node);
    (!matches).then(|| "node(s) didn't match Pod's node affinity/selector".to_owned())
}

fn tolerates(toleration: &Value, taint: &Value) -> bool {
    let text = |value: &Value, field: &str| value[field].as_str().unwrap_or_default().to_owned();
    let (key, effect) = (text(toleration, "key"), text(toleration, "effect"));
    let exists = toleration["operator"] == "Exists";
    (effect.is_empty() || effect == text(taint, "effect"))
        && (key == text(taint, "key") || key.is_empty() && exists)
        && (exists || text(toleration, "value") == text(taint, "value"))
}

/// A pod that no node takes waits, and says why.
fn refuse(state: &mut State, pod: &Value) {
    let wanted = object::texts(&pod["spec"]["nodeSelector"]);
    let mut obstacles: BTreeMap<String, usize> = BTreeMap::new();
    for obstacle in state.store.list("nodes", None).filter_map(|node| obstacle(node, &wanted, pod)) {
        *obstacles.entry(obstacle).or_default() += 1;
    }
    let all: usize = obstacles.values().sum();
    let mut why: Vec<String> = obstacles.iter().map(|(obstacle, nodes)| format!("{nodes} {obstacle}")).collect();
    why.sort();
    let why = why.join(", ");
    let message = format!(
        "0/{all} nodes are available: {why}. no new claims to deallocate, preemption: 0/{all} nodes are available: {all} \
         Preemption is not helpful for scheduling."
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
