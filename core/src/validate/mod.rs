//! Whether a manifest can be acted on: first whether it is valid, then whether this version acts on all of it.
//!
//! Only the first problem is reported, in the words of Argo Rollouts. The schema refuses wrong types before any of this runs.

mod canary;
mod services;
mod spec;
mod unsupported;

use crate::api::Rollout;
use crate::snapshot::Snapshot;
use crate::status::conditions::reason;
use crate::strategy::Strategy;

/// Why a rollout is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Reason of the condition `InvalidSpec`.
    pub reason: &'static str,
    /// The problem, naming the field.
    pub message: String,
}

/// A problem with one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Path of the field, such as `spec.strategy.canary.steps[0].setWeight`.
    pub field: String,
    /// What is wrong, in the form of a Kubernetes field error.
    pub message: String,
}

impl Problem {
    fn invalid(field: impl Into<String>, value: &impl serde::Serialize, detail: &str) -> Problem {
        let value = serde_json::to_string(value).unwrap_or_default();
        Problem { field: field.into(), message: format!("Invalid value: {value}: {detail}") }
    }

    fn required(field: impl Into<String>, detail: &str) -> Problem {
        Problem { field: field.into(), message: format!("Required value: {detail}") }
    }
}

/// The strategy to plan for, or why there is none. A manifest of which a part did not decode is held too: acting on the rest
/// would be acting on something that nobody wrote.
pub fn admit(snapshot: &Snapshot) -> Result<Strategy<'_>, Held> {
    let rollout = &snapshot.rollout;
    let name = rollout.metadata.name.as_deref().unwrap_or_default();
    let invalid = |what: String| Held {
        reason: reason::INVALID_SPEC,
        message: format!("The Rollout \"{name}\" is invalid: {what}"),
    };
    let problem = |problem: Problem| invalid(format!("{}: {}", problem.field, problem.message));
    if let Some(undecoded) = snapshot.decode_problems.first() {
        return Err(invalid(undecoded.clone()));
    }
    first_problem(rollout).map_or(Ok(()), |found| Err(problem(found)))?;
    let strategy = unsupported::check(rollout).map_err(|message| Held { reason: reason::NOT_SUPPORTED, message })?;
    services::check(snapshot, strategy).map_err(problem)?;
    Ok(strategy)
}

/// The first thing that is wrong with a manifest.
pub fn first_problem(rollout: &Rollout) -> Option<Problem> {
    spec::check(rollout).and_then(|()| canary::check(rollout)).err()
}

#[cfg(test)]
mod tests;
