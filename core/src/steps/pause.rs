//! `pause`: wait for a person, or for a while.

use jiff::SignedDuration;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::{Progress, StepContext, StepKind};
use crate::api::{CanaryStep, PauseReason, RolloutPause};
use crate::planted::{self, Bug};
use crate::time;

pub(super) struct Pause;

/// A pause's duration: `None` is for ever, an error is what validation reports.
fn duration(pause: &RolloutPause) -> Result<Option<SignedDuration>, String> {
    let duration = match &pause.duration {
        None => return Ok(None),
        Some(IntOrString::Int(seconds)) => SignedDuration::from_secs(i64::from(*seconds)),
        Some(IntOrString::String(text)) => match text.parse::<i64>() {
            Ok(seconds) => SignedDuration::from_secs(seconds),
            Err(_) => time::parse_go_duration(text).map_err(|_| "Duration needs to be greater than 0".to_owned())?,
        },
    };
    if duration.is_negative() { Err("Duration needs to be greater than 0".into()) } else { Ok(Some(duration)) }
}

impl StepKind for Pause {
    fn field(&self) -> &'static str {
        "pause"
    }

    fn is_set(&self, step: &CanaryStep) -> bool {
        step.pause.is_some()
    }

    fn describe(&self, step: &CanaryStep) -> String {
        match step.pause.as_ref().and_then(|pause| pause.duration.as_ref()) {
            Some(IntOrString::Int(seconds)) => format!("pause: {seconds}"),
            Some(IntOrString::String(text)) => format!("pause: {text}"),
            None => "pause".into(),
        }
    }

    fn validate(&self, step: &CanaryStep) -> Result<(), String> {
        step.pause.as_ref().map_or(Ok(()), |pause| duration(pause).map(|_| ()))
    }

    fn has_deadline(&self) -> bool {
        false
    }

    fn advance(&self, step: &CanaryStep, cx: &StepContext<'_>) -> Progress {
        if planted::is(Bug::SkipsPauses) {
            return Progress::Done;
        }
        let duration = step.pause.as_ref().and_then(|pause| duration(pause).ok().flatten());
        let Some(since) = cx.status.paused_since(PauseReason::CANARY_PAUSE_STEP) else {
            // The controller had recorded a pause and the record is gone: a person resumed.
            if cx.status.controller_pause {
                return Progress::Done;
            }
            // Stored times have whole seconds: rounding the start up keeps the pause from ending early.
            let early = planted::is(Bug::EndsPausesEarly);
            let since = if early { time::floor_to_second(cx.now) } else { time::ceil_to_second(cx.now) };
            return Progress::Pause { since, until: duration.map(|d| time::after(since, d)) };
        };
        match duration.map(|d| time::after(since, d)) {
            Some(end) if end <= cx.now => Progress::Done,
            until => Progress::Pause { since, until },
        }
    }
}
