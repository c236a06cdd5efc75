//! Promotion: what to write depends on what holds the rollout.

use serde_json::{Value, json};

use super::change::Change;
use crate::api::Rollout;

/// How far to promote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Past what holds it now.
    Next,
    /// To the end, without any further step, pause or analysis.
    Full,
    /// Past the current step.
    SkipCurrentStep,
    /// Past all steps.
    SkipAllSteps,
}

/// What promotes `rollout`; nothing where nothing holds it.
pub fn promote(rollout: &Rollout, extent: Extent) -> Result<Change, String> {
    let spec = rollout.spec.paused.then(|| json!({"spec": {"paused": false}}));
    let status = match extent {
        Extent::Next => next(rollout),
        Extent::Full => {
            let status = rollout.status();
            (status.current_pod_hash != status.stable_rs).then(|| json!({"status": {"promoteFull": true}}))
        }
        Extent::SkipCurrentStep => Some(to_step(following(rollout, stepped(rollout)?), false)),
        Extent::SkipAllSteps => Some(to_step(stepped(rollout)?, false)),
    };
    Ok(Change { status, spec })
}

fn next(rollout: &Rollout) -> Option<Value> {
    let status = rollout.status();
    let steps = step_count(rollout);
    let is_paused = !status.pause_conditions.is_empty();
    let is_canary = rollout.spec.strategy.canary.is_some();
    if is_canary && is_paused && status.controller_pause && is_inconclusive(rollout) {
        // Resuming alone would run into the same analysis again, so its step is passed over too.
        return Some(to_step(following(rollout, steps), true));
    }
    if is_paused {
        return Some(json!({"status": {"pauseConditions": null}}));
    }
    // At the end there is no next step, and what serves already has none to go through.
    let is_over = rollout.status().current_step_index.and_then(|index| usize::try_from(index).ok()) >= Some(steps);
    let is_there = is_over || is_serving(rollout);
    (is_canary && steps > 0 && !is_there).then(|| to_step(following(rollout, steps), false))
}

/// Whether what the manifest asked for last is the stable revision: there is no update.
pub(super) fn is_serving(rollout: &Rollout) -> bool {
    let status = rollout.status();
    !status.stable_rs.is_empty() && status.stable_rs == status.current_pod_hash
}

fn is_inconclusive(rollout: &Rollout) -> bool {
    let canary = rollout.status().canary.as_ref();
    let run = canary.and_then(|canary| canary.current_step_analysis_run_status.as_ref());
    run.is_some_and(|run| run.status == "Inconclusive")
}

fn to_step(index: usize, resume: bool) -> Value {
    let mut status = json!({"pauseConditions": null, "currentStepIndex": index});
    if resume {
        status["controllerPause"] = Value::Bool(false);
    }
    json!({"status": status})
}

/// The index of the next step; the number of steps is the end.
fn following(rollout: &Rollout, steps: usize) -> usize {
    let index = rollout.status().current_step_index.and_then(|index| usize::try_from(index).ok()).unwrap_or(0);
    (index + 1).min(steps)
}

fn step_count(rollout: &Rollout) -> usize {
    rollout.spec.strategy.canary.as_ref().and_then(|canary| canary.steps.as_ref()).map_or(0, Vec::len)
}

fn stepped(rollout: &Rollout) -> Result<usize, String> {
    match step_count(rollout) {
        0 => Err("it has no steps to skip".to_owned()),
        steps => Ok(steps),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rollout(paused: bool, status: &Value) -> Rollout {
        let canary = json!({"steps": [{"setWeight": 20}, {"pause": {}}, {"setWeight": 60}]});
        serde_json::from_value(json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
            "metadata": {"name": "web"},
            "spec": {"paused": paused, "strategy": {"canary": canary}},
            "status": status,
        }))
        .expect("a rollout")
    }

    fn at_pause() -> Value {
        let condition = json!({"reason": "CanaryPauseStep", "startTime": "2026-01-01T00:00:00Z"});
        json!({"currentStepIndex": 1, "controllerPause": true, "pauseConditions": [condition]})
    }

    fn to(index: usize) -> Value {
        json!({"status": {"pauseConditions": null, "currentStepIndex": index}})
    }

    #[track_caller]
    fn writes(rollout: &Rollout, extent: Extent, status: Option<Value>, spec: Option<Value>) {
        assert_eq!(promote(rollout, extent), Ok(Change { status, spec }));
    }

    #[test]
    fn what_is_written_depends_on_what_holds_the_rollout() {
        let unpause = || Some(json!({"spec": {"paused": false}}));
        let resume = || Some(json!({"status": {"pauseConditions": null}}));
        writes(&rollout(false, &at_pause()), Extent::Next, resume(), None);
        writes(&rollout(true, &at_pause()), Extent::Next, resume(), unpause());
        writes(&rollout(false, &json!({"currentStepIndex": 0})), Extent::Next, Some(to(1)), None);
        writes(&rollout(true, &json!({"currentStepIndex": 2})), Extent::Next, Some(to(3)), unpause());
        writes(&rollout(false, &json!({"currentStepIndex": 3})), Extent::Next, None, None);
        writes(&rollout(true, &json!({"currentStepIndex": 3})), Extent::Next, None, unpause());
        let serves = json!({"currentStepIndex": 1, "currentPodHash": "b", "stableRS": "b"});
        writes(&rollout(false, &serves), Extent::Next, None, None);
        writes(&rollout(false, &json!({})), Extent::Next, Some(to(1)), None);
        writes(&rollout(false, &at_pause()), Extent::SkipCurrentStep, Some(to(2)), None);
        writes(&rollout(false, &at_pause()), Extent::SkipAllSteps, Some(to(3)), None);
    }

    #[test]
    fn a_full_promotion_needs_something_to_promote() {
        let between = |current: &str| rollout(false, &json!({"currentPodHash": current, "stableRS": "a"}));
        writes(&between("b"), Extent::Full, Some(json!({"status": {"promoteFull": true}})), None);
        writes(&between("a"), Extent::Full, None, None);
    }

    #[test]
    fn without_steps_there_is_nothing_to_skip() {
        let mut plain = rollout(false, &json!({}));
        plain.spec.strategy = serde_json::from_value(json!({"canary": {}})).expect("a strategy");
        writes(&plain, Extent::Next, None, None);
        assert!(promote(&plain, Extent::SkipCurrentStep).is_err());
        assert!(promote(&plain, Extent::SkipAllSteps).is_err());
    }
}
