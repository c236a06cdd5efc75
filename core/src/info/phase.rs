//! Phase and message as a client should show them.

use super::text;
use crate::api::Rollout;
use crate::status::phase::{self, Phase};

/// The overlay of `sluice-core`, and one case more: after `retry` the status speaks of the abort until the controller has
/// looked. Taken at its word, `retry` followed by `status` would fail a pipeline at once. Both are fit to be shown.
pub fn shown(rollout: &Rollout) -> (String, String) {
    let (phase, message) = phase::shown(rollout);
    let was_aborted = phase == Phase::Degraded.as_str() && message.starts_with("RolloutAborted");
    if was_aborted && !rollout.status().abort {
        return (Phase::Progressing.as_str().to_owned(), "waiting for the retry to be observed".to_owned());
    }
    (text::printable(&phase), text::message(&message))
}
