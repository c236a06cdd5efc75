//! The next step of a sync: what to write, or what it waits for, or how it ends.

use super::hook;
use super::key::Key;
use super::marks::Phase;
use super::operation::{FAILED, RUNNING, SUCCEEDED, SYNC_FAILED, delete_pruned, result_of};
use super::order;
use super::snapshot::{Effect, Hook, How, Live, Snapshot};
use super::task::{Progress, Task, What, is_of, options, result, tasks};
use crate::api::{ResourceResult, SyncOperation};

/// What comes next in a sync.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// To write this, and to wait for what it says.
    Write(Vec<Effect>, String),
    /// To wait, for this.
    Wait(String),
    /// To end well, with this message.
    Succeed(&'static str),
    /// To end, as something has failed.
    Fail(String),
}

/// Decides what comes next, and writes down in the results what has come to its end.
pub fn next(s: &Snapshot, sync: &SyncOperation, results: &mut Vec<ResourceResult>) -> Next {
    if let Some(why) = refused(s, sync, results) {
        return Next::Fail(why);
    }
    if sync.dry_run {
        return Next::Succeed("successfully synced (dry run)");
    }
    let all = tasks(s, sync, results);
    let (late, all): (Vec<Task<'_>>, Vec<Task<'_>>) = all.into_iter().partition(|task| task.stage.0 == Phase::SyncFail);
    let open = Open::of(all, results);
    open.write_down(results);
    if let Some(why) = failure(results) {
        return match open.running_hooks().next() {
            Some(_) => Next::Wait(open.waits_for()),
            None => after_failure(s, late, results, why),
        };
    }
    let Some(stage) = open.pending.first().map(|task| task.stage) else {
        return match open.running.is_empty() {
            true if open.was_long => Next::Succeed("successfully synced (no more tasks)"),
            true => Next::Succeed("successfully synced (all tasks run)"),
            false => Next::Wait(open.waits_for()),
        };
    };
    if open.running.iter().any(|task| task.stage < stage) {
        return Next::Wait(open.waits_for());
    }
    let now: Vec<Task<'_>> = open.pending.iter().copied().filter(|task| task.stage == stage).collect();
    begin(s, sync, &now, results)
}

/// The parts of a sync that are not at their end.
struct Open<'a> {
    pending: Vec<Task<'a>>,
    /// Those that are waited for.
    running: Vec<Task<'a>>,
    ended: Vec<(Task<'a>, Progress)>,
    /// Whether its end is waited for, too.
    was_long: bool,
}

impl<'a> Open<'a> {
    fn of(all: Vec<Task<'a>>, results: &[ResourceResult]) -> Open<'a> {
        let stage = |task: Option<&Task<'_>>| task.map(|task| task.stage);
        let (first, last) = (stage(all.first()), stage(all.last()));
        let is_long = first != last;
        let ends_in_hooks = all.iter().any(|task| Some(task.stage) == last && task.hook().is_some());
        // Nobody waits for what is applied last, unless hooks run beside it.
        let is_awaited =
            |task: &Task<'_>| task.hook().is_some() || is_long && (Some(task.stage) != last || ends_in_hooks);
        let mut open = Open { pending: Vec::new(), running: Vec::new(), ended: Vec::new(), was_long: ends_in_hooks };
        for task in all {
            match task.progress(results) {
                Progress::Pending => open.pending.push(task),
                Progress::Failed(why) if is_awaited(&task) || is_refused(&task, results) => {
                    open.ended.push((task, Progress::Failed(why)));
                }
                Progress::Running if is_awaited(&task) => open.running.push(task),
                Progress::Running | Progress::Failed(_) => {}
                Progress::Done => open.ended.push((task, Progress::Done)),
            }
        }
        open
    }

    /// Writes down what has come to its end.
    fn write_down(&self, results: &mut [ResourceResult]) {
        for (task, progress) in &self.ended {
            let known = results.iter_mut().find(|result| is_result_of(result, task));
            let Some(result) = known.filter(|result| result.hook_phase == RUNNING) else { continue };
            if let Progress::Failed(why) = progress {
                FAILED.clone_into(&mut result.hook_phase);
                result.message.clone_from(why);
            } else if !matches!(task.what, What::Prune(_)) {
                SUCCEEDED.clone_into(&mut result.hook_phase);
            }
        }
    }

    fn running_hooks(&self) -> impl Iterator<Item = &Task<'a>> {
        self.running.iter().filter(|task| task.hook().is_some())
    }

    fn waits_for(&self) -> String {
        let hooks: Vec<&Key> = self.running_hooks().map(Task::key).collect();
        if !hooks.is_empty() {
            return waiting("completion of hook", &hooks, "hooks");
        }
        let objects: Vec<&Key> = self.running.iter().map(Task::key).collect();
        waiting("healthy state of", &objects, "resources")
    }
}

