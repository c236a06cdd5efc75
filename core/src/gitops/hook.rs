//! Hooks: objects that a sync runs, rather than what an Application is made of.
//!
//! Which sync an object ran for is written on it: whoever finds it after a crash knows whether it still has to begin. A finalizer keeps
//! it until how it ended is in the status.

use serde_json::{Value, json};

use super::health::{DEGRADED, HEALTHY, UNKNOWN};
use super::key::Key;
use super::manifest::Manifest;
use super::marks::{self, DeletePolicy, Phase};
use super::operation::{self, FAILED, RUNNING, SUCCEEDED, running};
use super::snapshot::{Effect, Live, Object, Ran, Snapshot};
use super::tracking::TRACKING_ID;
use crate::api::{Application, ApplicationStatus, OperationState, ResourceResult};

/// The annotation that says which sync, and which phase of it, an object ran for.
pub const MARK: &str = "sluice.dev/sync";
/// The finalizer that keeps an object until how it ended is in the status. The name is Argo CD's, so that either knows the other's.
pub const FINALIZER: &str = "argocd.argoproj.io/hook-finalizer";
/// What is said of a hook that was ended before its end.
pub const TERMINATED: &str = "Terminated";

/// A name for an attempt of a sync and a phase of it, that no other has.
pub fn mark_of(state: &OperationState, phase: Phase) -> String {
    format!("{}/{}", attempt(state), phase.name())
}

/// The same, of the end of an Application that goes.
pub fn mark_of_end(application: &Application, phase: Phase) -> Option<String> {
    let since = application.metadata.deletion_timestamp.as_ref()?.0.as_second();
    Some(format!("{since}-end/{}", phase.name()))
}

fn attempt(state: &OperationState) -> String {
    format!("{}-{}", state.started_at.0.as_second(), state.retry_count)
}

/// What an object of a hook ran for.
pub(super) fn ran(object: &Value) -> Ran {
    let metadata = &object["metadata"];
    let is_held = metadata["finalizers"].as_array().is_some_and(|all| all.iter().any(|name| name == FINALIZER));
    let by = metadata["annotations"][MARK].as_str().unwrap_or_default().to_owned();
    Ran { by, is_held, policies: marks::delete_policies(object) }
}

/// The runs that a sync has, or the end of an Application, of hooks that Git has: each in its phases, under its name.
pub fn runs(hooks: &[Manifest], application: &Application) -> Vec<(Phase, Manifest)> {
    let is_leaving = application.metadata.deletion_timestamp.is_some();
    let mut runs = Vec::new();
    for hook in hooks {
        for phase in marks::phases(&hook.value).into_iter().filter(|phase| (*phase >= Phase::PreDelete) == is_leaving) {
            runs.extend(turn(application, phase).map(|turn| (phase, run(hook, &turn))));
        }
    }
    runs
}

/// What a run is named after.
struct Turn {
    mark: String,
    commit: String,
    phase: Phase,
    /// When it began, in seconds.
    since: i64,
}

fn turn(application: &Application, phase: Phase) -> Option<Turn> {
    let status = application.status();
    if let Some(since) = &application.metadata.deletion_timestamp {
        let commit = status.sync.as_ref().and_then(|sync| sync.commits().first().cloned()).unwrap_or_default();
        return Some(Turn { mark: mark_of_end(application, phase)?, commit, phase, since: since.0.as_second() });
    }
    let state = running(status)?;
    let sync = state.operation.sync.clone().unwrap_or_default();
    let is_without = sync.sync_strategy.as_ref().is_some_and(|strategy| strategy.apply.is_some());
    if is_without || !sync.resources.is_empty() {
        return None;
    }
    let commit = state.sync_result.as_ref().and_then(|result| result.commits().first().cloned()).unwrap_or_default();
    Some(Turn { mark: mark_of(state, phase), commit, phase, since: state.started_at.0.as_second() })
}

