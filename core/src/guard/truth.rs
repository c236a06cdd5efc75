//! S15: the status says what is.

use crate::plan::Plan;
use crate::snapshot::{Service, Snapshot};
use crate::strategy::Strategy;

use super::traffic;
use super::{Invariant, Part, Violation};

pub(super) fn check(snapshot: &Snapshot, plan: &Plan, violations: &mut Vec<Violation>) {
    let status = &plan.status;
    let mut violate =
        |message: String| violations.push(Violation { invariant: Invariant::Truth, part: Part::Status, message });
    let generation = snapshot.rollout.metadata.generation.unwrap_or(0);
    if status.observed_generation.parse::<i64>().is_ok_and(|observed| observed > generation) {
        violate(format!("generation {} was not observed yet", status.observed_generation));
    }
    if status.phase != "Healthy" {
        return;
    }
    if status.stable_rs.is_empty() || status.stable_rs != status.current_pod_hash {
        violate(format!("Healthy, with {} wanted and {} stable", status.current_pod_hash, status.stable_rs));
    }
    let (mut serving, mut others) = (0, 0);
    for rs in snapshot.owned() {
        if rs.has_hash(&status.stable_rs) {
            serving += rs.observed().available_replicas;
        } else {
            others += rs.observed().replicas;
        }
    }
    if serving < snapshot.replicas() {
        violate(format!("Healthy, with {serving} of {} pods available", snapshot.replicas()));
    }
    if let Some(Strategy::BlueGreen(blue_green)) = Strategy::of(&snapshot.rollout) {
        // Others may stay for their delay, as long as the traffic is here.
        let active = snapshot.service(&blue_green.active_service).and_then(Service::hash).unwrap_or_default();
        if active != status.current_pod_hash {
            violate(format!("Healthy, with {} wanted and {active} active", status.current_pod_hash));
        }
    } else if let Some(now) = traffic::of(snapshot) {
        // Others may stay for their delay, as long as nothing leads to them.
        if now.highest() > 0 || now.lags || now.stable != status.stable_rs {
            violate(format!("Healthy, with {} of {} on its way to {}", now.highest(), now.max, now.stable));
        }
    } else if others > 0 {
        violate(format!("Healthy, with {others} pods of other revisions left"));
    }
}
