//! One sync, from what was asked for to its end. Its state is the status: whoever takes over goes on from there.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::compare::Verdict;
use super::key::Key;
use super::order;
use super::snapshot::{Effect, Object, Outcome, Rendered, Snapshot};
use crate::api::{
    Application, ApplicationStatus, Operation, OperationState, ResourceResult, Retry, RevisionHistory, SyncOperation,
    SyncOperationResult,
};
use crate::time::{after, floor_to_second, parse_go_duration};

/// A sync that goes on.
pub const RUNNING: &str = "Running";
/// A sync that was asked to end.
pub const TERMINATING: &str = "Terminating";
/// A sync that has come to its end.
pub const SUCCEEDED: &str = "Succeeded";
/// A sync that has not.
pub const FAILED: &str = "Failed";
/// A sync that could not begin.
pub const ERROR: &str = "Error";

/// Syncs that are remembered where nothing is said.
const HISTORY: i64 = 10;
/// What a namespace's key is.
const NAMESPACE: &str = "Namespace";

/// The sync under way.
pub fn running(status: &ApplicationStatus) -> Option<&OperationState> {
    status.operation_state.as_ref().filter(|state| [RUNNING, TERMINATING].contains(&state.phase.as_str()))
}

/// The commits that a sync under way keeps to.
pub fn pinned(status: &ApplicationStatus) -> Option<&SyncOperationResult> {
    running(status)?.sync_result.as_ref()
}

/// Begins a sync.
pub fn begin(s: &Snapshot, status: &mut ApplicationStatus, operation: Operation) {
    status.operation_state = Some(OperationState {
        phase: RUNNING.to_owned(),
        message: String::new(),
        sync_result: Some(attempt(s, &operation)),
        operation,
        started_at: Time(floor_to_second(s.now)),
        finished_at: None,
        retry_count: 0,
    });
}

/// What an attempt is of: the commits that were asked for, or else those that have been compared.
fn attempt(s: &Snapshot, operation: &Operation) -> SyncOperationResult {
    let sync = operation.sync.clone().unwrap_or_default();
    let revisions = match &s.rendered {
        Rendered::Done { revisions, .. } => revisions.clone(),
        Rendered::Waiting | Rendered::Failed(_) => Vec::new(),
    };
    let first = revisions.first().cloned().unwrap_or_default();
    let spec = &s.application.spec;
    let managed = spec.sync_policy.as_ref().and_then(|policy| policy.managed_namespace_metadata.clone());
    SyncOperationResult {
        resources: Vec::new(),
        revision: if sync.revision.is_empty() { first } else { sync.revision },
        source: sync.source.or_else(|| spec.source.clone()),
        managed_namespace_metadata: managed,
        ..SyncOperationResult::default()
    }
}

/// Goes on with the sync under way. Gives what to write, and when it is time to look again where it waits for that.
pub fn advance(s: &Snapshot, status: &mut ApplicationStatus) -> (Vec<Effect>, Option<SignedDuration>) {
    let Some(state) = status.operation_state.as_mut() else { return Default::default() };
    if state.phase == TERMINATING {
        end(s, status, FAILED, "Operation terminated".to_owned());
        return Default::default();
    }
    let sync = state.operation.sync.clone().unwrap_or_default();
    if let Some(finished) = &state.finished_at {
        let due = after(finished.0, wait(state.operation.retry.as_ref(), state.retry_count));
        if due > s.now {
            return (Vec::new(), Some(due.duration_since(s.now)));
        }
        state.retry_count += 1;
        state.finished_at = None;
        state.message = format!("Retrying operation. Attempt #{}", state.retry_count);
        // The newest commit, or the one that was tried before.
        let is_fresh = state.operation.retry.as_ref().is_some_and(|retry| retry.refresh);
        let kept = state.sync_result.take().filter(|_| !is_fresh).map_or_else(String::new, |kept| kept.revision);
        state.sync_result = Some(SyncOperationResult { revision: kept, ..attempt(s, &state.operation) });
        return (Vec::new(), Some(SignedDuration::ZERO));
    }
    match &s.rendered {
        Rendered::Waiting => return Default::default(),
        Rendered::Failed(why) => {
            let why = why.clone();
            fail(s, status, ERROR, &why);
            return Default::default();
        }
        Rendered::Done { revisions, .. } => settle_on(state, revisions),
    }
    take_in(s, state);
    step(s, status, &sync)
}

