//! Promotion: what to write depends on where the rollout stands.

use serde_json::{Value, json};
use sluice_core::api::Rollout;

/// How much to promote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// The pause, or the step in force.
    Step,
    /// The step in force, whatever it is.
    SkipStep,
    /// All steps.
    SkipAllSteps,
    /// Everything that is left: steps, pauses, analysis.
    Full,
}

/// What to write.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Promotion {
    /// A merge patch of the manifest.
    pub manifest: Option<Value>,
    /// A merge patch of the status.
    pub status: Option<Value>,
}

/// The writes of a promotion.
pub fn promote(rollout: &Rollout, extent: Extent) -> Promotion {
    let manifest = rollout.spec.paused.then(|| json!({ "spec": { "paused": false } }));
    let status = match extent {
        Extent::Full => full(rollout),
        Extent::Step => step(rollout),
        Extent::SkipStep => next_step(rollout),
        Extent::SkipAllSteps => {
            steps(rollout).map(|steps| json!({ "pauseConditions": null, "currentStepIndex": steps }))
        }
    };
    Promotion { manifest, status: status.map(|status| json!({ "status": status })) }
}

/// A finished rollout has nothing to promote, and asking for it would skip the steps of the next update.
fn full(rollout: &Rollout) -> Option<Value> {
    let status = rollout.status();
    (status.current_pod_hash != status.stable_rs).then(|| json!({ "promoteFull": true }))
}

fn step(rollout: &Rollout) -> Option<Value> {
    let status = rollout.status();
    let analysis = status.canary.as_ref().and_then(|canary| canary.current_step_analysis_run_status.as_ref());
    let inconclusive = analysis.is_some_and(|run| run.status == "Inconclusive");
    if inconclusive && status.controller_pause && !status.pause_conditions.is_empty() {
        // Ending the pause would run the same analysis again; the person has judged it instead.
        let index = status.current_step_index.unwrap_or(0) + 1;
        return Some(json!({ "pauseConditions": null, "controllerPause": false, "currentStepIndex": index }));
    }
    if !status.pause_conditions.is_empty() {
        return Some(json!({ "pauseConditions": null }));
    }
    // A rollout that a person paused goes on by itself once it is unpaused.
    if rollout.spec.paused { None } else { next_step(rollout) }
}

fn next_step(rollout: &Rollout) -> Option<Value> {
    let steps = steps(rollout)?;
    let index = rollout.status().current_step_index.unwrap_or(0);
    Some(json!({ "pauseConditions": null, "currentStepIndex": (index + 1).min(steps) }))
}

fn steps(rollout: &Rollout) -> Option<i32> {
    let steps = rollout.spec.strategy.canary.as_ref()?.steps.as_ref()?;
    i32::try_from(steps.len()).ok().filter(|steps| *steps > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rollout(spec: &Value, status: &Value) -> Rollout {
        let mut manifest = json!({
            "metadata": {"name": "web"},
            "spec": {"strategy": {"canary": {"steps": [{"setWeight": 5}, {"pause": {}}]}}},
            "status": {"currentPodHash": "new", "stableRS": "old"},
        });
        for (part, patch) in [("spec", spec), ("status", status)] {
            for (key, value) in patch.as_object().expect("an object") {
                manifest[part][key] = value.clone();
            }
        }
        serde_json::from_value(manifest).expect("a Rollout")
    }

    fn paused(index: i32) -> Value {
        let condition = json!({"reason": "CanaryPauseStep", "startTime": "2026-01-01T00:00:00Z"});
        json!({"pauseConditions": [condition], "controllerPause": true, "currentStepIndex": index})
    }

    #[track_caller]
    fn writes(rollout: &Rollout, extent: Extent, status: Option<Value>) {
        assert_eq!(promote(rollout, extent).status, status.map(|status| json!({ "status": status })));
    }

    #[test]
    fn a_pause_ends_by_removing_its_condition() {
        writes(&rollout(&json!({}), &paused(1)), Extent::Step, Some(json!({"pauseConditions": null})));
    }

    #[test]
    fn a_step_that_does_not_pause_is_skipped_and_never_beyond_the_last() {
        let skipped = |index| Some(json!({"pauseConditions": null, "currentStepIndex": index}));
        writes(&rollout(&json!({}), &json!({"currentStepIndex": 0})), Extent::Step, skipped(1));
        writes(&rollout(&json!({}), &json!({"currentStepIndex": 2})), Extent::Step, skipped(2));
        writes(&rollout(&json!({}), &paused(0)), Extent::SkipStep, skipped(1));
        writes(&rollout(&json!({}), &paused(0)), Extent::SkipAllSteps, skipped(2));
    }

    #[test]
    fn an_inconclusive_analysis_is_passed_over() {
        let mut status = paused(1);
        status["canary"] = json!({"currentStepAnalysisRunStatus": {"name": "a", "status": "Inconclusive"}});
        let expected = json!({"pauseConditions": null, "controllerPause": false, "currentStepIndex": 2});
        writes(&rollout(&json!({}), &status), Extent::Step, Some(expected));
    }

    #[test]
    fn a_rollout_that_a_person_paused_is_unpaused() {
        let promotion = promote(&rollout(&json!({"paused": true}), &json!({"currentStepIndex": 0})), Extent::Step);
        assert_eq!(promotion, Promotion { manifest: Some(json!({"spec": {"paused": false}})), status: None });
    }

    #[test]
    fn only_an_unfinished_rollout_is_promoted_fully() {
        writes(&rollout(&json!({}), &json!({})), Extent::Full, Some(json!({"promoteFull": true})));
        writes(&rollout(&json!({}), &json!({"stableRS": "new"})), Extent::Full, None);
    }
}
