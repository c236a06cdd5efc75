//! S1, for the Deployment that the template is taken from: it loses no pod that the Rollout has not replaced.

use crate::api::ReplicaSet;
use crate::effect::Effect;
use crate::plan::Plan;
use crate::snapshot::{Service, Snapshot};
use crate::strategy::Strategy;

use super::{Invariant, Part, Violation};

/// What stays of both together is what the manifest asks for, and only the Deployment that it names is scaled.
pub(super) fn check(snapshot: &Snapshot, plan: &Plan, violations: &mut Vec<Violation>) {
    for (index, planned) in plan.effects.iter().enumerate() {
        let Effect::ScaleWorkload(scale) = &planned.effect else { continue };
        let (name, size) = (&scale.target.name, &scale.replicas);
        let replaced = replaced(snapshot, plan);
        let problem = if snapshot.workload().is_none_or(|workload| workload.target != scale.target) {
            "it is not the one that the manifest names".to_owned()
        } else if size.to > size.from {
            "it would grow".to_owned()
        } else if replaced <= 0 || size.to + replaced < snapshot.replicas() {
            format!("beside it are {replaced} available pods of {}", snapshot.replicas())
        } else {
            continue;
        };
        violations.push(Violation {
            invariant: Invariant::Capacity,
            part: Part::Effect(index),
            message: format!("scaling Deployment {name} from {} to {}: {problem}", size.from, size.to),
        });
    }
}

/// The available pods of the Rollout that traffic reaches, without those that the same plan takes away.
fn replaced(snapshot: &Snapshot, plan: &Plan) -> i32 {
    let active = match Strategy::of(&snapshot.rollout) {
        Some(Strategy::BlueGreen(blue_green)) => {
            let active = snapshot.service(&blue_green.active_service).and_then(Service::hash);
            Some(active.unwrap_or(&snapshot.rollout.status().stable_rs))
        }
        _ => None,
    };
    let reached = snapshot.owned().filter(|rs| active.is_none_or(|hash| rs.has_hash(hash)));
    reached.filter(|rs| rs.is_observed()).map(|rs| left(rs, plan).min(rs.observed().available_replicas)).sum()
}

/// The size of a ReplicaSet after the plan.
fn left(rs: &ReplicaSet, plan: &Plan) -> i32 {
    let sizes = plan.effects.iter().filter_map(|planned| match &planned.effect {
        Effect::PatchReplicaSet(patch) if patch.target.name == rs.name() => patch.replicas.as_ref().map(|size| size.to),
        Effect::DeleteReplicaSet(target) if target.name == rs.name() => Some(0),
        _ => None,
    });
    sizes.fold(rs.wanted(), i32::min)
}
