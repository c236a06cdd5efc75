//! One sync, from what was asked for to its end. Its state is the status: whoever takes over goes on from there.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::Value;

use super::hook::TERMINATED;
use super::key::Key;
use super::marks::{self, Phase};
use super::preempt;
use super::snapshot::{Effect, Goes, Live, Object, Outcome, Rendered, Snapshot, Write};
use super::step::{self, Next};
use super::task::{self, is_of};
use crate::api::{
    Application, ApplicationSource, ApplicationStatus, Info, Operation, OperationState, ResourceResult, Retry,
    RevisionHistory, SyncOperation, SyncOperationResult,
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

/// What is said of an object that was not taken.
pub const SYNC_FAILED: &str = "SyncFailed";

/// What is told of a sync that is over, instead of the manifests that it was given.
const WERE_SENT: &str = "Manifests that were sent";

/// Syncs that are remembered where nothing is said.
const HISTORY: i64 = 10;
/// How often a sync that waits looks again, if nothing has changed meanwhile.
const LOOK: SignedDuration = SignedDuration::from_secs(5);

/// The sync under way.
pub fn running(status: &ApplicationStatus) -> Option<&OperationState> {
    status.operation_state.as_ref().filter(|state| [RUNNING, TERMINATING].contains(&state.phase.as_str()))
}

/// Whether a sync is asked for, and has not begun, of whatever commit is the newest.
pub fn wants_news(application: &Application) -> bool {
    let asked = application.operation.as_ref().filter(|_| running(application.status()).is_none());
    asked.is_some_and(|asked| asked.sync.as_ref().is_none_or(|sync| sync.commits().is_empty()))
}

/// The sync that has come to its end from one status to the next.
pub fn has_ended<'a>(before: &ApplicationStatus, after: &'a ApplicationStatus) -> Option<&'a OperationState> {
    let is_over = |state: &&OperationState| [SUCCEEDED, FAILED, ERROR].contains(&state.phase.as_str());
    let now = after.operation_state.as_ref().filter(is_over)?;
    let was = before.operation_state.as_ref().filter(is_over);
    was.is_none_or(|was| (&was.started_at, &was.finished_at) != (&now.started_at, &now.finished_at)).then_some(now)
}

/// The sources and commits that a sync under way keeps to.
pub fn pinned(status: &ApplicationStatus) -> Option<&SyncOperationResult> {
    running(status)?.sync_result.as_ref()
}

/// The manifests that the sync under way was given, instead of those of its sources.
pub fn sent(status: &ApplicationStatus) -> Option<&[String]> {
    let sync = running(status)?.operation.sync.as_ref()?;
    Some(sync.manifests.as_slice()).filter(|manifests| !manifests.is_empty())
}

/// Leaves the manifests out that a sync was given which is over, as there may be secrets in them; how many there were is told.
pub fn forget_sent(status: &mut ApplicationStatus) {
    if running(status).is_some() {
        return;
    }
    let Some(operation) = status.operation_state.as_mut().map(|state| &mut state.operation) else { return };
    let sent = operation.sync.as_mut().map(|sync| std::mem::take(&mut sync.manifests)).unwrap_or_default();
    if !sent.is_empty() {
        operation.info.push(Info { name: WERE_SENT.to_owned(), value: sent.len().to_string() });
    }
}

/// Whether a sync is, or was, of manifests that it was given.
pub fn is_of_sent(operation: &Operation) -> bool {
    let has = operation.sync.as_ref().is_some_and(|sync| !sync.manifests.is_empty());
    has || operation.info.iter().any(|info| info.name == WERE_SENT)
}

/// Begins a sync. No two of them begin in the same second, by which their hooks are told apart.
pub fn begin(s: &Snapshot, status: &mut ApplicationStatus, operation: Operation) {
    let last = status.operation_state.as_ref().map(|last| after(last.started_at.0, SignedDuration::from_secs(1)));
    let now = floor_to_second(s.now);
    status.operation_state = Some(OperationState {
        phase: RUNNING.to_owned(),
        message: String::new(),
        sync_result: Some(attempt(s, &operation)),
        operation,
        started_at: Time(last.map_or(now, |last| last.max(now))),
        finished_at: None,
        retry_count: 0,
    });
}

