//! S5: a Service that carries traffic is pointed at pods that serve, and the active Service of blue-green only at a complete
//! revision that nothing holds back.

use crate::api::{PauseReason, ReplicaSet};
use crate::effect::{Effect, Phase, ServicePatch};
use crate::plan::Plan;
use crate::snapshot::Snapshot;
use crate::strategy::Strategy;

use super::{Invariant, Part, Violation};

pub(super) fn check(snapshot: &Snapshot, plan: &Plan, violations: &mut Vec<Violation>) {
    for (index, planned) in plan.effects.iter().enumerate() {
        let Effect::PatchService(patch) = &planned.effect else { continue };
        let Some(hash) = patch.hash().and_then(|change| change.to.as_deref()) else { continue };
        if let Some(message) = wrong(snapshot, plan, patch, hash, planned.phase) {
            violations.push(Violation { invariant: Invariant::Selectors, part: Part::Effect(index), message });
        }
    }
}

fn wrong(snapshot: &Snapshot, plan: &Plan, patch: &ServicePatch, hash: &str, phase: Option<Phase>) -> Option<String> {
    let name = &patch.target.name;
    let Some(rs) = snapshot.owned().find(|rs| rs.hash().is_some_and(|own| own.as_str() == hash)) else {
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
    let paused = plan.status.pause_conditions.iter().any(|c| c.reason == PauseReason::BLUE_GREEN_PAUSE);
    if paused {
        return Some("the active Service would be switched while the rollout is paused".into());
    }
    plan.status.abort.then(|| "the active Service would be switched to a revision that was aborted".into())
}
