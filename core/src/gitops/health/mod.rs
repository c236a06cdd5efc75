//! How an object is, read from what it says of itself. One file for each family of kinds; [`of`] is the list of them.

mod argo;
pub mod custom;
mod network;
mod pod;
mod storage;
mod workload;

#[cfg(test)]
mod tests;

use serde_json::Value;

pub use self::custom::Rules;
use crate::api::HealthStatus;

/// It is as it should be.
pub const HEALTHY: &str = "Healthy";
/// It waits for a person.
pub const SUSPENDED: &str = "Suspended";
/// It is on its way.
pub const PROGRESSING: &str = "Progressing";
/// It is not there.
pub const MISSING: &str = "Missing";
/// It has failed.
pub const DEGRADED: &str = "Degraded";
/// Nothing can be said.
pub const UNKNOWN: &str = "Unknown";

/// From good to bad.
const ORDER: [&str; 6] = [HEALTHY, SUSPENDED, PROGRESSING, MISSING, DEGRADED, UNKNOWN];

/// Resources whose health does not count have this annotation.
const IGNORED: &str = "argocd.argoproj.io/ignore-healthcheck";

/// What a rule says: how it is, and why.
type Verdict = (&'static str, String);

/// How an object is, by the rule that people have written for its kind, or else by that of the kind; `None` for kinds of which that
/// cannot be told, and which count as they are.
pub fn of(object: &Value, rules: &Rules) -> Option<HealthStatus> {
    let metadata = &object["metadata"];
    if metadata["annotations"][IGNORED] == "true" {
        return None;
    }
    // A hook that is kept until its end has been read says how that was.
    let is_held =
        metadata["finalizers"].as_array().is_some_and(|all| all.iter().any(|name| name == super::hook::FINALIZER));
    let verdict = if metadata["deletionTimestamp"].is_string() && !is_held {
        Some((PROGRESSING, "Pending deletion".to_owned()))
    } else {
        let (group, _) = super::key::split_version(object["apiVersion"].as_str().unwrap_or_default());
        let kind = object["kind"].as_str().unwrap_or_default();
        let known = rule(group, kind);
        rules.verdict((group, kind), known.is_some(), object).or_else(|| known.map(|rule| rule(object)))
    };
    verdict.map(|(status, message)| HealthStatus { status: status.to_owned(), message, last_transition_time: None })
}

/// The rule of a kind. The kinds and what is said of them are those of Argo CD.
fn rule(group: &str, kind: &str) -> Option<fn(&Value) -> Verdict> {
    Some(match (group, kind) {
        ("apps", "Deployment") => workload::deployment,
        ("apps", "StatefulSet") => workload::stateful_set,
        ("apps", "DaemonSet") => workload::daemon_set,
        ("apps", "ReplicaSet") => workload::replica_set,
        ("", "Pod") => pod::pod,
        ("batch", "Job") => pod::job,
        ("autoscaling", "HorizontalPodAutoscaler") => workload::autoscaler,
        ("", "Service") => network::service,
        ("networking.k8s.io" | "extensions", "Ingress") => network::ingress,
        ("apiregistration.k8s.io", "APIService") => network::api_service,
        ("", "PersistentVolumeClaim") => storage::claim,
        ("argoproj.io", "Rollout") => argo::rollout,
        ("argoproj.io", "AnalysisRun" | "Experiment") => argo::run,
        ("argoproj.io", "Application") => argo::application,
        ("argoproj.io", "Workflow") => argo::workflow,
        _ => return None,
    })
}

/// How many are, that are so each: as the worst of them; those of which nothing can be told do not count.
pub fn worst<'a>(all: impl Iterator<Item = Option<&'a str>>) -> &'static str {
    let rank = |status: &str| ORDER.iter().position(|known| *known == status).unwrap_or(ORDER.len() - 1);
    let (mut worst, mut is_any, mut is_any_there) = (0, false, false);
    for status in all {
        is_any = true;
        match status {
            // What is missing is out of sync, which is said elsewhere.
            Some(MISSING) => {}
            Some(status) => {
                is_any_there = true;
                worst = worst.max(rank(status));
            }
            None => is_any_there = true,
        }
    }
    if is_any && !is_any_there { MISSING } else { ORDER[worst] }
}

fn number(object: &Value, at: &str) -> i64 {
    object.pointer(at).and_then(Value::as_i64).unwrap_or_default()
}

fn text<'a>(object: &'a Value, at: &str) -> &'a str {
    object.pointer(at).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(object: &'a Value, at: &str) -> &'a [Value] {
    object.pointer(at).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A condition of the status.
fn condition<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    list(object, "/status/conditions").iter().find(|condition| condition["type"] == name)
}

/// Whether the controller of the kind has not seen the latest change.
fn is_unseen(object: &Value) -> bool {
    number(object, "/metadata/generation") > number(object, "/status/observedGeneration")
}

fn healthy() -> Verdict {
    (HEALTHY, String::new())
}