/// What an attempt is of: the sources and commits that were asked for, or else those that have been compared.
fn attempt(s: &Snapshot, operation: &Operation) -> SyncOperationResult {
    let sync = operation.sync.clone().unwrap_or_default();
    let spec = &s.application.spec;
    let managed = spec.sync_policy.as_ref().and_then(|policy| policy.managed_namespace_metadata.clone());
    let has_own = sync.source.is_some() || !sync.sources.is_empty();
    // What was sent is of no commit.
    let is_sent = !sync.manifests.is_empty();
    let compared = match &s.rendered {
        Rendered::Done { revisions, .. } if !has_own && !is_sent => revisions.clone(),
        Rendered::Done { .. } | Rendered::Waiting | Rendered::Failed(_) => Vec::new(),
    };
    // To have tried them is no other sync than the last one: one that nobody asks for must not follow from it.
    let tried = s.application.status().sync.as_ref().filter(|_| is_sent && sync.dry_run);
    let asked =
        if is_sent { tried.map_or_else(Vec::new, |sync| sync.commits().to_vec()) } else { sync.commits().to_vec() };
    let (source, sources) = if has_own {
        (sync.source, sync.sources)
    } else {
        (spec.source.clone().filter(|_| !spec.has_several()), spec.sources.clone())
    };
    let (source, sources) = (source.map(|it| it.stored()), sources.iter().map(ApplicationSource::stored).collect());
    let mut attempt =
        SyncOperationResult { source, sources, managed_namespace_metadata: managed, ..SyncOperationResult::default() };
    attempt.keep_to(if asked.is_empty() { &compared } else { &asked });
    attempt
}

/// Goes on with the sync under way. Gives what to write, and when it is time to look again where it waits for that.
pub fn advance(s: &Snapshot, status: &mut ApplicationStatus) -> (Vec<Effect>, Option<SignedDuration>) {
    let Some(state) = status.operation_state.as_mut() else { return Default::default() };
    let sync = state.operation.sync.clone().unwrap_or_default();
    if state.finished_at.is_none() {
        take_in(s, state);
        step::adopt(s, &sync, &mut state.sync_result.get_or_insert_default().resources);
    }
    if state.phase == TERMINATING {
        terminate(s, status, "Operation terminated");
        return Default::default();
    }
    if let Some(why) = preempt::by(s, state) {
        terminate(s, status, &why);
        return (Vec::new(), Some(SignedDuration::ZERO));
    }
    if let Some(finished) = &state.finished_at {
        let due = after(finished.0, wait(state.operation.retry.as_ref(), state.retry_count));
        if due > s.now {
            return (Vec::new(), Some(due.duration_since(s.now)));
        }
        again(s, state);
        return (Vec::new(), Some(SignedDuration::ZERO));
    }
    match &s.rendered {
        Rendered::Waiting => Default::default(),
        // It goes on when that is over: what runs is not ended by a server that does not answer.
        Rendered::Failed(why) if state.sync_result.as_ref().is_some_and(|result| !result.resources.is_empty()) => {
            state.message = format!("waiting for its sources: {why}");
            (Vec::new(), Some(LOOK))
        }
        Rendered::Failed(why) => {
            fail(s, status, ERROR, why);
            Default::default()
        }
        // Hooks are named after the commit.
        Rendered::Done { revisions, .. } if sync.manifests.is_empty() && settle_on(state, revisions) => {
            (Vec::new(), Some(SignedDuration::ZERO))
        }
        Rendered::Done { .. } => step(s, status, &sync),
    }
}

/// Begins another attempt: of the newest commit, or of the one that was tried before.
fn again(s: &Snapshot, state: &mut OperationState) {
    state.retry_count += 1;
    state.finished_at = None;
    state.message = format!("Retrying operation. Attempt #{}", state.retry_count);
    let is_fresh = state.operation.retry.as_ref().is_some_and(|retry| retry.refresh);
    let kept = state.sync_result.take().filter(|_| !is_fresh).map_or_else(Vec::new, |kept| kept.commits().to_vec());
    let mut next = attempt(s, &state.operation);
    next.keep_to(&kept);
    state.sync_result = Some(next);
}

/// Writes down which commits the revisions stand for that were asked for, as the sync keeps to them; whether that is any news.
fn settle_on(state: &mut OperationState, revisions: &[String]) -> bool {
    let Some(result) = state.sync_result.as_mut() else { return false };
    let before = result.commits().to_vec();
    result.keep_to(revisions);
    result.commits() != before
}

/// Writes down what became of writes.
fn take_in(s: &Snapshot, state: &mut OperationState) {
    let results = &mut state.sync_result.get_or_insert_default().resources;
    for outcome in s.outcomes.iter().filter(|outcome| outcome.write != Write::Tidied) {
        let object = s.objects.iter().find(|object| object.key == outcome.key);
        let told = told(outcome, object.map(|object| object.version.clone()).unwrap_or_default());
        let known = results.iter_mut().find(|known| is_of(known, &outcome.key) && known.sync_phase == told.sync_phase);
        match known {
            Some(known) => *known = told,
            None => results.push(told),
        }
    }
}