/// Writes down which commit the revision stood for that was asked for: the sync keeps to it.
fn settle_on(state: &mut OperationState, revisions: &[String]) {
    if let (Some(result), Some(commit)) = (&mut state.sync_result, revisions.first()) {
        result.revision.clone_from(commit);
    }
}

/// Writes down what became of writes.
fn take_in(s: &Snapshot, state: &mut OperationState) {
    let result = state.sync_result.get_or_insert_default();
    for outcome in &s.outcomes {
        let version = s.objects.iter().find(|object| object.key == outcome.key).map(|object| object.version.clone());
        let told = told(outcome, version.unwrap_or_default());
        match result.resources.iter_mut().find(|known| is_of(known, &outcome.key)) {
            Some(known) => *known = told,
            None => result.resources.push(told),
        }
    }
}

fn told(outcome: &Outcome, version: String) -> ResourceResult {
    let (good, message) = match &outcome.result {
        Ok(message) => (true, message.clone()),
        Err(message) => (false, message.clone()),
    };
    let status = match (good, outcome.is_pruned) {
        (true, false) => "Synced",
        (true, true) => "Pruned",
        (false, _) => "SyncFailed",
    };
    ResourceResult {
        status: status.to_owned(),
        message,
        sync_phase: "Sync".to_owned(),
        hook_phase: if good { RUNNING } else { FAILED }.to_owned(),
        ..result_of(&outcome.key, version)
    }
}

fn result_of(key: &Key, version: String) -> ResourceResult {
    let Key { group, kind, namespace, name } = key.clone();
    ResourceResult { group, version, kind, namespace, name, ..ResourceResult::default() }
}

fn is_of(result: &ResourceResult, key: &Key) -> bool {
    (&result.group, &result.kind, &result.namespace, &result.name) == (&key.group, &key.kind, &key.namespace, &key.name)
}

/// The next writes, or the end.
fn step(s: &Snapshot, status: &mut ApplicationStatus, sync: &SyncOperation) -> (Vec<Effect>, Option<SignedDuration>) {
    let results = pinned(status).map(|result| result.resources.clone()).unwrap_or_default();
    let failed: Vec<&ResourceResult> = results.iter().filter(|result| result.status == "SyncFailed").collect();
    if let Some(first) = failed.first() {
        let reason = format!(
            "one or more synchronization tasks completed unsuccessfully, reason: {}/{}: {}",
            first.kind, first.name, first.message
        );
        fail(s, status, FAILED, &reason);
        return Default::default();
    }
    let is_meant = |object: &&Object| is_selected(sync, &object.key);
    let is_done = |key: &Key| results.iter().any(|result| is_of(result, key));
    let refused = s.objects.iter().filter(is_meant).filter_map(|object| match &object.verdict {
        Some(Verdict::Refused(why)) if !is_done(&object.key) => Some((object, why.clone())),
        _ => None,
    });
    let refused: Vec<(&Object, String)> = refused.collect();
    if !refused.is_empty() {
        let told = refused.into_iter().map(|(object, message)| ResourceResult {
            status: "SyncFailed".to_owned(),
            message,
            sync_phase: "Sync".to_owned(),
            hook_phase: FAILED.to_owned(),
            ..result_of(&object.key, object.version.clone())
        });
        let told: Vec<ResourceResult> = told.collect();
        let state = status.operation_state.as_mut().and_then(|state| state.sync_result.as_mut());
        if let Some(result) = state {
            result.resources.extend(told);
        }
        fail(s, status, FAILED, "one or more objects failed to apply (dry run)");
        return Default::default();
    }
    if sync.dry_run {
        end(s, status, SUCCEEDED, "successfully synced (dry run)".to_owned());
        return Default::default();
    }
    let effects = writes(s, sync, &is_done);
    if effects.is_empty() {
        end(s, status, SUCCEEDED, "successfully synced (all tasks run)".to_owned());
        return Default::default();
    }
    (effects, None)
}

