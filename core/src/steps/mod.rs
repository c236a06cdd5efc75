//! The steps of a canary: one file a kind.
//!
//! To add a kind, write its file and put it into [`KINDS`]; validation, planning and descriptions follow from there.

mod gate;
mod pause;
mod plugin;
mod routes;
mod set_canary_scale;
mod set_weight;

use jiff::Timestamp;

use crate::analysis::Standing;
use crate::api::{CanaryStep, RolloutStatus, WaitingOn};
use crate::step_plugin::Turn;

pub use plugin::{STEP as STEP_PLUGIN, UNAVAILABLE as PLUGIN_UNAVAILABLE};
pub use routes::routes_at;
pub use set_canary_scale::scale_at;

/// What a step can look at.
#[derive(Clone, Copy, Debug)]
pub struct StepContext<'a> {
    /// The time.
    pub now: Timestamp,
    /// The status as planned so far.
    pub status: &'a RolloutStatus,
    /// What the step's replica counts still lack; `None` when they are reached.
    pub counts: Option<&'a WaitingOn>,
    /// What traffic routers still lack; `None` when they do what the step asks for, and without a router.
    pub traffic: Option<&'a WaitingOn>,
    /// Where the step's analysis stands; `None` where it has none.
    pub analysis: Option<&'a Standing>,
    /// Where the step's experiment stands; `None` where it has none.
    pub experiment: Option<&'a Standing>,
    /// How the step goes on by its plugin; `None` where it has none.
    pub turn: Option<&'a Turn>,
}

/// Where a step stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    /// It is complete, and the next one begins.
    Done,
    /// It pauses the rollout, for ever or until a moment.
    Pause {
        /// When the pause began: before now if it is already recorded.
        since: Timestamp,
        /// When it ends by itself.
        until: Option<Timestamp>,
    },
    /// It waits for the cluster, or for a plugin.
    Wait(WaitingOn),
    /// It cannot be completed, for this reason: the update is aborted.
    Fail(String),
    /// The same, with the whole message as people know it.
    GiveUp(String),
    /// A person has to decide, for this reason.
    Inconclusive(String),
}

/// One kind of step.
pub trait StepKind: Sync {
    /// The field of `CanaryStep` that selects the kind.
    fn field(&self) -> &'static str;

    /// Whether a step is of this kind.
    fn is_set(&self, step: &CanaryStep) -> bool;

    /// The step in a few words, as Argo Rollouts puts it into the event `RolloutStepCompleted`.
    fn describe(&self, step: &CanaryStep) -> String;

    /// What is wrong with the step as written.
    fn validate(&self, step: &CanaryStep) -> Result<(), String>;

    /// Whether waiting at this step counts against the progress deadline.
    fn has_deadline(&self) -> bool {
        true
    }

    /// Where the step stands.
    fn advance(&self, step: &CanaryStep, cx: &StepContext<'_>) -> Progress;
}

/// Every kind, in the order of the API.
pub static KINDS: [&dyn StepKind; 8] = [
    &set_weight::SetWeight,
    &pause::Pause,
    &gate::EXPERIMENT,
    &gate::ANALYSIS,
    &set_canary_scale::SetCanaryScale,
    &routes::HEADER,
    &routes::MIRROR,
    &plugin::Plugin,
];

/// The kinds that a step names; a valid step names one.
pub fn kinds_of(step: &CanaryStep) -> impl Iterator<Item = &'static dyn StepKind> {
    KINDS.into_iter().filter(move |kind| kind.is_set(step))
}

/// The kind of a valid step.
pub fn kind_of(step: &CanaryStep) -> Option<&'static dyn StepKind> {
    kinds_of(step).next()
}

/// The weight in force at `index`, out of `max`: that of the last `setWeight` up to and including it. Before the first one it is 0,
/// and past the last step it is all. (Argo Rollouts, `GetCurrentSetWeight`.)
pub fn weight_at(steps: &[CanaryStep], index: usize, max: i32) -> i32 {
    if index >= steps.len() {
        return max;
    }
    steps[..=index].iter().rev().find_map(|step| step.set_weight).unwrap_or(0).clamp(0, max)
}
