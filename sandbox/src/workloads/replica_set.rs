//! ReplicaSets: as many pods as they want.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{events, pods};
use crate::object;
use crate::state::State;
use crate::write::{self, Call, DeleteOptions};

/// Who writes.
const MANAGER: &str = "kube-controller-manager";
const CONTROLLER: &str = "replicaset-controller";

/// Pods that are created in one look; theirs lead to the next.
const MOST_AT_ONCE: usize = 500;

/// ReplicaSets whose pods were refused, by namespace and name: when to try again, how often it failed in a row, and what was said.
#[derive(Debug, Default)]
pub struct Failures(HashMap<(String, String), Failure>);

#[derive(Clone, Debug)]
struct Failure {
    uid: String,
    retry_at: Timestamp,
    times: u32,
    reason: &'static str,
    message: String,
    generation: Value,
}

/// Looks at one.
pub fn look(state: &mut State, failures: &mut Failures, namespace: &str, name: &str) -> Option<Timestamp> {
    let key = (namespace.to_owned(), name.to_owned());
    let Some(rs) = state.store.get("replicasets.apps", namespace, name).map(Arc::clone) else {
        failures.0.remove(&key);
        return None;
    };
    let members = members(state, &rs);
    let active: Vec<Arc<Value>> = members.iter().filter(|pod| pods::is_active(pod)).cloned().collect();
    let wanted = usize::try_from(rs["spec"]["replicas"].as_i64().unwrap_or(1)).unwrap_or(0);
    let mut failure = failures.0.get(&key).filter(|failure| failure.uid == object::uid(&rs)).cloned();
    if !object::is_deleting(&rs) {
        failure = resize(state, &rs, &active, wanted, failure);
        match &failure {
            Some(failure) => failures.0.insert(key, failure.clone()),
            None => failures.0.remove(&key),
        };
    }
    let min_ready = rs["spec"]["minReadySeconds"].as_i64().unwrap_or(0);
    let available = active.iter().filter_map(|pod| pods::available_at(pod, min_ready));
    let next = available.filter(|at| *at > state.now).min();
    report(state, &rs, &active, failure.as_ref(), min_ready);
    next.into_iter().chain(failure.map(|failure| failure.retry_at)).min()
}

/// The pods that it controls. Orphans that match are adopted, members that no longer match are released.
fn members(state: &mut State, rs: &Value) -> Vec<Arc<Value>> {
    let selector = &rs["spec"]["selector"];
    let namespace = object::namespace(rs);
    let candidates: Vec<Arc<Value>> = state
        .store
        .list("pods", Some(namespace))
        .filter(|pod| object::controller_uid(pod).is_none_or(|uid| uid == object::uid(rs)))
        .cloned()
        .collect();
    let mut members = Vec::new();
    for pod in candidates {
        let mine = object::controller_uid(&pod).is_some();
        let matches = object::selects(selector, &object::labels(&pod));
        match (mine, matches) {
            (true, true) => members.push(pod),
            (true, false) => release(state, rs, &pod),
            (false, true) if pods::is_active(&pod) && !object::is_deleting(rs) => {
                members.extend(adopt(state, rs, &pod));
            }
            (false, _) => {}
        }
    }
    members
}

fn adopt(state: &mut State, rs: &Value, pod: &Value) -> Option<Arc<Value>> {
    change_owners(state, pod, |owners| owners.push(object::owner_reference(rs)))
}

fn release(state: &mut State, rs: &Value, pod: &Value) {
    change_owners(state, pod, |owners| owners.retain(|owner| owner["uid"] != rs["metadata"]["uid"]));
}

fn change_owners(state: &mut State, pod: &Value, change: impl FnOnce(&mut Vec<Value>)) -> Option<Arc<Value>> {
    let resource = state.registry.known("pods");
    let call = Call::new(&resource, object::namespace(pod), MANAGER);
    let mut owners: Vec<Value> = object::owners(pod).cloned().collect();
    change(&mut owners);
    let written = write::update(state, &call, object::name(pod), |current| {
        let mut new = current.clone();
        if owners.is_empty() {
            write::map(&mut new, "metadata").remove("ownerReferences");
        } else {
            new["metadata"]["ownerReferences"] = json!(owners);
        }
        Ok(new)
    });
    written.ok()
}

