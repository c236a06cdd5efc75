//! `setWeight`: the share of the new revision.

use super::{Progress, StepContext, StepKind};
use crate::api::CanaryStep;

pub(super) struct SetWeight;

impl StepKind for SetWeight {
    fn field(&self) -> &'static str {
        "setWeight"
    }

    fn is_set(&self, step: &CanaryStep) -> bool {
        step.set_weight.is_some()
    }

    fn describe(&self, step: &CanaryStep) -> String {
        format!("setWeight: {}", step.set_weight.unwrap_or_default())
    }

    fn validate(&self, step: &CanaryStep) -> Result<(), String> {
        match step.set_weight {
            Some(weight) if !(0..=100).contains(&weight) => Err("SetWeight needs to be between 0 and 100".into()),
            _ => Ok(()),
        }
    }

    fn advance(&self, _: &CanaryStep, cx: &StepContext<'_>) -> Progress {
        cx.counts.map_or(Progress::Done, |missing| Progress::Wait(missing.clone()))
    }
}