fn told(outcome: &Outcome, version: String) -> ResourceResult {
    let (is_good, message) = match &outcome.result {
        Ok(message) => (true, message.clone()),
        Err(message) => (false, message.clone()),
    };
    let status = match (is_good, outcome.write) {
        (true, Write::Pruned) => "Pruned",
        (true, _) => "Synced",
        (false, _) => SYNC_FAILED,
    };
    let hook = if let Write::Begun(phase) = outcome.write { Some(phase.name()) } else { None };
    ResourceResult {
        status: status.to_owned(),
        message,
        sync_phase: hook.unwrap_or(Phase::Sync.name()).to_owned(),
        hook_type: hook.unwrap_or_default().to_owned(),
        hook_phase: if is_good { RUNNING } else { FAILED }.to_owned(),
        ..result_of(&outcome.key, version)
    }
}

/// What is said of an object, before anything is.
pub fn result_of(key: &Key, version: String) -> ResourceResult {
    let Key { group, kind, namespace, name } = key.clone();
    ResourceResult { group, version, kind, namespace, name, ..ResourceResult::default() }
}

/// The next writes, or the end.
fn step(s: &Snapshot, status: &mut ApplicationStatus, sync: &SyncOperation) -> (Vec<Effect>, Option<SignedDuration>) {
    let Some(state) = status.operation_state.as_mut() else { return Default::default() };
    let results = &mut state.sync_result.get_or_insert_default().resources;
    match step::next(s, sync, results) {
        Next::Write(effects, message) => {
            // What goes is looked for again, and so is what a person allows.
            let waits = !message.is_empty();
            state.message = message;
            (effects, waits.then_some(LOOK))
        }
        Next::Wait(message) => {
            state.message = message;
            (Vec::new(), Some(LOOK))
        }
        Next::Succeed(message) => {
            end(s, status, SUCCEEDED, message.to_owned());
            Default::default()
        }
        Next::Fail(message) => {
            fail(s, status, FAILED, &message);
            Default::default()
        }
    }
}

/// Whether an object is one of those that a sync is about.
pub fn is_selected(sync: &SyncOperation, key: &Key) -> bool {
    let is = |it: &crate::api::SyncOperationResource| {
        (&it.group, &it.kind, &it.name) == (&key.group, &key.kind, &key.name)
            && (it.namespace.is_empty() || it.namespace == key.namespace)
    };
    sync.resources.is_empty() || sync.resources.iter().any(is)
}

/// The options of the sync under way, or those that one would have that nobody asked for.
pub fn options(application: &Application) -> Vec<String> {
    let sync = running(application.status()).and_then(|state| state.operation.sync.clone());
    task::options(application, &sync.unwrap_or_default())
}

/// Whether a sync makes the destination's namespace: the Application says so, or the sync that was asked for.
pub fn creates_namespace(application: &Application) -> bool {
    marks::has(&Value::Null, &options(application), "CreateNamespace")
}

/// Deletes an object that was seen and that Git does not have any more.
pub fn delete_pruned(object: &Object, options: &[String]) -> Option<Effect> {
    delete(object, propagation(options), true)
}

/// Deletes an object that was seen.
pub fn delete(object: &Object, propagation: &'static str, is_prune: bool) -> Option<Effect> {
    let live = object.live.as_ref().filter(|live| !live.is_going)?;
    Some(Effect::Delete {
        key: object.key.clone(),
        version: object.version.clone(),
        uid: live.uid.clone(),
        resource_version: live.resource_version.clone(),
        propagation,
        is_prune,
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
    let is_left = |live: &Live| live.is_own && live.hook.is_none() && live.prune != Goes::No;
    object.wanted.is_none() && object.live.as_ref().is_some_and(is_left)
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
        if result.hook_phase == RUNNING && result.hook_type.is_empty() {
            SUCCEEDED.clone_into(&mut result.hook_phase);
        }
    }
    let sync = state.operation.sync.clone().unwrap_or_default();
    // Nobody could go back to what was sent.
    if phase == SUCCEEDED && !sync.dry_run && sync.resources.is_empty() && sync.manifests.is_empty() {
        remember(s, status);
    }
}

/// Ends a sync before its end, with its hooks that run.
fn terminate(s: &Snapshot, status: &mut ApplicationStatus, why: &str) {
    let results = status.operation_state.as_mut().and_then(|state| state.sync_result.as_mut());
    for result in results.into_iter().flat_map(|result| &mut result.resources) {
        if !result.hook_type.is_empty() && result.hook_phase == RUNNING {
            FAILED.clone_into(&mut result.hook_phase);
            TERMINATED.clone_into(&mut result.message);
        }
    }
    end(s, status, FAILED, why.to_owned());
}

/// Ends a sync that must not go on.
pub fn stop(s: &Snapshot, status: &mut ApplicationStatus, why: &str) {
    if running(status).is_some() {
        terminate(s, status, why);
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
