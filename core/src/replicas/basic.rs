//! One pass of a canary without a traffic router: how far the ReplicaSets may move now.
//!
//! The behaviour is that of Argo Rollouts, whose recorded decisions (`tests/golden/basic_canary.jsonl`) this reproduces.

use super::{Limits, Split, split};
use crate::planted::{self, Bug};

/// A ReplicaSet's wanted and available pods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// `spec.replicas`.
    pub spec: i32,
    /// `status.availableReplicas`.
    pub available: i32,
}

impl Size {
    /// Pods that will go on serving: after a shrink, the count of available pods lags behind the wanted one, and what is
    /// already on its way out must not be counted on again.
    pub fn serving(self) -> i32 {
        self.spec.min(self.available)
    }

    /// How many of its pods may be counted on while another ReplicaSet shrinks. The availability of the side that is being
    /// drained is ignored, or its crash-looping pods would block their own removal.
    fn counted(self, draining: bool) -> i32 {
        if draining || self.spec < self.available { self.spec } else { self.available }
    }
}

/// Everything that decides the sizes of the new and the stable ReplicaSet.
#[derive(Clone, Copy, Debug)]
pub struct BasicCanary {
    /// The band in which the number of pods may move.
    pub limits: Limits,
    /// Percent of pods the new revision should have, 0 to 100.
    pub weight: i32,
    /// The new revision's ReplicaSet; zero when it does not exist yet.
    pub new: Size,
    /// The stable ReplicaSet, unless there is none or the new one is it.
    pub stable: Option<Size>,
    /// Pods wanted by all other ReplicaSets.
    pub old_spec: i32,
}

impl BasicCanary {
    /// The split that the weight asks for, limits aside.
    pub fn desired(&self) -> Split {
        match self.stable {
            Some(_) => split(self.limits.replicas, self.weight, self.limits.surge),
            None => Split { canary: self.limits.replicas, stable: 0 },
        }
    }

    /// The sizes to set now. A result between the present size and [`desired`](Self::desired) means that the next
    /// observation decides how to go on.
    pub fn next(&self) -> Split {
        let stable = self.stable.unwrap_or_default();
        let desired = self.desired();
        let grown = self.grow(stable, desired);
        // Old ReplicaSets make room first; see `shrink_old`.
        if self.old_spec > 0 { grown } else { self.shrink(stable, desired, grown) }
    }

    /// Gives the free part of the ceiling to the stable side, which serves, and the rest to the new one.
    fn grow(&self, stable: Size, desired: Split) -> Split {
        let mut budget = self.limits.ceiling() - self.new.spec - stable.spec - self.old_spec;
        let mut sizes = Split { canary: self.new.spec, stable: stable.spec };
        if budget > 0 && stable.spec < desired.stable {
            sizes.stable = desired.stable.min(stable.spec + budget);
            budget -= sizes.stable - stable.spec;
        }
        if budget > 0 && self.new.spec < desired.canary {
            sizes.canary = desired.canary.min(self.new.spec + budget);
        }
        sizes
    }

    fn shrink(&self, stable: Size, desired: Split, grown: Split) -> Split {
        let floor = if planted::is(Bug::ForgetsTheFloor) { 0 } else { self.limits.floor() };
        let increasing = desired.canary >= self.new.spec;
        let spare = self.new.counted(!increasing) + stable.counted(increasing) - floor;
        if spare <= 0 && !planted::is(Bug::AbortsWithoutGrowing) {
            return grown;
        }
        let (ceiling, new) = (self.limits.ceiling(), self.new);
        if increasing {
            let drained = shrink_towards(stable.spec, desired.stable, spare, grown.stable);
            let (stable, canary) = within_limits(drained, stable, grown.canary, new, ceiling, floor);
            Split { canary, stable }
        } else {
            let spare = if planted::is(Bug::AbortsWithoutGrowing) { new.spec } else { spare };
            let drained = shrink_towards(new.spec, desired.canary, spare, grown.canary);
            let (canary, stable) = within_limits(drained, new, grown.stable, stable, ceiling, floor);
            Split { canary, stable }
        }
    }
}

fn shrink_towards(spec: i32, desired: i32, spare: i32, otherwise: i32) -> i32 {
    if spec > desired { desired.max(spec - spare) } else { otherwise }
}

/// Brings both sides back under the ceiling, taking from the side that is not being drained only what it can spare.
fn within_limits(drained: i32, drain: Size, other: i32, other_now: Size, ceiling: i32, floor: i32) -> (i32, i32) {
    let over = (drained + other - ceiling).max(0);
    let mut kept = other - over;
    let available_after = drained.min(drain.available) + kept.min(other_now.available);
    if available_after < floor {
        kept += (other_now.available - kept).min(floor - available_after).max(0);
    }
    let still_over = (drained + kept - ceiling).max(0);
    (drained - still_over, kept)
}

/// A ReplicaSet that is neither new nor stable.
#[derive(Clone, Copy, Debug)]
pub struct OldReplicaSet {
    /// Its present size.
    pub size: Size,
    /// Its revision number; the newest is drained first.
    pub revision: i64,
}

/// The sizes that old ReplicaSets should have now, in the order given.
///
/// Pods that are not available serve nobody and go at once. The others go, newest revision first, only as far as the pods
/// that remain available everywhere stay at or above the floor.
pub fn shrink_old(limits: Limits, serving_everywhere: i32, old: &[OldReplicaSet]) -> Vec<i32> {
    let mut sizes: Vec<i32> = old.iter().map(|rs| rs.size.serving()).collect();
    let floor = if planted::is(Bug::ForgetsTheFloor) { 0 } else { limits.floor() };
    let mut spare = serving_everywhere - floor;
    let mut newest_first: Vec<usize> = (0..old.len()).collect();
    newest_first.sort_by_key(|index| std::cmp::Reverse(old[*index].revision));
    for index in newest_first {
        let taken = sizes[index].min(spare).max(0);
        sizes[index] -= taken;
        spare -= taken;
    }
    sizes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_replica_sets_lose_their_broken_pods_first() {
        let limits = Limits { replicas: 4, surge: 1, unavailable: 0 };
        let old = [OldReplicaSet { size: Size { spec: 3, available: 1 }, revision: 1 }];
        assert_eq!(shrink_old(limits, 4, &old), [1]);
    }

    #[test]
    fn the_newest_old_revision_is_drained_first() {
        let limits = Limits { replicas: 4, surge: 1, unavailable: 1 };
        let old = [
            OldReplicaSet { size: Size { spec: 2, available: 2 }, revision: 1 },
            OldReplicaSet { size: Size { spec: 2, available: 2 }, revision: 2 },
        ];
        assert_eq!(shrink_old(limits, 5, &old), [2, 0]);
    }
}
