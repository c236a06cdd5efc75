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

    fn validate(&self, _: &CanaryStep) -> Result<(), String> {
        // Its range depends on the router's `maxTrafficWeight`, which `validate::steps` knows.
        Ok(())
    }

    fn advance(&self, _: &CanaryStep, cx: &StepContext<'_>) -> Progress {
        cx.counts.or(cx.traffic).map_or(Progress::Done, |missing| Progress::Wait(missing.clone()))
    }
}
