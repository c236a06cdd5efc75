//! What a question was about: a yes is to that, and to nothing that has come in its place since.

use serde::Deserialize;

use super::action::Action;
use crate::api::{CanaryStrategy, Rollout, labels};

/// A rollout as it was when somebody was asked about it, as far as the question depended on that.
///
/// The default is that of no rollout.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Asked(String);

impl Asked {
    /// What a question about `action` is about.
    ///
    /// A promotion depends on the step, on what the steps are and on the pauses, too. Whoever gives an update up means it at every step.
    pub fn about(action: Action, rollout: &Rollout) -> Asked {
        let status = rollout.status();
        // The hash says nothing of a manifest or a workload that nobody has looked at.
        let unseen = if rollout.is_observed() { String::new() } else { generations(rollout) };
        let mut facts = vec![
            rollout.metadata.uid.clone().unwrap_or_default(),
            status.current_pod_hash.clone(),
            status.stable_rs.clone(),
            unseen,
            status.abort.to_string(),
            rollout.spec.paused.to_string(),
        ];
        if action == Action::Promote {
            let canary = rollout.spec.strategy.canary.as_ref();
            facts.push(canary.map_or(0, CanaryStrategy::max_weight).to_string());
            facts.push(status.current_step_hash.clone());
            facts.extend(status.current_step_index.map(|index| index.to_string()));
            let pauses = status.pause_conditions.iter();
            facts.extend(pauses.map(|pause| format!("{}@{}", pause.reason, pause.start_time.0)));
        }
        Asked(facts.join("/"))
    }

    /// As it is carried from the question to the answer.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Of the manifest, and of the workload that it refers to.
fn generations(rollout: &Rollout) -> String {
    let of_manifest = rollout.metadata.generation.unwrap_or(0);
    let annotations = rollout.metadata.annotations.as_ref();
    let of_workload = annotations.and_then(|annotations| annotations.get(labels::WORKLOAD_GENERATION));
    format!("{of_manifest},{}", of_workload.map_or("", String::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn about(action: Action, changes: &Value) -> Asked {
        let pause = json!({"reason": "CanaryPauseStep", "startTime": "2026-01-01T00:00:00Z"});
        let mut rollout = json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
            "metadata": {"name": "web", "uid": "u", "generation": 3, "resourceVersion": "7"},
            "spec": {"strategy": {"canary": {}}},
            "status": {
                "currentPodHash": "b", "stableRS": "a", "currentStepIndex": 1, "observedGeneration": "3",
                "pauseConditions": [pause],
            },
        });
        json_patch::merge(&mut rollout, changes);
        Asked::about(action, &serde_json::from_value(rollout).expect("a rollout"))
    }

    #[test]
    fn another_rollout_or_another_revision_is_another_thing_to_ask_about() {
        for action in Action::ALL {
            let asked = about(action, &json!({}));
            for changes in [
                json!({"metadata": {"uid": "v"}}),
                json!({"metadata": {"generation": 4}}),
                json!({"status": {"currentPodHash": "c"}}),
                json!({"status": {"stableRS": "b"}}),
                json!({"status": {"abort": true}}),
                json!({"spec": {"paused": true}}),
            ] {
                assert_ne!(about(action, &changes), asked, "{action:?} {changes}");
            }
            let written = json!({"metadata": {"resourceVersion": "8"}, "status": {"readyReplicas": 2}});
            assert_eq!(about(action, &written), asked, "{action:?}");
        }
    }

    #[test]
    fn a_workload_that_was_changed_is_another_thing_to_ask_about() {
        let known = |generation: &str| {
            let reference = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"});
            json!({
                "metadata": {"annotations": {"rollout.argoproj.io/workload-generation": generation}},
                "spec": {"workloadRef": reference}, "status": {"workloadObservedGeneration": "5"},
            })
        };
        for action in Action::ALL {
            assert_ne!(about(action, &known("6")), about(action, &known("5")), "{action:?}");
            assert_ne!(about(action, &known("7")), about(action, &known("6")), "{action:?}");
        }
    }

    #[test]
    fn a_promotion_is_of_one_step_and_of_one_pause() {
        let later = json!([{"reason": "CanaryPauseStep", "startTime": "2026-01-01T00:09:00Z"}]);
        for changes in [
            json!({"status": {"currentStepIndex": 2}}),
            json!({"status": {"pauseConditions": null}}),
            json!({"status": {"pauseConditions": later}}),
            // The same index of other steps.
            json!({"status": {"currentStepHash": "d"}}),
            json!({"spec": {"strategy": {"canary": {"trafficRouting": {"maxTrafficWeight": 1000}}}}}),
        ] {
            assert_ne!(about(Action::Promote, &changes), about(Action::Promote, &json!({})), "{changes}");
            assert_eq!(about(Action::Abort, &changes), about(Action::Abort, &json!({})), "{changes}");
        }
    }
}
