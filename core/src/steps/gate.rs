//! `analysis` and `experiment`: what something measured decides whether the update goes on.

use super::{Progress, StepContext, StepKind};
use crate::analysis::Standing;
use crate::api::{CanaryStep, WaitingOn};
use crate::status::waiting;

/// A step that waits for an analysis run or an experiment.
pub(super) struct Gate {
    field: &'static str,
    is_set: fn(&CanaryStep) -> bool,
    standing: for<'a> fn(&StepContext<'a>) -> Option<&'a Standing>,
    /// The reason of the wait.
    reason: &'static str,
}

pub(super) const ANALYSIS: Gate = Gate {
    field: "analysis",
    is_set: |step| step.analysis.is_some(),
    standing: |cx| cx.analysis,
    reason: waiting::ANALYSIS,
};

pub(super) const EXPERIMENT: Gate = Gate {
    field: "experiment",
    is_set: |step| step.experiment.is_some(),
    standing: |cx| cx.experiment,
    reason: waiting::EXPERIMENT,
};

impl StepKind for Gate {
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
        // `validate::analysis` and `validate::experiment` know what makes sense in the blocks.
        Ok(())
    }

    fn has_deadline(&self) -> bool {
        // Measurements take as long as the manifest says, and an experiment has a deadline of its own.
        false
    }

    fn advance(&self, _: &CanaryStep, cx: &StepContext<'_>) -> Progress {
        match (self.standing)(cx) {
            Some(Standing::Good) => Progress::Done,
            Some(Standing::Bad(why)) => Progress::GiveUp(why.clone()),
            Some(Standing::Inconclusive(why)) => Progress::Inconclusive(why.clone()),
            Some(Standing::Waits(on)) => Progress::Wait(on.clone()),
            None => Progress::Wait(WaitingOn::new(self.reason, None, format!("the {} begins", self.field))),
        }
    }
}
