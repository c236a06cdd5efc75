//! S5: a Service that carries traffic is pointed at pods that serve, and the active Service of blue-green only at a complete
//! revision that nothing holds back.

use crate::api::{PauseReason, ReplicaSet};
use crate::effect::{Effect, Phase, ServicePatch};
use crate::plan::Plan;
use crate::replicas::split;
use crate::snapshot::Snapshot;
use crate::steps;
use crate::strategy::Strategy;

use super::{Invariant, Part, Violation};

pub(super) fn check(snapshot: &Snapshot, plan: &Plan, violations: &mut Vec<Violation>) {
    for (index, planned) in plan.effects.iter().enumerate() {
        let Effect::PatchService(patch) = &planned.effect else { continue };
        let Some(change) = patch.hash() else { continue };
        let message = match change.to.as_deref() {
            Some(hash) => wrong(snapshot, plan, patch, hash, planned.phase),
            None => shown(snapshot, plan)
                .map(|why| format!("Service {} would select every pod, although {why}", patch.target.name)),
        };
        if let Some(message) = message {
            violations.push(Violation { invariant: Invariant::Selectors, part: Part::Effect(index), message });
        }
    }
}

fn wrong(snapshot: &Snapshot, plan: &Plan, patch: &ServicePatch, hash: &str, phase: Option<Phase>) -> Option<String> {
    let name = &patch.target.name;
    let Some(rs) = snapshot.owned().find(|rs| rs.has_hash(hash)) else {
        return Some(format!("Service {name} would select {hash}, which no ReplicaSet of the rollout is"));
    };
    match Strategy::of(&snapshot.rollout)? {
        Strategy::BlueGreen(blue_green) if blue_green.active_service == *name => {
            let stable = snapshot.rollout.status().stable_rs.as_str();
            let back = hash == stable;
            not_ready(rs, if back { 1.min(snapshot.replicas()) } else { snapshot.replicas() })
                .map(|lack| format!("Service {name} would select {hash}, of which {lack}"))
                .or_else(|| (!back && !stable.is_empty()).then(|| held(plan))?)
        }
        // The preview shows what is on its way.
        Strategy::BlueGreen(_) => None,
        // Of two Services that take turns, the idle one is pointed before its pods are there.
        Strategy::Canary(canary) if phase == Some(Phase::Grow) && canary.ping_pong.is_some() => None,
        Strategy::Canary(_) if phase == Some(Phase::Grow) => {
            Some(format!("Service {name} carries traffic, so growing does not point it anywhere"))
        }
        Strategy::Canary(_) => not_ready(rs, 1.min(snapshot.replicas()))
            .map(|lack| format!("Service {name} would select {hash}, of which {lack}")),
    }
}

fn not_ready(rs: &ReplicaSet, needed: i32) -> Option<String> {
    // What an older status counts may be on its way out.
    let known = rs.observed().observed_generation >= rs.metadata.generation;
    let available = if known { rs.wanted().min(rs.observed().available_replicas) } else { 0 };
    (available < needed).then(|| format!("{available} pods are available where {needed} are needed"))
}

/// What holds the switch to a new revision back.
fn held(plan: &Plan) -> Option<String> {
    let paused = plan.status.paused_since(PauseReason::BLUE_GREEN_PAUSE).is_some();
    if paused {
        return Some("the active Service would be switched while the rollout is paused".into());
    }
    plan.status.abort.then(|| "the active Service would be switched to a revision that was aborted".into())
}

/// Pods that not everybody is meant to see, so that no Service may select all that there are.
fn shown(snapshot: &Snapshot, plan: &Plan) -> Option<String> {
    let status = &plan.status;
    let is = |rs: &&ReplicaSet, hash: &str| rs.has_hash(hash);
    let wanted = |hash: &str| snapshot.owned().filter(|rs| is(rs, hash)).map(ReplicaSet::wanted).sum::<i32>();
    let (current, stable) = (status.current_pod_hash.as_str(), status.stable_rs.as_str());
    let other = snapshot.owned().find(|rs| rs.wanted() > 0 && !is(rs, current) && !is(rs, stable));
    if let Some(other) = other {
        return Some(format!("{} has pods left", other.name()));
    }
    if current == stable {
        return None;
    }
    let Strategy::Canary(canary) = Strategy::of(&snapshot.rollout)? else {
        return Some("the new revision is a preview".into());
    };
    let index = usize::try_from(status.current_step_index.unwrap_or(0)).unwrap_or(0);
    let weight = match status {
        _ if status.promote_full => 100,
        _ if status.abort => 0,
        _ => steps::weight_at(canary.steps.as_deref().unwrap_or_default(), index, 100),
    };
    let most = split(snapshot.replicas(), weight, Strategy::Canary(canary).limits(snapshot.replicas()).surge).canary;
    let new = wanted(current);
    (new > most).then(|| format!("{new} new pods run where {most} are due"))
}