fn run(hook: &Manifest, turn: &Turn) -> Manifest {
    let mut run = hook.clone();
    let metadata = &mut run.value["metadata"];
    if let Some(begin) = metadata.as_object_mut().and_then(|metadata| metadata.remove("generateName")) {
        let (begin, phase) = (begin.as_str().unwrap_or_default(), turn.phase.name().to_lowercase());
        let named = metadata["name"].as_str().is_some_and(|name| !name.is_empty());
        if !named {
            // Of a chart it is a version, not all of which names of objects may have.
            let short: String = turn.commit.chars().take(7).map(in_name).collect();
            let name = format!("{begin}{short}-{phase}-{}", turn.since);
            // Whose it is was written on it before it had a name.
            if let Some(id) = metadata["annotations"][TRACKING_ID].as_str().map(|id| format!("{id}{name}")) {
                metadata["annotations"][TRACKING_ID] = id.into();
            }
            metadata["name"] = name.into();
        }
    }
    metadata["annotations"][MARK] = turn.mark.clone().into();
    if !metadata["finalizers"].is_array() {
        metadata["finalizers"] = json!([]);
    }
    if let Some(finalizers) = metadata["finalizers"].as_array_mut().filter(|all| all.iter().all(|it| it != FINALIZER)) {
        finalizers.push(FINALIZER.into());
    }
    run.key = Key::of(&run.value);
    run
}

/// How far an object of a hook is: a phase, and why. What cannot be told of a kind has succeeded once it is there.
pub fn progress(live: &Live) -> (&'static str, String) {
    let Some(health) = &live.health else { return (SUCCEEDED, String::new()) };
    let phase = match health.status.as_str() {
        HEALTHY => SUCCEEDED,
        DEGRADED | UNKNOWN => FAILED,
        _ => RUNNING,
    };
    (phase, health.message.clone())
}

/// What is to be done about objects of hooks that have ended: they are let go, and those go whose policy says so.
pub fn tidy(s: &Snapshot, status: &ApplicationStatus) -> Vec<Effect> {
    s.objects.iter().filter_map(|object| tidy_one(object, status)).collect()
}

fn tidy_one(object: &Object, status: &ApplicationStatus) -> Option<Effect> {
    let live = object.live.as_ref().filter(|live| live.is_own)?;
    let ran = live.hook.as_ref()?;
    let result = result(status, &object.key, ran);
    let is_under_way = match result {
        Some(result) => result.hook_phase == RUNNING && running(status).is_some(),
        // It has begun, and nobody has written that down yet.
        None => running(status).is_some_and(|state| ran.by.split('/').next() == Some(attempt(state).as_str())),
    };
    if is_under_way {
        return None;
    }
    if ran.is_held {
        return let_go(object);
    }
    let result = result?;
    let policy = if result.hook_phase == SUCCEEDED { DeletePolicy::HookSucceeded } else { DeletePolicy::HookFailed };
    let goes = ran.policies.contains(&policy) || result.message == TERMINATED;
    goes.then(|| delete(object)).flatten()
}

/// What is written of the run that an object is of, if that is of the last sync.
fn result<'a>(status: &'a ApplicationStatus, key: &Key, ran: &Ran) -> Option<&'a ResourceResult> {
    let state = status.operation_state.as_ref()?;
    let results = state.sync_result.iter().flat_map(|result| &result.resources);
    let is_of = |result: &&ResourceResult| {
        let phase = Phase::read(&result.sync_phase);
        super::task::is_of(result, key) && phase.is_some_and(|phase| mark_of(state, phase) == ran.by)
    };
    results.filter(|result| !result.hook_type.is_empty()).find(is_of)
}

/// Lets the object of a hook go, if it is held.
pub fn let_go(object: &Object) -> Option<Effect> {
    let live = object.live.as_ref().filter(|live| live.hook.as_ref().is_some_and(|ran| ran.is_held))?;
    Some(Effect::LetGo { key: object.key.clone(), version: object.version.clone(), uid: live.uid.clone() })
}

/// Deletes the object of a hook, with what it owns.
pub fn delete(object: &Object) -> Option<Effect> {
    operation::delete(object, "Background", false)
}

/// A letter as names of objects may have it.
fn in_name(letter: char) -> char {
    match letter.to_ascii_lowercase() {
        letter @ ('a'..='z' | '0'..='9' | '.') => letter,
        _ => '-',
    }
}
