//! S1: no shrink takes available pods below `spec.replicas` minus `maxUnavailable`.

use crate::api::ReplicaSet;
use crate::effect::Effect;
use crate::plan::Plan;
use crate::snapshot::{Service, Snapshot};
use crate::strategy::Strategy;

use super::{Invariant, Part, Violation};

/// Judges all shrinks of a plan together, because together they happen. A ReplicaSet loses its unavailable pods first, so it
/// keeps as many available ones as fit into its new size.
pub(super) fn check(snapshot: &Snapshot, plan: &Plan, violations: &mut Vec<Violation>) {
    // Where routers carry the traffic, S3 says which pods it needs.
    let Some(strategy) = Strategy::of(&snapshot.rollout).filter(|strategy| !strategy.is_routed()) else { return };
    // Blue-green traffic goes to one revision, which is to be complete.
    let (floor, active) = match strategy {
        Strategy::Canary(_) => (strategy.limits(snapshot.replicas()).floor(), None),
        Strategy::BlueGreen(blue_green) => {
            let active = snapshot.service(&blue_green.active_service).and_then(Service::hash);
            (snapshot.replicas(), Some(active.unwrap_or(&snapshot.rollout.status().stable_rs)))
        }
    };
    let serves = |rs: &&ReplicaSet| active.is_none_or(|hash| rs.has_hash(hash));
    let mut available: i32 = snapshot.owned().filter(serves).map(serving).sum();
    for (index, planned) in plan.effects.iter().enumerate() {
        let (name, left) = match &planned.effect {
            Effect::PatchReplicaSet(patch) => match &patch.replicas {
                Some(size) if size.to < size.from => (&patch.target.name, size.to),
                _ => continue,
            },
            Effect::DeleteReplicaSet(target) => (&target.name, 0),
            _ => continue,
        };
        let now = snapshot.owned().filter(serves).find(|rs| rs.name() == name).map_or(0, serving);
        let lost = (now - left).max(0);
        if lost > 0 && available - lost < floor {
            violations.push(Violation {
                invariant: Invariant::Capacity,
                part: Part::Effect(index),
                message: format!(
                    "shrinking {name} to {left} would leave {} available pods where {floor} must stay",
                    available - lost
                ),
            });
        } else {
            available -= lost;
        }
    }
}

/// Available pods that are not on their way out: the count lags behind a shrink.
fn serving(rs: &ReplicaSet) -> i32 {
    rs.wanted().min(rs.observed().available_replicas)
}
