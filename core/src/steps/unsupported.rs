//! Kinds of steps that the API accepts and this version does not act on yet.

use super::{Progress, StepContext, StepKind};
use crate::api::{CanaryStep, WaitingOn};

pub(super) struct Unsupported {
    field: &'static str,
    is_set: fn(&CanaryStep) -> bool,
}

pub(super) const EXPERIMENT: Unsupported = Unsupported { field: "experiment", is_set: |s| s.experiment.is_some() };
pub(super) const ANALYSIS: Unsupported = Unsupported { field: "analysis", is_set: |s| s.analysis.is_some() };

impl StepKind for Unsupported {
    fn field(&self) -> &'static str {
        self.field
    }

    fn is_set(&self, step: &CanaryStep) -> bool {
        (self.is_set)(step)
    }

    fn describe(&self, _: &CanaryStep) -> String {
        self.field.to_owned()
    }

    fn validate(&self, _: &CanaryStep) -> Result<(), String> {
        Ok(())
    }

    fn is_supported(&self) -> bool {
        false
    }

    fn advance(&self, _: &CanaryStep, _: &StepContext<'_>) -> Progress {
        let message = format!("this version of Sluice does not run {} steps", self.field);
        Progress::Wait(WaitingOn::new("NotSupported", None, message))
    }
}