/// Why the sync cannot succeed any more. What was written of the namespace counts, too.
fn failure(results: &[ResourceResult]) -> Option<String> {
    let failed = |result: &&ResourceResult| result.hook_phase == FAILED && result.sync_phase != Phase::SyncFail.name();
    let result = results.iter().find(failed)?;
    let why = if result.message.is_empty() { "it is degraded" } else { &result.message };
    Some(format!(
        "one or more synchronization tasks completed unsuccessfully, reason: {}/{}: {why}",
        result.kind, result.name
    ))
}

fn is_result_of(result: &ResourceResult, task: &Task<'_>) -> bool {
    is_of(result, task.key()) && result.sync_phase == task.stage.0.name()
}

/// Whether a write of it was refused.
fn is_refused(task: &Task<'_>, results: &[ResourceResult]) -> bool {
    result(results, task.key(), task.stage.0).is_some_and(|result| result.status == SYNC_FAILED)
}

fn waiting(what: &str, keys: &[&Key], more: &str) -> String {
    let first = keys.first().map(ToString::to_string).unwrap_or_default();
    match keys.len() {
        0 | 1 => format!("waiting for {what} {first}"),
        all => format!("waiting for {what} {first} and {} more {more}", all - 1),
    }
}

/// What stands against all of it, before anything is done: what the API server refuses, and what is another's.
fn refused(s: &Snapshot, sync: &SyncOperation, results: &mut Vec<ResourceResult>) -> Option<String> {
    if !results.is_empty() {
        return None;
    }
    let all = tasks(s, sync, results);
    if options(&s.application, sync).iter().any(|option| option == "FailOnSharedResource=true") {
        let other = |task: &Task<'_>| match task.what {
            What::Apply(object, _) => object.live.as_ref()?.other.clone(),
            What::Run(_) | What::Prune(_) => None,
        };
        if let Some((task, other)) = all.iter().find_map(|task| Some((task, other(task)?))) {
            let key = task.key();
            return Some(format!("Shared resource found: {key} is part of application {other} (FailOnSharedResource)"));
        }
    }
    for task in &all {
        let Some(why) = task.refused() else { continue };
        results.push(ResourceResult {
            status: SYNC_FAILED.to_owned(),
            message: why.to_owned(),
            hook_phase: FAILED.to_owned(),
            ..begun(task)
        });
    }
    (!results.is_empty()).then(|| "one or more objects failed to apply (dry run)".to_owned())
}

/// What is written of a part of a sync that has begun.
fn begun(task: &Task<'_>) -> ResourceResult {
    let phase = task.stage.0.name();
    let version = match task.what {
        What::Apply(_, manifest) => &manifest.version,
        What::Run(hook) => &hook.manifest.version,
        What::Prune(object) => &object.version,
    };
    ResourceResult {
        status: "Synced".to_owned(),
        hook_phase: RUNNING.to_owned(),
        hook_type: if task.hook().is_some() { phase.to_owned() } else { String::new() },
        sync_phase: phase.to_owned(),
        ..result_of(task.key(), version.clone())
    }
}

/// Whether a hook has begun in this sync, whoever knew of it.
fn has_begun(s: &Snapshot, hook: &Hook) -> bool {
    let state = s.application.status().operation_state.as_ref();
    let by = hook.live.as_ref().filter(|live| live.is_own).and_then(|live| live.hook.as_ref()).map(|ran| &ran.by);
    by.is_some() && by == state.map(|state| hook::mark_of(state, hook.phase)).as_ref()
}

/// Writes down which hooks have begun already, as their objects say: that may have been written on them and nowhere else.
pub fn adopt(s: &Snapshot, sync: &SyncOperation, results: &mut Vec<ResourceResult>) {
    for task in tasks(s, sync, results) {
        let is_adopted = task.hook().is_some_and(|hook| has_begun(s, hook));
        if is_adopted && result(results, task.key(), task.stage.0).is_none() {
            results.push(begun(&task));
        }
    }
}

