//! One decision on an Application: the status that it should have, and what to write.

use jiff::SignedDuration;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::automatic::{self, Automatic};
use super::operation::{self, FAILED, RUNNING};
use super::report::{self, DELETION_ERROR, INVALID_SPEC, OUT_OF_SYNC, SYNC_ERROR, SYNCED, UNKNOWN};
use super::snapshot::{Effect, Object, Plan, Rendered, Snapshot};
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
    let asked_too_much = unsupported::of_asked(&s.application).into_iter().next();
    if operation::running(&status).is_some() {
        (effects, look_again) = operation::advance(s, &mut status);
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
fn unknown(status: &mut ApplicationStatus) {
    let sync = status.sync.get_or_insert_with(SyncStatus::default);
    if sync.status == SYNCED || sync.status == OUT_OF_SYNC || sync.status.is_empty() {
        UNKNOWN.clone_into(&mut sync.status);
    }
}

/// Ends a sync that cannot begin or go on.
fn refuse(s: &Snapshot, status: &mut ApplicationStatus, why: &str) {
    if operation::running(status).is_none() {
        operation::begin(s, status, s.application.operation.clone().unwrap_or_default());
        // It says nothing about the commit.
        if let Some(state) = &mut status.operation_state {
            state.sync_result = None;
        }
    }
    if let Some(state) = status.operation_state.as_mut().filter(|state| state.phase == RUNNING) {
        FAILED.clone_into(&mut state.phase);
        why.clone_into(&mut state.message);
        state.finished_at = Some(Time(crate::time::floor_to_second(s.now)));
    }
}

/// Takes everything along that is the Application's own, if it is to. Where it is not known what that is, it stays, and says why.
fn leave(s: &Snapshot, mut status: ApplicationStatus) -> Plan {
    let Some((_, propagation)) = cascade(&s.application) else { return done(s, status, Vec::new(), None) };
    let own = || s.objects.iter().filter(|object| is_taken_along(s, object));
    let asking =
        s.objects.iter().find(|object| object.live.as_ref().is_some_and(|live| live.is_own && live.stays.asks));
    let why = match (&s.rendered, unsupported::problems(&s.application).into_iter().next(), asking) {
        (Rendered::Failed(why), ..) => Some(why.clone()),
        (_, Some(why), _) => Some(why),
        (.., Some(object)) => Some(format!(
            "{} says Delete=confirm, and that is not supported yet: delete it, or take that away",
            object.key
        )),
        _ => None,
    };
    if let Some(why) = why {
        let why = format!("its objects are not deleted: {why}. Take its finalizer away to leave them behind");
        report::conditions(&mut status, vec![(DELETION_ERROR, why)], s.now);
        return done(s, status, Vec::new(), Some(DELETES));
    }
    report::conditions(&mut status, Vec::new(), s.now);
    if own().next().is_none() {
        return done(s, status, vec![Effect::Release], None);
    }
    let effects = own().filter_map(|object| operation::delete(object, propagation)).collect();
    done(s, status, effects, Some(DELETES))
}

/// Whether an object goes with its Application. That may be in its own folder: then it goes already.
fn is_taken_along(s: &Snapshot, object: &Object) -> bool {
    let (metadata, key) = (&s.application.metadata, &object.key);
    let is_itself = key.kind == "Application"
        && Some(&key.name) == metadata.name.as_ref()
        && Some(&key.namespace) == metadata.namespace.as_ref();
    !is_itself && object.live.as_ref().is_some_and(|live| live.is_own && !live.stays.undeleted)
}
