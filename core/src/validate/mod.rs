//! Whether a manifest can be acted on: first whether it is valid, then whether this version acts on all of it.
//!
//! The condition reports the first error, in the words of Argo Rollouts; [`problems`] has all of them, for people who check a
//! manifest before they apply it. A rule that the code calls *of ours* is one that Argo Rollouts does not have. Where it runs
//! such a manifest all the same, the rule is a warning: nobody's rollout stops because the controller was changed.

mod analysis;
mod anti_affinity;
mod blue_green;
mod canary;
mod experiment;
mod fields;
mod limits;
mod metrics;
mod problem;
pub mod references;
mod review;
mod routes;
mod spec;
mod steps;
mod template;
mod traffic;
mod unsupported;
mod workload;

use crate::api::{CanaryStrategy, Rollout};
use crate::status::conditions::reason;

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
}

/// The canary to plan for, or why there is none. A manifest of which a part did not decode is held too: acting on the rest
/// would be acting on something that nobody wrote.
pub fn admit<'a>(rollout: &'a Rollout, decode_problems: &[String]) -> Result<&'a CanaryStrategy, Held> {
    let name = rollout.metadata.name.as_deref().unwrap_or_default();
    if let Some(problem) = decode_problems.first() {
        let message = format!("The Rollout \"{name}\" is invalid: {problem}");
        return Err(Held { reason: reason::INVALID_SPEC, message });
    }
    if let Some(problem) = first_problem(rollout) {
        let message = format!("The Rollout \"{name}\" is invalid: {}: {}", problem.field, problem.message);
        return Err(Held { reason: reason::INVALID_SPEC, message });
    }
    unsupported::check(rollout).map_err(|message| Held { reason: reason::NOT_SUPPORTED, message })
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
