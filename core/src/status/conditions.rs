//! Conditions: their types, reasons and messages as Argo Rollouts writes them, and the rules for changing one.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::api::{RolloutCondition, RolloutStatus};

/// `type` of the conditions.
pub mod kind {
    /// The manifest cannot be acted on.
    pub const INVALID_SPEC: &str = "InvalidSpec";
    /// Enough pods are available.
    pub const AVAILABLE: &str = "Available";
    /// The update moves.
    pub const PROGRESSING: &str = "Progressing";
    /// Pods could not be created.
    pub const REPLICA_FAILURE: &str = "ReplicaFailure";
    /// The rollout waits for a person or for time.
    pub const PAUSED: &str = "Paused";
    /// The revision asked for is the stable one.
    pub const COMPLETED: &str = "Completed";
    /// What the rollout waits for, and since when; there as long as it waits. An addition of Sluice.
    pub const WAITING: &str = "Waiting";
    /// Completed, and every pod is there and available.
    pub const HEALTHY: &str = "Healthy";
}

/// `reason` of the conditions.
pub mod reason {
    /// For `InvalidSpec`.
    pub const INVALID_SPEC: &str = "InvalidSpec";
    /// For `InvalidSpec`, an addition of Sluice: the API accepts the field and this version does not act on it.
    pub const NOT_SUPPORTED: &str = "NotSupported";
    /// For `Available`, either way.
    pub const AVAILABLE: &str = "AvailableReason";
    /// For `Progressing`: a revision got its ReplicaSet.
    pub const NEW_REPLICA_SET: &str = "NewReplicaSetCreated";
    /// For `Progressing`: a revision's ReplicaSet was there already.
    pub const FOUND_REPLICA_SET: &str = "FoundNewReplicaSet";
    /// For `Progressing`: pods come and go.
    pub const REPLICA_SET_UPDATED: &str = "ReplicaSetUpdated";
    /// For `Progressing`: the update is through.
    pub const NEW_REPLICA_SET_AVAILABLE: &str = "NewReplicaSetAvailable";
    /// For `Progressing`: the revision's ReplicaSet could not be created.
    pub const CREATE_ERROR: &str = "ReplicaSetCreateError";
    /// For `Progressing`.
    pub const ABORTED: &str = "RolloutAborted";
    /// For `Progressing`.
    pub const RETRY: &str = "RolloutRetry";
    /// For `Progressing` and `Paused`.
    pub const PAUSED: &str = "RolloutPaused";
    /// For `Progressing`.
    pub const RESUMED: &str = "RolloutResumed";
    /// For `Progressing`.
    pub const TIMED_OUT: &str = "ProgressDeadlineExceeded";
    /// For `Completed`, either way.
    pub const COMPLETED: &str = "RolloutCompleted";
    /// For `Healthy`, either way.
    pub const HEALTHY: &str = "RolloutHealthy";
}

/// `status` of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Is {
    /// It holds.
    True,
    /// It does not.
    False,
    /// Neither is known.
    Unknown,
}

impl Is {
    /// As Kubernetes writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Is::True => "True",
            Is::False => "False",
            Is::Unknown => "Unknown",
        }
    }
}

impl From<bool> for Is {
    fn from(holds: bool) -> Is {
        if holds { Is::True } else { Is::False }
    }
}

/// The condition of a type.
pub fn get<'a>(status: &'a RolloutStatus, kind: &str) -> Option<&'a RolloutCondition> {
    status.conditions.iter().find(|condition| condition.type_ == kind)
}

/// Whether a condition is there and true.
pub fn is_true(status: &RolloutStatus, kind: &str) -> bool {
    get(status, kind).is_some_and(|condition| condition.status == Is::True.as_str())
}

/// The reason of a condition, empty where there is none.
pub fn reason_of<'a>(status: &'a RolloutStatus, kind: &str) -> &'a str {
    get(status, kind).map_or("", |condition| condition.reason.as_str())
}

/// Sets a condition and says whether that changed it. One with the same status and reason stays as it is, message and times
/// included; the transition time moves only with the status.
pub fn set(status: &mut RolloutStatus, now: Timestamp, kind: &str, is: Is, reason: &str, message: &str) -> bool {
    if get(status, kind).is_some_and(|c| c.status == is.as_str() && c.reason == reason) {
        return false;
    }
    replace(status, now, kind, is, reason, message);
    true
}

/// Sets a condition even where status and reason are the same: this is how progress is recorded.
pub fn replace(status: &mut RolloutStatus, now: Timestamp, kind: &str, is: Is, reason: &str, message: &str) {
    let now = Time(crate::time::floor_to_second(now));
    let transition = match get(status, kind) {
        Some(condition) if condition.status == is.as_str() => condition.last_transition_time.clone(),
        _ => now.clone(),
    };
    remove(status, kind);
    status.conditions.push(RolloutCondition {
        type_: kind.to_owned(),
        status: is.as_str().to_owned(),
        last_update_time: now,
        last_transition_time: transition,
        reason: reason.to_owned(),
        message: message.to_owned(),
    });
}

/// Removes a condition.
pub fn remove(status: &mut RolloutStatus, kind: &str) {
    status.conditions.retain(|condition| condition.type_ != kind);
}
