//! How far a Deployment is: its counters and conditions.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{MANAGER, RESOURCE, Sets, available, limits, wanted};
use crate::object;
use crate::state::State;
use crate::write::{self, Call};

/// Status, reason and message of a condition.
type Finding = (&'static str, &'static str, String);

const TIMED_OUT: &str = "ProgressDeadlineExceeded";
const DONE: &str = "NewReplicaSetAvailable";

/// A deadline that never comes.
const NEVER: i64 = i32::MAX as i64;

/// A condition that begins now.
pub fn condition(now: Timestamp, kind: &str, (status, reason, message): Finding) -> Value {
    let now = object::time(now);
    json!({
        "type": kind, "status": status, "reason": reason, "message": message,
        "lastUpdateTime": now, "lastTransitionTime": now,
    })
}

/// Sets a condition, unless it is the same already. One with the same status keeps the time of its last transition.
pub fn set(status: &mut Value, condition: Value) {
    let mut conditions = status["conditions"].as_array().cloned().unwrap_or_default();
    let old = conditions.iter().position(|old| old["type"] == condition["type"]);
    let Some(at) = old else {
        conditions.push(condition);
        status["conditions"] = json!(conditions);
        return;
    };
    let same = |field: &str| conditions[at][field] == condition[field];
    if same("status") && same("reason") {
        return;
    }
    renew(status, condition);
}

/// Sets a condition anew. One with the same status keeps the time of its last transition.
fn renew(status: &mut Value, mut condition: Value) {
    let mut conditions = status["conditions"].as_array().cloned().unwrap_or_default();
    if let Some(old) = conditions.iter().find(|old| old["type"] == condition["type"])
        && old["status"] == condition["status"]
    {
        condition["lastTransitionTime"] = old["lastTransitionTime"].clone();
    }
    conditions.retain(|old| old["type"] != condition["type"]);
    conditions.push(condition);
    status["conditions"] = json!(conditions);
}

/// The time that it has to make progress, if it is limited.
fn deadline(deployment: &Value) -> Option<i64> {
    deployment["spec"]["progressDeadlineSeconds"].as_i64().filter(|seconds| *seconds != NEVER)
}

fn progressing(object: &Value) -> Option<&Value> {
    object::condition(object, "Progressing")
}

/// Whether a status says that all pods are new and available.
pub fn is_complete(deployment: &Value, status: &Value) -> bool {
    let count = |field: &str| status[field].as_i64().unwrap_or(0);
    let all = ["updatedReplicas", "replicas", "availableReplicas"];
    all.iter().all(|field| count(field) == wanted(deployment))
        && status["observedGeneration"].as_i64() >= deployment["metadata"]["generation"].as_i64()
}

/// Notes that a Deployment is paused, or no longer is: its deadline rests meanwhile.
pub fn note_pause(state: &mut State, deployment: &Value) {
    let reason = progressing(deployment).map(|condition| condition["reason"].as_str().unwrap_or_default());
    if deadline(deployment).is_none() || reason == Some(TIMED_OUT) {
        return;
    }
    let noted = reason == Some("DeploymentPaused");
    let finding = match (deployment["spec"]["paused"] == true, noted) {
        (true, false) => ("Unknown", "DeploymentPaused", "Deployment is paused".to_owned()),
        (false, true) => ("Unknown", "DeploymentResumed", "Deployment is resumed".to_owned()),
        _ => return,
    };
    let mut status = deployment["status"].clone();
    set(&mut status, condition(state.now, "Progressing", finding));
    write(state, deployment, status);
}

/// Writes the counters alone.
pub fn count(state: &mut State, deployment: &Value, sets: &Sets) {
    let status = counted(state, deployment, sets);
    write(state, deployment, status);
}

/// Writes the status, and returns when the deadline is.
pub fn report(state: &mut State, deployment: &Value, sets: &Sets) -> Option<Timestamp> {
    let mut status = counted(state, deployment, sets);
    let seconds = deadline(deployment);
    match seconds {
        Some(seconds) => judge(state.now, deployment, sets, &mut status, seconds),
        None => drop_condition(&mut status, "Progressing"),
    }
    match failure(sets) {
        Some(failure) => set(&mut status, failure),
        None => drop_condition(&mut status, "ReplicaFailure"),
    }
    let due = seconds.and_then(|seconds| due(&status, seconds)).filter(|due| *due > state.now);
    write(state, deployment, status);
    due
}

