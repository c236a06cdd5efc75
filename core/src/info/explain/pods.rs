//! Pods that are not ready, and what they and their containers say about it.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ContainerStateTerminated, ContainerStatus, Pod};
use serde::Serialize;

use crate::api::{ReplicaSet, Rollout};
use crate::info::pod::PodInfo;
use crate::info::strategy::roles;
use crate::info::{age, text};
use crate::revision::owns;

/// How many pods are named, at most: they mostly fail alike.
const MOST_PODS: usize = 5;
/// The longest reason, in characters.
const LONGEST_REASON: usize = 400;

/// A pod that is not ready.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PodFault {
    /// Its name.
    pub name: String,
    /// What its revision serves as: `stable`, `canary`; empty for an older one.
    pub roles: Vec<&'static str>,
    /// Its state in one word.
    pub state: String,
    /// What is known of why.
    pub why: Vec<String>,
    /// The container that ran and ended badly: its log says more.
    pub ended: Option<Ended>,
    /// Whether it waits for a node.
    pub is_unscheduled: bool,
}

/// A container that ran and ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ended {
    /// Its name.
    pub container: String,
    /// Whether it has been started again since, so that its log is the one before the present one.
    pub is_previous: bool,
}

impl PodFault {
    /// Whether something is known to be wrong: not only that it is on its way.
    pub fn is_against(&self) -> bool {
        self.ended.is_some() || !self.why.is_empty()
    }
}

/// The pods that are not ready, worst first, and how many there are beyond those.
pub fn faults(rollout: &Rollout, replica_sets: &[ReplicaSet], pods: &[Pod], now: Timestamp) -> (Vec<PodFault>, usize) {
    let mut found = Vec::new();
    for rs in replica_sets.iter().filter(|rs| owns(rollout, rs)) {
        let own = pods.iter().filter(|pod| {
            let owners = pod.metadata.owner_references.iter().flatten();
            owners.filter(|owner| owner.controller == Some(true)).any(|owner| owner.uid == rs.uid())
        });
        // One that leaves is not missed.
        let own = own.filter(|pod| pod.metadata.deletion_timestamp.is_none() && !is_ready(pod));
        found.extend(own.map(|pod| PodFault::of(pod, roles(rollout, rs), now)));
    }
    found
        .sort_by_key(|fault| (fault.ended.is_none(), fault.why.is_empty(), fault.roles.is_empty(), fault.name.clone()));
    let more = found.len().saturating_sub(MOST_PODS);
    found.truncate(MOST_PODS);
    (found, more)
}

fn is_ready(pod: &Pod) -> bool {
    condition(pod, "Ready").is_some_and(|(status, _, _)| status == "True")
}

/// Status, reason and message of a condition.
fn condition<'a>(pod: &'a Pod, kind: &str) -> Option<(&'a str, &'a str, &'a str)> {
    let conditions = pod.status.as_ref()?.conditions.as_ref()?;
    let found = conditions.iter().find(|condition| condition.type_ == kind)?;
    let text = |text: &'a Option<String>| text.as_deref().unwrap_or_default();
    Some((found.status.as_str(), text(&found.reason), text(&found.message)))
}

impl PodFault {
    fn of(pod: &Pod, roles: Vec<&'static str>, now: Timestamp) -> PodFault {
        let info = PodInfo::of(pod, now);
        let unscheduled = condition(pod, "PodScheduled").filter(|(status, _, _)| *status == "False");
        let mut why: Vec<String> = unscheduled.into_iter().map(|(_, reason, message)| said(reason, message)).collect();
        let status = pod.status.clone().unwrap_or_default();
        if let Some(message) = status.message.as_deref().filter(|message| !message.is_empty()) {
            why.push(text::line(message, LONGEST_REASON));
        }
        let of_init = status.init_container_statuses.unwrap_or_default();
        let containers: Vec<ContainerStatus> =
            of_init.into_iter().chain(status.container_statuses.unwrap_or_default()).collect();
        why.extend(containers.iter().filter_map(|container| of_container(container, now)));
        if let (true, Some((_, reason, message))) = (why.is_empty(), condition(pod, "Ready")) {
            why.extend(Some(said(reason, message)).filter(|text| !text.is_empty()));
        }
        let ended = containers.iter().find(|container| !container.ready && last_end(container).is_some());
        let ended = ended.map(|container| Ended {
            container: text::printable(&container.name),
            is_previous: container.state.as_ref().is_none_or(|state| state.terminated.is_none()),
        });
        PodFault {
            name: text::printable(&info.name),
            roles,
            state: text::printable(&info.status.word),
            why,
            ended,
            is_unscheduled: unscheduled.is_some(),
        }
    }
}

/// The last time that a container ended badly. One that ended well, such as one that initialises, has nothing to answer for.
fn last_end(container: &ContainerStatus) -> Option<&ContainerStateTerminated> {
    let mut states = [&container.state, &container.last_state].into_iter().flatten();
    states.find_map(|state| state.terminated.as_ref()).filter(|ended| ended.exit_code != 0)
}

