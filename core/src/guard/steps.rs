//! S7: the step index moves back only for a person, an abort or a new target, and never past an incomplete step.

use crate::api::CanaryStep;
use crate::plan::Plan;
use crate::replicas::{BasicCanary, Limits, Size};
use crate::snapshot::Snapshot;
use crate::strategy::Strategy;
use crate::traffic::pods;

use super::traffic::{self, Traffic, available};
use super::{Invariant, Part, Violation};

pub(super) fn check(snapshot: &Snapshot, plan: &Plan, violations: &mut Vec<Violation>) {
    let (before, after) = (snapshot.rollout.status(), &plan.status);
    let same_target =
        before.current_pod_hash == after.current_pod_hash && before.current_step_hash == after.current_step_hash;
    let complete = after.stable_rs == after.current_pod_hash;
    if !same_target || complete || before.abort || after.abort || after.promote_full {
        return;
    }
    let Some(steps) = snapshot.rollout.spec.strategy.canary.as_ref().and_then(|canary| canary.steps.as_deref()) else {
        return;
    };
    let index = |value: Option<i32>| usize::try_from(value.unwrap_or(0)).unwrap_or(0).min(steps.len());
    let (from, to) = (index(before.current_step_index), index(after.current_step_index));
    let mut violate = |message: String| {
        violations.push(Violation { invariant: Invariant::StepMonotone, part: Part::Status, message });
    };
    if to < from {
        violate(format!("the step index would go back from {from} to {to}"));
    }
    for passed in from..to {
        if let Some(weight) = steps.get(passed).and_then(|step: &CanaryStep| step.set_weight)
            && let Some(lacking) = lacking(snapshot, after.current_pod_hash.as_str(), passed, weight)
        {
            violate(format!("step {passed} (setWeight {weight}) would be passed although {lacking}"));
        }
    }
}

/// What the pods of a weight lack, from first principles: enough new ones available, and no more stable ones than belong.
fn lacking(snapshot: &Snapshot, hash: &str, index: usize, weight: i32) -> Option<String> {
    if let Some(now) = traffic::of(snapshot) {
        return lacking_beside_router(snapshot, &now, hash, index, weight);
    }
    let canary = snapshot.rollout.spec.strategy.canary.as_ref()?;
    if snapshot.rollout.status().stable_rs.is_empty() {
        let due = pods(weight, 100, snapshot.replicas());
        let (serving, needed) = (available(snapshot, hash), Strategy::Canary(canary).needed(due));
        return (serving < needed).then(|| format!("{serving} of {needed} pods are available"));
    }
    let with_hash = |hash: &str| snapshot.owned().find(|rs| rs.has_hash(hash));
    let new = with_hash(hash);
    let stable = with_hash(&snapshot.rollout.status().stable_rs);
    let desired = BasicCanary {
        limits: Limits::resolve(snapshot.replicas(), canary.max_surge.as_ref(), canary.max_unavailable.as_ref()),
        weight: weight.clamp(0, 100),
        new: Size::default(),
        stable: stable.map(|_| Size::default()),
        old_spec: 0,
    }
    .desired();
    let available = new.map_or(0, |rs| rs.observed().available_replicas);
    let needed = Strategy::Canary(canary).needed(desired.canary);
    if available < needed {
        return Some(format!("{available} of {needed} new pods are available"));
    }
    let stable = stable?.observed().replicas;
    (stable > desired.stable).then(|| format!("{stable} stable pods run where {} belong", desired.stable))
}

/// What pods and traffic of a weight lack where routers carry it. A canary without pods gets none.
fn lacking_beside_router(
    snapshot: &Snapshot,
    now: &Traffic<'_>,
    hash: &str,
    index: usize,
    weight: i32,
) -> Option<String> {
    let (serving, needed) = (available(snapshot, hash), now.strategy.needed(now.asked(index, weight)));
    if serving < needed {
        return Some(format!("{serving} of {needed} new pods are available"));
    }
    // Without pods it gets none, and without a stable revision it gets all.
    let stable = snapshot.rollout.status().stable_rs.as_str();
    if needed == 0 || snapshot.owned().all(|rs| !rs.has_hash(stable)) {
        return None;
    }
    if now.canary != hash {
        return Some(format!("its destination leads to {}", now.canary));
    }
    if now.lags {
        return Some("a router has not confirmed where its traffic goes".into());
    }
    let mut each = now.weights.iter().flat_map(|(name, lowest, highest)| [(name, *lowest), (name, *highest)]);
    let (name, at) = each.find(|(_, at)| *at != weight)?;
    Some(format!("{name} sends {at} to the canary"))
}
