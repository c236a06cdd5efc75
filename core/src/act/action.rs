//! What can be asked of a rollout by name, and what that will come to, said before it is done.

use serde::Deserialize;

use super::asked::Asked;
use super::change::Change;
use super::image::Assignment;
use super::promote::{Extent, is_serving, promote};
use super::template::Home;
use crate::api::{CanaryStrategy, Rollout, labels};
use crate::info::explain::step::in_words;
use crate::info::text::printable;

/// Something to ask of a rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// To go on to the next step.
    Promote,
    /// To go on to the end.
    PromoteFull,
    /// To give the update up.
    Abort,
    /// To try an aborted update again.
    Retry,
    /// To replace its pods.
    Restart,
    /// To hold where it is.
    Pause,
    /// To run another image.
    SetImage,
    /// To go back to an earlier revision.
    Undo,
}

/// What is said with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Details {
    /// For [`Action::Undo`]: the revision; 0 is the one before the newest.
    pub revision: i64,
    /// For [`Action::SetImage`]: the container.
    pub container: String,
    /// For [`Action::SetImage`]: its image.
    pub image: String,
    /// What the question was about that was answered by yes; none where nobody was asked.
    pub asked: Option<Asked>,
}

impl Action {
    /// All of them, those that concern the rollout as it is first.
    pub const ALL: [Action; 8] = [
        Action::Promote,
        Action::PromoteFull,
        Action::Abort,
        Action::Retry,
        Action::Restart,
        Action::Pause,
        Action::SetImage,
        Action::Undo,
    ];

    /// Its name in paths.
    pub fn name(self) -> &'static str {
        match self {
            Action::Promote => "promote",
            Action::PromoteFull => "promote-full",
            Action::Abort => "abort",
            Action::Retry => "retry",
            Action::Restart => "restart",
            Action::Pause => "pause",
            Action::SetImage => "set-image",
            Action::Undo => "undo",
        }
    }

    /// The one with this name.
    pub fn named(name: &str) -> Option<Action> {
        Action::ALL.into_iter().find(|action| action.name() == name)
    }

    /// What a button says, and a question begins with.
    pub fn label(self) -> &'static str {
        match self {
            Action::Promote => "Promote",
            Action::PromoteFull => "Promote full",
            Action::Abort => "Abort",
            Action::Retry => "Retry",
            Action::Restart => "Restart",
            Action::Pause => "Pause",
            Action::SetImage => "Set image",
            Action::Undo => "Roll back",
        }
    }

    /// What is said when it was done.
    pub fn done(self, name: &str) -> String {
        let what = match self {
            Action::Promote => "promoted",
            Action::PromoteFull => "fully promoted",
            Action::Abort => "aborted",
            Action::Retry => "retried",
            Action::Restart => "restarts",
            Action::Pause => "paused",
            Action::SetImage => "image updated",
            Action::Undo => "goes back",
        };
        format!("rollout '{}' {what}", printable(name))
    }

    /// What it comes to for a rollout with these revisions, the newest first; or why there is nothing to do.
    pub fn effect(self, rollout: &Rollout, revisions: &[i64], details: &Details) -> Result<String, String> {
        let status = rollout.status();
        match self {
            // An aborted update is at its first step, of which nothing is left to pass over.
            Action::Promote if status.abort => Err("is aborted: retry it, or promote it to the end".to_owned()),
            Action::Promote => promotion(rollout, Extent::Next),
            Action::PromoteFull => promotion(rollout, Extent::Full),
            Action::Abort if status.abort => Err("is aborted already".to_owned()),
            Action::Abort if is_serving(rollout) => Err("has no update to give up".to_owned()),
            Action::Abort => Ok(format!(
                "The update{} is given up, and all traffic goes back to the stable revision.",
                to_revision(rollout)
            )),
            Action::Retry if !status.abort => Err("is not aborted: there is nothing to retry".to_owned()),
            Action::Retry => {
                Ok(format!("The aborted update{} begins again with its first step.", to_revision(rollout)))
            }
            Action::Restart => {
                Ok(format!("Its {} pods are replaced, some at a time.", rollout.spec.replicas.unwrap_or(1)))
            }
            Action::Pause if rollout.spec.paused => Err("is paused already by its manifest".to_owned()),
            Action::Pause => Ok("Its manifest gets spec.paused: it stays where it is until it is promoted.".to_owned()),
            Action::SetImage => Ok(format!("The image is put into {}, which begins an update.", home(rollout))),
            Action::Undo => {
                let earlier = Some(details.revision).filter(|number| *number > 0).or(revisions.get(1).copied());
                let number = earlier.ok_or("has no revision before the newest")?;
                Ok(format!(
                    "The pod template of revision {number} is put back into {}, which begins an update.",
                    home(rollout)
                ))
            }
        }
    }
}

/// The object that has the pod template.
fn home(rollout: &Rollout) -> String {
    match Home::of(rollout) {
        Home::Rollout => "its manifest".to_owned(),
        Home::Workload { kind, name } => format!("{} '{}'", printable(&kind.kind), printable(&name)),
    }
}

/// ` to revision 6`, where the number is known.
fn to_revision(rollout: &Rollout) -> String {
    let annotations = rollout.metadata.annotations.as_ref();
    let number = annotations.and_then(|annotations| annotations.get(labels::REVISION));
    number.map_or_else(String::new, |number| format!(" to revision {}", printable(number)))
}

