//! Steps that plugins do: one call at a time for each rollout, and its answer until a plan has taken it up.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;
use sluice_core::step_plugin::{Operation, StepAnswer, StepCall, StepFailure, StepPlugins};
use sluice_plugin::{AbortStep, Failure, Kind, Progress, RunStep, TerminateStep};
use sluice_plugin_host::{CallError, Lookup};

use super::{Beat, Errand, Plugins};

/// How long a call may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The calls of rollouts, by uid.
#[derive(Debug, Default)]
pub struct Steps(Mutex<HashMap<String, Asked>>);

#[derive(Debug, Default)]
struct Asked {
    /// The call that is under way.
    under_way: Option<StepCall>,
    /// The call that comes after it: the newest one.
    next: Option<StepCall>,
    /// What came of the last one.
    answer: Option<StepAnswer>,
}

impl Steps {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Asked>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets a rollout that is gone.
    pub fn forget(&self, uid: &str) {
        self.lock().remove(uid);
    }

    /// Forgets everything: another controller goes on.
    pub fn clear(&self) {
        self.lock().clear();
    }
}

impl Plugins {
    /// What a plan may know of these step plugins and of the last call for a rollout; `None` while nobody knows which plugins there
    /// are.
    pub fn steps<'a>(&self, uid: &str, names: impl Iterator<Item = &'a str>) -> Option<StepPlugins> {
        let mut names = names.peekable();
        if names.peek().is_none() {
            return Some(StepPlugins::default());
        }
        if !self.are_known() {
            return None;
        }
        let known = names.map(|name| (name.to_owned(), self.step_plugin(name))).collect();
        let answer = self.steps.lock().get(uid).and_then(|asked| asked.answer.clone());
        Some(StepPlugins { known, answer })
    }

    /// Has a plugin asked about a step, unless it is being asked the same.
    pub fn ask(&self, call: &StepCall) {
        let uid = &call.rollout.uid;
        let mut steps = self.steps.lock();
        let asked = steps.entry(uid.clone()).or_default();
        if asked.under_way.as_ref() == Some(call) {
            asked.next = None;
            return;
        }
        asked.next = Some(call.clone());
        if asked.under_way.is_none() {
            asked.under_way = asked.next.take();
            drop(steps);
            self.send(Errand::Step(uid.clone()));
        }
    }

    /// Forgets an answer, because what came of it is stored.
    pub fn taken_up(&self, uid: &str, answer: &StepAnswer) {
        if let Some(asked) = self.steps.lock().get_mut(uid)
            && asked.answer.as_ref() == Some(answer)
        {
            asked.answer = None;
        }
    }
}

/// Makes the calls for a rollout that are waiting.
pub async fn call(uid: String, beat: Beat) {
    let plugins = &beat.context.plugins;
    loop {
        let Some(call) = plugins.steps.lock().get(&uid).and_then(|asked| asked.under_way.clone()) else { return };
        let result = make(&beat, &call).await.map_err(|error| failure(&error));
        let rollout = call.rollout.clone();
        let goes_on = {
            let mut steps = plugins.steps.lock();
            let Some(asked) = steps.get_mut(&uid) else { return };
            asked.answer = Some(StepAnswer { call, result });
            asked.under_way = asked.next.take();
            asked.under_way.is_some()
        };
        beat.touch_one(&rollout.namespace, &rollout.name);
        if !goes_on {
            return;
        }
    }
}

async fn make(beat: &Beat, call: &StepCall) -> Result<Progress, CallError> {
    let plugin = match beat.context.plugins.find(Kind::Step, &call.plugin) {
        Lookup::Plugin(plugin) => plugin,
        Lookup::Disabled => return Err(CallError::Absent("it is disabled in argo-rollouts-config".to_owned())),
        Lookup::Absent(why) => return Err(CallError::Absent(why)),
    };
    let (rollout, step) = (call.rollout.clone(), call.step.clone());
    let (method, answer) = match call.operation {
        Operation::Run => ("run", plugin.call(&RunStep { rollout, step, execution: call.execution }, PATIENCE).await),
        Operation::Terminate => ("terminate", plugin.call(&TerminateStep { rollout, step }, PATIENCE).await),
        Operation::Abort => ("abort", plugin.call(&AbortStep { rollout, step }, PATIENCE).await),
    };
    beat.context.metrics.plugin_called(Kind::Step, &call.plugin, method, answer.is_ok());
    if let Err(error) = &answer {
        tracing::warn!(plugin = call.plugin, method, %error, "a plugin was called in vain");
    }
    answer
}

fn failure(error: &CallError) -> StepFailure {
    let retry_after = match error {
        CallError::Failed(Failure::Unavailable { retry_after, .. }) => *retry_after,
        _ => None,
    };
    let retry_after = retry_after.and_then(|after| SignedDuration::try_from(after).ok());
    StepFailure { message: error.to_string(), retry_after }
}