/// Begins what is of one stage: first what has to make room, then what comes, then what goes.
fn begin(s: &Snapshot, sync: &SyncOperation, now: &[Task<'_>], results: &[ResourceResult]) -> Next {
    let runs: Vec<&Hook> = now.iter().filter_map(Task::hook).collect();
    // Whatever has the name of a hook and is not of this run has to go first: a run of another time says nothing of this one.
    let in_the_way: Vec<&Hook> = runs.iter().filter(|hook| hook.live.is_some()).copied().collect();
    if let Some(other) = in_the_way.iter().find(|hook| hook.live.as_ref().is_some_and(|live| !live.is_own)) {
        return Next::Fail(format!(
            "the hook {} cannot run: an object of its name is there that is not this Application's. Delete that, or rename the hook",
            other.manifest.key
        ));
    }
    if !in_the_way.is_empty() {
        let keys: Vec<&Key> = in_the_way.iter().map(|hook| &hook.manifest.key).collect();
        let objects = s.objects.iter().filter(|object| keys.contains(&&object.key));
        return Next::Write(objects.filter_map(hook::delete).collect(), waiting("deletion of hook", &keys, "hooks"));
    }
    let options = options(&s.application, sync);
    let mut effects = namespace(s, results);
    for task in now {
        let rank = order::rank(&task.key().kind);
        effects.extend(match task.what {
            What::Apply(_, manifest) => {
                let how = How::of(&manifest.value, &options);
                Some(Effect::Apply { manifest: manifest.clone(), rank, how })
            }
            What::Run(hook) => Some(Effect::Hook { phase: hook.phase, manifest: hook.manifest.clone(), rank }),
            What::Prune(_) => None,
        });
    }
    if effects.is_empty() { prune(s, now, &options) } else { Next::Write(effects, String::new()) }
}

/// The destination's namespace, where the sync makes it and Git does not have it.
fn namespace(s: &Snapshot, results: &[ResourceResult]) -> Vec<Effect> {
    let spec = &s.application.spec;
    let name = &spec.destination.namespace;
    let key = Key { kind: "Namespace".to_owned(), name: name.clone(), ..Key::default() };
    let brings_it = s.objects.iter().any(|object| object.wanted.is_some() && object.key == key);
    let is_done = result(results, &key, Phase::Sync).is_some();
    let is_permitted = s.project.as_ref().is_ok_and(|project| project.permits_namespace(&s.application));
    if !is_permitted || name.is_empty() || brings_it || is_done {
        return Vec::new();
    }
    let metadata = spec.sync_policy.as_ref().and_then(|policy| policy.managed_namespace_metadata.clone());
    vec![Effect::Namespace { name: name.clone(), metadata: metadata.unwrap_or_default() }]
}

/// What goes: the latest wave first, each when the one before it is gone.
fn prune(s: &Snapshot, now: &[Task<'_>], options: &[String]) -> Next {
    let wave = |task: &&Task<'_>| match task.what {
        What::Prune(object) => object.live.as_ref().map_or(0, |live| live.wave),
        What::Apply(..) | What::Run(_) => 0,
    };
    let Some(first) = now.iter().map(|task| wave(&task)).max() else { return Next::Wait(String::new()) };
    let is_later = |live: &Live| live.is_own && live.hook.is_none() && live.is_going && live.wave > first;
    let going = s.objects.iter().filter(|object| object.wanted.is_none());
    let going = going.filter(|object| object.live.as_ref().is_some_and(is_later));
    let going: Vec<&Key> = going.map(|object| &object.key).collect();
    if !going.is_empty() {
        return Next::Wait(waiting("deletion of", &going, "resources"));
    }
    let turn = now.iter().filter(|task| wave(task) == first);
    let (asking, free): (Vec<&Task<'_>>, Vec<&Task<'_>>) = turn.partition(|task| task.asks() && !is_approved(s));
    let effects = free.iter().filter_map(|task| match task.what {
        What::Prune(object) => delete_pruned(object, options),
        What::Apply(..) | What::Run(_) => None,
    });
    let keys: Vec<&Key> = asking.iter().map(|task| task.key()).collect();
    let message = if keys.is_empty() { String::new() } else { waiting("pruning confirmation of", &keys, "resources") };
    Next::Write(effects.collect(), message)
}

/// Whether a person has allowed, since the sync began, that things go.
fn is_approved(s: &Snapshot) -> bool {
    let state = s.application.status().operation_state.as_ref();
    state.is_some_and(|state| s.application.has_approved_deletion(state.started_at.0))
}

/// Runs the hooks of a failed sync, one wave after the other, and then ends it.
fn after_failure(s: &Snapshot, late: Vec<Task<'_>>, results: &mut [ResourceResult], why: String) -> Next {
    let open = Open::of(late, results);
    open.write_down(results);
    if open.running_hooks().next().is_some() {
        return Next::Wait(open.waits_for());
    }
    let Some(stage) = open.pending.first().map(|task| task.stage) else { return Next::Fail(why) };
    let now: Vec<Task<'_>> = open.pending.iter().copied().filter(|task| task.stage == stage).collect();
    match begin(s, &SyncOperation::default(), &now, results) {
        // That a hook of the failure cannot run is no news beside the failure.
        Next::Fail(_) => Next::Fail(why),
        next => next,
    }
}
