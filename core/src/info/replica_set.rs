//! A ReplicaSet in the tree: how it is, which role it plays, and when it goes away.

use crate::api::ReplicaSet;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use serde_json::Value;

use super::age::{self, Age};
use super::badge::{Badge, Tone};
use super::pod::PodInfo;
use super::text;

/// Annotation: when a ReplicaSet that serves no more is to be scaled down.
pub const SCALE_DOWN_DEADLINE: &str = "scale-down-deadline";

/// What is shown of a ReplicaSet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaSetInfo {
    /// Its name.
    pub name: String,
    /// Its state in one word.
    pub status: Badge,
    /// Its age.
    pub age: Age,
    /// What it serves as: `stable`, `canary`, `active`, `preview`.
    pub roles: Vec<&'static str>,
    /// The time until it is scaled down.
    pub delay: Option<String>,
    /// Images of its containers.
    pub images: Vec<String>,
    /// Whether it has or wants pods.
    pub runs: bool,
    /// Its pods, oldest first.
    pub pods: Vec<PodInfo>,
}

impl ReplicaSetInfo {
    /// What is shown of `rs`, which serves as `roles`, and of those `pods` that it owns.
    pub fn of(rs: &ReplicaSet, roles: Vec<&'static str>, pods: &[Pod], now: Timestamp) -> ReplicaSetInfo {
        let mut own: Vec<&Pod> = pods.iter().filter(|pod| is_owned(pod, rs)).collect();
        own.sort_by(|a, b| created(a).cmp(&created(b)).then_with(|| a.metadata.name.cmp(&b.metadata.name)));
        let pods: Vec<PodInfo> = own.into_iter().map(|pod| PodInfo::of(pod, now)).collect();
        ReplicaSetInfo {
            name: text::printable(rs.name()),
            status: status(rs, &pods),
            age: Age::of(rs.created(), now),
            roles,
            delay: delay(rs, now),
            images: images(&rs.spec.template),
            runs: rs.wanted() > 0 || rs.observed().replicas > 0,
            pods,
        }
    }

    /// The last column of the tree.
    pub fn facts(&self) -> String {
        let delay = self.delay.iter().map(|delay| format!("delay:{delay}"));
        self.roles.iter().map(|&role| role.to_owned()).chain(delay).collect::<Vec<_>>().join(",")
    }
}

/// A pod that keeps failing is what a ReplicaSet short of pods is short of, so it says more than "Progressing".
fn status(rs: &ReplicaSet, pods: &[PodInfo]) -> Badge {
    let observed = rs.observed();
    let wanted = rs.wanted();
    let is_short = wanted > 0 && observed.available_replicas < wanted;
    let pod_fails = pods.iter().any(|pod| matches!(pod.status.tone, Tone::Bad | Tone::Doubtful));
    let refused = observed.conditions.iter().any(|c| c.type_ == "ReplicaFailure" && c.status == "True");
    if refused || (is_short && pod_fails) {
        Badge::new(Tone::Bad, "Degraded")
    } else if !rs.is_observed() || observed.replicas != wanted || observed.available_replicas < wanted {
        Badge::new(Tone::Busy, "Progressing")
    } else if wanted == 0 {
        Badge::new(Tone::Idle, "ScaledDown")
    } else {
        Badge::new(Tone::Good, "Healthy")
    }
}

fn delay(rs: &ReplicaSet, now: Timestamp) -> Option<String> {
    // The annotation may outlive its purpose; without pods there is nothing to wait for.
    let text = rs.annotation(SCALE_DOWN_DEADLINE).filter(|text| !text.is_empty() && rs.wanted() > 0)?;
    let deadline: Timestamp = text.parse().ok()?;
    Some(if deadline > now { age::human(deadline.duration_since(now)) } else { "passed".to_owned() })
}

/// Images of the containers of a pod template, in order, as they are shown.
pub fn images(template: &Value) -> Vec<String> {
    let containers = template.pointer("/spec/containers").and_then(Value::as_array);
    containers.into_iter().flatten().filter_map(|c| c["image"].as_str().map(text::printable)).collect()
}

fn created(pod: &Pod) -> Option<Timestamp> {
    pod.metadata.creation_timestamp.as_ref().map(|time| time.0)
}

/// Whether a pod belongs to a ReplicaSet.
pub fn is_owned(pod: &Pod, rs: &ReplicaSet) -> bool {
    let owners = pod.metadata.owner_references.iter().flatten();
    owners.filter(|owner| owner.controller == Some(true)).any(|owner| owner.uid == rs.uid())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn reads(rs: Value, text: &str) {
        let rs: ReplicaSet = serde_json::from_value(rs).expect("a ReplicaSet");
        let now = "2026-01-01T00:00:10Z".parse().expect("a time");
        let info = ReplicaSetInfo::of(&rs, vec!["stable"], &[], now);
        assert_eq!(format!("{} {}", info.status.text(), info.facts()), text);
    }

    #[test]
    fn a_replica_set_is_judged_by_what_it_wants_and_has() {
        let status = |n: i32, available: i32| json!({"replicas": n, "availableReplicas": available});
        reads(json!({"spec": {"replicas": 2}, "status": status(2, 2)}), "✔ Healthy stable");
        reads(json!({"spec": {"replicas": 2}, "status": status(2, 1)}), "◌ Progressing stable");
        reads(json!({"spec": {"replicas": 0}, "status": status(1, 1)}), "◌ Progressing stable");
        reads(json!({"spec": {"replicas": 0}, "status": status(0, 0)}), "• ScaledDown stable");
        reads(json!({"metadata": {"generation": 2}, "spec": {"replicas": 0}}), "◌ Progressing stable");
        let refused = json!([{"type": "ReplicaFailure", "status": "True"}]);
        reads(json!({"spec": {"replicas": 2}, "status": {"conditions": refused}}), "✖ Degraded stable");
    }

    #[test]
    fn the_delay_counts_down_and_then_has_passed() {
        let with = |deadline: &str, replicas: i32| {
            json!({
                "metadata": {"annotations": {"scale-down-deadline": deadline}},
                "spec": {"replicas": replicas},
                "status": {"replicas": replicas, "availableReplicas": replicas},
            })
        };
        reads(with("2026-01-01T00:00:30Z", 1), "✔ Healthy stable,delay:20s");
        reads(with("2026-01-01T00:00:05Z", 1), "✔ Healthy stable,delay:passed");
        reads(with("2026-01-01T00:00:30Z", 0), "• ScaledDown stable");
    }
}
