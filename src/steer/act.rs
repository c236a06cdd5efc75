//! What somebody has said yes to, carried out: on what the question was about, or not at all.

use jiff::{SignedDuration, Timestamp};
use sluice_core::act::action::{Action, Details};
use sluice_core::act::asked::Asked;
use sluice_core::act::change::Change;
use sluice_core::act::promote::{Extent, promote};
use sluice_core::act::request;
use sluice_core::api::Rollout;

use super::{Refusal, Rollouts, Undone};

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Done,
    /// There was nothing to do, for this reason.
    Nothing(String),
}

impl Rollouts {
    /// Does what is asked for by name.
    ///
    /// Where somebody was asked first, the rollout is read again before each write, compared with what the question was about,
    /// and written only as it was read.
    pub async fn act(&self, name: &str, action: Action, details: &Details, now: Timestamp) -> Result<Outcome, Refusal> {
        let attempted = format!("{} rollout '{name}'", in_a_word(action));
        let check = |rollout: &Rollout, workload: Option<i64>| match &details.asked {
            Some(asked) if *asked != Asked::about(action, rollout) => {
                Err(Refusal::GoneOn { attempted: attempted.clone() })
            }
            Some(_) if is_unseen(rollout, workload) => {
                let why =
                    "its workload was changed, and the controller has not looked at that yet: try again in a moment";
                Err(Refusal::unfit(&attempted)(why.to_owned()))
            }
            _ => Ok(()),
        };
        let make = |rollout: &Rollout| {
            check(rollout, None)?;
            match action {
                Action::Promote => promote(rollout, Extent::Next).map_err(Refusal::unfit(&attempted)),
                Action::PromoteFull => promote(rollout, Extent::Full).map_err(Refusal::unfit(&attempted)),
                Action::Abort => Ok(Change::of_status(request::abort())),
                Action::Retry => Ok(Change::of_status(request::retry())),
                Action::Restart => Ok(Change::of_spec(request::restart(now, SignedDuration::ZERO))),
                Action::Pause => Ok(Change::of_spec(request::pause())),
                // These are of the pod template, wherever it is.
                Action::SetImage | Action::Undo => Ok(Change::default()),
            }
        };
        let nothing = match action {
            Action::SetImage => {
                let assignment = details.assignment().map_err(Refusal::unfit(&attempted))?;
                let is_changed = self.set_image_if(&check, name, &[assignment]).await?;
                (!is_changed).then(|| format!("rollout '{name}' has that image already"))
            }
            Action::Undo => match self.undo_if(&check, name, details.revision).await? {
                Undone::Done => None,
                Undone::AlreadyThere(revision) => {
                    Some(format!("the manifest of rollout '{name}' asks for revision {revision} already"))
                }
            },
            _ => {
                let is_changed = self.change(name, &attempted, &make).await?;
                (!is_changed).then(|| format!("rollout '{name}' has nothing to promote"))
            }
        };
        Ok(nothing.map_or(Outcome::Done, Outcome::Nothing))
    }
}

/// Whether the workload of this generation is another one than what the controller knows, and the question was about.
fn is_unseen(rollout: &Rollout, workload: Option<i64>) -> bool {
    workload.is_some_and(|generation| generation.to_string() != rollout.status().workload_observed_generation)
}

/// What an action does, for messages.
fn in_a_word(action: Action) -> &'static str {
    match action {
        Action::Promote | Action::PromoteFull => "promote",
        Action::Abort => "abort",
        Action::Retry => "retry",
        Action::Restart => "restart",
        Action::Pause => "pause",
        Action::SetImage => "set the image of",
        Action::Undo => "undo",
    }
}
