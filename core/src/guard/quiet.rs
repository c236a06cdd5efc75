//! S14: nothing to do is no write, and nothing is looked at more than once a second without cause.

use jiff::SignedDuration;

use crate::effect::Effect;
use crate::plan::{Plan, Urgency};
use crate::snapshot::Snapshot;

use super::{Invariant, Part, Violation};

/// The shortest time after which a plan may ask to be called again; the past is always due.
pub(super) const SHORTEST_WAIT: SignedDuration = SignedDuration::from_secs(1);

pub(super) fn check(snapshot: &Snapshot, plan: &Plan, violations: &mut Vec<Violation>) {
    for (index, planned) in plan.effects.iter().enumerate() {
        let empty = match &planned.effect {
            Effect::PatchReplicaSet(patch) => {
                patch.is_empty() || patch.replicas.as_ref().is_some_and(|size| size.from == size.to)
            }
            Effect::PatchRollout(patch) => patch.replicas.is_none() && patch.annotations.changes.is_empty(),
            Effect::ScaleWorkload(scale) => scale.replicas.from == scale.replicas.to,
            _ => false,
        };
        if empty {
            let message = format!("{} would change nothing", planned.effect.key());
            violations.push(Violation { invariant: Invariant::Quiet, part: Part::Effect(index), message });
        }
    }
    let idle = plan.effects.is_empty() && plan.urgency == Urgency::None;
    if idle && plan.wake_at.is_some_and(|wake| wake <= snapshot.now) {
        let message = "an idle plan would be made again at once".to_owned();
        violations.push(Violation { invariant: Invariant::Quiet, part: Part::Wake, message });
    }
}
