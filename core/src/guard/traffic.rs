//! What the routers of a canary do now, as the invariants about traffic need it: looked at afresh, not taken from the planner.

use crate::api::ReplicaSet;
use crate::plan::Plan;
use crate::replicas::CanaryScale;
use crate::snapshot::{Service, Snapshot};
use crate::steps;
use crate::strategy::Strategy;
use crate::traffic::{Destination, Observed, carried, pods};

/// The traffic of a rollout with routers.
pub(super) struct Traffic<'a> {
    pub(super) strategy: Strategy<'a>,
    pub(super) replicas: i32,
    /// What all weights add up to.
    pub(super) max: i32,
    /// The canary's lowest and highest weight, by router.
    pub(super) weights: Vec<(&'a str, i32, i32)>,
    /// The revision that its destination leads to.
    pub(super) canary: String,
    /// The revision that the stable destination leads to.
    pub(super) stable: String,
    /// The Services of both; empty where there are none between.
    pub(super) stable_service: &'a str,
    pub(super) canary_service: &'a str,
    /// Whether a data plane may still do what it was told before.
    pub(super) lags: bool,
    /// Whether a router cannot say what its data plane does.
    pub(super) is_in_the_dark: bool,
    /// Whether requests of certain kinds go to the canary, whatever its weight.
    pub(super) has_routes: bool,
}

/// The traffic, unless no router carries it.
pub(super) fn of(snapshot: &Snapshot) -> Option<Traffic<'_>> {
    let strategy = Strategy::of(&snapshot.rollout).filter(|strategy| strategy.is_routed())?;
    let status = snapshot.rollout.status();
    let roles = strategy.roles(status);
    let leads_to = |service: &str, otherwise: &str| match service {
        "" => otherwise.to_owned(),
        name => snapshot.service(name).and_then(Service::leads_to).unwrap_or_default().to_owned(),
    };
    let canary = Destination { service: roles.canary.to_owned(), hash: leads_to(roles.canary, "") };
    let stable = Destination { service: roles.stable.to_owned(), hash: leads_to(roles.stable, &status.stable_rs) };
    let routers = snapshot.routers.iter();
    let observed: Vec<_> =
        routers.map(|routed| (routed.router.name(), routed.observe(snapshot.now, &canary, &stable))).collect();
    let busy = |observed: &Observed| observed.highest > 0 || observed.verified == Some(false);
    let told = observed.iter().filter(|(_, observed)| busy(observed)).find_map(|(_, observed)| observed.hash.clone());
    Some(Traffic {
        strategy,
        replicas: snapshot.replicas(),
        max: strategy.max_weight(),
        weights: observed.iter().map(|(name, observed)| (*name, observed.lowest, observed.highest)).collect(),
        is_in_the_dark: observed.iter().any(|(_, observed)| observed.verified.is_none()),
        has_routes: observed.iter().any(|(_, observed)| observed.has_routes),
        lags: observed.iter().any(|(_, observed)| observed.verified == Some(false)),
        stable: stable.hash,
        stable_service: roles.stable,
        canary_service: roles.canary,
        canary: leads_to(roles.canary, &told.unwrap_or_else(|| status.current_pod_hash.clone())),
    })
}

impl Traffic<'_> {
    /// The highest weight that any router gives to the canary.
    pub(super) fn highest(&self) -> i32 {
        self.weights.iter().map(|(_, _, highest)| *highest).max().unwrap_or(0)
    }

    /// Whether requests may go to the canary's destination.
    pub(super) fn reaches_canary(&self) -> bool {
        self.highest() > 0 || self.has_routes || self.lags
    }

    /// The lowest.
    pub(super) fn lowest(&self) -> i32 {
        self.weights.iter().map(|(_, lowest, _)| *lowest).min().unwrap_or(0)
    }

    /// The weight that pods of the stable destination may be given.
    pub(super) fn stable_carries(&self, snapshot: &Snapshot) -> i32 {
        let serving = snapshot.served(self.stable_service, &self.stable, available(snapshot, &self.stable));
        carried(serving, self.max, self.carriers())
    }

    /// How many pods carry all of the traffic: no fewer than `maxUnavailable` leaves, and at least one.
    pub(super) fn carriers(&self) -> i32 {
        self.strategy.limits(self.replicas).floor().max(1).min(self.replicas)
    }

    /// The pods that carry a weight, of those that carry all.
    pub(super) fn share(&self, weight: i32) -> i32 {
        pods(weight, self.max, self.replicas)
    }

    /// The pods that a step asks for, where it gives the canary this weight.
    pub(super) fn asked(&self, index: usize, weight: i32) -> i32 {
        match steps::scale_at(self.strategy.steps(), index) {
            CanaryScale::Pods(count) => count,
            CanaryScale::Share(own) => self.share(own),
            CanaryScale::Weight => self.share(weight),
        }
    }
}

/// Pods of a revision that are certain to serve: what an older status counts may be on its way out.
pub(super) fn available(snapshot: &Snapshot, hash: &str) -> i32 {
    let pods = |rs: &ReplicaSet| {
        let known = rs.observed().observed_generation >= rs.metadata.generation;
        if known { rs.wanted().min(rs.observed().available_replicas) } else { 0 }
    };
    snapshot.owned().filter(|rs| rs.has_hash(hash)).map(pods).sum()
}

/// The step in force, as a plan leaves it.
pub(super) fn index(plan: &Plan) -> usize {
    usize::try_from(plan.status.current_step_index.unwrap_or(0)).unwrap_or(0)
}
