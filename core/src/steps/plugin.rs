//! `plugin`: a step that a program of the user's does.

use super::{Progress, StepContext, StepKind};
use crate::api::{CanaryStep, StepPluginStatus, WaitingOn};
use crate::step_plugin::{Next, Turn, phase};

pub(super) struct Plugin;

/// The reason of a wait for a plugin to complete its step.
pub const STEP: &str = "StepPlugin";
/// The reason of a wait for a plugin that is not there.
pub const UNAVAILABLE: &str = "PluginUnavailable";

impl StepKind for Plugin {
    fn field(&self) -> &'static str {
        "plugin"
    }

    fn is_set(&self, step: &CanaryStep) -> bool {
        step.plugin.is_some()
    }

    fn describe(&self, step: &CanaryStep) -> String {
        format!("plugin: {}", name(step))
    }

    fn validate(&self, _: &CanaryStep) -> Result<(), String> {
        // `validate::steps` knows that it has a name; what its plugin makes of the rest, only that plugin knows.
        Ok(())
    }

    fn has_deadline(&self) -> bool {
        false
    }

    fn advance(&self, step: &CanaryStep, cx: &StepContext<'_>) -> Progress {
        let object = || Some(format!("{STEP}/{}", name(step)));
        let wait = |reason, message: String| Progress::Wait(WaitingOn::new(reason, object(), message));
        let Some(Turn { entry, next }) = cx.turn else { return wait(STEP, "the plugin has not been asked yet".into()) };
        match (next, entry) {
            (Next::Nothing, Some(entry)) if entry.phase == phase::FAILED => Progress::Fail(said(entry)),
            (Next::Nothing, _) => Progress::Done,
            (Next::Unavailable(why), _) => wait(UNAVAILABLE, why.clone()),
            (Next::Wait(time), Some(entry)) if entry.phase == phase::ERROR => {
                wait(STEP, format!("{}; it is asked again at {time}", said(entry)))
            }
            (_, Some(entry)) if entry.executions > 0 => wait(STEP, said(entry)),
            _ => wait(STEP, "the plugin is asked to begin".into()),
        }
    }
}

fn name(step: &CanaryStep) -> &str {
    step.plugin.as_ref().map_or("", |plugin| &plugin.name)
}

/// What a plugin says of its step.
fn said(entry: &StepPluginStatus) -> String {
    if entry.message.is_empty() { format!("the plugin says: {}", entry.phase) } else { entry.message.clone() }
}
