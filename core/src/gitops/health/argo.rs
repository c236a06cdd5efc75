//! Kinds of `argoproj.io`: Sluice's own, and workflows.

use serde_json::Value;

use super::{DEGRADED, HEALTHY, ORDER, PROGRESSING, SUSPENDED, UNKNOWN, Verdict, number, text};

/// The annotation in which a Rollout has the generation of the workload that it refers to.
const WORKLOAD_GENERATION: &str = "/metadata/annotations/rollout.argoproj.io~1workload-generation";

pub(super) fn rollout(it: &Value) -> Verdict {
    let observed: i64 = text(it, "/status/observedGeneration").parse().unwrap_or_default();
    let is_late = observed < number(it, "/metadata/generation");
    let workload = it["spec"]["workloadRef"].is_object()
        && text(it, WORKLOAD_GENERATION) != text(it, "/status/workloadObservedGeneration");
    if it["status"].is_null() || is_late || workload {
        return (PROGRESSING, "Waiting for rollout spec update to be observed".to_owned());
    }
    let message = text(it, "/status/message").to_owned();
    match text(it, "/status/phase") {
        "Paused" => (SUSPENDED, message),
        "Healthy" => (HEALTHY, message),
        "Degraded" => (DEGRADED, message),
        _ => (PROGRESSING, message),
    }
}

pub(super) fn run(it: &Value) -> Verdict {
    let message = text(it, "/status/message").to_owned();
    match text(it, "/status/phase") {
        "" | "Pending" | "Running" => (PROGRESSING, message),
        "Successful" => (HEALTHY, message),
        "Failed" | "Error" => (DEGRADED, message),
        _ => (UNKNOWN, message),
    }
}

/// An Application that another one is made of: as it says itself, so that waves wait for it.
pub(super) fn application(it: &Value) -> Verdict {
    let (status, message) = (text(it, "/status/health/status"), text(it, "/status/health/message").to_owned());
    let known = ORDER.iter().find(|known| **known == status);
    known.map_or((PROGRESSING, message.clone()), |known| (*known, message))
}

pub(super) fn workflow(it: &Value) -> Verdict {
    let message = text(it, "/status/message").to_owned();
    match text(it, "/status/phase") {
        "" | "Pending" | "Running" => (PROGRESSING, message),
        "Succeeded" => (HEALTHY, message),
        "Failed" | "Error" => (DEGRADED, message),
        _ => (UNKNOWN, message),
    }
}
