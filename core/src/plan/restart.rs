//! `restartAt`: replacing every pod that is older, without a new revision.

use jiff::SignedDuration;

use crate::api::ReplicaSet;
use crate::effect::{Effect, Phase};
use crate::snapshot::Pod;
use crate::status::phase;
use crate::time;

use super::draft::Draft;

/// How soon a restart looks again although no pod changed.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_secs(30);

/// Evicts old pods, as many at a time as `maxUnavailable` allows and at least one, stable pods first.
pub(super) fn replace_old_pods(d: &mut Draft<'_>) {
    let Some(restart_at) = d.s.rollout.spec.restart_at.clone() else { return };
    if !phase::restart_due(&d.s.rollout, &d.status, d.s.now) {
        if restart_at.0 > d.s.now {
            d.wake_at(restart_at.0);
        }
        return;
    }
    let old = pods_created_before(d, restart_at.0);
    if old.is_empty() {
        d.status.restarted_at = Some(restart_at);
        return;
    }
    d.wake_at(time::after(d.s.now, LOOK_AGAIN));
    if !d.scales() && !d.promotes {
        evict(d, &old);
    }
    d.wait("Restart", None, format!("{} pods from before the restart are still to be replaced", old.len()));
}

fn evict(d: &mut Draft<'_>, old: &[&Pod]) {
    let wanted: i32 = d.revisions.all().map(ReplicaSet::wanted).sum();
    let missing_allowed = d.limits.unavailable.max(1);
    let available: i32 = d.revisions.all().map(|rs| rs.observed().available_replicas).sum();
    let spare = available - (d.s.replicas().max(wanted) - missing_allowed);
    let deleting = old.iter().filter(|pod| pod.deleting).count();
    let evictable = usize::try_from(spare).unwrap_or(0).saturating_sub(deleting);
    for pod in old.iter().filter(|pod| !pod.deleting).take(evictable) {
        d.plan(Effect::EvictPod(pod.target.clone()), Some(Phase::Shrink), Vec::new());
    }
}

/// Pods to replace: the stable revision's, then the new one's, then the others'.
fn pods_created_before<'a>(d: &Draft<'a>, restart_at: jiff::Timestamp) -> Vec<&'a Pod> {
    let stable = d.revisions.other_stable();
    let order = stable.into_iter().chain(d.revisions.new).chain(d.revisions.old.iter().copied());
    order
        .flat_map(|rs| d.s.pods.iter().filter(move |pod| pod.replica_set_uid == rs.uid()))
        .filter(|pod| pod.created < restart_at)
        .collect()
}
