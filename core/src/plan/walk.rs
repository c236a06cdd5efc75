//! Walking the steps of a canary.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::analysis::origin::{Origin, Request};
use crate::api::{PauseCondition, PauseReason, ReplicaSet, WaitingOn};
use crate::event::Note;
use crate::planted::{self, Bug};
use crate::replicas::BasicCanary;
use crate::status::conditions::{self, kind};
use crate::status::waiting;
use crate::steps::{self, Progress, StepContext};

use super::draft::{Draft, object_of};
use super::{analysis, experiment, lacking, requests, routed, scale, step_plugins};

/// Advances through every step that is complete. Each step's completion is judged on what was observed, so a step that moves
/// pods ends the walk until those pods have been seen.
pub(super) fn walk_steps(d: &mut Draft<'_>) {
    let walks = !d.begins
        && !d.status.abort
        && !d.s.rollout.spec.paused
        && !d.is_complete()
        && !d.is_first()
        && d.revisions.new.is_some();
    if !walks {
        return;
    }
    while let Some(step) = d.steps.get(d.index()) {
        let index = d.index();
        let Some(of_kind) = steps::kind_of(step) else { return };
        let routed = d.strategy.is_routed();
        let counts = if routed { missing_beside_router(d, index) } else { missing_pods(d, index) };
        let traffic = if routed { lacking::of_step(d, index) } else { None };
        let turn = step.plugin.as_ref().map(|step| step_plugins::run(d, index, step));
        let standing =
            step.analysis.as_ref().map(|block| analysis::stand(d, &Request::gate(block, Origin::Step(index))));
        let tried = step.experiment.as_ref().map(|step| experiment::stand(d, index, step));
        let (counts_lack, turn) = (counts.as_ref(), turn.as_ref());
        let (traffic, analysis) = (traffic.as_ref(), standing.as_ref());
        let (now, status, experiment) = (d.s.now, &d.status, tried.as_ref());
        let cx = StepContext { now, status, counts: counts_lack, traffic, analysis, experiment, turn };
        match of_kind.advance(step, &cx) {
            Progress::Done => {
                complete_pause(d);
                let further = if planted::is(Bug::TakesTwoSteps) { 2 } else { 1 };
                d.set_index((index + further).min(d.steps.len()));
                d.notes.push(Note::step_completed(index + 1, d.steps.len(), of_kind.describe(step)));
            }
            Progress::Pause { since, until } => {
                // Whoever is to promote should know that pods are missing.
                if let Some(on) = counts {
                    d.wait(&on.reason, on.object, on.message);
                }
                pause(d, since, until);
                return;
            }
            Progress::Wait(on) => {
                let known =
                    conditions::get(d.before(), kind::WAITING).is_some_and(|it| it.message.ends_with(&on.message));
                if on.reason == steps::PLUGIN_UNAVAILABLE && !known {
                    d.notes.push(Note::cannot_reconcile(&on.message));
                }
                d.wait(&on.reason, on.object, on.message);
                return;
            }
            Progress::GiveUp(why) => return requests::give_up(d, &why),
            Progress::Inconclusive(why) => {
                let of_experiment = step.experiment.is_some();
                let reason = if of_experiment {
                    PauseReason::INCONCLUSIVE_EXPERIMENT
                } else {
                    PauseReason::INCONCLUSIVE_ANALYSIS_RUN
                };
                return analysis::pause(d, reason, &why);
            }
            Progress::Fail(why) => {
                let step = format!("step {}/{} ({})", index + 1, d.steps.len(), of_kind.describe(step));
                requests::give_up(d, &format!("{step} failed: {why}"));
                return;
            }
        }
    }
}

fn complete_pause(d: &mut Draft<'_>) {
    d.status.pause_conditions.retain(|condition| condition.reason != PauseReason::CANARY_PAUSE_STEP);
    if d.status.pause_conditions.is_empty() {
        d.status.controller_pause = false;
    }
}

fn pause(d: &mut Draft<'_>, since: jiff::Timestamp, until: Option<jiff::Timestamp>) {
    let is_paused = d.status.paused_since(PauseReason::CANARY_PAUSE_STEP).is_some();
    if !is_paused {
        let reason = PauseReason::CANARY_PAUSE_STEP.to_owned();
        d.status.pause_conditions.push(PauseCondition { reason, start_time: Time(since) });
        d.status.controller_pause = true;
    }
    match until {
        Some(until) => {
            d.wake_at(until);
            d.wait("PauseStep", None, format!("the pause step ends at {until}"));
        }
        None => d.wait("PauseStep", None, "the pause step waits for a promotion"),
    }
}

/// What the replica counts of a step still lack.
fn missing_pods(d: &Draft<'_>, index: usize) -> Option<WaitingOn> {
    let new = d.revisions.new?;
    if d.is_first_on_trial() {
        return too_few(d, new, scale::of_first(d, index), new.certain());
    }
    let desired = BasicCanary { weight: steps::weight_at(d.steps, index, 100), ..scale::observed(d) }.desired();
    if let Some(lacking) = too_few(d, new, desired.canary, new.certain()) {
        return Some(lacking);
    }
    if let Some(stable) = d.revisions.other_stable()
        && let Some(lacking) = not_at(stable, desired.stable)
    {
        return Some(lacking);
    }
    let old = d.revisions.old.iter().find(|rs| rs.observed().available_replicas > 0)?;
    let left = old.observed().available_replicas;
    Some(lacking(old, format!("{left} pods of an older revision are still available")))
}

/// The same where a router carries the weights. A stable side that follows them is waited for by nobody.
fn missing_beside_router(d: &Draft<'_>, index: usize) -> Option<WaitingOn> {
    let (new, desired) = (d.revisions.new?, routed::desired(d, index));
    let stable = d.revisions.other_stable().filter(|_| !d.strategy.is_dynamic());
    too_few(d, new, desired.canary, new.certain()).or_else(|| not_at(stable?, desired.stable))
}

fn too_few(d: &Draft<'_>, new: &ReplicaSet, wanted: i32, available: i32) -> Option<WaitingOn> {
    let needed = d.strategy.needed(wanted);
    (available < needed).then(|| lacking(new, format!("{available} of {needed} new pods are available")))
}

fn not_at(stable: &ReplicaSet, size: i32) -> Option<WaitingOn> {
    let pods = stable.observed().replicas;
    let message = || format!("the stable ReplicaSet has {pods} pods on its way to {size}");
    // What an older status counts may have been the same by chance.
    let there = stable.wanted() == size && pods == size && stable.is_observed();
    (!there).then(|| lacking(stable, message()))
}

fn lacking(rs: &ReplicaSet, message: String) -> WaitingOn {
    WaitingOn::new(waiting::PODS, Some(object_of(rs)), message)
}
