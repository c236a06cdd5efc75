//! A weight turned into pods, where the share of pods is the share of traffic.

/// Pods wanted on each side of a canary without a traffic router.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    /// Pods of the new revision.
    pub canary: i32,
    /// Pods of the stable revision.
    pub stable: i32,
}

/// The split of `replicas` pods that comes closest to `weight` percent on the canary.
///
/// With room for a surge pod, a total of one more is considered too. A weight of 1 to 99 keeps both sides alive whenever two
/// pods are possible. Equally close candidates are taken in the order of Argo Rollouts: rounded up before rounded down,
/// without the surge pod before with it.
pub fn split(replicas: i32, weight: i32, surge: i32) -> Split {
    if replicas == 0 {
        return Split { canary: 0, stable: 0 };
    }
    let weight = weight.clamp(0, 100);
    let mut best = Candidate { canary: 0, total: replicas };
    let mut best_error = f64::INFINITY;
    for candidate in candidates(replicas, weight, surge) {
        let error = candidate.error(weight);
        if error < best_error {
            (best, best_error) = (candidate, error);
        }
    }
    Split { canary: best.canary, stable: best.total - best.canary }
}

#[derive(Clone, Copy)]
struct Candidate {
    canary: i32,
    total: i32,
}

impl Candidate {
    /// Distance of the canary's share from the weight asked for, in percent.
    fn error(self, weight: i32) -> f64 {
        (f64::from(self.canary) * 100.0 / f64::from(self.total) - f64::from(weight)).abs()
    }
}

fn candidates(replicas: i32, weight: i32, surge: i32) -> impl Iterator<Item = Candidate> {
    let product = i64::from(replicas) * i64::from(weight);
    let floor = (product / 100) as i32;
    let ceil = floor + i32::from(product % 100 != 0);
    let tied = |total: i32| i64::from(total) * i64::from(weight) % 100 == 50;
    // Only a whole weight, or a single pod that cannot surge, may leave one side empty.
    let one_side_may_be_empty = weight == 0 || weight == 100 || (replicas == 1 && surge == 0);
    let floor_allowed = floor != 0 || one_side_may_be_empty;
    let (can_surge, surged) = (surge > 0, replicas + 1);
    [
        (ceil < replicas || one_side_may_be_empty).then_some(Candidate { canary: ceil, total: replicas }),
        (floor_allowed && !tied(replicas)).then_some(Candidate { canary: floor, total: replicas }),
        can_surge.then_some(Candidate { canary: ceil, total: surged }),
        (can_surge && floor_allowed && !tied(surged)).then_some(Candidate { canary: floor, total: surged }),
    ]
    .into_iter()
    .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn expect(replicas: i32, weight: i32, surge: i32, canary: i32, stable: i32) {
        assert_eq!(split(replicas, weight, surge), Split { canary, stable });
    }

    #[test]
    fn the_share_of_pods_follows_the_weight() {
        expect(10, 10, 1, 1, 9);
        expect(10, 30, 3, 3, 7);
        expect(10, 100, 1, 10, 0);
        expect(10, 0, 1, 0, 10);
    }

    #[test]
    fn a_small_weight_still_gets_one_pod() {
        expect(10, 5, 0, 1, 9);
        expect(1, 5, 1, 1, 1);
    }

    #[test]
    fn a_surge_pod_is_used_when_it_comes_closer() {
        expect(2, 80, 1, 2, 1);
        expect(2, 50, 1, 1, 1);
    }

    #[test]
    fn nothing_to_run_is_nothing_to_split() {
        expect(0, 50, 1, 0, 0);
    }
}
