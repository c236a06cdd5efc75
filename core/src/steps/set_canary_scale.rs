//! `setCanaryScale`: a size for the canary that its weight does not give it.

use super::{Progress, StepContext, StepKind};
use crate::api::CanaryStep;
use crate::replicas::CanaryScale;

pub(super) struct SetCanaryScale;

impl StepKind for SetCanaryScale {
    fn field(&self) -> &'static str {
        "setCanaryScale"
    }

    fn is_set(&self, step: &CanaryStep) -> bool {
        step.set_canary_scale.is_some()
    }

    fn describe(&self, step: &CanaryStep) -> String {
        match step.set_canary_scale.as_ref().map(|scale| (scale.weight, scale.match_traffic_weight, scale.replicas)) {
            Some((Some(weight), _, _)) => format!("setCanaryScale{{weight: {weight}}}"),
            Some((None, true, _)) => "setCanaryScale{matchTrafficWeight: true}".into(),
            Some((None, false, Some(replicas))) => format!("setCanaryScale{{replicas: {replicas}}}"),
            _ => "setCanaryScale".into(),
        }
    }

    fn validate(&self, _: &CanaryStep) -> Result<(), String> {
        // It needs a traffic router, of which `validate::steps` knows.
        Ok(())
    }

    fn advance(&self, _: &CanaryStep, cx: &StepContext<'_>) -> Progress {
        cx.counts.map_or(Progress::Done, |missing| Progress::Wait(missing.clone()))
    }
}

/// What the canary's size follows at `index`: the last `setCanaryScale` up to and including it, until the steps are through.
pub fn scale_at(steps: &[CanaryStep], index: usize) -> CanaryScale {
    let passed = steps.get(..=index).unwrap_or_default();
    let Some(scale) = passed.iter().rev().find_map(|step| step.set_canary_scale.as_ref()) else {
        return CanaryScale::Weight;
    };
    match (scale.match_traffic_weight, scale.replicas, scale.weight) {
        (false, Some(replicas), _) => CanaryScale::Pods(replicas),
        (false, None, Some(weight)) => CanaryScale::Share(weight),
        _ => CanaryScale::Weight,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_scale_stays_until_another_one_or_until_the_size_follows_the_weight_again() {
        let steps: Vec<CanaryStep> = serde_json::from_value(json!([
            {"setWeight": 10},
            {"setCanaryScale": {"replicas": 3}},
            {"setWeight": 20},
            {"setCanaryScale": {"weight": 50}},
            {"setCanaryScale": {"matchTrafficWeight": true}},
        ]))
        .expect("steps");
        let scales: Vec<_> = (0..=steps.len()).map(|index| scale_at(&steps, index)).collect();
        let (three, half, weight) = (CanaryScale::Pods(3), CanaryScale::Share(50), CanaryScale::Weight);
        assert_eq!(scales, [weight, three, three, half, weight, weight]);
    }

    #[test]
    fn past_the_last_step_the_size_follows_the_weight() {
        let steps = vec![serde_json::from_value(json!({"setCanaryScale": {"replicas": 1}})).expect("a step")];
        assert_eq!((scale_at(&steps, 0), scale_at(&steps, 1)), (CanaryScale::Pods(1), CanaryScale::Weight));
    }
}
