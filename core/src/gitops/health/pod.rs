//! Pods, and Jobs.

use serde_json::Value;

use super::{DEGRADED, PROGRESSING, SUSPENDED, UNKNOWN, Verdict, condition, healthy, list, text};

pub(super) fn pod(it: &Value) -> Verdict {
    let restarts = it.pointer("/spec/restartPolicy").and_then(Value::as_str).unwrap_or("Always") == "Always";
    let containers = || {
        ["initContainerStatuses", "containerStatuses"]
            .into_iter()
            .flat_map(|field| list(&it["status"], &format!("/{field}")))
    };
    if restarts {
        let bad = containers().filter_map(|container| {
            let (reason, message) =
                (text(container, "/state/waiting/reason"), text(container, "/state/waiting/message"));
            let is_bad = reason.starts_with("Err") || reason.ends_with("Error") || reason.ends_with("BackOff");
            is_bad.then(|| if message.is_empty() { reason } else { message }.to_owned())
        });
        let bad: Vec<String> = bad.collect();
        if !bad.is_empty() {
            return (DEGRADED, bad.join(", "));
        }
    }
    let message = text(it, "/status/message").to_owned();
    match text(it, "/status/phase") {
        "Succeeded" => (super::HEALTHY, message),
        "Failed" => (DEGRADED, failure(message, containers())),
        "Running" if restarts => {
            let is_ready = condition(it, "Ready").is_some_and(|ready| ready["status"] == "True");
            let has_ended = containers().any(|container| container["lastState"]["terminated"].is_object());
            match (is_ready, has_ended) {
                (true, _) => (super::HEALTHY, message),
                (false, true) => (DEGRADED, message),
                (false, false) => (PROGRESSING, message),
            }
        }
        "Running" | "Pending" => (PROGRESSING, message),
        _ => (UNKNOWN, message),
    }
}

/// Why a pod has failed.
fn failure<'a>(message: String, containers: impl Iterator<Item = &'a Value>) -> String {
    if !message.is_empty() {
        return message;
    }
    for container in containers {
        let ended = &container["state"]["terminated"];
        let code = ended["exitCode"].as_i64().unwrap_or_default();
        if !text(ended, "/message").is_empty() {
            return text(ended, "/message").to_owned();
        }
        if text(ended, "/reason") == "OOMKilled" {
            return "OOMKilled".to_owned();
        }
        if code != 0 {
            return format!("container {:?} failed with exit code {code}", text(container, "/name"));
        }
    }
    String::new()
}

pub(super) fn job(it: &Value) -> Verdict {
    let is = |name: &str| condition(it, name).filter(|condition| condition["status"] == "True");
    if let Some(failed) = is("Failed") {
        return (DEGRADED, text(failed, "/message").to_owned());
    }
    if is("Suspended").is_some() {
        return (SUSPENDED, "Job is suspended".to_owned());
    }
    if is("Complete").is_some() { healthy() } else { (PROGRESSING, "Job has not completed yet".to_owned()) }
}
