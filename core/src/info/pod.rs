//! A pod as `kubectl get pods` shows it.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Container, ContainerStatus, Pod};

use super::age::Age;
use super::badge::{Badge, Tone};
use super::text;

/// What is shown of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodInfo {
    /// Its name.
    pub name: String,
    /// Its state in one word.
    pub status: Badge,
    /// Its age.
    pub age: Age,
    /// Ready containers out of all, `1/1`.
    pub ready: String,
    /// Restarts of its containers.
    pub restarts: i32,
}

impl PodInfo {
    /// What is shown of `pod` at `now`.
    pub fn of(pod: &Pod, now: Timestamp) -> PodInfo {
        let word = text::printable(&word(pod));
        let (ready, containers) = readiness(pod);
        PodInfo {
            name: text::printable(pod.metadata.name.as_deref().unwrap_or_default()),
            status: Badge::new(tone(&word, ready == containers), word),
            age: Age::of(pod.metadata.creation_timestamp.as_ref().map(|time| time.0), now),
            ready: format!("{ready}/{containers}"),
            restarts: containers_of(pod).map(|container| container.restart_count).sum(),
        }
    }

    /// The last column of the tree.
    pub fn facts(&self) -> String {
        let ready = format!("ready:{}", self.ready);
        if self.restarts == 0 { ready } else { format!("{ready},restarts:{}", self.restarts) }
    }
}

fn containers_of(pod: &Pod) -> impl Iterator<Item = &ContainerStatus> {
    pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten())
}

fn readiness(pod: &Pod) -> (usize, usize) {
    let ready = containers_of(pod).filter(|container| container.ready).count();
    (ready, pod.spec.as_ref().map_or(0, |spec| spec.containers.len()))
}

/// The STATUS column of kubectl: what ails the pod if something does, else its phase.
fn word(pod: &Pod) -> String {
    let status = pod.status.as_ref();
    let reason = status.and_then(|status| status.reason.clone());
    if pod.metadata.deletion_timestamp.is_some() {
        let lost = reason.as_deref() == Some("NodeLost");
        return if lost { "Unknown" } else { "Terminating" }.to_owned();
    }
    let phase = status.and_then(|status| status.phase.clone()).unwrap_or_else(|| "Pending".to_owned());
    initialising(pod).or_else(|| ailing(pod)).or(reason).unwrap_or(phase)
}

/// The first init container that holds the pod up. A sidecar that has started does not.
fn initialising(pod: &Pod) -> Option<String> {
    let specs = pod.spec.as_ref()?.init_containers.as_deref().unwrap_or_default();
    let statuses = pod.status.as_ref()?.init_container_statuses.as_deref().unwrap_or_default();
    for (done, status) in statuses.iter().enumerate() {
        let state = status.state.as_ref();
        let ended = state.and_then(|state| state.terminated.as_ref());
        let is_sidecar = specs.iter().any(|spec| spec.name == status.name && is_sidecar(spec));
        if ended.is_some_and(|ended| ended.exit_code == 0) || (is_sidecar && status.started == Some(true)) {
            continue;
        }
        if let Some(ended) = ended {
            return Some(format!("Init:{}", end(ended.reason.as_deref(), ended.signal, ended.exit_code)));
        }
        let waiting = state.and_then(|state| state.waiting.as_ref()).and_then(|waiting| waiting.reason.as_deref());
        return Some(match waiting {
            Some(reason) if !reason.is_empty() && reason != "PodInitializing" => format!("Init:{reason}"),
            _ => format!("Init:{done}/{}", specs.len()),
        });
    }
    None
}

fn is_sidecar(container: &Container) -> bool {
    container.restart_policy.as_deref() == Some("Always")
}

/// What the containers wait for or ended with. A pod with one container that completed and another that runs, runs.
fn ailing(pod: &Pod) -> Option<String> {
    let mut word = None;
    let mut any_runs = false;
    for container in containers_of(pod).collect::<Vec<_>>().into_iter().rev() {
        let state = container.state.as_ref();
        let waiting = state.and_then(|state| state.waiting.as_ref()).and_then(|waiting| waiting.reason.clone());
        if let Some(reason) = waiting.filter(|reason| !reason.is_empty()) {
            word = Some(reason);
        } else if let Some(ended) = state.and_then(|state| state.terminated.as_ref()) {
            word = Some(end(ended.reason.as_deref(), ended.signal, ended.exit_code));
        } else if container.ready && state.is_some_and(|state| state.running.is_some()) {
            any_runs = true;
        }
    }
    match word.as_deref() {
        Some("Completed") if any_runs => Some("Running".to_owned()),
        _ => word,
    }
}

