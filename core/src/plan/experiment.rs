//! Experiments of a rollout: the one that a step asks for, and the share of the traffic that it gets.

use crate::analysis::origin::{self, Origin};
use crate::analysis::templates::Unfit;
use crate::analysis::{Phase, Standing};
use crate::api::{Experiment, PauseReason, RolloutExperimentStep, WaitingOn, WeightDestination};
use crate::effect::{Child, ChildKind, ChildWrite, Effect, Target};
use crate::event::Note;
use crate::experiment::origin::{Sources, experiment};
use crate::experiment::progress;
use crate::planted::{self, Bug};
use crate::status::waiting;
use crate::traffic::Destination;

use super::analysis;
use super::draft::Draft;

/// Has the experiment that a step asks for, and says where it stands.
pub(super) fn stand(d: &mut Draft<'_>, index: usize, step: &RolloutExperimentStep) -> Standing {
    let wanted = Origin::Step(index).name(d.rollout_name(), d.revisions.hash.as_str(), d.revisions.number);
    if d.is_first_on_trial() {
        // There is nothing to compare with.
        return Standing::Good;
    }
    let known = recorded(d).filter(|name| is_named(name, &wanted)).map(str::to_owned);
    let resumed = known.as_ref().is_some_and(|name| is_resumed(d, name));
    if resumed {
        // What a person has resumed is the experiment, and no pause that comes after it.
        d.status.controller_pause = !d.status.pause_conditions.is_empty();
    }
    let Some(name) = known.filter(|_| !resumed) else {
        let name = origin::free_name(&wanted, "-", |name| is_taken(d, name));
        let waits = format!("the experiment {name} is created");
        d.status.canary.get_or_insert_default().current_experiment.clone_from(&name);
        return Standing::Waits(waits_for(&name, waits));
    };
    let Some(found) = d.s.experiment(&name) else { return create(d, &name, step) };
    let status = found.status.clone().unwrap_or_default();
    let said = if status.message.is_empty() { String::new() } else { format!(": {}", status.message) };
    match Phase::read(&status.phase) {
        Phase::Successful => Standing::Good,
        Phase::Failed | Phase::Error => Standing::Bad(format!("Experiment analysis phase is error/failed{said}")),
        Phase::Inconclusive => Standing::Inconclusive(format!("Experiment analysis phase is inconclusive{said}")),
        Phase::Pending | Phase::Running => Standing::Waits(waits_for(&name, progress(found))),
    }
}

fn waits_for(name: &str, message: String) -> WaitingOn {
    WaitingOn::new(waiting::EXPERIMENT, Some(format!("Experiment/{name}")), message)
}

fn recorded<'a>(d: &'a Draft<'_>) -> Option<&'a str> {
    let name = &d.status.canary.as_ref()?.current_experiment;
    Some(name.as_str()).filter(|name| !name.is_empty())
}

/// Whether a name is that of an experiment for `wanted`: the first, or one with a number.
fn is_named(name: &str, wanted: &str) -> bool {
    let rest = name.strip_prefix(wanted);
    rest.is_some_and(|rest| {
        rest.is_empty() || rest.strip_prefix('-').is_some_and(|number| number.parse::<u32>().is_ok())
    })
}

fn is_taken(d: &Draft<'_>, name: &str) -> bool {
    let creation = creation(Experiment::new(name, <_>::default()));
    d.s.experiment(name).is_some() || d.s.refusal(&creation.key()).is_some_and(|refusal| refusal.name_taken)
}

fn creation(experiment: Experiment) -> Effect {
    Effect::Child(ChildWrite::Create(Box::new(Child::Experiment(experiment))))
}

/// Whether a person went on after an inconclusive experiment: then it is made once more.
fn is_resumed(d: &Draft<'_>, name: &str) -> bool {
    let before = d.before();
    let phase = d.s.experiment(name).map_or(Phase::Pending, phase_of);
    phase == Phase::Inconclusive
        && before.controller_pause
        && before.paused_since(PauseReason::INCONCLUSIVE_EXPERIMENT).is_none()
}

fn phase_of(experiment: &Experiment) -> Phase {
    Phase::read(experiment.status.as_ref().map_or("", |status| &status.phase))
}

/// Creates an experiment whose name is stored.
fn create(d: &mut Draft<'_>, name: &str, step: &RolloutExperimentStep) -> Standing {
    let (Some(canary), Some(stable)) = (d.revisions.new, d.revisions.other_stable()) else {
        let why = "the experiment cannot begin: there is no stable revision to compare with";
        return Standing::Waits(waits_for(name, why.to_owned()));
    };
    let is_stored = d.before().canary.as_ref().is_some_and(|canary| canary.current_experiment == name);
    match experiment(name, step, &analysis::parent(d), Sources { canary, stable }) {
        Ok(experiment) if is_stored => {
            let creation = creation(experiment);
            if d.s.refusal_of(&creation).is_some_and(|refusal| refusal.name_taken) {
                // Somebody else's: the next plan takes another name.
                d.status.canary.get_or_insert_default().current_experiment.clear();
            } else {
                d.plan(creation, None, vec![Note::experiment_created(name)]);
            }
        }
        Ok(_) => {}
        Err(Unfit::Template { why, .. } | Unfit::Together(why)) => {
            return Standing::Waits(waits_for(name, format!("the experiment cannot begin: {why}")));
        }
    }
    Standing::Waits(waits_for(name, format!("the experiment {name} is created")))
}

