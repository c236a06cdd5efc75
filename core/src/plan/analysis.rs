//! Analysis runs of a rollout: when one is asked for, what its end means, and which are ended and deleted.
//!
//! A run's name is stored before the run is created, so that one that was asked for is created once, whatever happens in between.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::analysis::origin::{self, Origin, Parent, Request};
use crate::analysis::templates::Unfit;
use crate::analysis::{Phase, Standing};
use crate::api::{AnalysisRun, PauseCondition, PauseReason, RolloutAnalysisRunStatus, WaitingOn};
use crate::effect::{Child, ChildKind, ChildWrite, Effect, Target};
use crate::event::Note;
use crate::planted::{self, Bug};
use crate::status::waiting;
use crate::strategy::Strategy;
use crate::time;

use super::draft::Draft;
use super::{requests, rollback, scale};

/// Every origin that the status has an entry for. That of the step is one, whichever step it is.
const ALL: [Origin; 4] = [Origin::Background, Origin::Step(0), Origin::PrePromotion, Origin::PostPromotion];

/// Has the analysis run that a block asks for, and says where it stands.
pub(super) fn stand(d: &mut Draft<'_>, request: &Request<'_>) -> Standing {
    let origin = request.origin;
    let wanted = origin.name(d.rollout_name(), d.revisions.hash.as_str(), d.revisions.number);
    let recorded = recorded(d, origin).filter(|entry| is_named(&entry.name, &wanted)).cloned();
    let resumed = recorded.as_ref().is_some_and(|entry| is_resumed(d, entry));
    if resumed {
        // What a person has resumed is the measuring, and no pause that comes after it.
        d.status.controller_pause = !d.status.pause_conditions.is_empty();
    }
    let Some(entry) = recorded.filter(|_| !resumed) else {
        let name = origin::free_name(&wanted, ".", |name| is_taken(d, name));
        let waits = format!("the analysis run {name} is created");
        record(d, origin, Some(entry_of(&name, Phase::Pending, "")));
        return Standing::Waits(waits_for(&name, waits));
    };
    let Some(run) = d.s.analyses.run(&entry.name) else { return create(d, request, &entry) };
    mirror(d, origin, run);
    standing_of(origin, run)
}

/// Where a run stands, in words for whoever waits for it.
fn standing_of(origin: Origin, run: &AnalysisRun) -> Standing {
    let status = run.status.clone().unwrap_or_default();
    let (name, phase) = (run.metadata.name.as_deref().unwrap_or_default(), Phase::read(&status.phase));
    let told = |what: &str| {
        let message = if status.message.is_empty() { String::new() } else { format!(": {}", status.message) };
        format!("{} phase {what}{message}", origin.told())
    };
    match phase {
        Phase::Successful => Standing::Good,
        Phase::Failed | Phase::Error => Standing::Bad(told("error/failed")),
        Phase::Inconclusive => Standing::Inconclusive(told("inconclusive")),
        Phase::Pending | Phase::Running => Standing::Waits(waits_for(name, crate::analysis::progress(run))),
    }
}

fn waits_for(name: &str, message: String) -> WaitingOn {
    WaitingOn::new(waiting::ANALYSIS, Some(format!("AnalysisRun/{name}")), message)
}

/// Creates a run whose name is stored.
fn create(d: &mut Draft<'_>, request: &Request<'_>, entry: &RolloutAnalysisRunStatus) -> Standing {
    let is_stored = slot(d.before(), request.origin).is_some_and(|stored| stored.name == entry.name);
    match origin::run(&entry.name, request, &parent(d), &d.s.analyses.templates) {
        Ok(run) => {
            let creation = Effect::Child(ChildWrite::Create(Box::new(Child::AnalysisRun(run))));
            if is_stored {
                let taken = d.s.refusal_of(&creation).is_some_and(|refusal| refusal.name_taken);
                if taken {
                    // Somebody else's: the next plan takes another name.
                    record(d, request.origin, None);
                } else {
                    d.plan(creation, None, Vec::new());
                }
            }
            Standing::Waits(waits_for(&entry.name, format!("the analysis run {} is created", entry.name)))
        }
        Err(unfit) => {
            let (object, why) = match unfit {
                Unfit::Template { object, why } => (Some(object), why),
                Unfit::Together(why) => (None, why),
            };
            let message = format!("{} cannot begin: {why}", request.origin.told());
            Standing::Waits(WaitingOn::new(waiting::TEMPLATE, object, message))
        }
    }
}

