//! The steps of a canary in words, and which of them it is at.

use super::explain::step::in_words;
use crate::api::Rollout;

/// Where a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It is over.
    Done,
    /// The rollout is at it.
    Current,
    /// It comes later.
    Ahead,
}

/// What is shown of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepInfo {
    /// Its number, from 1.
    pub number: usize,
    /// What it does, in a few words.
    pub text: String,
    /// Where it stands.
    pub place: Place,
}

/// The steps of a rollout; none where it has no canary.
pub fn of(rollout: &Rollout) -> Vec<StepInfo> {
    let Some(canary) = &rollout.spec.strategy.canary else { return Vec::new() };
    let (steps, max) = (canary.steps.as_deref().unwrap_or_default(), canary.max_weight());
    let status = rollout.status();
    // Without an index nothing has begun. An abort leaves all of it ahead, for the retry.
    let current = status.current_step_index.and_then(|index| usize::try_from(index).ok()).filter(|_| !status.abort);
    let place = |index: usize| match current {
        Some(current) if index < current => Place::Done,
        Some(current) if index == current => Place::Current,
        Some(_) | None => Place::Ahead,
    };
    let each = steps.iter().enumerate();
    each.map(|(index, step)| StepInfo { number: index + 1, text: in_words(step, max), place: place(index) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn rollout(status: &Value) -> Rollout {
        let steps = json!([{"setWeight": 20}, {"pause": {}}, {"setWeight": 40}]);
        serde_json::from_value(json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "web"},
            "spec": {"strategy": {"canary": {"steps": steps}}}, "status": status,
        }))
        .expect("a rollout")
    }

    #[test]
    fn the_index_says_which_are_over() {
        let places = |status: Value| -> String {
            let place = |step: StepInfo| match step.place {
                Place::Done => 'd',
                Place::Current => 'c',
                Place::Ahead => 'a',
            };
            of(&rollout(&status)).into_iter().map(place).collect()
        };
        assert_eq!(places(json!({})), "aaa");
        assert_eq!(places(json!({"currentStepIndex": 1})), "dca");
        assert_eq!(places(json!({"currentStepIndex": 3})), "ddd");
        assert_eq!(places(json!({"currentStepIndex": 1, "abort": true})), "aaa");
    }
}
