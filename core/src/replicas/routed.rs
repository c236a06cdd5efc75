//! The sizes of a canary whose traffic a router splits: the shares of pods and of traffic are two things.

use super::Split;
use crate::traffic::pods;

/// What the size of the canary follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CanaryScale {
    /// The weight.
    Weight,
    /// A share of its own, out of what all weights add up to (`setCanaryScale.weight`).
    Share(i32),
    /// A number of pods (`setCanaryScale.replicas`).
    Pods(i32),
}

/// Everything that decides the sizes of the new and the stable ReplicaSet.
#[derive(Clone, Copy, Debug)]
pub struct RoutedCanary {
    /// `spec.replicas`.
    pub replicas: i32,
    /// What all weights add up to.
    pub max: i32,
    /// The canary's weight that is aimed at.
    pub weight: i32,
    /// The lowest and the highest weight that routers may still give to the canary.
    pub in_use: (i32, i32),
    /// What the canary's size follows.
    pub scale: CanaryScale,
    /// `minPodsPerReplicaSet`.
    pub min_pods: i32,
    /// `dynamicStableScale`: the stable side has pods for its share alone.
    pub dynamic: bool,
}

impl RoutedCanary {
    /// The sizes that the weights ask for. Whatever routers may still be using keeps its pods. (Argo Rollouts, section B.6 of the
    /// reference: `replicas` of `setCanaryScale` is taken as it is, and the stable side of a dynamic scale follows the weight last
    /// set.)
    pub fn desired(&self) -> Split {
        let share = |weight| self.at_least(pods(weight, self.max, self.replicas));
        let canary = match self.scale {
            CanaryScale::Weight => share(self.weight),
            CanaryScale::Share(weight) => share(weight),
            CanaryScale::Pods(pods) => pods.max(0),
        };
        if !self.dynamic {
            return Split { canary, stable: self.replicas };
        }
        let (lowest, highest) = self.in_use;
        let stable = share((self.max - self.weight).max(self.max - lowest));
        // While the weight goes down, the canary's pods go with it, and not before it.
        let still_used = if highest > self.weight { share(highest) } else { 0 };
        Split { canary: canary.max(still_used), stable }
    }

    /// A ReplicaSet that has any pods has `minPodsPerReplicaSet` of them.
    fn at_least(&self, pods: i32) -> i32 {
        if pods == 0 { 0 } else { pods.max(self.min_pods.min(self.replicas)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEN: RoutedCanary = RoutedCanary {
        replicas: 10,
        max: 100,
        weight: 20,
        in_use: (20, 20),
        scale: CanaryScale::Weight,
        min_pods: 0,
        dynamic: false,
    };

    #[track_caller]
    fn expect(canary: RoutedCanary, expected: (i32, i32)) {
        let Split { canary, stable } = canary.desired();
        assert_eq!((canary, stable), expected);
    }

    #[test]
    fn the_canary_has_the_share_of_its_weight_and_the_stable_side_stays_whole() {
        expect(TEN, (2, 10));
        expect(RoutedCanary { weight: 25, ..TEN }, (3, 10));
        expect(RoutedCanary { weight: 0, ..TEN }, (0, 10));
        expect(RoutedCanary { weight: 250, max: 1000, ..TEN }, (3, 10));
    }

    #[test]
    fn a_scale_of_its_own_overrules_the_weight() {
        expect(RoutedCanary { scale: CanaryScale::Pods(7), ..TEN }, (7, 10));
        expect(RoutedCanary { scale: CanaryScale::Pods(0), ..TEN }, (0, 10));
        expect(RoutedCanary { scale: CanaryScale::Share(50), ..TEN }, (5, 10));
    }

    #[test]
    fn few_pods_are_made_up_to_the_minimum_but_none_stay_none() {
        let canary = RoutedCanary { min_pods: 4, ..TEN };
        expect(canary, (4, 10));
        expect(RoutedCanary { weight: 0, ..canary }, (0, 10));
        expect(RoutedCanary { min_pods: 40, ..TEN }, (10, 10));
        expect(RoutedCanary { scale: CanaryScale::Pods(1), ..canary }, (1, 10));
    }

    #[test]
    fn a_dynamic_stable_side_follows_the_weight_that_is_in_use() {
        let dynamic = RoutedCanary { dynamic: true, ..TEN };
        expect(dynamic, (2, 8));
        expect(RoutedCanary { in_use: (0, 20), ..dynamic }, (2, 10));
        expect(RoutedCanary { weight: 0, in_use: (60, 80), ..dynamic }, (8, 10));
        expect(RoutedCanary { weight: 100, in_use: (100, 100), min_pods: 2, ..dynamic }, (10, 0));
        expect(RoutedCanary { weight: 95, in_use: (95, 95), min_pods: 2, ..dynamic }, (10, 2));
    }
}
