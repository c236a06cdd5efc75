//! What must hold after every write of the controller, judged on the true state, by code that knows nothing of the planner.

mod analysis;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use sluice_sandbox::object;
use sluice_sandbox::store::Change;

/// The controller's name in the record.
const CONTROLLER: &str = "sluice-controller";

pub(super) type Objects = BTreeMap<(String, String), Arc<Value>>;

/// Every invariant that some write of the controller broke.
pub fn broken(changes: &[Change], namespace: &str) -> Vec<String> {
    let mut objects = Objects::new();
    let mut broken = Vec::new();
    for change in changes.iter().filter(|change| object::namespace(&change.after) == namespace) {
        let key = (change.resource.to_string(), object::name(&change.after).to_owned());
        if change.deleted {
            objects.remove(&key);
        } else {
            objects.insert(key, Arc::clone(&change.after));
        }
        if &*change.by != CONTROLLER {
            continue;
        }
        let found = match &*change.resource {
            "deployments.apps" => workload(&objects, change),
            "replicasets.apps" => once(&objects, change).or_else(|| capacity(&objects, change)),
            "rollouts.argoproj.io" => steps(&objects, change)
                .or_else(|| analysis::gate(&objects, change))
                .or_else(|| pause(change))
                .or_else(|| promotion(&objects, change))
                .or_else(|| truth(&objects, change)),
            "analysisruns.argoproj.io" => analysis::once(change),
            "experiments.argoproj.io" => analysis::ends_once(change),
            _ => None,
        };
        broken.extend(found.map(|what| format!("{what} (at {})", change.at)));
    }
    broken
}

pub(super) fn number(value: &Value, pointer: &str) -> i64 {
    value.pointer(pointer).and_then(Value::as_i64).unwrap_or(0)
}

/// A count or a percentage of the replicas, rounded down.
fn share(value: &Value, of: i64) -> i64 {
    match value {
        Value::Null => of / 4,
        Value::String(text) => of * text.trim_end_matches('%').parse::<i64>().unwrap_or(0) / 100,
        number => number.as_i64().unwrap_or(0),
    }
}

/// S1: a write that takes available pods away leaves at least `replicas` minus `maxUnavailable`.
fn capacity(objects: &Objects, change: &Change) -> Option<String> {
    let before = change.before.as_ref()?;
    let owner = object::controller(before)?["name"].as_str()?;
    let rollout = objects.get(&("rollouts.argoproj.io".to_owned(), owner.to_owned()))?;
    let uid = object::uid(rollout);
    let serving = |rs: &Value| number(rs, "/spec/replicas").min(number(rs, "/status/availableReplicas"));
    let left = if change.deleted { 0 } else { serving(&change.after) };
    if left >= serving(before) {
        return None;
    }
    let sets = objects.iter().filter(|((resource, _), _)| resource == "replicasets.apps").map(|(_, rs)| rs);
    let available: i64 = sets.filter(|rs| object::controller_uid(rs) == Some(uid)).map(|rs| serving(rs)).sum();
    let wanted = rollout["spec"]["replicas"].as_i64().unwrap_or(1);
    let canary = &rollout["spec"]["strategy"]["canary"];
    let (surge, unavailable) = (&canary["maxSurge"], share(&canary["maxUnavailable"], wanted));
    let surges =
        !matches!(surge, Value::Number(n) if n.as_i64() == Some(0)) && surge != "0" && surge != "0%" && wanted > 0;
    let unavailable = if unavailable == 0 && !surges { 1 } else { unavailable };
    let floor = (wanted - unavailable).max(0);
    let name = object::name(before);
    (available < floor)
        .then(|| format!("S1 capacity: the shrink of {name} leaves {available} available pods of at least {floor}"))
}

