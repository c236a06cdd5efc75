//! Deciding about an analysis run: what was observed in, the new status and the measurements to take out.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::arguments::{self, Values};
use super::counters::{is_under_way, next_number, take};
use super::{Phase, Rules, assess, read, schedule};
use crate::api::{AnalysisRun, AnalysisRunStatus, Measurement, MetricResult};
use crate::event::Note;
use crate::planted::{self, Bug};
use crate::time;

/// One analysis run at one moment, and what its measurements have come to.
#[derive(Clone, Debug)]
pub struct RunSnapshot {
    /// The time of the observation.
    pub now: Timestamp,
    /// The run as the cache holds it.
    pub run: AnalysisRun,
    /// What measurements have come to that is not stored yet; in order.
    pub taken: Vec<Taken>,
    /// When the last measurement of each metric began, to the fraction of a second, as far as that is known.
    pub begun: BTreeMap<String, Timestamp>,
}

/// What a measurement has come to: it ended, or it goes on and has something to be remembered.
#[derive(Clone, Debug, PartialEq)]
pub struct Taken {
    /// Name of the metric.
    pub metric: String,
    /// Which measurement of it, from 1.
    pub number: u32,
    /// As it is stored.
    pub measurement: Measurement,
    /// What the provider tells about the metric.
    pub metadata: BTreeMap<String, String>,
}

/// What is to be done about a measurement.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// Name of the metric.
    pub metric: String,
    /// Which measurement of it, from 1.
    pub number: u32,
    /// What to do.
    pub turn: Turn,
}

/// What is to be done about a measurement.
#[derive(Clone, Debug, PartialEq)]
pub enum Turn {
    /// Take it.
    Take,
    /// Go on with one that is stored as being under way.
    Resume(Box<Measurement>),
    /// End one that is under way.
    End(Box<Measurement>),
}

/// What to do about an analysis run now.
#[derive(Clone, Debug, PartialEq)]
pub struct RunPlan {
    /// The status as it should read.
    pub status: AnalysisRunStatus,
    /// The measurements that should be under way; one that is and is not among them is dropped.
    pub tasks: Vec<Task>,
    /// When to look again although nothing happened.
    pub wake_at: Option<Timestamp>,
    /// Whether it is to be deleted: its time is over.
    pub expired: bool,
    /// What to tell once the status is written.
    pub notes: Vec<Note>,
}

/// Decides what to do about an analysis run.
pub fn plan(s: &RunSnapshot) -> RunPlan {
    let mut plan = RunPlan {
        status: s.run.status.clone().unwrap_or_default(),
        tasks: Vec::new(),
        wake_at: None,
        expired: false,
        notes: Vec::new(),
    };
    if s.run.metadata.deletion_timestamp.is_some() {
        return plan;
    }
    if Phase::read(&plan.status.phase).is_over() {
        let end = plan.status.completed_at.as_ref().map(|time| time.0);
        let expiry = end.zip(time_to_live(&s.run)).map(|(end, lives)| time::after(end, lives));
        plan.expired = expiry.is_some_and(|expiry| expiry <= s.now);
        plan.wake_at = expiry;
        return plan;
    }
    match read::rules(&s.run) {
        Ok(rules) => go_on(s, &rules, &mut plan),
        Err(why) => {
            plan.status.message = why;
            end(s, &mut plan, Phase::Error);
        }
    }
    plan
}

fn go_on(s: &RunSnapshot, rules: &[Rules], plan: &mut RunPlan) {
    let started = plan.status.started_at.get_or_insert_with(|| Time(time::floor_to_second(s.now))).0;
    take_in(s, rules, &mut plan.status);
    let mut terminating = s.run.spec.terminate;
    // Once the run is decided, metrics that nothing is measured of any more end too.
    for _ in 0..2 {
        for rules in rules {
            settle(rules, &mut plan.status, terminating, &mut plan.notes);
        }
        terminating |= assess::is_decided(&plan.status.metric_results);
    }
    for rules in rules {
        next_task(s, rules, started, terminating, plan);
    }
    let (phase, message) = assess::run(&plan.status.metric_results, s.run.spec.terminate);
    plan.status.message = message;
    if phase.is_over() {
        end(s, plan, phase);
    } else {
        phase.as_str().clone_into(&mut plan.status.phase);
        count(&mut plan.status);
    }
}

