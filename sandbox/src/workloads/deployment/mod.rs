//! Deployments: ReplicaSets by revision, one rolling over into the next.
//!
//! `revisions` finds and makes the ReplicaSets, `scaling` decides how large each is, and `status` tells how far it is.

mod hash;
mod quantity;
mod revisions;
mod scaling;
mod status;

use jiff::Timestamp;
use serde_json::Value;

use self::revisions::Sets;
use crate::object;
use crate::state::State;

const MANAGER: &str = "kube-controller-manager";
const RESOURCE: &str = "deployments.apps";
const SETS: &str = "replicasets.apps";
const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
const MAX: &str = "deployment.kubernetes.io/max-replicas";

/// Looks at one, and returns when its deadline is.
pub fn look(state: &mut State, namespace: &str, name: &str) -> Option<Timestamp> {
    let deployment = state.store.get(RESOURCE, namespace, name)?.clone();
    let sets = Sets::of(state, &deployment);
    if object::is_deleting(&deployment) {
        status::count(state, &deployment, &sets);
        return None;
    }
    status::note_pause(state, &deployment);
    let paused = deployment["spec"]["paused"] == true;
    if paused || scaling::is_asked_for(&deployment, &sets) {
        if sets.newest.is_some() {
            revisions::ensure(state, &deployment, &sets)?;
        }
        scaling::spread(state, &deployment, &sets);
        if paused {
            revisions::clean_up(state, &deployment, &sets);
        }
        let deployment = state.store.get(RESOURCE, namespace, name)?.clone();
        let sets = Sets::of(state, &deployment);
        status::count(state, &deployment, &sets);
        return None;
    }
    let settled = if is_recreate(&deployment) {
        recreate(state, &deployment, sets)
    } else {
        let newest = revisions::ensure(state, &deployment, &sets)?;
        let sets = Sets { newest: Some(newest), ..sets };
        !scaling::grow(state, &deployment, &sets) && !scaling::shrink(state, &deployment, &sets)
    };
    let deployment = state.store.get(RESOURCE, namespace, name)?.clone();
    let sets = Sets::of(state, &deployment);
    if settled && status::is_complete(&deployment, &deployment["status"]) {
        revisions::clean_up(state, &deployment, &sets);
    }
    status::report(state, &deployment, &sets)
}

/// First the old pods go, then the new ones come. Returns whether there is nothing left to scale.
fn recreate(state: &mut State, deployment: &Value, sets: Sets) -> bool {
    let mut scaled = false;
    for rs in &sets.old {
        scaled |= scaling::resize(state, deployment, rs, 0);
    }
    if scaled || sets.old_pods_run(state) {
        return false;
    }
    let Some(newest) = revisions::ensure(state, deployment, &sets) else { return false };
    !scaling::grow(state, deployment, &Sets { newest: Some(newest), ..sets })
}

/// How many pods an object wants.
fn wanted(object: &Value) -> i64 {
    object["spec"]["replicas"].as_i64().unwrap_or(1)
}

/// How many available pods a ReplicaSet has.
fn available(rs: &Value) -> i64 {
    rs["status"]["availableReplicas"].as_i64().unwrap_or(0)
}

fn is_recreate(deployment: &Value) -> bool {
    deployment["spec"]["strategy"]["type"] == "Recreate"
}

/// Surge and unavailable, as numbers of pods.
fn limits(deployment: &Value) -> (i64, i64) {
    if is_recreate(deployment) {
        return (0, 0);
    }
    let rolling = &deployment["spec"]["strategy"]["rollingUpdate"];
    let of = wanted(deployment);
    let surge = share(&rolling["maxSurge"], of, true);
    let unavailable = share(&rolling["maxUnavailable"], of, false);
    if surge == 0 && unavailable == 0 { (0, of.min(1)) } else { (surge, unavailable.min(of)) }
}

fn share(value: &Value, of: i64, up: bool) -> i64 {
    let percent = match value {
        Value::Null => 25,
        Value::String(text) => text.trim_end_matches('%').parse().unwrap_or(0),
        number => return number.as_i64().unwrap_or(0),
    };
    let product = of.saturating_mul(percent);
    if up { product.saturating_add(99) / 100 } else { product / 100 }
}
