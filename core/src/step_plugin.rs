//! Steps that plugins do: what a plan asks of one, and what came of it.
//!
//! A call is no write. It may be made twice, and only its answer counts, once it is stored in `status.canary.stepPluginStatuses`: that
//! is all that is remembered of a step.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use sluice_plugin::{Progress, StepAt, StepPhase, Subject};

use crate::api::StepPluginStatus;
use crate::time;

/// Time until a step is run again where its plugin does not say, or could not be asked.
const USUAL: SignedDuration = SignedDuration::from_secs(30);
/// The shortest such time. (Argo Rollouts has the same two.)
const SHORTEST: SignedDuration = SignedDuration::from_secs(10);

/// What a plugin is to do about a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Begin it, or go on with it.
    Run,
    /// End it early: the rollout goes on without it.
    Terminate,
    /// Undo it: the rollout is aborted.
    Abort,
}

impl Operation {
    /// As it is written in the status.
    pub fn as_str(self) -> &'static str {
        match self {
            Operation::Run => "Run",
            Operation::Terminate => "Terminate",
            Operation::Abort => "Abort",
        }
    }
}

/// Phases as they are written in the status.
pub mod phase {
    /// It takes longer.
    pub const RUNNING: &str = "Running";
    /// It is complete.
    pub const SUCCESSFUL: &str = "Successful";
    /// It cannot be completed.
    pub const FAILED: &str = "Failed";
    /// There was no answer; it is asked again.
    pub const ERROR: &str = "Error";
}

/// A call of a plugin.
#[derive(Clone, Debug, PartialEq)]
pub struct StepCall {
    /// The plugin's name.
    pub plugin: String,
    /// What it is to do.
    pub operation: Operation,
    /// The Rollout.
    pub rollout: Subject,
    /// Which step, and what the plugin answered last.
    pub step: StepAt,
    /// How often it has been asked for that, this time included.
    pub execution: u32,
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct StepAnswer {
    /// The call.
    pub call: StepCall,
    /// Where the step stands, or why nobody knows.
    pub result: Result<Progress, StepFailure>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepFailure {
    /// For people.
    pub message: String,
    /// When the plugin wants to be asked again.
    pub retry_after: Option<SignedDuration>,
}

/// A plugin by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepPlugin {
    /// It can be called, and can do these things besides.
    Ready(BTreeSet<String>),
    /// It is being started, or fails to: a call waits for it.
    NotReady(String),
    /// It is switched off: its steps count as done.
    Disabled,
    /// There is none, for this reason.
    Absent(String),
}

/// What a decision may know of plugins.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StepPlugins {
    /// The plugins that the steps name.
    pub known: BTreeMap<String, StepPlugin>,
    /// What came of the last call; until a plan that has seen it is stored, for the same call may come again after a retry.
    pub answer: Option<StepAnswer>,
}

impl StepPlugins {
    /// Where a plugin stands.
    pub fn find(&self, name: &str) -> StepPlugin {
        let absent = || StepPlugin::Absent(format!("no step plugin {name:?} is configured in argo-rollouts-config"));
        self.known.get(name).cloned().unwrap_or_else(absent)
    }
}

/// How a step goes on.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    /// Its entry in the status, as it should read; `None` where it has none yet.
    pub entry: Option<StepPluginStatus>,
    /// What is to be done.
    pub next: Next,
}

/// What is to be done about a step.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Nothing more: the entry says how it ended.
    Nothing,
    /// This call.
    Ask(Box<StepCall>),
    /// A look at this time.
    Wait(Timestamp),
    /// The plugin is not there, for this reason.
    Unavailable(String),
}

