//! What became of a revision, as far as the cluster says.

use k8s_openapi::api::core::v1::Event;
use serde::Serialize;

use super::Run;
use crate::api::{ReplicaSet, Rollout};
use crate::info::phase;

/// What became of a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// It serves.
    Stable,
    /// It is on its way.
    InProgress,
    /// It is on its way, and waits for a person or for time.
    Paused,
    /// It cannot go on by itself.
    Degraded,
    /// It was given up.
    Aborted,
    /// It served once: its update was completed.
    Completed,
    /// An analysis run was against it.
    AnalysisFailed,
    /// Nothing says.
    Unknown,
}

impl Outcome {
    /// In words.
    pub fn text(self) -> &'static str {
        match self {
            Outcome::Stable => "stable",
            Outcome::InProgress => "in progress",
            Outcome::Paused => "paused",
            Outcome::Degraded => "degraded",
            Outcome::Aborted => "aborted",
            Outcome::Completed => "healthy once",
            Outcome::AnalysisFailed => "last analysis failed",
            Outcome::Unknown => "unknown",
        }
    }
}

/// What the status, the events and the analysis runs say of a revision, in this order.
pub fn of(rs: &ReplicaSet, rollout: &Rollout, events: &[&Event], runs: &[Run]) -> Outcome {
    let status = rollout.status();
    if rs.has_hash(&status.stable_rs) {
        return Outcome::Stable;
    }
    if rs.has_hash(&status.current_pod_hash) {
        return match phase::shown(rollout).0.as_str() {
            _ if status.abort => Outcome::Aborted,
            "Paused" => Outcome::Paused,
            "Degraded" => Outcome::Degraded,
            _ => Outcome::InProgress,
        };
    }
    // A revision may be given up and then try again: the last word counts.
    let told = events.iter().rev().find_map(|event| told(event, rs.revision()));
    if let Some(outcome) = told {
        return outcome;
    }
    // So it does of its runs, though it is no end: after a failed one somebody may have promoted it all the same, and after a good one
    // that followed it was tried again.
    let failed = runs.last().is_some_and(|run| ["Failed", "Error"].contains(&run.phase.as_str()));
    if failed { Outcome::AnalysisFailed } else { Outcome::Unknown }
}

/// What an event says of a revision.
fn told(event: &Event, revision: i64) -> Option<Outcome> {
    let message = event.message.as_deref().unwrap_or_default();
    let (begin, outcome) = match event.reason.as_deref()? {
        "RolloutCompleted" => ("Rollout completed update to revision ", Outcome::Completed),
        "RolloutAborted" => ("Rollout aborted update to revision ", Outcome::Aborted),
        _ => return None,
    };
    let rest = message.strip_prefix(begin)?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).map_or(rest, |end| &rest[..end]);
    (digits.parse() == Ok(revision)).then_some(outcome)
}
