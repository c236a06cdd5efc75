//! Bugs planted on purpose, to prove that the simulation can fail.
//!
//! They exist only under the feature `planted-bugs`, which no shipped binary has; without it [`is`] is `false` at compile
//! time. Each is a mistake that a controller like this could make, and some users of others have suffered from.

/// A mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// Shrinks without regard to `maxUnavailable`.
    ForgetsTheFloor,
    /// Walks past pause steps.
    SkipsPauses,
    /// Rounds a pause's start down, so that it ends up to a second early.
    EndsPausesEarly,
    /// Completes two steps where one is complete.
    TakesTwoSteps,
    /// Says Healthy before the pods are available.
    SaysHealthyTooEarly,
    /// Makes a revision stable before its pods are available.
    PromotesTooEarly,
    /// Deletes old ReplicaSets that still have pods.
    DeletesServingRevisions,
    /// Writes a status again that says the same.
    IsNeverQuiet,
    /// Numbers a revision only in the pass that creates its ReplicaSet.
    NumbersOnlyAtCreation,
    /// Creates a ReplicaSet only in the pass that first sees its revision.
    CreatesOnlyAtFirstSight,
    /// Never tries again what failed once.
    GivesUpAfterAnError,
    /// Takes a ReplicaSet that exists already for somebody else's.
    KnowsNotItsOwn,
    /// Lets the stable ReplicaSet shrink while an aborted update's pods go, without growing it first.
    AbortsWithoutGrowing,
    /// Forgets the owner on the ReplicaSets that it creates.
    ForgetsTheOwner,
    /// Switches the active Service as soon as one new pod is available.
    SwitchesTooEarly,
    /// Forgets that a blue-green update pauses before its switch.
    SwitchesWithoutAPerson,
    /// Takes the old version's pods away with the switch, without their delay.
    ForgetsTheDelay,
    /// Keeps the pods of an aborted update for ever.
    NeverDrainsWhatWasAborted,
    /// Leaves a selector that somebody has edited as it is.
    TrustsEditedSelectors,
    /// Keeps the Services that the manifest names no more.
    KeepsReleasedServices,
    /// Lets go of the active Service at once when the strategy changes, so that it selects every pod there is.
    ReleasesTooEarly,
    /// Changes the labels of ReplicaSets, and not of their pods.
    ForgetsLivePods,
    /// Takes every step on the way back to a revision within the window.
    ForgetsTheWindow,
    /// Counts the pods of both versions for the autoscaler.
    FeedsTheAutoscaler,
    /// Leaves a small preview small when it gets the traffic.
    ForgetsToGrow,
    /// Gives a weight to a canary before its pods are available.
    ShiftsTooEarly,
    /// Gives all traffic back to a stable side that is too small for it.
    AbortsInOneGo,
    /// Points a Service that gets traffic at another revision.
    MovesBusyServices,
    /// Takes pods away before routers are known to send nothing there.
    ShrinksBeforeTheShift,
    /// Takes old pods of blue-green away before the gateway knows of the switch.
    ForgetsTheGateway,
    /// Believes that requests go where a Service points.
    TrustsSelectors,
    /// Tells a gateway nothing of a Service that leads elsewhere.
    TellsNoMoves,
    /// Takes the pods of a referenced Deployment away before there are others.
    ShrinksTheWorkloadTooEarly,
    /// Takes what a measurement has come to in twice.
    CountsTwice,
    /// Leaves analysis runs going that nothing waits for.
    ForgetsToEndAnalysis,
    /// Tells routers of an experiment's share before the status says so.
    SharesBeforeItSaysSo,
    /// Leaves a referenced Deployment alone once the rollout was healthy, whatever becomes of it.
    ShrinksTheWorkloadOnce,
}

impl Bug {
    /// Those that show only where routers carry the traffic.
    pub const OF_ROUTERS: [Bug; 8] = [
        Bug::ShiftsTooEarly,
        Bug::AbortsInOneGo,
        Bug::MovesBusyServices,
        Bug::ShrinksBeforeTheShift,
        Bug::ForgetsTheGateway,
        Bug::TrustsSelectors,
        Bug::TellsNoMoves,
        Bug::SharesBeforeItSaysSo,
    ];

    /// All others.
    pub const ALL: [Bug; 29] = [
        Bug::ForgetsTheFloor,
        Bug::SkipsPauses,
        Bug::EndsPausesEarly,
        Bug::TakesTwoSteps,
        Bug::SaysHealthyTooEarly,
        Bug::PromotesTooEarly,
        Bug::DeletesServingRevisions,
        Bug::IsNeverQuiet,
        Bug::NumbersOnlyAtCreation,
        Bug::CreatesOnlyAtFirstSight,
        Bug::GivesUpAfterAnError,
        Bug::KnowsNotItsOwn,
        Bug::AbortsWithoutGrowing,
        Bug::ForgetsTheOwner,
        Bug::SwitchesTooEarly,
        Bug::SwitchesWithoutAPerson,
        Bug::ForgetsTheDelay,
        Bug::NeverDrainsWhatWasAborted,
        Bug::TrustsEditedSelectors,
        Bug::KeepsReleasedServices,
        Bug::ReleasesTooEarly,
        Bug::ForgetsLivePods,
        Bug::ForgetsTheWindow,
        Bug::FeedsTheAutoscaler,
        Bug::ForgetsToGrow,
        Bug::ShrinksTheWorkloadTooEarly,
        Bug::ShrinksTheWorkloadOnce,
        Bug::CountsTwice,
        Bug::ForgetsToEndAnalysis,
    ];
}

#[cfg(feature = "planted-bugs")]
mod switch {
    use std::cell::Cell;

    use super::Bug;

    thread_local! {
        static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
    }

    /// Plants a bug in this thread, or removes it.
    pub fn plant(bug: Option<Bug>) {
        PLANTED.set(bug);
    }

    /// Whether this bug is planted.
    pub fn is(bug: Bug) -> bool {
        PLANTED.get() == Some(bug)
    }
}

#[cfg(feature = "planted-bugs")]
pub use switch::{is, plant};

/// Whether this bug is planted: never, without the feature.
#[cfg(not(feature = "planted-bugs"))]
pub const fn is(_: Bug) -> bool {
    false
}
