//! What a view says about a rollout, before it becomes text.

use k8s_openapi::api::core::v1::Pod;
use sluice_core::api::{ReplicaSet, Rollout, labels};
use sluice_core::status::phase;
use sluice_core::steps;

/// The symbol of a status word.
pub fn symbol(word: &str) -> &'static str {
    match word {
        "Healthy" | "Running" | "Completed" => "✔",
        "Paused" => "॥",
        "Progressing" | "Pending" | "ContainerCreating" | "Terminating" => "◌",
        "ScaledDown" => "•",
        "Degraded" => "✖",
        _ => "⚠",
    }
}

/// A rollout's phase and message as a client shows them.
pub fn status(rollout: &Rollout) -> (String, String) {
    phase::shown(rollout)
}

/// `Canary` or `BlueGreen`.
pub fn strategy(rollout: &Rollout) -> &'static str {
    if rollout.spec.strategy.blue_green.is_some() { "BlueGreen" } else { "Canary" }
}

/// The step in force and the number of steps, `None` without steps.
pub fn step(rollout: &Rollout) -> Option<(i32, i32)> {
    let steps = rollout.spec.strategy.canary.as_ref()?.steps.as_ref()?;
    let all = i32::try_from(steps.len()).ok().filter(|all| *all > 0)?;
    Some((rollout.status().current_step_index.unwrap_or(0).min(all), all))
}

/// Whether the revision asked for is the stable one.
fn is_complete(rollout: &Rollout) -> bool {
    let status = rollout.status();
    !status.stable_rs.is_empty() && status.stable_rs == status.current_pod_hash
}

/// The weight that the steps ask for.
pub fn set_weight(rollout: &Rollout) -> i32 {
    let canary = rollout.spec.strategy.canary.as_ref();
    let steps = canary.and_then(|canary| canary.steps.as_deref()).unwrap_or_default();
    if is_complete(rollout) {
        100
    } else if rollout.status().abort {
        0
    } else {
        let index = usize::try_from(rollout.status().current_step_index.unwrap_or(0)).unwrap_or(0);
        steps::weight_at(steps, index)
    }
}

/// The weight that the new revision has: without a traffic router, its share of the available pods.
pub fn actual_weight(rollout: &Rollout, replica_sets: &[ReplicaSet]) -> i32 {
    if is_complete(rollout) {
        return 100;
    }
    let available = |rs: &ReplicaSet| rs.observed().available_replicas;
    let all: i32 = replica_sets.iter().map(available).sum();
    let new: i32 =
        replica_sets.iter().filter(|rs| has_hash(rs, &rollout.status().current_pod_hash)).map(available).sum();
    if all == 0 { 0 } else { new * 100 / all }
}

/// Whether a ReplicaSet is a revision's.
pub fn has_hash(rs: &ReplicaSet, hash: &str) -> bool {
    !hash.is_empty() && rs.hash().is_some_and(|label| label.as_str() == hash)
}

/// `stable`, `canary`, or nothing for an older revision.
pub fn role(rollout: &Rollout, rs: &ReplicaSet) -> &'static str {
    let status = rollout.status();
    if has_hash(rs, &status.stable_rs) {
        "stable"
    } else if has_hash(rs, &status.current_pod_hash) {
        "canary"
    } else {
        ""
    }
}

/// Images of a ReplicaSet's containers.
pub fn images(rs: &ReplicaSet) -> Vec<String> {
    let containers = rs.spec.template["spec"]["containers"].as_array();
    let images = containers.into_iter().flatten().filter_map(|container| container["image"].as_str());
    images.map(str::to_owned).collect()
}

/// The status word of a ReplicaSet.
pub fn replica_set_status(rs: &ReplicaSet) -> &'static str {
    let failing = rs.observed().conditions.iter().any(|c| c.type_ == "ReplicaFailure" && c.status == "True");
    if rs.wanted() == 0 && rs.observed().replicas == 0 {
        "ScaledDown"
    } else if failing {
        "Degraded"
    } else if rs.observed().available_replicas < rs.wanted() || rs.observed().replicas != rs.wanted() {
        "Progressing"
    } else {
        "Healthy"
    }
}

/// When a ReplicaSet loses its pods, where that is decided.
pub fn scale_down_deadline(rs: &ReplicaSet) -> Option<jiff::Timestamp> {
    rs.annotation(labels::SCALE_DOWN_DEADLINE)?.parse().ok()
}

/// A pod's status as kubectl prints it.
pub fn pod_status(pod: &Pod) -> String {
    if pod.metadata.deletion_timestamp.is_some() {
        return "Terminating".into();
    }
    let Some(status) = &pod.status else { return "Pending".into() };
    if let Some(reason) = &status.reason {
        return reason.clone();
    }
    let containers = status.container_statuses.iter().flatten();
    for state in containers.filter_map(|container| container.state.as_ref()) {
        if let Some(reason) = state.waiting.as_ref().and_then(|waiting| waiting.reason.clone()) {
            return reason;
        }
        if let Some(ended) = &state.terminated {
            return ended.reason.clone().unwrap_or_else(|| format!("ExitCode:{}", ended.exit_code));
        }
    }
    status.phase.clone().unwrap_or_else(|| "Pending".into())
}

/// Ready and all containers of a pod, and how often they restarted.
pub fn pod_containers(pod: &Pod) -> (usize, usize, i32) {
    let all = pod.spec.as_ref().map_or(0, |spec| spec.containers.len());
    let statuses = pod.status.as_ref().and_then(|status| status.container_statuses.as_ref());
    let ready = statuses.into_iter().flatten().filter(|container| container.ready).count();
    let restarts = statuses.into_iter().flatten().map(|container| container.restart_count).sum();
    (ready, all, restarts)
}
