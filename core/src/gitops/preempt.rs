//! Whether a newer commit takes the place of a sync that goes on.

use super::operation::RUNNING;
use super::snapshot::Snapshot;
use crate::api::{Application, OperationState};

/// The annotation of an Application that says when a newer commit ends a sync that nobody asked for: `immediate`, `after-hook` or
/// `never`.
pub const ANNOTATION: &str = "sluice.dev/preempt";

/// When a newer commit ends a sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// At once, with its hooks.
    Immediate,
    /// When no hook of it runs.
    AfterHook,
    /// Not at all.
    Never,
}

/// What an Application says: after hooks, where it says nothing.
///
/// # Errors
/// What it says, if that is something else.
pub fn policy(application: &Application) -> Result<Policy, String> {
    Ok(match application.annotation(ANNOTATION) {
        None | Some("after-hook") => Policy::AfterHook,
        Some("immediate") => Policy::Immediate,
        Some("never") => Policy::Never,
        Some(other) => {
            return Err(format!("the annotation {ANNOTATION} is {other:?}: immediate, after-hook or never is meant"));
        }
    })
}

/// Why a sync ends before its end, if a newer commit takes its place. What a person has asked for goes on.
pub fn by(s: &Snapshot, state: &OperationState) -> Option<String> {
    let newest = s.newest.as_ref()?;
    let result = state.sync_result.as_ref()?;
    let is_automatic = state.operation.initiated_by.as_ref().is_some_and(|by| by.automated);
    let is_on = s.application.spec.sync_policy.as_ref().is_some_and(|policy| policy.automatic().is_some());
    if !is_automatic || !is_on || result.commits().is_empty() || result.commits() == [newest.as_str()] {
        return None;
    }
    let runs_hook = result.resources.iter().any(|result| !result.hook_type.is_empty() && result.hook_phase == RUNNING);
    let waits = match policy(&s.application).ok()? {
        Policy::Immediate => false,
        Policy::AfterHook => runs_hook,
        Policy::Never => true,
    };
    let short = newest.get(..8).unwrap_or(newest);
    (!waits).then(|| format!("the newer commit {short} takes its place ({ANNOTATION})"))
}
