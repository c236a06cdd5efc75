//! `revisionHistoryLimit`: which drained ReplicaSets are kept for going back to.

use crate::effect::{Effect, Phase, Target};

use super::draft::Draft;
use crate::planted::{self, Bug};

/// What applies when the manifest is silent.
const DEFAULT_LIMIT: i32 = 10;

/// Deletes the oldest ReplicaSets beyond the limit. One that still has pods, or whose controller has not caught up, is
/// counted and kept.
pub(super) fn collect(d: &mut Draft<'_>) {
    let limit = d.s.rollout.spec.revision_history_limit.unwrap_or(DEFAULT_LIMIT).max(0);
    let limit = if planted::is(Bug::DeletesServingRevisions) { 0 } else { limit };
    let kept: Vec<_> = d.revisions.old.iter().copied().filter(|rs| !rs.is_deleting()).collect();
    let surplus = kept.len().saturating_sub(usize::try_from(limit).unwrap_or(0));
    for rs in kept.into_iter().take(surplus) {
        let drained = planted::is(Bug::DeletesServingRevisions)
            || rs.wanted() == 0 && rs.observed().replicas == 0 && rs.is_observed();
        if drained {
            d.plan(Effect::DeleteReplicaSet(Target::of(&rs.metadata)), Some(Phase::Collect), Vec::new());
        }
    }
}