/// Takes in what measurements have come to. What is not about the next one was taken in already, or is of the past.
fn take_in(s: &RunSnapshot, rules: &[Rules], status: &mut AnalysisRunStatus) {
    for taken in &s.taken {
        let Some(rules) = rules.iter().find(|rules| rules.metric.name == taken.metric) else { continue };
        let result = result_of(rules, status);
        let is_new = taken.number == next_number(result) || planted::is(Bug::CountsTwice);
        if Phase::read(&result.phase).is_over() || !is_new {
            continue;
        }
        result.metadata.clone_from(&taken.metadata);
        take(result, taken.measurement.clone(), rules.keep);
    }
}

/// The result of a metric; it is there once the metric has been measured, or has ended without.
fn result_of<'a>(rules: &Rules, status: &'a mut AnalysisRunStatus) -> &'a mut MetricResult {
    let (results, name) = (&mut status.metric_results, &rules.metric.name);
    let index = results.iter().position(|result| result.name == *name).unwrap_or_else(|| {
        let phase = Phase::Pending.as_str().to_owned();
        results.push(MetricResult { name: name.clone(), phase, dry_run: rules.dry_run, ..MetricResult::default() });
        results.len() - 1
    });
    &mut results[index]
}

fn settle(rules: &Rules, status: &mut AnalysisRunStatus, terminating: bool, notes: &mut Vec<Note>) {
    let result = result_of(rules, status);
    let was_over = Phase::read(&result.phase).is_over();
    let (phase, message) = assess::metric(rules, result, terminating);
    phase.as_str().clone_into(&mut result.phase);
    result.message = message;
    if phase.is_over() && !was_over {
        notes.push(Note::metric_completed(&result.name, phase));
    }
}

fn next_task(s: &RunSnapshot, rules: &Rules, started: Timestamp, terminating: bool, plan: &mut RunPlan) {
    let result = result_of(rules, &mut plan.status);
    if Phase::read(&result.phase).is_over() {
        return;
    }
    let (metric, number) = (rules.metric.name.clone(), next_number(result));
    if let Some(last) = result.measurements.last().filter(|last| is_under_way(last)) {
        let last = Box::new(last.clone());
        let turn = if terminating { Turn::End(last) } else { Turn::Resume(last) };
        plan.tasks.push(Task { metric, number, turn });
        return;
    }
    let Some(due) = schedule::due(rules, result, started, s.begun.get(&metric).copied()) else { return };
    if due <= s.now {
        plan.tasks.push(Task { metric, number, turn: Turn::Take });
    } else {
        plan.wake_at = Some(plan.wake_at.map_or(due, |earlier| earlier.min(due)));
    }
}

fn end(s: &RunSnapshot, plan: &mut RunPlan, phase: Phase) {
    plan.tasks.clear();
    phase.as_str().clone_into(&mut plan.status.phase);
    plan.status.completed_at = Some(Time(time::floor_to_second(s.now)));
    plan.notes.push(Note::analysis_completed(phase));
    count(&mut plan.status);
}

fn count(status: &mut AnalysisRunStatus) {
    let (run, dry) = assess::summaries(&status.metric_results);
    (status.run_summary, status.dry_run_summary) = (Some(run), dry);
}

/// How long a run stays after its end: what is said of the way in which it ended goes before what is said of any.
fn time_to_live(run: &AnalysisRun) -> Option<SignedDuration> {
    let ttl = run.spec.ttl_strategy.as_ref()?;
    let of_end = match Phase::read(&run.status.as_ref()?.phase) {
        Phase::Successful => ttl.seconds_after_success,
        Phase::Failed | Phase::Error => ttl.seconds_after_failure,
        Phase::Inconclusive | Phase::Pending | Phase::Running => None,
    };
    let seconds = of_end.or(ttl.seconds_after_completion)?;
    Some(SignedDuration::from_secs(i64::from(seconds)))
}

/// A metric of a run as its provider is asked for it: `values` are those of the run's arguments, secrets included.
pub fn rules_of(run: &AnalysisRun, metric: &str, values: &Values) -> Result<Rules, String> {
    let metric = run.spec.metrics.iter().find(|known| known.name == metric);
    let metric = metric.ok_or_else(|| "the run has no such metric any more".to_owned())?;
    let filled = arguments::fill(metric, values).map_err(|error| error.to_string())?;
    read::one(&run.spec, filled)
}
