//! What controllers ask about pods.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::object;

/// Whether a pod counts: it has not ended, and nobody has deleted it.
pub fn is_active(pod: &Value) -> bool {
    !has_ended(pod) && !object::is_deleting(pod)
}

/// Whether its containers have ended for good.
pub fn has_ended(pod: &Value) -> bool {
    matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"))
}

/// Whether it is ready.
pub fn is_ready(pod: &Value) -> bool {
    object::condition(pod, "Ready").is_some_and(|ready| ready["status"] == "True")
}

/// When it is available: as soon as it has been ready for `min_ready_seconds`. `None` while it is not ready.
pub fn available_at(pod: &Value, min_ready_seconds: i64) -> Option<Timestamp> {
    let ready = object::condition(pod, "Ready").filter(|ready| ready["status"] == "True")?;
    if min_ready_seconds == 0 {
        return Some(Timestamp::MIN);
    }
    let since = object::moment(&ready["lastTransitionTime"])?;
    since.saturating_add(SignedDuration::from_secs(min_ready_seconds)).ok()
}

/// The order in which pods are deleted, first the ones that are missed least: not scheduled, not running, not ready, ready
/// for a shorter time, restarted more often, younger.
pub fn rank(pod: &Value) -> impl Ord + use<> {
    let scheduled = pod["spec"]["nodeName"].as_str().is_some_and(|node| !node.is_empty());
    let phase = match pod["status"]["phase"].as_str() {
        Some("Running") => 2,
        Some("Unknown") => 1,
        _ => 0,
    };
    let ready = object::condition(pod, "Ready").filter(|ready| ready["status"] == "True");
    let since = ready.and_then(|ready| object::moment(&ready["lastTransitionTime"]));
    let restarts = pod["status"]["containerStatuses"].as_array().into_iter().flatten();
    let restarts = restarts.filter_map(|status| status["restartCount"].as_i64()).max().unwrap_or(0);
    let created = object::moment(&pod["metadata"]["creationTimestamp"]);
    (
        scheduled,
        phase,
        ready.is_some(),
        std::cmp::Reverse(since),
        std::cmp::Reverse(restarts),
        std::cmp::Reverse(created),
        object::name(pod).to_owned(),
    )
}
