//! Steps that plugins do: when a plugin is asked, and what its answer changes.

use serde_json::Value;
use sluice_plugin::{StepAt, Subject, capability};

use crate::api::{PluginStep, StepPluginStatus};
use crate::event::Note;
use crate::step_plugin::{Next, Operation, StepCall, StepPlugin, Turn, answered, is_over, phase, turn};
use crate::steps;

use super::draft::Draft;

/// How the plugin step at `index` goes on.
pub(super) fn run(d: &mut Draft<'_>, index: usize, step: &PluginStep) -> Turn {
    let plugin = d.s.step_plugins.find(&step.name);
    take(d, index, step, &plugin, Operation::Run)
}

/// Has plugins end what the rollout goes on without, and undo what they did where it is aborted: the last step first, and one after
/// the other. No traffic and no pods wait for that; a plugin that cannot be asked is named, and does not keep the others from it.
pub(super) fn undo(d: &mut Draft<'_>) {
    let index = d.index();
    let mut runs = entries(d).to_vec();
    runs.retain(|entry| entry.operation == Operation::Run.as_str() && !entry.disabled);
    runs.sort_by_key(|entry| std::cmp::Reverse(entry.index));
    for entry in runs {
        let at = usize::try_from(entry.index).unwrap_or(usize::MAX);
        let Some(step) = d.steps.get(at).and_then(|step| step.plugin.as_ref()) else { continue };
        let (operation, needed) = if d.status.abort {
            (Operation::Abort, capability::ABORT)
        } else if index > at && !is_over(&entry) {
            (Operation::Terminate, capability::TERMINATE)
        } else {
            continue;
        };
        if step.name != entry.name || !settles(d, at, step, &entry) {
            continue;
        }
        let plugin = d.s.step_plugins.find(&step.name);
        match &plugin {
            StepPlugin::Ready(can) if !can.contains(needed) => {}
            StepPlugin::Disabled => {}
            // What it can do is known once it is there.
            StepPlugin::NotReady(why) | StepPlugin::Absent(why) => cannot(d, at, step, operation, why),
            StepPlugin::Ready(_) => {
                let turn = take(d, at, step, &plugin, operation);
                match (&turn.next, &turn.entry) {
                    (Next::Ask(_), _) => return,
                    (Next::Wait(_), Some(entry)) => cannot(d, at, step, operation, &entry.message),
                    _ => {}
                }
            }
        }
    }
}

/// Writes down what a run has answered meanwhile. Says whether there is anything to end or to undo.
fn settles(d: &mut Draft<'_>, index: usize, step: &PluginStep, entry: &StepPluginStatus) -> bool {
    let call = call(d, index, step, Operation::Run, Some(entry));
    let answer = d.s.step_plugins.answer.as_ref().filter(|answer| answer.call == call);
    let Some(answer) = answer else { return entry.phase != phase::FAILED };
    let next = answered(Some(entry), answer, d.s.now);
    let goes_on = if d.status.abort { next.phase != phase::FAILED } else { !is_over(&next) };
    record(d, index, Some(entry), next);
    goes_on
}

/// Says that a plugin cannot end or undo its step now.
fn cannot(d: &mut Draft<'_>, index: usize, step: &PluginStep, operation: Operation, why: &str) {
    let what = if operation == Operation::Abort { "undone" } else { "ended" };
    let object = Some(format!("{}/{}", steps::STEP_PLUGIN, step.name));
    d.wait(steps::STEP_PLUGIN, object, format!("step {} is not {what} yet: {why}", index + 1));
}

/// Forgets what plugins did, because what they did it for is over.
pub(super) fn forget(d: &mut Draft<'_>) {
    if let Some(canary) = &mut d.status.canary {
        canary.step_plugin_statuses.clear();
    }
}

fn take(d: &mut Draft<'_>, index: usize, step: &PluginStep, plugin: &StepPlugin, operation: Operation) -> Turn {
    let entry = entry_of(entries(d), index, operation).cloned();
    let call = call(d, index, step, operation, entry.as_ref());
    let turn = turn(entry.as_ref(), plugin, call, d.s.step_plugins.answer.as_ref(), d.s.now);
    if let Some(next) = &turn.entry
        && Some(next) != entry.as_ref()
    {
        record(d, index, entry.as_ref(), next.clone());
    }
    match &turn.next {
        // Only what is stored was decided: the next look is at that.
        Next::Ask(call) if is_stored(d) => d.ask(call),
        Next::Wait(time) => d.wake_at(*time),
        Next::Ask(_) | Next::Nothing | Next::Unavailable(_) => {}
    }
    turn
}

fn call(
    d: &Draft<'_>,
    index: usize,
    step: &PluginStep,
    operation: Operation,
    entry: Option<&StepPluginStatus>,
) -> StepCall {
    let metadata = &d.s.rollout.metadata;
    let rollout = Subject {
        namespace: metadata.namespace.clone().unwrap_or_default(),
        name: metadata.name.clone().unwrap_or_default(),
        uid: metadata.uid.clone().unwrap_or_default(),
    };
    // What is undone is what the run has come to.
    let run = entry_of(entries(d), index, Operation::Run);
    let state = run.and_then(|entry| entry.status.clone());
    let step_at = StepAt {
        index: u32::try_from(index).unwrap_or(u32::MAX),
        revision: d.revisions.hash.to_string(),
        config: step.config.clone().unwrap_or(Value::Null),
        state,
    };
    let executions = entry.map_or(0, |entry| u32::try_from(entry.executions).unwrap_or(0));
    StepCall { plugin: step.name.clone(), operation, rollout, step: step_at, execution: executions.saturating_add(1) }
}

/// Whether everything that a call follows from is in the stored status.
fn is_stored(d: &Draft<'_>) -> bool {
    let before = d.before();
    let stored = before.canary.as_ref().map_or(&[][..], |canary| &canary.step_plugin_statuses);
    stored == entries(d)
        && before.current_step_index == d.status.current_step_index
        && before.abort == d.status.abort
        && before.current_pod_hash == d.status.current_pod_hash
}

fn entries<'a>(d: &'a Draft<'_>) -> &'a [StepPluginStatus] {
    d.status.canary.as_ref().map_or(&[], |canary| &canary.step_plugin_statuses)
}

fn entry_of(entries: &[StepPluginStatus], index: usize, operation: Operation) -> Option<&StepPluginStatus> {
    let same = |entry: &&StepPluginStatus| usize::try_from(entry.index) == Ok(index);
    entries.iter().filter(same).find(|entry| entry.operation == operation.as_str())
}

fn record(d: &mut Draft<'_>, index: usize, before: Option<&StepPluginStatus>, entry: StepPluginStatus) {
    let was_asked = before.is_some_and(|before| before.executions > 0);
    let is_news = !was_asked || before.is_some_and(|before| before.phase != entry.phase);
    if is_news && (entry.executions > 0 || entry.disabled) {
        d.notes.push(Note::step_plugin(index + 1, &entry));
    }
    let entries = &mut d.status.canary.get_or_insert_default().step_plugin_statuses;
    let same = |known: &StepPluginStatus| known.index == entry.index && known.operation == entry.operation;
    match entries.iter_mut().find(|known| same(known)) {
        Some(known) => *known = entry,
        None => entries.push(entry),
    }
}
