//! S16: what is deleted is neither stable nor asked for, and no Service selects it.

use crate::api::ReplicaSet;
use crate::effect::Effect;
use crate::plan::Plan;
use crate::snapshot::Snapshot;

use super::{Invariant, Part, Violation};

pub(super) fn check(snapshot: &Snapshot, plan: &Plan, violations: &mut Vec<Violation>) {
    let status = snapshot.rollout.status();
    for (index, planned) in plan.effects.iter().enumerate() {
        let Effect::DeleteReplicaSet(target) = &planned.effect else { continue };
        let Some(hash) = snapshot.owned().find(|rs| rs.uid() == target.uid).and_then(ReplicaSet::hash) else {
            continue;
        };
        let hash = hash.as_str();
        let service = snapshot.services.iter().find(|service| service.hash() == Some(hash));
        let why = if hash == status.stable_rs || hash == status.current_pod_hash {
            "is in use".to_owned()
        } else if let Some(service) = service {
            format!("is selected by Service {}", service.target.name)
        } else {
            continue;
        };
        let message = format!("{} would be deleted although it {why}", target.name);
        violations.push(Violation { invariant: Invariant::Collection, part: Part::Effect(index), message });
    }
}
