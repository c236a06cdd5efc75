//! Deciding about an experiment.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::{analyses, outcome, pods};
use crate::analysis::Phase;
use crate::api::{Experiment, ExperimentStatus, ReplicaSet};
use crate::effect::{Effect, Planned};
use crate::event::Note;
use crate::snapshot::{Analyses, Refusal, Service};
use crate::time;

/// One experiment and its surroundings at one moment.
#[derive(Clone, Debug)]
pub struct ExperimentSnapshot {
    /// The time of the observation.
    pub now: Timestamp,
    /// The experiment as the cache holds it.
    pub experiment: Experiment,
    /// The ReplicaSets that it owns.
    pub replica_sets: Vec<ReplicaSet>,
    /// The Services of the names that its templates ask for, as far as they exist.
    pub services: Vec<Service>,
    /// The analysis runs that it owns, and the templates for more.
    pub analyses: Analyses,
    /// Writes that the API server refused lately.
    pub refusals: Vec<Refusal>,
    /// Whether the routers of its Rollout may still send requests to its pods.
    pub is_routed: bool,
}

/// What to do about an experiment now.
#[derive(Clone, Debug, PartialEq)]
pub struct ExperimentPlan {
    /// Writes to make.
    pub effects: Vec<Planned>,
    /// The status as it should read.
    pub status: ExperimentStatus,
    /// When to look again although nothing happened.
    pub wake_at: Option<Timestamp>,
    /// What to tell once the status is written.
    pub notes: Vec<Note>,
}

/// A plan in the making.
pub(super) struct Draft<'a> {
    pub(super) s: &'a ExperimentSnapshot,
    pub(super) status: ExperimentStatus,
    pub(super) effects: Vec<Planned>,
    pub(super) wake_at: Option<Timestamp>,
    pub(super) notes: Vec<Note>,
    /// What keeps it from going on, in words.
    pub(super) trouble: Option<String>,
}

impl Draft<'_> {
    pub(super) fn phase(&self) -> Phase {
        Phase::read(&self.status.phase)
    }

    /// Whether its pods are to go: it is over, or was asked to end.
    pub(super) fn is_ending(&self) -> bool {
        self.phase().is_over() || self.s.experiment.spec.terminate
    }

    pub(super) fn wake_at(&mut self, at: Timestamp) {
        self.wake_at = Some(self.wake_at.map_or(at, |earlier| earlier.min(at)));
    }

    /// Plans a write, unless it was refused a moment ago.
    pub(super) fn plan(&mut self, effect: Effect, notes: Vec<Note>) {
        let key = effect.key();
        match self.s.refusals.iter().find(|refusal| refusal.key == key && refusal.retry_at > self.s.now) {
            Some(refusal) => {
                self.wake_at(refusal.retry_at);
                self.trouble.get_or_insert(format!("cannot {key}: {}", refusal.error));
            }
            None => self.effects.push(Planned { effect, phase: None, notes }),
        }
    }

    /// When the duration that it is to run for is over; `None` where it has none, or does not run yet.
    pub(super) fn ends_at(&self) -> Option<Timestamp> {
        let duration = self.s.experiment.spec.duration.as_deref().filter(|duration| !duration.is_empty())?;
        let duration = time::parse_go_duration(duration).ok()?;
        Some(time::after(self.status.available_at.as_ref()?.0, duration))
    }
}

/// Decides what to do about an experiment.
pub fn plan(s: &ExperimentSnapshot) -> ExperimentPlan {
    let status = s.experiment.status.clone().unwrap_or_default();
    let (effects, notes) = (Vec::new(), Vec::new());
    let mut d = Draft { s, status, effects, wake_at: None, notes, trouble: None };
    if s.experiment.metadata.deletion_timestamp.is_none() {
        decide(&mut d);
    }
    let Draft { status, effects, wake_at, notes, .. } = d;
    ExperimentPlan { effects, status, wake_at, notes }
}

fn decide(d: &mut Draft<'_>) {
    let before = d.phase();
    if !before.is_over()
        && let Some(why) = outcome::invalid(&d.s.experiment)
    {
        end(d, Phase::Failed, format!("Experiment spec invalid: {why}"));
        return;
    }
    pods::observe(d);
    analyses::observe(d);
    if !d.phase().is_over() {
        begin(d);
        if let Some((phase, message)) = outcome::of(d) {
            end(d, phase, message);
        }
    }
    pods::settle(d);
    analyses::settle(d);
    if !d.phase().is_over() {
        d.status.message = d.trouble.take().unwrap_or_default();
        if let Some(end) = d.ends_at().filter(|end| *end > d.s.now) {
            d.wake_at(end);
        }
    }
}

/// It runs once all pods are available for the first time.
fn begin(d: &mut Draft<'_>) {
    let running = pods::are_all_running(d);
    if running && d.status.available_at.is_none() {
        // Stored times have whole seconds: rounding up keeps it from ending early.
        d.status.available_at = Some(Time(time::ceil_to_second(d.s.now)));
    }
    let phase = if d.status.available_at.is_some() { Phase::Running } else { Phase::Pending };
    enter(d, phase);
}

fn end(d: &mut Draft<'_>, phase: Phase, message: String) {
    d.status.message = message;
    enter(d, phase);
    pods::end(d);
}

fn enter(d: &mut Draft<'_>, phase: Phase) {
    let before = d.phase();
    if d.status.phase != phase.as_str() {
        d.notes.push(Note::experiment_moved(before, phase, &d.status.message));
        phase.as_str().clone_into(&mut d.status.phase);
    }
}

/// What applies where the manifest does not say how long pods stay after the end, in seconds.
const STAYS: i32 = 30;

/// How long pods stay after the end.
pub(super) fn scale_down_delay(experiment: &Experiment) -> SignedDuration {
    let seconds = experiment.spec.scale_down_delay_seconds.unwrap_or(STAYS).max(0);
    SignedDuration::from_secs(i64::from(seconds))
}