/// Decides how a step goes on, from its entry in the status and the answer to the call that is due.
pub fn turn(
    entry: Option<&StepPluginStatus>,
    plugin: &StepPlugin,
    call: StepCall,
    answer: Option<&StepAnswer>,
    now: Timestamp,
) -> Turn {
    let stays = |next| Turn { entry: entry.cloned(), next };
    if entry.is_some_and(is_over) {
        return stays(Next::Nothing);
    }
    match plugin {
        StepPlugin::Disabled => return disabled(&call, now),
        StepPlugin::Absent(why) => return stays(Next::Unavailable(why.clone())),
        StepPlugin::Ready(_) | StepPlugin::NotReady(_) => {}
    }
    if let Some(due) = entry.and_then(due).filter(|due| *due > now) {
        return stays(Next::Wait(due));
    }
    let Some(answer) = answer.filter(|answer| answer.call == call) else {
        // That it begins is written down before it is asked: what has begun can be undone.
        let entry = entry.cloned().unwrap_or_else(|| begun(&call, now));
        return Turn { entry: Some(entry), next: Next::Ask(Box::new(call)) };
    };
    let entry = answered(entry, answer, now);
    let next = if is_over(&entry) { Next::Nothing } else { Next::Wait(due(&entry).unwrap_or(now)) };
    Turn { entry: Some(entry), next }
}

/// Whether nothing more happens to a step.
pub fn is_over(entry: &StepPluginStatus) -> bool {
    entry.disabled || [phase::SUCCESSFUL, phase::FAILED].contains(&entry.phase.as_str())
}

/// When it is asked again.
fn due(entry: &StepPluginStatus) -> Option<Timestamp> {
    let backoff = time::parse_go_duration(&entry.backoff).unwrap_or(USUAL).max(SHORTEST);
    Some(time::after(entry.updated_at.as_ref()?.0, backoff))
}

fn begun(call: &StepCall, now: Timestamp) -> StepPluginStatus {
    StepPluginStatus {
        index: i32::try_from(call.step.index).unwrap_or(i32::MAX),
        name: call.plugin.clone(),
        operation: call.operation.as_str().to_owned(),
        phase: phase::RUNNING.to_owned(),
        started_at: Some(Time(time::floor_to_second(now))),
        ..StepPluginStatus::default()
    }
}

/// What is switched off has no part in the rollout.
fn disabled(call: &StepCall, now: Timestamp) -> Turn {
    let mut entry = begun(call, now);
    entry.finished_at.clone_from(&entry.started_at);
    entry.updated_at.clone_from(&entry.started_at);
    phase::SUCCESSFUL.clone_into(&mut entry.phase);
    entry.disabled = true;
    Turn { entry: Some(entry), next: Next::Nothing }
}

/// An entry after an answer.
pub(crate) fn answered(entry: Option<&StepPluginStatus>, answer: &StepAnswer, now: Timestamp) -> StepPluginStatus {
    let mut entry = entry.cloned().unwrap_or_else(|| begun(&answer.call, now));
    entry.executions = i32::try_from(answer.call.execution).unwrap_or(i32::MAX);
    // Stored times have whole seconds: rounding up keeps the plugin from being asked too early.
    entry.updated_at = Some(Time(time::ceil_to_second(now)));
    let after = match &answer.result {
        Ok(progress) => {
            let said = match progress.phase {
                StepPhase::Running => phase::RUNNING,
                StepPhase::Successful => phase::SUCCESSFUL,
                StepPhase::Failed => phase::FAILED,
            };
            said.clone_into(&mut entry.phase);
            entry.message.clone_from(&progress.message);
            entry.status.clone_from(&progress.state);
            progress.retry_after_ms.map(|ms| SignedDuration::from_millis(i64::try_from(ms).unwrap_or(i64::MAX)))
        }
        Err(failure) => {
            phase::ERROR.clone_into(&mut entry.phase);
            entry.message.clone_from(&failure.message);
            failure.retry_after
        }
    };
    if is_over(&entry) {
        entry.finished_at.clone_from(&entry.updated_at);
        entry.backoff.clear();
    } else {
        entry.backoff = time::format_go_duration(after.unwrap_or(USUAL).max(SHORTEST));
    }
    entry
}

#[cfg(test)]
mod tests;