/// Has experiments ended that nothing waits for any more.
pub(super) fn end_others(d: &mut Draft<'_>) {
    let at_experiment = d.steps.get(d.index()).is_some_and(|step| step.experiment.is_some());
    if !at_experiment && let Some(canary) = &mut d.status.canary {
        canary.current_experiment.clear();
    }
    let over = analysis::is_over(d) && !d.begins;
    let current = recorded(d).map(str::to_owned);
    for experiment in &d.s.experiments {
        let name = experiment.metadata.name.as_deref().unwrap_or_default();
        let is_wanted = !over && current.as_deref() == Some(name);
        let is_going = !phase_of(experiment).is_over() && !experiment.spec.terminate;
        if is_going && !is_wanted && experiment.metadata.deletion_timestamp.is_none() {
            let end = ChildWrite::Terminate(ChildKind::Experiment, Target::of(&experiment.metadata));
            d.plan(Effect::Child(end), None, vec![Note::experiment_terminated(name)]);
        }
    }
}

/// Whether an experiment has pods still, or routers may send requests there.
pub(super) fn is_in_use(d: &Draft<'_>, experiment: &Experiment) -> bool {
    let weights =
        [d.before(), &d.status].map(|status| status.canary.as_ref().and_then(|canary| canary.weights.as_ref()));
    let shares = || weights.into_iter().flatten().flat_map(|weights| &weights.additional);
    let statuses = experiment.status.as_ref().map_or(&[][..], |status| &status.template_statuses);
    statuses.iter().any(|template| {
        template.replicas > 0 || shares().any(|share| share.pod_template_hash == template.pod_template_hash)
    })
}

/// Whether an experiment is the one that the rollout is at.
pub(super) fn is_recorded(d: &Draft<'_>, name: &str) -> bool {
    recorded(d) == Some(name)
}

/// Forgets the experiment of the update: it starts over.
pub(super) fn forget(d: &mut Draft<'_>) {
    if let Some(canary) = &mut d.status.canary {
        canary.current_experiment.clear();
    }
}

/// Where a share of the traffic goes besides. A share is stored before any router is told of it: the pods of an experiment stay while
/// the status says that requests may reach them.
pub(super) fn destinations(d: &Draft<'_>, index: usize) -> Vec<(Destination, i32)> {
    let weights = d.before().canary.as_ref().and_then(|canary| canary.weights.as_ref());
    let stored = weights.map_or(&[][..], |weights| &weights.additional);
    let is_stored = |to: &Destination| stored.iter().any(|share| share.pod_template_hash == to.hash);
    let mut wanted = wanted(d, index);
    wanted.retain(|(to, _)| is_stored(to) || planted::is(Bug::SharesBeforeItSaysSo));
    wanted
}

/// The shares that are due: to the pods of the experiment that the rollout is at, as long as it runs and they can be reached.
fn wanted(d: &Draft<'_>, index: usize) -> Vec<(Destination, i32)> {
    let step = d.steps.get(index).and_then(|step| step.experiment.as_ref());
    let (Some(step), false) = (step, analysis::is_over(d)) else { return Vec::new() };
    let Some(found) = recorded(d).and_then(|name| d.s.experiment(name)) else { return Vec::new() };
    if phase_of(found) != Phase::Running || found.spec.terminate {
        return Vec::new();
    }
    let statuses = found.status.as_ref().map_or(&[][..], |status| &status.template_statuses);
    let destination = |template: &crate::api::RolloutExperimentTemplate| {
        let weight = template.weight.filter(|weight| *weight > 0)?;
        let status = statuses.iter().find(|status| status.name == template.name && status.status == "Running")?;
        let (service, hash) = (status.service_name.clone(), status.pod_template_hash.clone());
        let serves = !service.is_empty() && d.s.service(&service).is_some_and(|it| it.serves(&hash, 1) > 0);
        serves.then_some((Destination { service, hash }, weight))
    };
    step.templates.iter().filter_map(destination).collect()
}

/// The shares as the status has them: those that are wanted, and those of before until routers are known to have taken them back.
pub(super) fn shares(d: &Draft<'_>, is_told: bool) -> Vec<WeightDestination> {
    let wanted = wanted(d, d.index());
    let mut shares: Vec<WeightDestination> = wanted
        .into_iter()
        .map(|(to, weight)| WeightDestination { weight, service_name: to.service, pod_template_hash: to.hash })
        .collect();
    if !is_told {
        let before = d.before().canary.as_ref().and_then(|canary| canary.weights.as_ref());
        for before in before.map_or(&[][..], |weights| &weights.additional) {
            if shares.iter().all(|share| share.pod_template_hash != before.pod_template_hash) {
                shares.push(before.clone());
            }
        }
    }
    shares
}