/// S1: a Deployment that a Rollout takes its template from loses only pods that those of the Rollout replace.
fn workload(objects: &Objects, change: &Change) -> Option<String> {
    let (before, after) = (change.before.as_ref()?, &change.after);
    let (name, left) = (object::name(after), number(after, "/spec/replicas"));
    if left >= number(before, "/spec/replicas") {
        return Some(format!("S1 capacity: Deployment {name} was written, and not to be smaller"));
    }
    let rollouts = objects.iter().filter(|((resource, _), _)| resource == "rollouts.argoproj.io").map(|(_, it)| it);
    let rollout = rollouts.into_iter().find(|rollout| rollout["spec"]["workloadRef"]["name"] == name)?;
    let sets = objects.iter().filter(|((resource, _), _)| resource == "replicasets.apps").map(|(_, rs)| rs);
    let own = sets.filter(|rs| object::controller_uid(rs) == Some(object::uid(rollout)));
    let there: i64 = own.map(|rs| number(rs, "/spec/replicas").min(number(rs, "/status/availableReplicas"))).sum();
    let wanted = rollout["spec"]["replicas"].as_i64().unwrap_or(1);
    (there == 0 || left + there < wanted)
        .then(|| format!("S1 capacity: {left} pods of Deployment {name} and {there} of the Rollout, of {wanted}"))
}

/// The steps that a write leaves behind, where one update goes on by itself.
pub(super) fn walked(change: &Change) -> Option<(i64, &[Value])> {
    let (before, after) = (&change.before.as_ref()?["status"], &change.after["status"]);
    let same = |field: &str| before[field] == after[field];
    let skipped = [before, after].iter().any(|status| status["promoteFull"] == true || status["abort"] == true);
    let stands =
        before["stableRS"] == before["currentPodHash"] || before["stableRS"].as_str().is_none_or(str::is_empty);
    if !same("currentPodHash") || !same("currentStepHash") || skipped || stands {
        return None;
    }
    let (from, to) = (number(before, "/currentStepIndex"), number(after, "/currentStepIndex"));
    let steps = change.after["spec"]["strategy"]["canary"]["steps"].as_array()?;
    Some((from, steps.get(usize::try_from(from).ok()?..usize::try_from(to.max(from)).ok()?)?))
}

/// S7: within one update the step never goes back, and never past one that is not complete.
fn steps(objects: &Objects, change: &Change) -> Option<String> {
    let (from, steps) = walked(change)?;
    let (before, after) = (&change.before.as_ref()?["status"], &change.after["status"]);
    let to = number(after, "/currentStepIndex");
    if to < from {
        return Some(format!("S7 steps: went back from step {from} to {to}"));
    }
    let wanted = change.after["spec"]["replicas"].as_i64().unwrap_or(1);
    let updated = available(objects, &change.after, after["currentPodHash"].as_str()?);
    let recorded = before["pauseConditions"].as_array().is_some_and(|pauses| !pauses.is_empty())
        || before["controllerPause"] == true;
    (from..).zip(steps).find_map(|(index, step)| {
        let threshold = &change.after["spec"]["strategy"]["canary"]["replicaProgressThreshold"];
        let least = step["setWeight"].as_i64().unwrap_or(0) * wanted / 100;
        let least = match threshold["type"].as_str() {
            Some("Percent") => least * threshold["value"].as_i64().unwrap_or(100) / 100,
            Some("Pods") => least.min(threshold["value"].as_i64().unwrap_or(least)),
            _ => least,
        };
        if updated < least {
            return Some(format!("S7 steps: walked past step {index} with {updated} of {least} new pods available"));
        }
        let fine = step["pause"].is_null() || index == from && recorded;
        (!fine).then(|| format!("S7 steps: walked past the pause at step {index} without pausing"))
    })
}

/// S8: a timed pause lasts at least as long as it says, from the moment in which it was recorded; one without an end is ended
/// by a person, who removes the record.
fn pause(change: &Change) -> Option<String> {
    let (index, steps) = walked(change)?;
    let pause = &steps.first()?["pause"];
    let started = object::moment(&change.before.as_ref()?["status"]["pauseConditions"][0]["startTime"])?;
    if pause.is_null() {
        return None;
    }
    let Some(duration) = seconds(&pause["duration"]) else {
        return Some(format!("S8 pause: the pause at step {index} ended, and nobody had ended it"));
    };
    let lasted = change.at.duration_since(started);
    (lasted < duration).then(|| format!("S8 pause: a pause of {duration:#} ended after {lasted:#}"))
}