/// The status with its counters as they are now.
fn counted(state: &State, deployment: &Value, sets: &Sets) -> Value {
    let sum = |field: &str| sets.all().filter_map(|rs| rs["status"][field].as_i64()).sum::<i64>();
    let serving: i64 = sets.all().map(|rs| available(rs)).sum();
    let updated = sets.newest.as_ref().and_then(|rs| rs["status"]["replicas"].as_i64()).unwrap_or(0);
    let mut status = json!({ "observedGeneration": deployment["metadata"]["generation"] });
    for (field, number) in [
        ("replicas", sum("replicas")),
        ("updatedReplicas", updated),
        ("readyReplicas", sum("readyReplicas")),
        ("availableReplicas", serving),
        ("unavailableReplicas", (sets.size() - serving).max(0)),
    ] {
        if number > 0 {
            status[field] = json!(number);
        }
    }
    if let Some(collisions) = deployment["status"].get("collisionCount") {
        status["collisionCount"] = collisions.clone();
    }
    status["conditions"] = deployment["status"]["conditions"].clone();
    let (_, unavailable) = limits(deployment);
    let finding = if serving >= wanted(deployment) - unavailable {
        ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.".to_owned())
    } else {
        ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.".to_owned())
    };
    set(&mut status, condition(state.now, "Available", finding));
    status
}

/// Says whether it is done, moves, or is stuck.
fn judge(now: Timestamp, deployment: &Value, sets: &Sets, status: &mut Value, seconds: i64) {
    let all_new = status["replicas"] == status["updatedReplicas"];
    if all_new && progressing(deployment).is_some_and(|condition| condition["reason"] == DONE) {
        return;
    }
    let who = match &sets.newest {
        Some(newest) => format!("ReplicaSet \"{}\"", object::name(newest)),
        None => format!("Deployment \"{}\"", object::name(deployment)),
    };
    let new = |finding| condition(now, "Progressing", finding);
    if is_complete(deployment, status) {
        set(status, new(("True", DONE, format!("{who} has successfully progressed."))));
    } else if has_moved(&deployment["status"], status) {
        renew(status, new(("True", "ReplicaSetUpdated", format!("{who} is progressing."))));
    } else if is_late(now, deployment, seconds) {
        set(status, new(("False", TIMED_OUT, format!("{who} has timed out progressing."))));
    }
}

/// Whether there are more new pods, or fewer old ones, than before.
fn has_moved(before: &Value, after: &Value) -> bool {
    let count = |status: &Value, field: &str| status[field].as_i64().unwrap_or(0);
    let old = |status: &Value| count(status, "replicas") - count(status, "updatedReplicas");
    let more = |field: &&str| count(after, field) > count(before, field);
    old(after) < old(before) || ["updatedReplicas", "readyReplicas", "availableReplicas"].iter().any(more)
}

fn is_late(now: Timestamp, deployment: &Value, seconds: i64) -> bool {
    let Some(condition) = progressing(deployment) else { return false };
    condition["reason"] == TIMED_OUT || due(&deployment["status"], seconds).is_some_and(|due| due <= now)
}

/// When a status that does not change is too late; never, once it is done or has been found too late.
fn due(status: &Value, seconds: i64) -> Option<Timestamp> {
    let condition = status["conditions"].as_array()?.iter().find(|condition| condition["type"] == "Progressing")?;
    if condition["reason"] == DONE || condition["reason"] == TIMED_OUT {
        return None;
    }
    object::moment(&condition["lastUpdateTime"])?.saturating_add(SignedDuration::from_secs(seconds)).ok()
}

/// What keeps a ReplicaSet from making its pods, the newest first.
fn failure(sets: &Sets) -> Option<Value> {
    let mut all = sets.newest.iter().chain(&sets.old);
    let failure = all.find_map(|rs| object::condition(rs, "ReplicaFailure"))?;
    let mut failure = failure.clone();
    failure["lastUpdateTime"] = failure["lastTransitionTime"].clone();
    Some(failure)
}

fn drop_condition(status: &mut Value, kind: &str) {
    if let Some(conditions) = status["conditions"].as_array_mut() {
        conditions.retain(|condition| condition["type"] != kind);
    }
}

fn write(state: &mut State, deployment: &Value, status: Value) {
    if status == deployment["status"] {
        return;
    }
    let resource = state.registry.known(RESOURCE);
    let call = Call::new(&resource, object::namespace(deployment), MANAGER).status();
    // Gone in the meantime is fine: there is nothing left to report on.
    let _ = write::update(state, &call, object::name(deployment), |current| {
        let mut new = current.clone();
        new["status"] = status;
        Ok(new)
    });
}
