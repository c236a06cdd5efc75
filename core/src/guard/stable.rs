//! S3 and S4: where routers carry the traffic, pods go only after it. The stable revision keeps the pods for its share, and what
//! has served keeps them until its delay is over.

use crate::api::ReplicaSet;
use crate::effect::Effect;
use crate::plan::Plan;
use crate::snapshot::{Service, Snapshot};

use super::traffic::{self, Traffic};
use super::{Invariant, Part, Violation};

pub(super) fn check(snapshot: &Snapshot, plan: &Plan, violations: &mut Vec<Violation>) {
    let Some(now) = traffic::of(snapshot) else { return };
    let moves = |effect: &Effect| matches!(effect, Effect::Route(_) | Effect::PatchService(_));
    let shifts = plan.effects.iter().any(|planned| moves(&planned.effect));
    for (index, planned) in plan.effects.iter().enumerate() {
        let (uid, to) = match &planned.effect {
            Effect::PatchReplicaSet(patch) => match &patch.replicas {
                Some(size) if size.to < size.from => (&patch.target.uid, size.to),
                _ => continue,
            },
            Effect::DeleteReplicaSet(target) => (&target.uid, 0),
            _ => continue,
        };
        // Without pods it loses none.
        let Some(rs) = snapshot.owned().find(|rs| rs.uid() == uid && rs.wanted() > 0) else { continue };
        let keeps = required(plan, &now, rs);
        let wrong = if shifts {
            Some((Invariant::PhaseOrder, "traffic is moved at the same time".to_owned()))
        } else if let Some((needed, why)) = keeps.filter(|(needed, _)| to < *needed) {
            Some((Invariant::HoldStable, format!("{why} needs {needed}")))
        } else if now.lags && !(rs.has_hash(&plan.status.stable_rs) && to >= now.replicas) {
            Some((Invariant::PhaseOrder, "a router has not confirmed where its traffic goes".to_owned()))
        } else {
            waits(snapshot, plan, &now, rs, to).map(|why| (Invariant::HoldStable, why))
        };
        if let Some((invariant, why)) = wrong {
            let message = format!("{} would be shrunk to {to}, although {why}", rs.name());
            violations.push(Violation { invariant, part: Part::Effect(index), message });
        }
    }
}

/// The pods that a ReplicaSet has to keep for its traffic, and what traffic that is.
fn required(plan: &Plan, now: &Traffic<'_>, rs: &ReplicaSet) -> Option<(i32, &'static str)> {
    let status = &plan.status;
    let mut needed = Vec::new();
    if rs.has_hash(&now.stable) {
        let share = if rs.has_hash(&now.canary) { now.max } else { now.max - now.lowest() };
        let whole = rs.has_hash(&status.stable_rs) && !now.strategy.is_dynamic();
        let pods = if whole { now.replicas } else { now.share(share) };
        needed.push((pods, "the traffic of the stable revision"));
    }
    if rs.has_hash(&now.canary) && now.reaches_canary() && !rs.has_hash(&status.stable_rs) {
        let share = now.share(now.highest());
        let pods = if status.abort { share } else { share.min(now.asked(traffic::index(plan), now.highest())) };
        needed.push((pods.max(1).min(now.replicas), "the traffic of the canary"));
    }
    needed.into_iter().max_by_key(|(pods, _)| *pods)
}

/// What a revision that has served waits for before it loses its pods.
fn waits(snapshot: &Snapshot, plan: &Plan, now: &Traffic<'_>, rs: &ReplicaSet, to: i32) -> Option<String> {
    let status = &plan.status;
    if rs.has_hash(&status.stable_rs) {
        return None;
    }
    // Nobody can say when the last request for a canary has come.
    let due = rs.scale_down_deadline().is_some_and(|deadline| deadline <= snapshot.now);
    if now.is_in_the_dark
        && to == 0
        && !due
        && !status.stable_rs.is_empty()
        && now.strategy.scale_down_limit().is_none()
    {
        return (now.strategy.delay_in_the_dark() > 0).then(|| "nobody can say whether requests still go there".into());
    }
    if rs.has_hash(&status.current_pod_hash) {
        return None;
    }
    let selects = |service: &&Service| service.hash().is_some_and(|hash| rs.has_hash(hash));
    if let Some(service) = snapshot.services.iter().find(selects) {
        return Some(format!("Service {} selects it", service.target.name));
    }
    // How many may wait at once is a matter of their order, which is the planner's.
    let limited = now.strategy.scale_down_limit().is_some();
    let delay = now.strategy.scale_down_delay().filter(|delay| *delay > 0 && !limited)?;
    match rs.scale_down_deadline() {
        Some(deadline) => (deadline > snapshot.now).then(|| format!("its delay ends at {deadline}")),
        None => (status.stable_rs == status.current_pod_hash).then(|| format!("its delay of {delay} s has not begun")),
    }
}
