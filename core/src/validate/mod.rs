//! Whether a manifest can be acted on: first whether it is valid, then whether this version acts on all of it.
//!
//! The condition reports the first error, in the words of Argo Rollouts; [`problems`] has all of them, for people who check a
//! manifest before they apply it. A rule that the code calls *of ours* is one that Argo Rollouts does not have. Where it runs
//! such a manifest all the same, the rule is a warning: nobody's rollout stops because the controller was changed.

mod analysis;
mod anti_affinity;
mod blue_green;
mod canary;
mod conditions;
mod experiment;
mod fields;
mod limits;
mod metrics;
mod problem;
pub mod references;
mod review;
mod routes;
mod services;
mod spec;
mod steps;
mod template;
mod traffic;
mod unsupported;
mod workload;

use crate::api::Rollout;
use crate::snapshot::Snapshot;
use crate::status::conditions::reason;
use crate::strategy::Strategy;

pub use fields::join as field_path;
use problem::Problems;
pub use problem::{Problem, Severity};
pub use review::{is_known, review};

/// Why a rollout is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Reason of the condition `InvalidSpec`.
    pub reason: &'static str,
    /// The problem, naming the field.
    pub message: String,
    /// The object that is to change, as `Kind/name`; the manifest where there is none.
    pub object: Option<String>,
}

/// The first thing that is wrong with the metrics of an analysis run whose arguments are filled in, naming the field.
pub fn problem_of_metrics(metrics: &[crate::api::Metric]) -> Option<String> {
    metrics::problem_of(metrics)
}

/// The strategy to plan for, or why there is none. A manifest of which a part did not decode is held too: acting on the rest
/// would be acting on something that nobody wrote.
pub fn admit(snapshot: &Snapshot) -> Result<Strategy<'_>, Held> {
    let rollout = &snapshot.rollout;
    let name = rollout.metadata.name.as_deref().unwrap_or_default();
    let invalid = |what: String| Held {
        reason: reason::INVALID_SPEC,
        message: format!("The Rollout \"{name}\" is invalid: {what}"),
        object: None,
    };
    let problem = |problem: Problem| invalid(format!("{}: {}", problem.field, problem.message));
    if let Some(undecoded) = snapshot.decode_problems.first() {
        return Err(invalid(undecoded.clone()));
    }
    first_problem(rollout).map_or(Ok(()), |found| Err(problem(found)))?;
    let routers: Vec<&str> = snapshot.routers.iter().map(|routed| routed.router.name()).collect();
    let strategy = unsupported::check(rollout, &routers).map_err(|message| Held {
        reason: reason::NOT_SUPPORTED,
        message,
        object: None,
    })?;
    workload::resolve(snapshot).map_err(|(found, object)| Held { object: Some(object), ..problem(found) })?;
    services::check(snapshot, strategy).map_err(problem)?;
    Ok(strategy)
}

/// The first error in a manifest.
pub fn first_problem(rollout: &Rollout) -> Option<Problem> {
    problems(rollout).into_iter().find(|problem| problem.severity == Severity::Error)
}

/// Everything that is wrong or doubtful in a manifest by itself, in the order in which it is looked for.
pub fn problems(rollout: &Rollout) -> Vec<Problem> {
    let mut found = Problems::default();
    spec::check(rollout, &mut found);
    found.into_vec()
}

#[cfg(test)]
mod tests;
