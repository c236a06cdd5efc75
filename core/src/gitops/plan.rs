//! One decision on an Application: the status that it should have, and what to write.

use jiff::SignedDuration;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::automatic::{self, Automatic};
use super::operation;
use super::report::{self, INVALID_SPEC, OUT_OF_SYNC, SYNC_ERROR, SYNCED, UNKNOWN};
use super::snapshot::{Effect, Plan, Rendered, Snapshot};
use super::{hook, leave, unsupported};
use crate::api::{Application, ApplicationStatus, SyncStatus};

/// The annotation that keeps the controller's hands off.
const SKIP: &str = "argocd.argoproj.io/skip-reconcile";
/// Whether an Application is left alone.
pub fn is_left_alone(application: &Application) -> bool {
    application.annotation(SKIP) == Some("true")
}

/// Decides.
pub fn plan(s: &Snapshot) -> Plan {
    let mut status = s.application.status().clone();
    if s.application.metadata.deletion_timestamp.is_some() {
        return leave::plan(s, status);
    }
    let mut problems: Vec<(&'static str, String)> = Vec::new();
    problems.extend(unsupported::problems(&s.application).into_iter().map(|what| (INVALID_SPEC, what)));
    let against = match &s.project {
        Ok(project) => project.problems(&s.application),
        Err(why) => vec![why.clone()],
    };
    problems.extend(against.into_iter().map(|what| (INVALID_SPEC, what)));
    if !problems.is_empty() {
        unknown(&mut status);
        if operation::running(&status).is_some() || s.application.operation.is_some() {
            refuse(s, &mut status, &problems[0].1);
        }
        report::conditions(&mut status, problems, s.now);
        return done(s, status, Vec::new(), None);
    }
    problems.extend(report::problems(s));
    match s.rendered {
        Rendered::Waiting => return done(s, status, Vec::new(), None),
        Rendered::Failed(_) => unknown(&mut status),
        Rendered::Done { .. } => report::compared(s, &mut status),
    }
    let (mut effects, mut look_again) = (Vec::new(), None);
    let left = hook::tidy(s, s.application.status());
    let asked_too_much = unsupported::of_asked(&s.application).into_iter().next();
    if operation::running(&status).is_some() {
        (effects, look_again) = operation::advance(s, &mut status);
    } else if s.application.operation.is_some() && !left.is_empty() {
        // What the last sync has left goes before the next one begins, which knows nothing of it.
        look_again = Some(SignedDuration::ZERO);
    } else if let Some(why) = asked_too_much {
        refuse(s, &mut status, &why);
    } else if let Some(asked) = s.application.operation.clone() {
        operation::begin(s, &mut status, asked);
        look_again = Some(SignedDuration::ZERO);
    } else if status.sync.as_ref().is_some_and(|sync| sync.status == OUT_OF_SYNC) {
        match automatic::decide(s, &status) {
            Automatic::Nothing => {}
            Automatic::Later(wait) => look_again = Some(wait),
            Automatic::Refuse(why) => problems.push((SYNC_ERROR, why)),
            Automatic::Sync(_) if !left.is_empty() => look_again = Some(SignedDuration::ZERO),
            Automatic::Sync(asked) => {
                operation::begin(s, &mut status, *asked);
                look_again = Some(SignedDuration::ZERO);
            }
        }
    }
    report::conditions(&mut status, problems, s.now);
    effects.extend(hook::tidy(s, &status));
    done(s, status, effects, look_again)
}

/// A plan with this status.
pub(super) fn done(
    s: &Snapshot,
    mut status: ApplicationStatus,
    effects: Vec<Effect>,
    look_again: Option<SignedDuration>,
) -> Plan {
    let is_operation_over = s.application.operation.is_some()
        && operation::running(&status).is_none()
        && status
            .operation_state
            .as_ref()
            .is_some_and(|state| Some(&state.operation) == s.application.operation.as_ref());
    operation::forget_sent(&mut status);
    if status != *s.application.status() {
        status.reconciled_at = Some(Time(crate::time::floor_to_second(s.now)));
    }
    Plan { effects, status, is_operation_over, finalizers: leave::finalizers(s), look_again }
}

/// Nothing can be said: the last objects that were known stay.
fn unknown(status: &mut ApplicationStatus) {
    let sync = status.sync.get_or_insert_with(SyncStatus::default);
    if sync.status == SYNCED || sync.status == OUT_OF_SYNC || sync.status.is_empty() {
        UNKNOWN.clone_into(&mut sync.status);
    }
}

/// Ends a sync that cannot begin or go on.
fn refuse(s: &Snapshot, status: &mut ApplicationStatus, why: &str) {
    if operation::running(status).is_some() {
        operation::stop(s, status, why);
        return;
    }
    operation::begin(s, status, s.application.operation.clone().unwrap_or_default());
    operation::stop(s, status, why);
    // It says nothing about the commit.
    if let Some(state) = &mut status.operation_state {
        state.sync_result = None;
    }
}
