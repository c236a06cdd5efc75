//! What a strategy adds to the picture: the step and weights of a canary, and the roles of ReplicaSets.

use crate::api::{ReplicaSet, Rollout, RolloutStatus};
use crate::steps::weight_at;

/// The strategy's part of the header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// A canary.
    Canary {
        /// The step it is at, and how many there are.
        step: Option<(i32, usize)>,
        /// The weight that its steps ask for.
        set_weight: i32,
        /// The weight it has.
        actual_weight: i32,
    },
    /// Blue-green.
    BlueGreen,
    /// None is given.
    Unknown,
}

impl Strategy {
    /// The strategy of a rollout, whose ReplicaSets are `owned`.
    pub fn of(rollout: &Rollout, owned: &[&ReplicaSet]) -> Strategy {
        let strategy = &rollout.spec.strategy;
        let Some(canary) = &strategy.canary else {
            return if strategy.blue_green.is_some() { Strategy::BlueGreen } else { Strategy::Unknown };
        };
        let steps = canary.steps.as_deref().unwrap_or_default();
        let status = rollout.status();
        let (index, max) = (status.current_step_index, canary.max_weight());
        let set_weight = match index {
            _ if status.abort => 0,
            Some(index) => weight_at(steps, usize::try_from(index).unwrap_or(0), max),
            None if steps.is_empty() => max,
            None => weight_at(steps, 0, max),
        };
        let actual_weight = if canary.traffic_routing.is_some() {
            // Once the new revision is the stable one, it is reached by the stable side: all requests are its.
            if is_complete(status) { max } else { routed_weight(status).unwrap_or(0) }
        } else {
            share_of_pods(status, owned)
        };
        let step = index.filter(|_| !steps.is_empty()).map(|index| (index, steps.len()));
        Strategy::Canary { step, set_weight, actual_weight }
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Strategy::Canary { .. } => "Canary",
            Strategy::BlueGreen => "BlueGreen",
            Strategy::Unknown => "unknown",
        }
    }
}

/// Whether the revision asked for is the stable one.
fn is_complete(status: &RolloutStatus) -> bool {
    !status.stable_rs.is_empty() && status.stable_rs == status.current_pod_hash
}

/// Without a router the requests follow the pods: the canary's share of the available ones.
fn share_of_pods(status: &RolloutStatus, owned: &[&ReplicaSet]) -> i32 {
    if is_complete(status) {
        return if status.available_replicas > 0 { 100 } else { 0 };
    }
    let available = |rs: &&ReplicaSet| rs.observed().available_replicas;
    let all: i32 = owned.iter().map(available).sum();
    let canary: i32 = owned.iter().filter(|rs| has_hash(rs, &status.current_pod_hash)).map(available).sum();
    if all == 0 { 0 } else { canary * 100 / all }
}

/// What the router was last told, from the status as clients see it.
fn routed_weight(status: &RolloutStatus) -> Option<i32> {
    Some(status.canary.as_ref()?.weights.as_ref()?.canary.weight)
}

/// What a ReplicaSet serves as.
pub fn roles(rollout: &Rollout, rs: &ReplicaSet) -> Vec<&'static str> {
    let status = rollout.status();
    let is = |hash: &str| !hash.is_empty() && has_hash(rs, hash);
    if rollout.spec.strategy.blue_green.is_some() {
        let selectors = status.blue_green.as_ref();
        let active = selectors.is_some_and(|selectors| is(&selectors.active_selector));
        let preview = selectors.is_some_and(|selectors| is(&selectors.preview_selector));
        let each = [("stable", is(&status.stable_rs)), ("active", active), ("preview", preview && !active)];
        return each.into_iter().filter(|(_, plays)| *plays).map(|(role, _)| role).collect();
    }
    if is(&status.stable_rs) {
        vec!["stable"]
    } else if is(&status.current_pod_hash) {
        vec!["canary"]
    } else {
        Vec::new()
    }
}

fn has_hash(rs: &ReplicaSet, hash: &str) -> bool {
    rs.hash().is_some_and(|own| own.as_str() == hash)
}