/// Whether an object is one of those that a sync is about.
pub fn is_selected(sync: &SyncOperation, key: &Key) -> bool {
    let is = |it: &crate::api::SyncOperationResource| {
        (&it.group, &it.kind, &it.name) == (&key.group, &key.kind, &key.name)
            && (it.namespace.is_empty() || it.namespace == key.namespace)
    };
    sync.resources.is_empty() || sync.resources.iter().any(is)
}

/// Whether a sync makes the destination's namespace: the Application says so, or the sync that was asked for.
pub fn creates_namespace(application: &Application) -> bool {
    let policy = application.spec.sync_policy.iter().flat_map(|policy| &policy.sync_options);
    let asked = running(application.status()).and_then(|state| state.operation.sync.as_ref());
    policy.chain(asked.iter().flat_map(|sync| &sync.sync_options)).any(|option| option == "CreateNamespace=true")
}

/// What is still to be written.
fn writes(s: &Snapshot, sync: &SyncOperation, is_done: &dyn Fn(&Key) -> bool) -> Vec<Effect> {
    let spec = &s.application.spec;
    let policy = spec.sync_policy.clone().unwrap_or_default();
    let mut effects = Vec::new();
    let namespace = Key { kind: NAMESPACE.to_owned(), name: spec.destination.namespace.clone(), ..Key::default() };
    let brings_it = s.objects.iter().any(|object| object.wanted.is_some() && object.key == namespace);
    if creates_namespace(&s.application) && !namespace.name.is_empty() && !brings_it && !is_done(&namespace) {
        let metadata = policy.managed_namespace_metadata.clone().unwrap_or_default();
        effects.push(Effect::Namespace { name: namespace.name, metadata });
    }
    let open = || s.objects.iter().filter(|object| is_selected(sync, &object.key) && !is_done(&object.key));
    for object in open() {
        let Some(manifest) = object.wanted.clone() else { continue };
        effects.push(Effect::Apply { rank: order::rank(&manifest.key.kind), manifest });
    }
    effects.sort_by(|a, b| place(a).cmp(&place(b)));
    // What goes, goes when everything else is there.
    let goes = open().filter(|object| sync.prune && is_prunable(object));
    let options: Vec<String> = sync.sync_options.iter().chain(&policy.sync_options).cloned().collect();
    let propagation = propagation(&options);
    effects.extend(goes.filter_map(|object| delete(object, propagation)));
    effects
}

fn place(effect: &Effect) -> (usize, &str, &str) {
    match effect {
        Effect::Apply { manifest, rank } => (rank + 1, &manifest.key.namespace, &manifest.key.name),
        Effect::Namespace { .. } | Effect::Delete { .. } | Effect::Release => (0, "", ""),
    }
}

/// Deletes an object that was seen.
pub fn delete(object: &Object, propagation: &'static str) -> Option<Effect> {
    let live = object.live.as_ref().filter(|live| !live.is_going)?;
    Some(Effect::Delete {
        key: object.key.clone(),
        version: object.version.clone(),
        uid: live.uid.clone(),
        resource_version: live.resource_version.clone(),
        propagation,
    })
}

fn propagation(options: &[String]) -> &'static str {
    match options.iter().find_map(|option| option.strip_prefix("PrunePropagationPolicy=")) {
        Some("background") => "Background",
        Some("orphan") => "Orphan",
        _ => "Foreground",
    }
}

/// Whether an object is the Application's own, and Git does not have it any more.
pub fn is_left_over(object: &Object) -> bool {
    object.wanted.is_none() && object.live.as_ref().is_some_and(|live| live.is_own && !live.stays.unpruned)
}

