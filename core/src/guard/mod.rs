//! The invariants, restated independently of the planner and checked on every plan before it is executed, in production too.
//!
//! A plan that would break one loses the effect that breaks it; everything else of it goes on. One file holds one invariant,
//! and its name is the one used in docs/architecture.md.

mod analysis;
mod capacity;
mod collect;
mod once;
mod pause;
mod quiet;
mod selectors;
mod shift;
mod stable;
mod steps;
mod switch;
mod traffic;
mod truth;
mod workload;

use crate::effect::Phase;
use crate::plan::Plan;
use crate::snapshot::Snapshot;

/// What the guard watches over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Invariant {
    /// S1: no shrink takes available pods below `spec.replicas` minus `maxUnavailable`; no Deployment that the template is taken from
    /// loses pods that the Rollout has not replaced.
    Capacity,
    /// S2: a destination gets no more traffic than its pods can take.
    ServeBeforeShift,
    /// S3: the stable revision keeps the pods for its share, and what has served keeps them for its delay.
    HoldStable,
    /// S4: pods go only after the traffic, and after routers were seen to have moved it.
    PhaseOrder,
    /// S5: a Service that carries traffic is pointed at pods that serve.
    Selectors,
    /// S6: weights add up, and say where requests go.
    Weights,
    /// S7: the step index moves back only for a person, an abort or a new target, and never past an incomplete step.
    StepMonotone,
    /// S8: an indefinite pause ends by a person, a timed one not early, and each is recorded once.
    Pause,
    /// S9: nothing goes on past an analysis that is not successful.
    AnalysisGate,
    /// S10: a revision has one ReplicaSet.
    AtMostOnce,
    /// S12: an abort gives back what the stable revision can carry, and no more.
    Abort,
    /// S14: nothing to do is no write, and nothing is looked at more than once a second without cause.
    Quiet,
    /// S15: the status says what is.
    Truth,
    /// S16: what is deleted is of no use any more.
    Collection,
}

impl Invariant {
    /// Its name in logs, events and the label of `sluice_guard_violations_total`.
    pub fn as_str(self) -> &'static str {
        match self {
            Invariant::Capacity => "S1-capacity",
            Invariant::ServeBeforeShift => "S2-serve-before-shift",
            Invariant::HoldStable => "S3-hold-stable",
            Invariant::PhaseOrder => "S4-phase-order",
            Invariant::Selectors => "S5-selectors",
            Invariant::Weights => "S6-weights",
            Invariant::StepMonotone => "S7-step-monotone",
            Invariant::Pause => "S8-pause",
            Invariant::AnalysisGate => "S9-analysis-gate",
            Invariant::AtMostOnce => "S10-at-most-once",
            Invariant::Abort => "S12-abort",
            Invariant::Quiet => "S14-quiet",
            Invariant::Truth => "S15-truth",
            Invariant::Collection => "S16-collection",
        }
    }
}

/// Which part of a plan breaks an invariant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The effect at this place.
    Effect(usize),
    /// The status.
    Status,
    /// The moment of the next look.
    Wake,
}

/// One broken invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub invariant: Invariant,
    /// By what.
    pub part: Part,
    /// In words, naming the objects and the numbers.
    pub message: String,
}

/// Every invariant that the plan would break.
pub fn check(snapshot: &Snapshot, plan: &Plan) -> Vec<Violation> {
    let mut violations = Vec::new();
    let invariants = [
        capacity::check,
        shift::check,
        stable::check,
        switch::check,
        workload::check,
        selectors::check,
        steps::check,
        pause::check,
        analysis::check,
        once::check,
        quiet::check,
        truth::check,
        collect::check,
    ];
    for invariant in invariants {
        invariant(snapshot, plan, &mut violations);
    }
    violations
}

/// The plan without what breaks an invariant. A withheld status keeps the conditions, which tell people why.
pub fn enforce(snapshot: &Snapshot, mut plan: Plan, violations: &[Violation]) -> Plan {
    let withheld = |index: usize| violations.iter().any(|violation| violation.part == Part::Effect(index));
    let effects = std::mem::take(&mut plan.effects);
    plan.effects = effects.into_iter().enumerate().filter(|(index, _)| !withheld(*index)).map(|(_, e)| e).collect();
    if violations.iter().any(|violation| violation.part == Part::Status) {
        let before = snapshot.rollout.status();
        plan.notes.clear();
        // What would follow from a decision that is not stored does not happen either; an abort is never held up.
        if !plan.status.abort {
            plan.effects.retain(|planned| !matches!(planned.phase, Some(Phase::Shift | Phase::Shrink)));
        }
        plan.status = crate::api::RolloutStatus { conditions: plan.status.conditions, ..before.clone() };
    }
    if violations.iter().any(|violation| violation.part == Part::Wake) {
        plan.wake_at = Some(crate::time::after(snapshot.now, quiet::SHORTEST_WAIT));
    }
    plan
}

#[cfg(test)]
mod tests;