/// Creates pods that are missing, deletes those that are too many, and returns what went wrong.
fn resize(
    state: &mut State,
    rs: &Value,
    active: &[Arc<Value>],
    wanted: usize,
    failure: Option<Failure>,
) -> Option<Failure> {
    if active.len() > wanted {
        let mut ranked: Vec<&Arc<Value>> = active.iter().collect();
        ranked.sort_by_cached_key(|pod| pods::rank(pod));
        let resource = state.registry.known("pods");
        for pod in ranked.into_iter().take(active.len() - wanted) {
            let call = Call::new(&resource, object::namespace(rs), MANAGER);
            if write::delete(state, &call, object::name(pod), &DeleteOptions::default()).is_ok() {
                let message = format!("Deleted pod: {}", object::name(pod));
                events::tell(state, rs, CONTROLLER, "Normal", "SuccessfulDelete", &message);
            }
        }
        return None;
    }
    if active.len() == wanted {
        return None;
    }
    let waits = failure
        .as_ref()
        .filter(|failure| failure.retry_at > state.now && failure.generation == rs["metadata"]["generation"]);
    if waits.is_some() {
        return failure;
    }
    for _ in (active.len()..wanted).take(MOST_AT_ONCE) {
        if let Err(message) = create_pod(state, rs) {
            events::tell(state, rs, CONTROLLER, "Warning", "FailedCreate", &format!("Error creating: {message}"));
            let times = failure.map_or(0, |failure| failure.times) + 1;
            let wait = SignedDuration::from_secs((1_i64 << times.min(6)).min(60));
            let retry_at = state.now.saturating_add(wait).unwrap_or(state.now);
            let generation = rs["metadata"]["generation"].clone();
            let uid = object::uid(rs).to_owned();
            return Some(Failure { uid, retry_at, times, reason: "FailedCreate", message, generation });
        }
    }
    None
}

fn create_pod(state: &mut State, rs: &Value) -> Result<(), String> {
    let resource = state.registry.known("pods");
    let call = Call::new(&resource, object::namespace(rs), MANAGER);
    let template = &rs["spec"]["template"];
    let mut metadata = template["metadata"].clone();
    if let Some(fields) = metadata.as_object_mut() {
        fields.retain(|field, _| ["labels", "annotations", "finalizers"].contains(&field.as_str()));
    } else {
        metadata = json!({});
    }
    metadata["generateName"] = json!(format!("{}-", object::name(rs)));
    metadata["ownerReferences"] = json!([object::owner_reference(rs)]);
    let pod = json!({ "metadata": metadata, "spec": template["spec"] });
    let made = write::create(state, &call, pod).map_err(|refusal| refusal.message)?;
    let message = format!("Created pod: {}", object::name(&made));
    events::tell(state, rs, CONTROLLER, "Normal", "SuccessfulCreate", &message);
    Ok(())
}

/// Writes the status, if it has changed.
fn report(state: &mut State, rs: &Value, active: &[Arc<Value>], failure: Option<&Failure>, min_ready: i64) {
    let template_labels = object::texts(&rs["spec"]["template"]["metadata"]["labels"]);
    let now = state.now;
    let count = |holds: &dyn Fn(&Value) -> bool| active.iter().filter(|pod| holds(pod)).count();
    let available = |pod: &Value| pods::available_at(pod, min_ready).is_some_and(|at| at <= now);
    let labelled = |pod: &Value| crate::selector::has_all(&template_labels, pod);
    let mut status = json!({ "replicas": active.len() });
    for (field, number) in [
        ("fullyLabeledReplicas", count(&labelled)),
        ("readyReplicas", count(&pods::is_ready)),
        ("availableReplicas", count(&available)),
    ] {
        if number > 0 {
            status[field] = json!(number);
        }
    }
    status["observedGeneration"] = rs["metadata"]["generation"].clone();
    let mut conditions: Vec<Value> = rs["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let had = conditions.iter().any(|condition| condition["type"] == "ReplicaFailure");
    match failure {
        Some(failure) if !had => conditions.push(json!({
            "type": "ReplicaFailure", "status": "True", "reason": failure.reason, "message": failure.message,
            "lastTransitionTime": object::time(now),
        })),
        Some(_) => {}
        None => conditions.retain(|condition| condition["type"] != "ReplicaFailure"),
    }
    if !conditions.is_empty() {
        status["conditions"] = json!(conditions);
    }
    if status == rs["status"] {
        return;
    }
    let resource = state.registry.known("replicasets.apps");
    let call = Call::new(&resource, object::namespace(rs), MANAGER).status();
    // Gone in the meantime is fine: there is nothing left to report on.
    let _ = write::update(state, &call, object::name(rs), |current| {
        let mut new = current.clone();
        new["status"] = status;
        Ok(new)
    });
}