/// The same, of one that is not going already.
pub fn is_prunable(object: &Object) -> bool {
    is_left_over(object) && object.live.as_ref().is_some_and(|live| !live.is_going)
}

/// How long to wait before the next attempt.
fn wait(retry: Option<&Retry>, attempts: i64) -> SignedDuration {
    let backoff = retry.and_then(|retry| retry.backoff.clone()).unwrap_or_default();
    let read = |text: &str, default: i64| match text.parse::<u32>() {
        Ok(seconds) => SignedDuration::from_secs(seconds.into()),
        Err(_) => parse_go_duration(text).unwrap_or(SignedDuration::from_secs(default)),
    };
    let (first, most) = (read(&backoff.duration, 5), read(&backoff.max_duration, 180));
    let factor = backoff.factor.unwrap_or(2).clamp(1, 1_000);
    let mut wait = first;
    for _ in 0..attempts.min(64) {
        wait = wait.checked_mul(i32::try_from(factor).unwrap_or(i32::MAX)).unwrap_or(most).min(most);
    }
    wait.clamp(SignedDuration::ZERO, most.max(SignedDuration::ZERO))
}

/// An attempt has failed: another one comes, or that was it.
fn fail(s: &Snapshot, status: &mut ApplicationStatus, phase: &str, message: &str) {
    let Some(state) = status.operation_state.as_mut() else { return };
    let limit = state.operation.retry.as_ref().map_or(0, |retry| retry.limit);
    if limit >= 0 && state.retry_count >= limit {
        let tries =
            if state.retry_count > 0 { format!(" (retried {} times).", state.retry_count) } else { String::new() };
        end(s, status, phase, format!("{message}{tries}"));
        return;
    }
    state.finished_at = Some(Time(floor_to_second(s.now)));
    let next = after(s.now, wait(state.operation.retry.as_ref(), state.retry_count));
    state.message = format!("{message}. Retrying attempt #{} at {}.", state.retry_count + 1, next.strftime("%-I:%M%p"));
}

fn end(s: &Snapshot, status: &mut ApplicationStatus, phase: &str, message: String) {
    let Some(state) = status.operation_state.as_mut() else { return };
    phase.clone_into(&mut state.phase);
    state.message = message;
    state.finished_at = Some(Time(floor_to_second(s.now)));
    for result in state.sync_result.iter_mut().flat_map(|result| &mut result.resources) {
        if result.hook_phase == RUNNING {
            SUCCEEDED.clone_into(&mut result.hook_phase);
        }
    }
    let sync = state.operation.sync.clone().unwrap_or_default();
    if phase == SUCCEEDED && !sync.dry_run && sync.resources.is_empty() {
        remember(s, status);
    }
}

/// Ends a sync that must not go on.
pub fn stop(s: &Snapshot, status: &mut ApplicationStatus, why: &str) {
    if running(status).is_some() {
        end(s, status, FAILED, why.to_owned());
    }
}

/// Adds a whole sync to the history.
fn remember(s: &Snapshot, status: &mut ApplicationStatus) {
    let Some(state) = &status.operation_state else { return };
    let result = state.sync_result.clone().unwrap_or_default();
    let keep = s.application.spec.revision_history_limit.unwrap_or(HISTORY).max(0);
    status.history.push(RevisionHistory {
        revision: result.revision,
        deployed_at: Time(floor_to_second(s.now)),
        id: status.history.last().map_or(0, |last| last.id + 1),
        source: result.source,
        deploy_started_at: Some(state.started_at.clone()),
        sources: result.sources,
        revisions: result.revisions,
        initiated_by: state.operation.initiated_by.clone(),
    });
    let beyond = status.history.len().saturating_sub(usize::try_from(keep).unwrap_or(usize::MAX));
    status.history.drain(..beyond);
}

/// When the last sync ended.
pub fn ended(status: &ApplicationStatus) -> Option<Timestamp> {
    status.operation_state.as_ref()?.finished_at.as_ref().map(|time| time.0)
}
