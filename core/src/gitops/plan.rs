//! One decision on an Application: the status that it should have, and what to write.

use jiff::SignedDuration;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::automatic::{self, Automatic};
use super::operation::{self, FAILED, RUNNING};
use super::report::{self, INVALID_SPEC, OUT_OF_SYNC, SYNC_ERROR, SYNCED, UNKNOWN};
use super::snapshot::{Effect, Plan, Rendered, Snapshot};
use super::unsupported;
use crate::api::{Application, ApplicationStatus, SyncStatus};

/// The finalizers for which the objects of an Application go with it.
const CASCADES: [(&str, &str); 3] = [
    ("resources-finalizer.argocd.argoproj.io", "Foreground"),
    ("resources-finalizer.argocd.argoproj.io/foreground", "Foreground"),
    ("resources-finalizer.argocd.argoproj.io/background", "Background"),
];
/// The annotation that keeps the controller's hands off.
const SKIP: &str = "argocd.argoproj.io/skip-reconcile";
/// How often objects that go are looked for.
const DELETES: SignedDuration = SignedDuration::from_secs(2);

/// Whether an Application is left alone.
pub fn is_left_alone(application: &Application) -> bool {
    application.annotation(SKIP) == Some("true")
}

/// The finalizer for which its objects go with it, and how they go.
pub fn cascade(application: &Application) -> Option<(&'static str, &'static str)> {
    let finalizers = application.metadata.finalizers.as_deref().unwrap_or_default();
    CASCADES.into_iter().find(|(name, _)| finalizers.iter().any(|finalizer| finalizer == name))
}

/// Decides.
pub fn plan(s: &Snapshot) -> Plan {
    let mut status = s.application.status().clone();
    if s.application.metadata.deletion_timestamp.is_some() {
        return leave(s, status);
    }
    let mut problems: Vec<(&'static str, String)> = Vec::new();
    problems.extend(unsupported::problems(&s.application).into_iter().map(|what| (INVALID_SPEC, what)));
    if let Err(why) = &s.project {
        problems.push((INVALID_SPEC, why.clone()));
    }
    if !problems.is_empty() {
        unknown(s, &mut status);
        if operation::running(&status).is_some() || s.application.operation.is_some() {
            refuse(s, &mut status, &problems[0].1);
        }
        report::conditions(&mut status, problems, s.now);
        return done(s, status, Vec::new(), None);
    }
    problems.extend(report::problems(s));
    match s.rendered {
        Rendered::Waiting => return done(s, status, Vec::new(), None),
        Rendered::Failed(_) => unknown(s, &mut status),
        Rendered::Done { .. } => report::compared(s, &mut status),
    }
    let (mut effects, mut look_again) = (Vec::new(), None);
    if operation::running(&status).is_some() {
        (effects, look_again) = operation::advance(s, &mut status);
    } else if let Some(asked) = s.application.operation.clone() {
        operation::begin(s, &mut status, asked);
        look_again = Some(SignedDuration::ZERO);
    } else if status.sync.as_ref().is_some_and(|sync| sync.status == OUT_OF_SYNC) {
        match automatic::decide(s, &status) {
            Automatic::Nothing => {}
            Automatic::Later(wait) => look_again = Some(wait),
            Automatic::Refuse(why) => problems.push((SYNC_ERROR, why)),
            Automatic::Sync(asked) => {
                operation::begin(s, &mut status, *asked);
                look_again = Some(SignedDuration::ZERO);
            }
        }
    }
    report::conditions(&mut status, problems, s.now);
    done(s, status, effects, look_again)
}

fn done(s: &Snapshot, mut status: ApplicationStatus, effects: Vec<Effect>, look_again: Option<SignedDuration>) -> Plan {
    let is_operation_over = s.application.operation.is_some()
        && operation::running(&status).is_none()
        && status
            .operation_state
            .as_ref()
            .is_some_and(|state| Some(&state.operation) == s.application.operation.as_ref());
    if status != *s.application.status() {
        status.reconciled_at = Some(Time(crate::time::floor_to_second(s.now)));
    }
    Plan { effects, status, is_operation_over, look_again }
}

/// Nothing can be said: the last objects that were known stay.
fn unknown(s: &Snapshot, status: &mut ApplicationStatus) {
    let sync = status.sync.get_or_insert_with(SyncStatus::default);
    if sync.status == SYNCED || sync.status == OUT_OF_SYNC || sync.status.is_empty() {
        UNKNOWN.clone_into(&mut sync.status);
    }
    let _ = s;
}

/// Ends a sync that cannot begin or go on.
fn refuse(s: &Snapshot, status: &mut ApplicationStatus, why: &str) {
    if operation::running(status).is_none() {
        let asked = s.application.operation.clone().unwrap_or_default();
        if status.operation_state.as_ref().is_some_and(|state| state.operation == asked) {
            return;
        }
        operation::begin(s, status, asked);
    }
    if let Some(state) = status.operation_state.as_mut().filter(|state| state.phase == RUNNING) {
        FAILED.clone_into(&mut state.phase);
        why.clone_into(&mut state.message);
        state.finished_at = Some(Time(crate::time::floor_to_second(s.now)));
    }
}

/// Takes everything along that is the Application's own, if it is to.
fn leave(s: &Snapshot, status: ApplicationStatus) -> Plan {
    let plan = |effects, look_again| Plan { effects, status, is_operation_over: false, look_again };
    let Some((_, propagation)) = cascade(&s.application) else { return plan(Vec::new(), None) };
    if s.rendered == Rendered::Waiting {
        return plan(Vec::new(), None);
    }
    let own =
        || s.objects.iter().filter(|it| it.live.as_ref().is_some_and(|live| live.is_own && !live.stays.undeleted));
    if own().next().is_none() {
        return plan(vec![Effect::Release], None);
    }
    plan(own().filter_map(|object| operation::delete(object, propagation)).collect(), Some(DELETES))
}