/// What a rollout hands on to the runs and experiments that it creates.
pub(super) fn parent<'a>(d: &'a Draft<'_>) -> Parent<'a> {
    Parent {
        rollout: &d.s.rollout,
        selector: d.s.selector(),
        owner: scale::owner(d),
        hash: d.revisions.hash.as_str(),
        stable: &d.status.stable_rs,
        revision: d.revisions.number,
    }
}

/// Whether a name is that of a run for `wanted`: the first, or one with a number.
fn is_named(name: &str, wanted: &str) -> bool {
    name.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn is_taken(d: &Draft<'_>, name: &str) -> bool {
    let creation =
        Effect::Child(ChildWrite::Create(Box::new(Child::AnalysisRun(AnalysisRun::new(name, <_>::default())))));
    d.s.analyses.run(name).is_some() || d.s.refusal(&creation.key()).is_some_and(|refusal| refusal.name_taken)
}

/// Whether the run that a block asks for has its name.
pub(super) fn is_asked(d: &Draft<'_>, origin: Origin) -> bool {
    let wanted = origin.name(d.rollout_name(), d.revisions.hash.as_str(), d.revisions.number);
    recorded(d, origin).is_some_and(|entry| is_named(&entry.name, &wanted))
}

/// Whether a person went on after an inconclusive run: then it is taken once more.
fn is_resumed(d: &Draft<'_>, entry: &RolloutAnalysisRunStatus) -> bool {
    let before = d.before();
    entry.status == Phase::Inconclusive.as_str()
        && before.controller_pause
        && before.paused_since(PauseReason::INCONCLUSIVE_ANALYSIS_RUN).is_none()
}

/// Runs the analysis beside the steps. Says whether the steps may go on: not while it cannot begin.
pub(super) fn background(d: &mut Draft<'_>) -> bool {
    let Strategy::Canary(canary) = d.strategy else { return true };
    let Some(block) = &canary.analysis else {
        forget_slot(d, Origin::Background);
        return true;
    };
    let starting = usize::try_from(block.starting_step.unwrap_or(0)).unwrap_or(0);
    let is_known = recorded(d, Origin::Background).is_some();
    let is_due = is_known || (d.index() >= starting && (d.index() < d.steps.len() || d.steps.is_empty()));
    if is_over(d) || d.revisions.new.is_none() || !is_due {
        return true;
    }
    let standing = stand(d, &Request::background(block));
    let is_there = d.s.analyses.run(recorded(d, Origin::Background).map_or("", |entry| entry.name.as_str())).is_some();
    match standing {
        Standing::Waits(on) if !is_there => {
            d.wait(&on.reason, on.object, on.message);
            false
        }
        Standing::Waits(_) | Standing::Good => true,
        Standing::Bad(why) => {
            requests::give_up(d, &why);
            false
        }
        Standing::Inconclusive(why) => {
            pause(d, PauseReason::INCONCLUSIVE_ANALYSIS_RUN, &why);
            false
        }
    }
}

/// Whether no analysis is of any use: there is nothing to compare with, or the decision is made.
pub(super) fn is_over(d: &Draft<'_>) -> bool {
    d.begins || d.is_first() || d.is_complete() || d.status.abort || d.status.promote_full
}

/// Holds the rollout until a person has looked at what an analysis or an experiment could not decide.
pub(super) fn pause(d: &mut Draft<'_>, reason: &str, why: &str) {
    if d.status.paused_since(reason).is_none() {
        let reason = reason.to_owned();
        d.status.pause_conditions.push(PauseCondition { reason, start_time: Time(time::ceil_to_second(d.s.now)) });
        d.status.controller_pause = true;
    }
    let at_analysis = d.steps.get(d.index()).is_some_and(|step| step.analysis.is_some());
    let of_step = at_analysis && why.starts_with(Origin::Step(0).told());
    let how = if of_step {
        // The clients' `promote` goes on to the next step then.
        "promote the rollout to go on all the same, clear status.pauseConditions to measure once more, or abort it"
    } else {
        "promote the rollout to measure once more, or abort it"
    };
    let message = format!("{why}; {how}");
    d.wait(reason, None, message);
}

/// Has runs ended that nothing waits for any more, and keeps the entries of the status as their runs are.
pub(super) fn end_others(d: &mut Draft<'_>) {
    if !d.status.abort && d.steps.get(d.index()).is_none_or(|step| step.analysis.is_none()) {
        forget_slot(d, Origin::Step(0));
    }
    let over = (is_over(d) && !d.begins)
        || (matches!(d.strategy, Strategy::BlueGreen(_)) && !d.begins && rollback::fast(d).is_some());
    for origin in ALL {
        let run = recorded(d, origin).and_then(|entry| d.s.analyses.run(&entry.name));
        if let Some(run) = run {
            mirror(d, origin, run);
        }
    }
    if planted::is(Bug::ForgetsToEndAnalysis) {
        return;
    }
    for run in &d.s.analyses.runs {
        let phase = Phase::read(run.status.as_ref().map_or("", |status| &status.phase));
        let name = run.metadata.name.as_deref().unwrap_or_default();
        let is_wanted = !over && is_recorded(d, name);
        if phase.is_over() || run.spec.terminate || is_wanted || run.metadata.deletion_timestamp.is_some() {
            continue;
        }
        let end = ChildWrite::Terminate(ChildKind::AnalysisRun, Target::of(&run.metadata));
        d.plan(Effect::Child(end), None, vec![Note::analysis_terminated(name)]);
    }
}

pub(super) fn is_recorded(d: &Draft<'_>, name: &str) -> bool {
    ALL.into_iter().any(|origin| recorded(d, origin).is_some_and(|entry| entry.name == name))
}

/// Forgets all runs of the update: it starts over.
pub(super) fn forget(d: &mut Draft<'_>) {
    for origin in ALL {
        forget_slot(d, origin);
    }
}

fn forget_slot(d: &mut Draft<'_>, origin: Origin) {
    if recorded(d, origin).is_some() {
        record(d, origin, None);
    }
}

/// Writes down where a run stands, and tells of it where that is news.
fn mirror(d: &mut Draft<'_>, origin: Origin, run: &AnalysisRun) {
    let status = run.status.clone().unwrap_or_default();
    let phase = Phase::read(&status.phase);
    let entry = entry_of(run.metadata.name.as_deref().unwrap_or_default(), phase, &status.message);
    let before = recorded(d, origin).cloned();
    if before.as_ref() == Some(&entry) {
        return;
    }
    if before.as_ref().is_none_or(|before| before.status != entry.status) && phase != Phase::Pending {
        d.notes.push(Note::analysis_moved(origin, &entry, before.as_ref().map(|before| before.status.as_str())));
    }
    record(d, origin, Some(entry));
}

fn entry_of(name: &str, phase: Phase, message: &str) -> RolloutAnalysisRunStatus {
    RolloutAnalysisRunStatus { name: name.to_owned(), status: phase.as_str().to_owned(), message: message.to_owned() }
}

fn recorded<'a>(d: &'a Draft<'_>, origin: Origin) -> Option<&'a RolloutAnalysisRunStatus> {
    slot(&d.status, origin)
}

/// The entry of a status.
fn slot(status: &crate::api::RolloutStatus, origin: Origin) -> Option<&RolloutAnalysisRunStatus> {
    let (canary, blue_green) = (status.canary.as_ref(), status.blue_green.as_ref());
    match origin {
        Origin::Background => canary?.current_background_analysis_run_status.as_ref(),
        Origin::Step(_) => canary?.current_step_analysis_run_status.as_ref(),
        Origin::PrePromotion => blue_green?.pre_promotion_analysis_run_status.as_ref(),
        Origin::PostPromotion => blue_green?.post_promotion_analysis_run_status.as_ref(),
    }
}

fn record(d: &mut Draft<'_>, origin: Origin, entry: Option<RolloutAnalysisRunStatus>) {
    let status = &mut d.status;
    let slot = match origin {
        Origin::Background => &mut status.canary.get_or_insert_default().current_background_analysis_run_status,
        Origin::Step(_) => &mut status.canary.get_or_insert_default().current_step_analysis_run_status,
        Origin::PrePromotion => &mut status.blue_green.get_or_insert_default().pre_promotion_analysis_run_status,
        Origin::PostPromotion => &mut status.blue_green.get_or_insert_default().post_promotion_analysis_run_status,
    };
    *slot = entry;
}
