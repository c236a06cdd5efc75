//! S8: an indefinite pause ends by a person, a timed one not early, and each is recorded once.

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::api::{PauseReason, RolloutPause};
use crate::plan::Plan;
use crate::snapshot::Snapshot;
use crate::time;

use super::{Invariant, Part, Violation};

pub(super) fn check(snapshot: &Snapshot, plan: &Plan, violations: &mut Vec<Violation>) {
    let (before, after) = (snapshot.rollout.status(), &plan.status);
    let mut violate =
        |message: String| violations.push(Violation { invariant: Invariant::Pause, part: Part::Status, message });
    for (place, condition) in after.pause_conditions.iter().enumerate() {
        if after.pause_conditions[..place].iter().any(|earlier| earlier.reason == condition.reason) {
            violate(format!("the pause {} would be recorded twice", condition.reason));
        }
    }
    if let Some(message) = before_switch(snapshot, plan) {
        violate(message);
    }
    let same_target =
        before.current_pod_hash == after.current_pod_hash && before.current_step_hash == after.current_step_hash;
    let overruled = before.abort || after.abort || before.promote_full || after.stable_rs == after.current_pod_hash;
    let advanced = after.current_step_index > before.current_step_index;
    let Some(index) = before.current_step_index.and_then(|index| usize::try_from(index).ok()) else { return };
    if !same_target || overruled || !advanced {
        return;
    }
    let canary = snapshot.rollout.spec.strategy.canary.as_ref();
    let step = canary.and_then(|canary| canary.steps.as_ref()).and_then(|steps| steps.get(index));
    let Some(pause) = step.and_then(|step| step.pause.as_ref()) else { return };
    match before.paused_since(PauseReason::CANARY_PAUSE_STEP) {
        None if before.controller_pause => {} // A person removed the record.
        None => violate(format!("the pause of step {index} would end before it began")),
        Some(since) => match seconds(pause) {
            None => violate(format!("the indefinite pause of step {index} would end without a person")),
            Some(length) if time::after(since, length) > snapshot.now => {
                violate(format!("the pause of step {index} would end before its {length:#}"));
            }
            Some(_) => {}
        },
    }
}

/// A pause before the switch of blue-green that would end without cause.
fn before_switch(snapshot: &Snapshot, plan: &Plan) -> Option<String> {
    let (before, after) = (snapshot.rollout.status(), &plan.status);
    let blue_green = snapshot.rollout.spec.strategy.blue_green.as_ref()?;
    let reason = PauseReason::BLUE_GREEN_PAUSE;
    let since = before.paused_since(reason).filter(|_| after.paused_since(reason).is_none())?;
    let overruled = after.abort
        || before.promote_full
        || before.observed_generation != after.observed_generation
        || before.current_pod_hash != after.current_pod_hash
        || after.stable_rs == after.current_pod_hash
        || after.blue_green.as_ref().is_some_and(|status| status.active_selector == after.current_pod_hash);
    if overruled {
        return None;
    }
    let by_itself = blue_green.auto_promotion_enabled != Some(false);
    let seconds = blue_green.auto_promotion_seconds.filter(|seconds| *seconds > 0).filter(|_| by_itself);
    match seconds {
        None if by_itself => None, // The manifest asks for no pause any more.
        None => Some("the pause before the switch would end without a person".into()),
        Some(seconds) => {
            let end = time::after(since, jiff::SignedDuration::from_secs(i64::from(seconds)));
            (end > snapshot.now).then(|| format!("the pause before the switch would end before its {seconds} s"))
        }
    }
}

fn seconds(pause: &RolloutPause) -> Option<jiff::SignedDuration> {
    match pause.duration.as_ref()? {
        IntOrString::Int(seconds) => Some(jiff::SignedDuration::from_secs(i64::from(*seconds))),
        IntOrString::String(text) => {
            let seconds = text.parse().map(jiff::SignedDuration::from_secs);
            seconds.ok().or_else(|| time::parse_go_duration(text).ok())
        }
    }
}