/// What a container says about why it is not ready.
fn of_container(container: &ContainerStatus, now: Timestamp) -> Option<String> {
    let mut parts = Vec::new();
    let waiting = container.state.as_ref().and_then(|state| state.waiting.as_ref());
    if let Some(waiting) = waiting {
        let reason = waiting.reason.as_deref().unwrap_or_default();
        // Every pod begins so.
        if !["", "ContainerCreating", "PodInitializing"].contains(&reason) {
            parts.push(said(reason, waiting.message.as_deref().unwrap_or_default()));
        }
    }
    let runs = container.state.as_ref().is_some_and(|state| state.running.is_some());
    if runs && !container.ready && container.started != Some(false) {
        parts.push("runs, and its readiness probe has not passed".to_owned());
    }
    if let Some(ended) = last_end(container).filter(|_| !container.ready) {
        parts.push(of_end(ended, now));
    }
    let image = text::printable(&container.image);
    let of_image = waiting.and_then(|waiting| waiting.reason.as_deref()).is_some_and(|reason| reason.contains("Image"));
    if of_image && !image.is_empty() {
        parts.push(format!("image {image}"));
    }
    (!parts.is_empty()).then(|| format!("container {}: {}", text::printable(&container.name), parts.join("; ")))
}

/// How and when a container ended.
fn of_end(ended: &ContainerStateTerminated, now: Timestamp) -> String {
    let text = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let reason = text(&ended.reason).map(|reason| format!(" ({})", text::printable(&reason))).unwrap_or_default();
    let at = ended.finished_at.as_ref().map(|at| format!(", {} ago", age::age(Some(at.0), now))).unwrap_or_default();
    let message = text(&ended.message).map(|it| format!(": {}", text::line(&it, LONGEST_REASON))).unwrap_or_default();
    format!("ended last with exit code {}{reason}{at}{message}", ended.exit_code)
}

fn said(reason: &str, message: &str) -> String {
    match (reason, message) {
        ("", message) => text::line(message, LONGEST_REASON),
        (reason, "") => text::printable(reason),
        (reason, message) => format!("{}: {}", text::printable(reason), text::line(message, LONGEST_REASON)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[track_caller]
    fn says(status: Value, why: &[&str]) {
        let mut pod = json!({"metadata": {"name": "web-1"}, "spec": {"containers": [{"name": "web"}]}});
        pod["status"] = status;
        let pod: Pod = serde_json::from_value(pod).expect("a pod");
        assert!(!is_ready(&pod));
        assert_eq!(PodFault::of(&pod, vec![], Timestamp::UNIX_EPOCH).why, why);
    }

    fn container(state: Value, last: Value) -> Value {
        let mut one = json!({"name": "web", "image": "web:2", "imageID": "", "ready": false, "restartCount": 0});
        (one["state"], one["lastState"]) = (state, last);
        Value::Array(vec![one])
    }

    #[test]
    fn a_pod_says_why_it_is_not_ready() {
        let unscheduled = json!([{
            "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes are available",
        }]);
        says(json!({"conditions": unscheduled}), &["Unschedulable: 0/3 nodes are available"]);
        let back_off = json!({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s"}});
        let ended = json!({"terminated": {"exitCode": 137, "reason": "OOMKilled"}});
        says(
            json!({"containerStatuses": container(back_off, ended)}),
            &["container web: CrashLoopBackOff: back-off 40s; ended last with exit code 137 (OOMKilled)"],
        );
        let pull = json!({"waiting": {"reason": "ImagePullBackOff"}});
        says(
            json!({"containerStatuses": container(pull, json!({}))}),
            &["container web: ImagePullBackOff; image web:2"],
        );
        says(
            json!({"containerStatuses": container(json!({"running": {}}), json!({}))}),
            &["container web: runs, and its readiness probe has not passed"],
        );
        let long_ago = json!({"terminated": {
            "exitCode": 137, "reason": "OOMKilled", "startedAt": "1969-12-20T00:00:00Z", "finishedAt": "1969-12-26T00:00:00Z",
        }});
        says(
            json!({"containerStatuses": container(json!({"running": {}}), long_ago)}),
            &[
                "container web: runs, and its readiness probe has not passed; ended last with exit code 137 (OOMKilled), 6d ago",
            ],
        );
        says(
            json!({"containerStatuses": container(json!({"waiting": {"reason": "ContainerCreating"}}), json!({}))}),
            &[],
        );
        says(json!({"reason": "Evicted", "message": "The node was low on memory"}), &["The node was low on memory"]);
        let gate = json!([{"type": "Ready", "status": "False", "reason": "ReadinessGatesNotReady"}]);
        says(json!({"conditions": gate}), &["ReadinessGatesNotReady"]);
    }

    #[test]
    fn a_sidecar_that_is_ready_again_has_nothing_to_answer_for() {
        let one = |name: &str, ready: bool, state: Value, last: Value| {
            let mut status = json!({"name": name, "image": "i", "imageID": "", "ready": ready, "restartCount": 0});
            (status["state"], status["lastState"]) = (state, last);
            status
        };
        let ended = || json!({"terminated": {"exitCode": 1}});
        let running = || json!({"running": {}});
        let found = |containers: [Value; 2]| {
            let pod = json!({
                "metadata": {"name": "web-1"}, "spec": {"containers": [{"name": "web"}]},
                "status": {"containerStatuses": containers},
            });
            PodFault::of(&serde_json::from_value(pod).expect("a pod"), vec![], Timestamp::UNIX_EPOCH)
        };
        let fault = found([one("log", true, running(), ended()), one("web", false, running(), json!({}))]);
        assert_eq!(fault.why, ["container web: runs, and its readiness probe has not passed"]);
        assert_eq!(fault.ended, None);
        let fault = found([one("log", true, running(), ended()), one("web", false, ended(), json!({}))]);
        assert_eq!(fault.ended, Some(Ended { container: "web".into(), is_previous: false }));
        let waits = json!({"waiting": {"reason": "CrashLoopBackOff"}});
        let fault = found([one("log", true, running(), json!({})), one("web", false, waits, ended())]);
        assert_eq!(fault.ended, Some(Ended { container: "web".into(), is_previous: true }));
    }
}
