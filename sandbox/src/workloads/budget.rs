//! PodDisruptionBudgets: how many pods may be evicted now.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::pods;
use crate::object;
use crate::state::State;
use crate::write::{self, Call};

/// Looks at one.
pub fn look(state: &mut State, namespace: &str, name: &str) -> Option<Timestamp> {
    let budget = state.store.get("poddisruptionbudgets.policy", namespace, name)?.clone();
    let selector = &budget["spec"]["selector"];
    let selected: Vec<Arc<Value>> = state
        .store
        .list("pods", Some(namespace))
        .filter(|pod| object::selects(selector, &object::labels(pod)) && !pods::has_ended(pod))
        .cloned()
        .collect();
    let healthy = selected.iter().filter(|pod| pods::is_ready(pod) && !object::is_deleting(pod)).count() as i64;
    let expected = expected(state, &selected);
    let desired = match (&budget["spec"]["minAvailable"], &budget["spec"]["maxUnavailable"]) {
        (Value::Null, Value::Null) => expected - 1,
        (Value::Null, most) => expected - share(most, expected),
        (least, _) => share(least, expected),
    }
    .max(0);
    let allowed = (healthy - desired).max(0);
    let (reason, status) = if allowed > 0 { ("SufficientPods", "True") } else { ("InsufficientPods", "False") };
    let old = object::condition(&budget, "DisruptionAllowed");
    let since = match old.filter(|old| old["status"] == status) {
        Some(old) => old["lastTransitionTime"].clone(),
        None => json!(object::time(state.now)),
    };
    let generation = &budget["metadata"]["generation"];
    let status = json!({
        "conditions": [{
            "type": "DisruptionAllowed", "status": status, "reason": reason, "message": "",
            "lastTransitionTime": since, "observedGeneration": generation,
        }],
        "currentHealthy": healthy, "desiredHealthy": desired, "disruptionsAllowed": allowed,
        "expectedPods": expected, "observedGeneration": generation,
    });
    if status != budget["status"] {
        let resource = state.registry.known("poddisruptionbudgets.policy");
        let call = Call::new(&resource, namespace, "kube-controller-manager").status();
        let _ = write::update(state, &call, name, |current| {
            let mut new = current.clone();
            new["status"] = status;
            Ok(new)
        });
    }
    None
}

/// The pods that there should be: what the controllers of the selected ones want.
fn expected(state: &State, selected: &[Arc<Value>]) -> i64 {
    let mut sum = 0;
    let mut counted = std::collections::BTreeSet::new();
    for pod in selected {
        let Some(owner) = object::controller(pod) else {
            sum += 1;
            continue;
        };
        let (namespace, name) = (object::namespace(pod), owner["name"].as_str().unwrap_or_default());
        let Some(set) = state.store.get("replicasets.apps", namespace, name) else { continue };
        // A ReplicaSet's own controller, such as a Rollout, knows better by its scale.
        let scaled = scaled_owner(state, set)
            .unwrap_or_else(|| (object::uid(set).to_owned(), set["spec"]["replicas"].as_i64().unwrap_or(1)));
        if counted.insert(scaled.0) {
            sum += scaled.1;
        }
    }
    sum
}

fn scaled_owner(state: &State, set: &Value) -> Option<(String, i64)> {
    let owner = object::controller(set)?;
    let (group, version) = owner["apiVersion"].as_str()?.split_once('/')?;
    let resource = state.registry.kind(group, version, owner["kind"].as_str()?)?;
    let scale = resource.scale.as_ref()?;
    let object = state.store.get(&resource.key, object::namespace(set), owner["name"].as_str()?)?;
    Some((object::uid(object).to_owned(), object.pointer(&scale.spec_replicas).and_then(Value::as_i64).unwrap_or(0)))
}

/// A number, or a percentage rounded up.
fn share(value: &Value, of: i64) -> i64 {
    match value {
        Value::String(text) => {
            let percent: i64 = text.trim_end_matches('%').parse().unwrap_or(0);
            of.saturating_mul(percent).saturating_add(99) / 100
        }
        other => other.as_i64().unwrap_or(0),
    }
}
