//! S10: a revision has one ReplicaSet, under the one name that follows from it.

use crate::api::labels;
use crate::effect::Effect;
use crate::plan::Plan;
use crate::revision::owns;
use crate::snapshot::Snapshot;

use super::{Invariant, Part, Violation};

pub(super) fn check(snapshot: &Snapshot, plan: &Plan, violations: &mut Vec<Violation>) {
    let mut created = Vec::new();
    for (index, planned) in plan.effects.iter().enumerate() {
        let Effect::CreateReplicaSet(rs) = &planned.effect else { continue };
        let mut violate = |message: String| {
            violations.push(Violation { invariant: Invariant::AtMostOnce, part: Part::Effect(index), message });
        };
        let Some(hash) = rs.hash() else {
            violate(format!("{} would carry no {}", rs.name(), labels::POD_TEMPLATE_HASH));
            continue;
        };
        let rollout = snapshot.rollout.metadata.name.as_deref().unwrap_or_default();
        if rs.name() != format!("{rollout}-{hash}") {
            violate(format!("{} is not named after its rollout and its hash {hash}", rs.name()));
        }
        if !owns(&snapshot.rollout, rs) {
            violate(format!("{} would not belong to {rollout}", rs.name()));
        }
        if created.contains(&hash) || snapshot.owned().any(|other| other.hash().as_ref() == Some(&hash)) {
            violate(format!("revision {hash} already has a ReplicaSet"));
        }
        created.push(hash);
    }
}
