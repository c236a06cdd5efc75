//! What a Job may ask for and the sandbox does not do. Such a Job does not run, and is told why.

use serde_json::Value;

use crate::object;
use crate::read::{at, text};
use crate::state::State;
use crate::workloads::events;

const REASON: &str = "NotSupported";

/// The first field of a Job that nothing here acts on.
pub fn of(job: &Value) -> Option<&'static str> {
    if text(job, "spec.completionMode") == "Indexed" {
        return Some("completionMode: Indexed");
    }
    ["podFailurePolicy", "successPolicy", "backoffLimitPerIndex", "maxFailedIndexes"]
        .into_iter()
        .find(|field| !at(job, "spec")[field].is_null())
}

/// Tells of it, once.
pub fn tell(state: &mut State, job: &Value, what: &str, component: &str) {
    let told = state
        .store
        .list("events", Some(object::namespace(job)))
        .any(|event| event["reason"] == REASON && event["involvedObject"]["uid"] == job["metadata"]["uid"]);
    if !told {
        let message = format!("the sandbox does not act on `{what}` of Jobs, so this one does not run");
        events::tell(state, job, component, "Warning", REASON, &message);
    }
}