/// What a promotion changes, in words.
fn promotion(rollout: &Rollout, extent: Extent) -> Result<String, String> {
    let Change { status, spec } = promote(rollout, extent).map_err(|why| format!("cannot be promoted: {why}"))?;
    if status.is_none() && spec.is_none() {
        return Err("has nothing to promote".to_owned());
    }
    let mut said = Vec::new();
    if let Some(status) = status.as_ref().map(|patch| &patch["status"]) {
        let pause = rollout.status().pause_conditions.first().map(|pause| printable(&pause.reason));
        let next = status["currentStepIndex"].as_u64().and_then(|index| usize::try_from(index).ok());
        said.push(match (next, pause) {
            _ if extent == Extent::Full => format!(
                "The update{} gets all traffic, without any further step, pause or analysis.",
                to_revision(rollout)
            ),
            (Some(next), _) => passed_over(rollout, next),
            (None, Some(pause)) => format!("Its pause ({pause}) ends, and it goes on."),
            (None, None) => "It goes on.".to_owned(),
        });
    }
    if spec.is_some() {
        said.push("The pause in its manifest (spec.paused) ends.".to_owned());
    }
    Ok(said.join(" "))
}

/// That the step before the one with the index `next` is not waited for. People count from 1.
fn passed_over(rollout: &Rollout, next: usize) -> String {
    let canary = rollout.spec.strategy.canary.as_ref();
    let steps = canary.and_then(|canary| canary.steps.as_deref()).unwrap_or_default();
    let max_weight = canary.map_or(100, CanaryStrategy::max_weight);
    let step = |index: usize| {
        let doing = steps.get(index).map(|step| in_words(step, max_weight)).unwrap_or_default();
        format!("step {} of {} ({doing})", index + 1, steps.len())
    };
    let then = if next < steps.len() { format!("at {}", step(next)) } else { "past the last step".to_owned() };
    format!("What is left of {} is passed over: it goes on {then}.", step(next.saturating_sub(1)))
}

impl Details {
    /// The image to set.
    pub fn assignment(&self) -> Result<Assignment, String> {
        let (container, image) = (self.container.trim(), self.image.trim());
        if container.is_empty() || image.is_empty() {
            return Err("name a container and its image".to_owned());
        }
        if image.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(format!("{image:?} is not the name of an image"));
        }
        Ok(Assignment { container: container.to_owned(), image: image.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn rollout(changes: &Value) -> Rollout {
        let mut rollout = json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "web", "annotations": {"rollout.argoproj.io/revision": "5"}},
            "spec": {"replicas": 3, "strategy": {"canary": {"steps": [{"setWeight": 50}, {"pause": {}}]}}},
            "status": {"currentPodHash": "b", "stableRS": "a", "currentStepIndex": 0},
        });
        json_patch::merge(&mut rollout, changes);
        serde_json::from_value(rollout).expect("a rollout")
    }

    #[test]
    fn every_action_is_found_by_its_name() {
        for action in Action::ALL {
            assert_eq!(Action::named(action.name()), Some(action));
        }
        assert_eq!(Action::named("explode"), None);
    }

    #[test]
    fn what_it_comes_to_is_said_of_the_rollout_as_it_is() {
        let pause = json!({"status": {"currentStepIndex": 1, "pauseConditions": [{"reason": "CanaryPauseStep", "startTime": "2026-01-01T00:00:00Z"}]}});
        let (none, held, aborted) = (json!({}), json!({"spec": {"paused": true}}), json!({"status": {"abort": true}}));
        let complete = json!({"status": {"stableRS": "b", "currentStepIndex": 2}});
        for (action, changes, expected) in [
            (
                Action::Promote,
                &none,
                Ok(
                    "What is left of step 1 of 2 (send 50% to the new revision) is passed over: it goes on at step 2 of 2 (wait until promoted).",
                ),
            ),
            (Action::Promote, &pause, Ok("Its pause (CanaryPauseStep) ends, and it goes on.")),
            (
                Action::PromoteFull,
                &none,
                Ok("The update to revision 5 gets all traffic, without any further step, pause or analysis."),
            ),
            (Action::PromoteFull, &complete, Err("has nothing to promote")),
            (Action::Promote, &complete, Err("has nothing to promote")),
            (Action::Promote, &aborted, Err("is aborted: retry it, or promote it to the end")),
            (
                Action::Abort,
                &none,
                Ok("The update to revision 5 is given up, and all traffic goes back to the stable revision."),
            ),
            (Action::Abort, &complete, Err("has no update to give up")),
            (Action::Abort, &aborted, Err("is aborted already")),
            (Action::Retry, &none, Err("is not aborted: there is nothing to retry")),
            (Action::Retry, &aborted, Ok("The aborted update to revision 5 begins again with its first step.")),
            (Action::Restart, &none, Ok("Its 3 pods are replaced, some at a time.")),
            (Action::Pause, &held, Err("is paused already by its manifest")),
            (Action::SetImage, &none, Ok("The image is put into its manifest, which begins an update.")),
            (
                Action::Undo,
                &none,
                Ok("The pod template of revision 4 is put back into its manifest, which begins an update."),
            ),
        ] {
            let said = action.effect(&rollout(changes), &[5, 4], &Details::default());
            assert_eq!(said.as_deref().map_err(String::as_str), expected, "{action:?} {changes}");
        }
        let undo = |revisions: &[i64], revision| {
            Action::Undo.effect(&rollout(&none), revisions, &Details { revision, ..Details::default() })
        };
        assert_eq!(undo(&[5], 0), Err("has no revision before the newest".to_owned()));
        assert!(undo(&[5, 4, 2], 2).is_ok_and(|said| said.contains("revision 2")));
    }

    #[test]
    fn an_image_that_is_none_is_refused() {
        let details = |container: &str, image: &str| {
            Details { container: container.to_owned(), image: image.to_owned(), ..Details::default() }
                .assignment()
                .is_ok()
        };
        assert!(details("web", " web:2 "));
        assert!(!details("", "web:2"));
        assert!(!details("web", ""));
        assert!(!details("web", "web 2"));
    }
}
