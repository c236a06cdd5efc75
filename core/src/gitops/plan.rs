//! One decision on an Application: the status that it should have, and what to write.

use jiff::SignedDuration;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::automatic::{self, Automatic};
use super::operation::{self, FAILED, RUNNING};
use super::report::{self, DELETION_ERROR, INVALID_SPEC, OUT_OF_SYNC, SYNC_ERROR, SYNCED, UNKNOWN};
use super::snapshot::{Effect, Goes, Object, Plan, Rendered, Snapshot};
use super::{hook, unsupported};
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
    effects.extend(hook::tidy(s, &status));
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

/// Takes everything along that is the Application's own, if it is to: the latest wave first, each when the one before it is gone. Where
/// it is not known what that is, it stays, and says why.
fn leave(s: &Snapshot, mut status: ApplicationStatus) -> Plan {
    let Some((_, propagation)) = cascade(&s.application) else { return done(s, status, Vec::new(), None) };
    let own: Vec<&Object> = s.objects.iter().filter(|object| is_taken_along(s, object)).collect();
    let why = match (&s.rendered, unsupported::problems(&s.application).into_iter().next()) {
        (Rendered::Failed(why), _) => Some(why.clone()),
        (_, Some(why)) => Some(why),
        _ => unconfirmed(s, &own),
    };
    if let Some(why) = why {
        let why = format!("its objects are not deleted: {why}. Take its finalizer away to leave them behind");
        report::conditions(&mut status, vec![(DELETION_ERROR, why)], s.now);
        return done(s, status, Vec::new(), Some(DELETES));
    }
    report::conditions(&mut status, Vec::new(), s.now);
    let wave = |object: &Object| object.live.as_ref().map_or(0, |live| live.wave);
    let Some(last) = own.iter().map(|object| wave(object)).max() else {
        return done(s, status, vec![Effect::Release], None);
    };
    let turn = own.into_iter().filter(|object| wave(object) == last);
    let effects = turn.flat_map(|object| {
        let held = object.live.as_ref().filter(|live| live.hook.as_ref().is_some_and(|ran| ran.is_held));
        let (key, version) = (object.key.clone(), object.version.clone());
        let let_go = held.map(|live| Effect::LetGo { key, version, uid: live.uid.clone() });
        operation::delete(object, propagation, false).into_iter().chain(let_go)
    });
    done(s, status, effects.collect(), Some(DELETES))
}

/// What goes only when a person has allowed it, and nobody has since the Application began to go.
fn unconfirmed(s: &Snapshot, own: &[&Object]) -> Option<String> {
    let asks = |object: &&&Object| object.live.as_ref().is_some_and(|live| live.delete == Goes::Asks && !live.is_going);
    let object = own.iter().find(asks)?;
    let since = s.application.metadata.deletion_timestamp.as_ref()?.0;
    if s.application.has_approved_deletion(since) {
        return None;
    }
    let key = &object.key;
    Some(format!(
        "{key} says Delete=confirm: allow it with the annotation argocd.argoproj.io/deletion-approved and the time"
    ))
}

/// Whether an object goes with its Application. That may be in its own folder: then it goes already.
fn is_taken_along(s: &Snapshot, object: &Object) -> bool {
    let (metadata, key) = (&s.application.metadata, &object.key);
    let is_itself = key.kind == "Application"
        && Some(&key.name) == metadata.name.as_ref()
        && Some(&key.namespace) == metadata.namespace.as_ref();
    !is_itself && object.live.as_ref().is_some_and(|live| live.is_own && live.delete != Goes::No)
}
