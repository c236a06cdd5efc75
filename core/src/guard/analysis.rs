//! S9: nothing goes on past an analysis that is not successful, unless a person says so.

use crate::analysis::Phase;
use crate::api::{CanaryStep, RolloutAnalysisRunStatus};
use crate::effect::Effect;
use crate::plan::Plan;
use crate::snapshot::Snapshot;

use super::{Invariant, Part, Violation};

pub(super) fn check(snapshot: &Snapshot, plan: &Plan, violations: &mut Vec<Violation>) {
    let (before, after) = (snapshot.rollout.status(), &plan.status);
    let same_target =
        before.current_pod_hash == after.current_pod_hash && before.current_step_hash == after.current_step_hash;
    if !same_target || after.promote_full || before.promote_full {
        return;
    }
    let mut violate = |part: Part, message: String| {
        violations.push(Violation { invariant: Invariant::AnalysisGate, part, message });
    };
    if let Some(why) = steps_passed(snapshot, plan) {
        violate(Part::Status, why);
    }
    if before.stable_rs == before.current_pod_hash {
        return;
    }
    let Some(status) = &before.blue_green else { return };
    if let Some(why) = lacking(snapshot, status.pre_promotion_analysis_run_status.as_ref()) {
        for (index, planned) in plan.effects.iter().enumerate() {
            if let Effect::PatchService(patch) = &planned.effect
                && is_switch(snapshot, &patch.target.name)
                && patch.hash().is_some_and(|hash| hash.to.as_deref() == Some(&after.current_pod_hash))
            {
                violate(Part::Effect(index), format!("the active Service would be switched although {why}"));
            }
        }
    }
    let promotes = before.stable_rs != after.stable_rs && !before.stable_rs.is_empty();
    if let Some(why) = lacking(snapshot, status.post_promotion_analysis_run_status.as_ref()).filter(|_| promotes) {
        violate(Part::Status, format!("the revision would become stable although {why}"));
    }
}

/// Why a step with analysis should not be passed that would be.
fn steps_passed(snapshot: &Snapshot, plan: &Plan) -> Option<String> {
    let (before, after) = (snapshot.rollout.status(), &plan.status);
    let complete = after.stable_rs == after.current_pod_hash;
    if complete || before.abort || after.abort {
        return None;
    }
    let steps = snapshot.rollout.spec.strategy.canary.as_ref()?.steps.as_deref()?;
    let index = |value: Option<i32>| usize::try_from(value.unwrap_or(0)).unwrap_or(0).min(steps.len());
    let passed = index(before.current_step_index)..index(after.current_step_index);
    let has = |passed: &usize, what: fn(&CanaryStep) -> bool| steps.get(*passed).is_some_and(what);
    if let Some(passed) = passed.clone().find(|passed| has(passed, |step| step.experiment.is_some())) {
        let why = lacking_experiment(snapshot)?;
        return Some(format!("step {passed} (experiment) would be passed although {why}"));
    }
    let passed = passed.into_iter().find(|passed| has(passed, |step| step.analysis.is_some()))?;
    let recorded = before.canary.as_ref().and_then(|canary| canary.current_step_analysis_run_status.as_ref());
    let why = match recorded {
        Some(_) => lacking(snapshot, recorded)?,
        None => "its analysis has not begun".to_owned(),
    };
    Some(format!("step {passed} (analysis) would be passed although {why}"))
}

/// What the experiment that is recorded lacks.
fn lacking_experiment(snapshot: &Snapshot) -> Option<String> {
    let canary = snapshot.rollout.status().canary.as_ref();
    let name = canary.map_or("", |canary| canary.current_experiment.as_str());
    let Some(experiment) = snapshot.experiment(name) else { return Some("its experiment is not there".to_owned()) };
    let phase = Phase::read(experiment.status.as_ref().map_or("", |status| &status.phase));
    (phase != Phase::Successful).then(|| format!("experiment {name} is {phase}"))
}

/// What an analysis run that is recorded lacks.
fn lacking(snapshot: &Snapshot, recorded: Option<&RolloutAnalysisRunStatus>) -> Option<String> {
    let name = &recorded?.name;
    let Some(run) = snapshot.analyses.run(name) else { return Some(format!("analysis run {name} is not there")) };
    let phase = Phase::read(run.status.as_ref().map_or("", |status| &status.phase));
    (phase != Phase::Successful).then(|| format!("analysis run {name} is {phase}"))
}

fn is_switch(snapshot: &Snapshot, service: &str) -> bool {
    let blue_green = snapshot.rollout.spec.strategy.blue_green.as_ref();
    blue_green
        .is_some_and(|blue_green| blue_green.active_service == service && blue_green.pre_promotion_analysis.is_some())
}
