//! ReplicaSets: as many pods as they want.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::keeper::{Keeper, MANAGER};
use super::pods;
use crate::object;
use crate::state::State;
use crate::write::{self, Call};

const KEEPER: Keeper = Keeper { component: "replicaset-controller", finalizer: None };

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
    let members = KEEPER.members(state, &rs);
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
        for pod in ranked.into_iter().take(active.len() - wanted) {
            KEEPER.delete(state, rs, pod);
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
        if let Err(message) = KEEPER.create(state, rs) {
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
