//! How many pods each ReplicaSet of a Deployment has: step by step to the newest alone, or in proportion.

use std::cmp::Reverse;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{DESIRED, MANAGER, MAX, SETS, Sets, available, is_recreate, limits, wanted};
use crate::object;
use crate::state::State;
use crate::workloads::events;
use crate::write::{self, Call};

/// Whether the Deployment wants another number of pods than when its ReplicaSets were sized.
pub fn is_asked_for(deployment: &Value, sets: &Sets) -> bool {
    let want = wanted(deployment).to_string();
    let mut active = sets.all().filter(|rs| wanted(rs) > 0);
    active.any(|rs| object::annotation(rs, DESIRED).is_some_and(|desired| desired != want))
}

/// The size that the newest ReplicaSet may have now, which has `size` of `all` pods.
pub fn grown(deployment: &Value, size: i64, all: i64) -> i64 {
    let want = wanted(deployment);
    if size >= want || is_recreate(deployment) {
        return want;
    }
    let room = want + limits(deployment).0 - all;
    size + room.clamp(0, want - size)
}

/// Lets the newest have what room there is. Returns whether that changed anything.
pub fn grow(state: &mut State, deployment: &Value, sets: &Sets) -> bool {
    let Some(newest) = &sets.newest else { return false };
    let size = wanted(newest);
    size != wanted(deployment) && resize(state, deployment, newest, grown(deployment, size, sets.size()))
}

/// Takes away old pods that can be missed. Returns whether there were any.
pub fn shrink(state: &mut State, deployment: &Value, sets: &Sets) -> bool {
    let (_, unavailable) = limits(deployment);
    let least = wanted(deployment) - unavailable;
    let missing: i64 = sets.newest.iter().map(|rs| wanted(rs) - available(rs)).sum();
    let mut spare = sets.size() - least - missing;
    if spare <= 0 {
        return false;
    }
    // Pods that do not serve go first, and cost nothing.
    let mut sizes: Vec<(&Arc<Value>, i64)> = sets.old.iter().map(|rs| (rs, wanted(rs))).collect();
    for (rs, size) in &mut sizes {
        let idle = (*size - available(rs)).clamp(0, spare);
        *size -= idle;
        spare -= idle;
    }
    let mut can_go = sets.all().map(|rs| available(rs)).sum::<i64>() - least;
    for (_, size) in &mut sizes {
        let going = (*size).min(can_go.max(0));
        *size -= going;
        can_go -= going;
    }
    let mut scaled = false;
    for (rs, size) in sizes {
        scaled |= size != wanted(rs) && resize(state, deployment, rs, size);
    }
    scaled
}

/// Follows a change of the number of pods: with one ReplicaSet it takes all, with more each takes its part.
pub fn spread(state: &mut State, deployment: &Value, sets: &Sets) {
    let want = wanted(deployment);
    let active: Vec<&Arc<Value>> = sets.all().filter(|rs| wanted(rs) > 0).collect();
    let only = match active.as_slice() {
        [] => sets.newest.as_ref().or(sets.old.last()),
        [only] => Some(*only),
        _ => None,
    };
    if let Some(only) = only {
        if wanted(only) != want {
            resize(state, deployment, only, want);
        }
        return;
    }
    if sets.newest.as_ref().is_some_and(|rs| is_saturated(deployment, rs)) {
        for rs in &sets.old {
            resize(state, deployment, rs, 0);
        }
        return;
    }
    if is_recreate(deployment) {
        return;
    }
    for (rs, size) in portions(deployment, active) {
        resize(state, deployment, &rs, size);
    }
}

fn is_saturated(deployment: &Value, newest: &Value) -> bool {
    let want = wanted(deployment);
    let sized_for = object::annotation(newest, DESIRED).and_then(|text| text.parse::<i64>().ok());
    wanted(newest) == want && sized_for == Some(want) && available(newest) == want
}

/// The sizes that keep the proportions. What rounding leaves over goes to the largest.
fn portions(deployment: &Value, mut active: Vec<&Arc<Value>>) -> Vec<(Arc<Value>, i64)> {
    let want = wanted(deployment);
    let most = if want > 0 { want + limits(deployment).0 } else { 0 };
    let more = most - active.iter().map(|rs| wanted(rs)).sum::<i64>();
    // They are in the order of their age; of equals the newer grows first, and the older shrinks first.
    if more > 0 {
        active.reverse();
    }
    active.sort_by_key(|rs| Reverse(wanted(rs)));
    let mut left = more;
    let mut sizes = Vec::new();
    for rs in active {
        let size = wanted(rs);
        let before = object::annotation(rs, MAX).and_then(|text| text.parse::<i64>().ok());
        let before = before.or(deployment["status"]["replicas"].as_i64()).unwrap_or(0).max(1);
        let scaled = if want == 0 { 0 } else { (2 * size * (want + limits(deployment).0) + before) / (2 * before) };
        let part = (scaled - size).clamp(left.min(0), left.max(0));
        left -= part;
        sizes.push((Arc::clone(rs), size + part));
    }
    if let Some((_, size)) = sizes.first_mut() {
        *size = (*size + left).max(0);
    }
    sizes
}

/// Gives a ReplicaSet a size. Returns whether it had another.
pub fn resize(state: &mut State, deployment: &Value, rs: &Value, size: i64) -> bool {
    let (surge, _) = limits(deployment);
    let (desired, most) = (wanted(deployment).to_string(), (wanted(deployment) + surge).to_string());
    let before = wanted(rs);
    let marked = object::annotation(rs, DESIRED) == Some(&desired) && object::annotation(rs, MAX) == Some(&most);
    if before == size && (marked || size == 0) {
        return false;
    }
    let resource = state.registry.known(SETS);
    let call = Call::new(&resource, object::namespace(rs), MANAGER);
    let written = write::update(state, &call, object::name(rs), |current| {
        let mut new = current.clone();
        new["spec"]["replicas"] = json!(size);
        let annotations = write::map(write::child(&mut new, "metadata"), "annotations");
        annotations.insert(DESIRED.into(), json!(desired));
        annotations.insert(MAX.into(), json!(most));
        Ok(new)
    });
    if let (Ok(written), true) = (written, before != size) {
        tell(state, deployment, &written, before, size);
    }
    before != size
}

/// Tells of another size.
pub fn tell(state: &mut State, deployment: &Value, rs: &Value, from: i64, to: i64) {
    let direction = if to > from { "up" } else { "down" };
    let message = format!("Scaled {direction} replica set {} from {from} to {to}", object::name(rs));
    events::tell(state, deployment, "deployment-controller", "Normal", "ScalingReplicaSet", &message);
}
