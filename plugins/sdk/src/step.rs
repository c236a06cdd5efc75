//! Calls of steps.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::call::{Call, MAX_TEXT, fits};
use crate::subject::Subject;

/// The longest state of a step, in bytes of JSON: it lives in the Rollout's status.
pub const MAX_STATE: usize = 16 << 10;

/// Where a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StepPhase {
    /// It takes longer than a call: it is run again later.
    Running,
    /// It is complete, and the next step begins.
    Successful,
    /// It cannot be completed: the rollout is aborted.
    Failed,
}

/// Which step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepAt {
    /// Its index in `spec.strategy.canary.steps`, from 0.
    pub index: u32,
    /// The revision that is being rolled out, as in the label `rollouts-pod-template-hash`.
    pub revision: String,
    /// What the step says below `plugin.config`.
    #[serde(default)]
    pub config: Value,
    /// What the plugin answered last for this step; absent the first time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<Value>,
}

/// Begins the step, or goes on with it. The same call may come twice: an answer can be lost before it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunStep {
    /// The Rollout.
    pub rollout: Subject,
    /// Which step.
    pub step: StepAt,
    /// How often it has been answered, this time included.
    pub execution: u32,
}

/// Ends a step that runs, because the rollout goes on without it. It cannot take longer than a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TerminateStep {
    /// The Rollout.
    pub rollout: Subject,
    /// Which step.
    pub step: StepAt,
}

/// Undoes a step that runs or is complete, because the rollout is aborted. Later steps are undone first. It cannot take longer than a
/// call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AbortStep {
    /// The Rollout.
    pub rollout: Subject,
    /// Which step.
    pub step: StepAt,
}

/// Where a step stands, as it answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// Where it stands.
    pub phase: StepPhase,
    /// Why: users read it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// What the plugin wants to be told next time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<Value>,
    /// When to run it again, where it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl Progress {
    /// It runs, and is run again after some milliseconds.
    pub fn running(message: impl Into<String>, state: Option<Value>, retry_after_ms: u64) -> Progress {
        Progress { phase: StepPhase::Running, message: message.into(), state, retry_after_ms: Some(retry_after_ms) }
    }

    /// It is complete.
    pub fn successful(message: impl Into<String>) -> Progress {
        Progress { phase: StepPhase::Successful, message: message.into(), state: None, retry_after_ms: None }
    }

    /// It cannot be completed.
    pub fn failed(message: impl Into<String>) -> Progress {
        Progress { phase: StepPhase::Failed, ..Progress::successful(message) }
    }

    fn check(&self, may_run: bool) -> Result<(), String> {
        if self.phase == StepPhase::Running && !may_run {
            return Err("still runs after it was ended".to_owned());
        }
        fits("message", self.message.len(), MAX_TEXT)?;
        fits("state", self.state.as_ref().map_or(0, |state| state.to_string().len()), MAX_STATE)
    }
}

impl Call for RunStep {
    const METHOD: &'static str = "step/run";
    type Answer = Progress;

    fn check(&self, answer: &Progress) -> Result<(), String> {
        answer.check(true)
    }
}

impl Call for TerminateStep {
    const METHOD: &'static str = "step/terminate";
    type Answer = Progress;

    fn check(&self, answer: &Progress) -> Result<(), String> {
        answer.check(false)
    }
}

impl Call for AbortStep {
    const METHOD: &'static str = "step/abort";
    type Answer = Progress;

    fn check(&self, answer: &Progress) -> Result<(), String> {
        answer.check(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step() -> StepAt {
        StepAt { index: 0, revision: "abc".into(), config: Value::Null, state: None }
    }

    #[test]
    fn what_was_ended_does_not_run() {
        let running = Progress::running("", None, 10);
        let rollout = Subject::default();
        assert_eq!(RunStep { rollout: rollout.clone(), step: step(), execution: 1 }.check(&running), Ok(()));
        let ended = Err("still runs after it was ended".to_owned());
        assert_eq!(TerminateStep { rollout: rollout.clone(), step: step() }.check(&running), ended);
        assert_eq!(AbortStep { rollout, step: step() }.check(&running), ended);
    }

    #[test]
    fn a_message_and_a_state_fit_into_a_status() {
        let run = RunStep { rollout: Subject::default(), step: step(), execution: 1 };
        let with = |bytes: usize| Progress::running("", Some(Value::String("x".repeat(bytes - 2))), 10);
        assert_eq!(run.check(&with(MAX_STATE)), Ok(()));
        assert_eq!(run.check(&with(MAX_STATE + 1)), Err("has 16385 bytes of state, and 16384 fit".into()));
        let long = Progress::failed("x".repeat(MAX_TEXT + 1));
        assert_eq!(run.check(&long), Err("has 4097 bytes of message, and 4096 fit".into()));
    }
}
