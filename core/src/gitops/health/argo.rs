//! Kinds of `argoproj.io`: Sluice's own, and workflows.

use serde_json::Value;

use super::super::operation;
use super::super::report::OUT_OF_SYNC;
use super::{DEGRADED, HEALTHY, ORDER, PROGRESSING, SUSPENDED, UNKNOWN, Verdict, number, text};
use crate::api::Application;

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

/// An Application that another one is made of: as it says itself, so that waves wait for it. What it says of an earlier state of
/// itself is old.
pub(super) fn application(it: &Value) -> Verdict {
    let (status, message) = (text(it, "/status/health/status"), text(it, "/status/health/message").to_owned());
    let known = ORDER.iter().find(|known| **known == status);
    match (known, serde_json::from_value::<Application>(it.clone()).ok().and_then(|it| unsettled(&it))) {
        (Some(known), None) => (*known, message),
        (_, Some(why)) => (PROGRESSING, why.to_owned()),
        (None, None) => (PROGRESSING, message),
    }
}

/// What an Application has yet to do before what it says counts.
fn unsettled(application: &Application) -> Option<&'static str> {
    let (spec, status) = (&application.spec, application.status());
    let sync = status.sync.as_ref()?;
    let compared = sync.compared_to.as_ref()?;
    let is_other = compared.all_sources() != spec.stored_sources() || compared.destination != spec.destination;
    if is_other {
        return Some("Waiting for its new source to be compared");
    }
    if application.operation.is_some() || operation::running(status).is_some() {
        return Some("Waiting for its sync");
    }
    let is_automatic = spec.sync_policy.as_ref().is_some_and(|policy| policy.automatic().is_some());
    let last = status.operation_state.as_ref().and_then(|state| state.sync_result.as_ref());
    let is_new = last.is_none_or(|last| last.commits() != sync.commits());
    (is_automatic && sync.status == OUT_OF_SYNC && is_new).then_some("Waiting for its sync to begin")
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