/// S10: a revision has one ReplicaSet, which belongs to the Rollout.
fn once(objects: &Objects, change: &Change) -> Option<String> {
    const HASH: &str = "rollouts-pod-template-hash";
    if change.before.is_some() {
        return None;
    }
    let (name, labels) = (object::name(&change.after), object::labels(&change.after));
    let Some(owner) = object::controller_uid(&change.after) else {
        return Some(format!("S10 once: {name} was created without an owner"));
    };
    let sets = objects.iter().filter(|((resource, _), _)| resource == "replicasets.apps").map(|(_, rs)| rs);
    let same = |rs: &&Arc<Value>| {
        object::controller_uid(rs) == Some(owner) && object::labels(rs).get(HASH) == labels.get(HASH)
    };
    (sets.filter(same).count() > 1).then(|| format!("S10 once: {name} is a second ReplicaSet of its revision"))
}

fn seconds(duration: &Value) -> Option<SignedDuration> {
    match duration {
        Value::String(text) => text.parse().ok(),
        number => Some(SignedDuration::from_secs(number.as_i64()?)),
    }
}

/// S15: a revision takes the place of another stable one only with all its pods available.
fn promotion(objects: &Objects, change: &Change) -> Option<String> {
    let (before, after) =
        (change.before.as_ref()?["status"]["stableRS"].as_str()?, &change.after["status"]["stableRS"]);
    let promoted = after.as_str().filter(|after| !before.is_empty() && *after != before)?;
    let wanted = change.after["spec"]["replicas"].as_i64().unwrap_or(1);
    let available = available(objects, &change.after, promoted);
    (available < wanted).then(|| format!("S15 truth: promoted with {available} of {wanted} pods available"))
}

/// The available pods of a revision.
fn available(objects: &Objects, rollout: &Value, hash: &str) -> i64 {
    let sets = objects.iter().filter(|((resource, _), _)| resource == "replicasets.apps").map(|(_, rs)| rs);
    sets.filter(|rs| object::controller_uid(rs) == Some(object::uid(rollout)))
        .filter(|rs| object::labels(rs).get("rollouts-pod-template-hash").is_some_and(|label| label == hash))
        .map(|rs| number(rs, "/status/availableReplicas"))
        .sum()
}

/// S8: a pause is not recorded as having begun before it did.
/// S15: what says Healthy is: the stable revision alone, with all its pods available.
fn truth(objects: &Objects, change: &Change) -> Option<String> {
    let (rollout, status) = (&change.after, &change.after["status"]);
    if let Some(started) = backdated(change) {
        return Some(format!("S8 pause: recorded as begun at {started}, before it had"));
    }
    let says = |status: &Value| {
        let mut conditions = status["conditions"].as_array().into_iter().flatten();
        status["phase"] == "Healthy" || conditions.any(|c| c["type"] == "Healthy" && c["status"] == "True")
    };
    // Pods that somebody wants restarted go in the pass that says how things were before it.
    let restarts = rollout["spec"]["restartAt"] != status["restartedAt"];
    if !says(status) || says(&change.before.as_ref()?["status"]) || restarts {
        return None;
    }
    let wanted = rollout["spec"]["replicas"].as_i64().unwrap_or(1);
    let stable = available(objects, rollout, status["stableRS"].as_str()?);
    if status["currentPodHash"] != status["stableRS"] {
        return Some("S15 truth: Healthy while another revision is wanted".to_owned());
    }
    (stable < wanted).then(|| format!("S15 truth: Healthy with {stable} of {wanted} stable pods available"))
}

fn backdated(change: &Change) -> Option<Timestamp> {
    let began = |status: &Value| object::moment(&status["pauseConditions"][0]["startTime"]);
    let (before, after) = (began(&change.before.as_ref()?["status"]), began(&change.after["status"]));
    after.filter(|after| before != Some(*after) && *after < change.at)
}
