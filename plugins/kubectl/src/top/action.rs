//! What can be done to a rollout, and the question that comes before: what exactly will happen, to which object, and where.

use sluice_core::act::promote::{Extent, Promotion, promote};
use sluice_core::act::template::Home;
use sluice_core::api::Rollout;
use sluice_core::info::text::printable;

use super::state::{Key, Place, Request, Row};

/// What can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// To the next step.
    Promote,
    /// To the end.
    PromoteFull,
    /// Back to the stable revision.
    Abort,
    /// The aborted update again.
    Retry,
    /// Hold it.
    Pause,
    /// Replace its pods.
    Restart,
    /// Back to the revision before.
    Undo,
}

/// A question that is answered by yes or no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// What is done after a yes.
    pub request: Request,
    /// What is asked.
    pub title: String,
    /// What will happen.
    pub effect: String,
    /// To which object, where.
    pub object: String,
    /// Whether it was another question until somebody said yes.
    pub is_changed: bool,
}

impl Action {
    /// In the question and in what is said afterwards.
    fn verb(self) -> &'static str {
        match self {
            Action::Promote => "Promote",
            Action::PromoteFull => "Promote to the end",
            Action::Abort => "Abort",
            Action::Retry => "Retry",
            Action::Pause => "Pause",
            Action::Restart => "Restart",
            Action::Undo => "Undo",
        }
    }

    /// What is said when it was done.
    pub fn done(self, key: &Key) -> String {
        let what = match self {
            Action::Promote => "promoted",
            Action::PromoteFull => "promoted to the end",
            Action::Abort => "aborted",
            Action::Retry => "retried",
            Action::Pause => "paused",
            Action::Restart => "restarts",
            Action::Undo => "goes back",
        };
        format!("rollout '{}' {what}", printable(&key.name))
    }
}

/// The question before `action`, or why there is nothing to ask.
pub fn ask(row: &Row, action: Action, place: &Place) -> Result<Question, String> {
    let name = printable(&row.key.name);
    let revision = if action == Action::Undo { earlier(row) } else { Some(0) };
    let effect = effect(row, action).map_err(|why| format!("rollout '{name}' {why}"))?;
    Ok(Question {
        request: Request { key: row.key.clone(), action, revision: revision.unwrap_or(0) },
        title: format!("{} rollout '{name}'?", action.verb()),
        effect,
        object: format!(
            "rollout {name}, namespace {}, context {}",
            printable(&row.key.namespace),
            printable(&place.context)
        ),
        is_changed: false,
    })
}

fn effect(row: &Row, action: Action) -> Result<String, String> {
    let rollout = &*row.rollout;
    let status = rollout.status();
    match action {
        Action::Promote => promotion(rollout, Extent::Next),
        Action::PromoteFull => promotion(rollout, Extent::Full),
        Action::Abort if status.abort => Err("is aborted already".to_owned()),
        Action::Abort => Ok("The update is given up, and all traffic goes back to the stable revision.".to_owned()),
        Action::Retry if !status.abort => Err("is not aborted: there is nothing to retry".to_owned()),
        Action::Retry => Ok("The aborted update begins again with its first step.".to_owned()),
        Action::Pause if rollout.spec.paused => Err("is paused already by its manifest".to_owned()),
        Action::Pause => Ok("Its manifest gets spec.paused: it stays where it is until it is promoted.".to_owned()),
        Action::Restart => Ok(format!("Its {} pods are replaced, some at a time.", row.counts.desired)),
        Action::Undo => {
            let number = earlier(row).ok_or("has no revision before the newest")?;
            let home = match Home::of(rollout) {
                Home::Rollout => "its manifest".to_owned(),
                Home::Workload { kind, name } => format!("{} '{}'", printable(&kind.kind), printable(&name)),
            };
            Ok(format!("The pod template of revision {number} is put back into {home}, which begins an update."))
        }
    }
}

/// What a promotion changes, in words.
fn promotion(rollout: &Rollout, extent: Extent) -> Result<String, String> {
    let Promotion { status, spec } = promote(rollout, extent).map_err(|why| format!("cannot be promoted: {why}"))?;
    if status.is_none() && spec.is_none() {
        return Err("has nothing to promote".to_owned());
    }
    let mut said = Vec::new();
    if let Some(status) = status.as_ref().map(|patch| &patch["status"]) {
        let steps = rollout.spec.strategy.canary.as_ref().and_then(|canary| canary.steps.as_ref()).map_or(0, Vec::len);
        let pause = rollout.status().pause_conditions.first().map(|pause| printable(&pause.reason));
        said.push(match (status["currentStepIndex"].as_u64(), pause) {
            _ if extent == Extent::Full => {
                "The new revision gets all traffic, without any further step, pause or analysis.".to_owned()
            }
            (Some(next), _) => {
                let from = rollout.status().current_step_index.unwrap_or(0);
                format!("What is left of step {from} is passed over: it goes on at step {next} of {steps}.")
            }
            (None, Some(pause)) => format!("Its pause ({pause}) ends, and it goes on."),
            (None, None) => "It goes on.".to_owned(),
        });
    }
    if spec.is_some() {
        said.push("The pause in its manifest (spec.paused) ends.".to_owned());
    }
    Ok(said.join(" "))
}

/// The revision before the newest.
fn earlier(row: &Row) -> Option<i64> {
    row.revisions.get(1).copied()
}