fn end(reason: Option<&str>, signal: Option<i32>, exit_code: i32) -> String {
    match (reason, signal) {
        (Some(reason), _) if !reason.is_empty() => reason.to_owned(),
        (_, Some(signal)) if signal != 0 => format!("Signal:{signal}"),
        _ => format!("ExitCode:{exit_code}"),
    }
}

fn tone(word: &str, ready: bool) -> Tone {
    let word = word.strip_prefix("Init:").unwrap_or(word);
    match word {
        "Running" if ready => Tone::Good,
        "Succeeded" | "Completed" => Tone::Good,
        "ImagePullBackOff" | "ErrImagePull" | "RegistryUnavailable" | "Unknown" => Tone::Doubtful,
        "OOMKilled" | "Evicted" | "InvalidImageName" | "ErrImageNeverPull" | "ContainerCannotRun" => Tone::Bad,
        _ if word.contains("Error") || word.contains("Fail") || word.ends_with("BackOff") => Tone::Bad,
        _ if word.starts_with("ExitCode:") || word.starts_with("Signal:") => Tone::Bad,
        _ => Tone::Busy,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[track_caller]
    fn reads(pod: Value, text: &str) {
        let pod: Pod = serde_json::from_value(pod).expect("a pod");
        let info = PodInfo::of(&pod, Timestamp::UNIX_EPOCH);
        assert_eq!(format!("{} {}", info.status.text(), info.facts()), text);
    }

    fn pod(phase: &str, state: &Value, ready: bool, restarts: i32) -> Value {
        json!({
            "spec": {"containers": [{"name": "web"}]},
            "status": {"phase": phase, "containerStatuses": [{
                "name": "web", "image": "", "imageID": "", "ready": ready, "restartCount": restarts, "state": state,
            }]},
        })
    }

    fn waiting(reason: &str) -> Value {
        json!({"waiting": {"reason": reason}})
    }

    #[test]
    fn a_pod_reads_as_in_kubectl() {
        reads(
            json!({"spec": {"containers": [{"name": "web"}]}, "status": {"phase": "Pending"}}),
            "◌ Pending ready:0/1",
        );
        reads(pod("Running", &json!({"running": {}}), true, 0), "✔ Running ready:1/1");
        reads(pod("Running", &json!({"running": {}}), false, 0), "◌ Running ready:0/1");
        reads(pod("Pending", &waiting("ContainerCreating"), false, 0), "◌ ContainerCreating ready:0/1");
        reads(pod("Pending", &waiting("ImagePullBackOff"), false, 0), "⚠ ImagePullBackOff ready:0/1");
        reads(pod("Running", &waiting("CrashLoopBackOff"), false, 3), "✖ CrashLoopBackOff ready:0/1,restarts:3");
        let ended = |reason| json!({"terminated": {"exitCode": 137, "reason": reason}});
        reads(pod("Running", &ended("OOMKilled"), false, 1), "✖ OOMKilled ready:0/1,restarts:1");
        reads(pod("Running", &ended(""), false, 1), "✖ ExitCode:137 ready:0/1,restarts:1");
        let mut leaving = pod("Running", &json!({"running": {}}), true, 0);
        leaving["metadata"] = json!({"deletionTimestamp": "2026-01-01T00:00:00Z"});
        reads(leaving, "◌ Terminating ready:1/1");
        let mut evicted = pod("Failed", &json!({}), false, 0);
        evicted["status"]["reason"] = "Evicted".into();
        reads(evicted, "✖ Evicted ready:0/1");
    }

    #[test]
    fn init_containers_come_first() {
        let mut starting = pod("Pending", &waiting("PodInitializing"), false, 0);
        starting["spec"]["initContainers"] = json!([{"name": "proxy", "restartPolicy": "Always"}, {"name": "schema"}]);
        let status = |name: &str, started: bool, state: Value| json!({"name": name, "image": "", "imageID": "", "ready": false, "restartCount": 0, "started": started, "state": state});
        let sidecar = status("proxy", true, json!({"running": {}}));
        starting["status"]["initContainerStatuses"] = json!([sidecar, status("schema", false, json!({"running": {}}))]);
        reads(starting.clone(), "◌ Init:1/2 ready:0/1");
        starting["status"]["initContainerStatuses"][1]["state"] = waiting("CrashLoopBackOff");
        reads(starting, "✖ Init:CrashLoopBackOff ready:0/1");
    }
}
