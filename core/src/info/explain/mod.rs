//! Why a rollout is where it is, for whoever is called at three in the morning: a pure look at everything that is known of it.
//!
//! Nothing is guessed. What the cluster does not say is left out, and what could not be read is said to be unknown.

pub mod advice;
pub mod metrics;
pub mod pods;
pub mod step;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Event;
use serde::Serialize;

use self::advice::Advice;
use self::metrics::{RunSays, Verdict};
use self::pods::PodFault;
use self::step::StepAt;
use super::event::{self, EventInfo};
use super::family::Family;
use super::strategy::Strategy;
use super::{phase, text};
use crate::api::{ReplicaSet, Rollout};
use crate::revision::owns;
use crate::status::conditions::{self, Is, kind, reason};

/// How many events are told, the newest.
const MOST_EVENTS: usize = 8;

/// Why a rollout is where it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The rollout.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Its phase.
    pub phase: String,
    /// Why it is in that phase, in its own words.
    pub message: String,
    /// Its strategy.
    pub strategy: &'static str,
    /// Whether the status speaks of the manifest as it is.
    pub is_observed: bool,
    /// Whether another revision is asked for than the stable one.
    pub is_updating: bool,
    /// The number of the stable revision.
    pub stable_revision: Option<i64>,
    /// The number of the revision that is asked for.
    pub new_revision: Option<i64>,
    /// The step that it is at.
    pub step: Option<StepAt>,
    /// The weights of a canary.
    pub weights: Option<Weights>,
    /// What it waits for.
    pub waiting: Option<Waiting>,
    /// Why the update was given up.
    pub aborted: Option<Aborted>,
    /// Conditions that hold it.
    pub holds: Vec<Hold>,
    /// Metrics that are against the update, or still measured.
    pub metrics: Vec<Verdict>,
    /// Analysis runs that are against the update as a whole.
    pub runs: Vec<RunSays>,
    /// Pods that are not ready.
    pub pods: Vec<PodFault>,
    /// How many more there are of those.
    pub more_pods: usize,
    /// What the controller decided last.
    pub decision: Option<Decision>,
    /// What could not be read, and so is not among this.
    pub unread: Vec<&'static str>,
    /// The last events, the oldest first; `None` where they could not be read.
    pub events: Option<Vec<EventInfo>>,
    /// What to do next.
    pub next: Vec<Advice>,
}

/// The weights of a canary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Weights {
    /// What the steps ask for.
    pub asked: i32,
    /// What there is.
    pub seen: i32,
    /// Whether the data plane was seen to use it; `None` without a router that can tell.
    pub is_verified: Option<bool>,
}

/// What it waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Waiting {
    /// In one word.
    pub reason: String,
    /// In one sentence.
    pub message: String,
    /// The object that it is about, as `Kind/name`.
    pub object: Option<String>,
    /// Since when.
    pub since: Option<Timestamp>,
}

/// That an update was given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Aborted {
    /// When.
    pub at: Option<Timestamp>,
    /// Why.
    pub why: String,
}

/// What the controller decided last. It stays when the events are forgotten.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// In one word.
    pub reason: String,
    /// In one sentence.
    pub message: String,
    /// When.
    pub at: Timestamp,
}

/// A condition that holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hold {
    /// The condition.
    pub condition: String,
    /// Why, in one word.
    pub reason: String,
    /// Why, in one sentence.
    pub message: String,
    /// Since when.
    pub since: Timestamp,
}

impl Explanation {
    /// Explains a rollout at `now`, with commands for a plugin that is called as `program`.
    pub fn of(family: &Family, events: Option<&[Event]>, now: Timestamp, program: &str) -> Explanation {
        let rollout = &family.rollout;
        let status = rollout.status();
        let owned: Vec<&ReplicaSet> = family.replica_sets.iter().filter(|rs| owns(rollout, rs)).collect();
        let strategy = Strategy::of(rollout, &owned);
        let (phase, message) = phase::shown(rollout);
        let numbered = |hash: &str| {
            let of_hash = owned.iter().find(|rs| !hash.is_empty() && rs.has_hash(hash));
            of_hash.map(|rs| rs.revision()).filter(|number| *number > 0)
        };
        let (pods, more_pods) = pods::faults(rollout, &family.replica_sets, &family.pods, now);
        let is_updating = !status.stable_rs.is_empty() && status.stable_rs != status.current_pod_hash;
        let (metrics, runs) = metrics::verdicts(family, now);
        let runs = if family.runs.is_none() { metrics::named_in_status(rollout) } else { runs };
        let is_observed = rollout.is_observed();
        // An update that was given up is at no step, whatever its index says; and an old index says nothing of new steps.
        let step = StepAt::of(rollout, now).filter(|_| is_observed && is_updating && !status.abort);
        let mut explained = Explanation {
            name: text::printable(rollout.metadata.name.as_deref().unwrap_or_default()),
            namespace: text::printable(rollout.metadata.namespace.as_deref().unwrap_or_default()),
            phase,
            message,
            strategy: strategy.name(),
            is_observed,
            is_updating,
            stable_revision: numbered(&status.stable_rs),
            new_revision: numbered(&status.current_pod_hash),
            step,
            weights: weights(rollout, &strategy),
            waiting: waiting(rollout),
            aborted: aborted(rollout),
            holds: holds(rollout),
            metrics: if is_updating { metrics } else { Vec::new() },
            runs: if is_updating { runs } else { Vec::new() },
            pods,
            more_pods,
            decision: decision(rollout),
            unread: if is_updating { unread(family) } else { Vec::new() },
            events: events.map(|events| last(family, events)),
            next: Vec::new(),
        };
        explained.next = advice::of(rollout, &explained, program);
        explained
    }
}

fn weights(rollout: &Rollout, strategy: &Strategy) -> Option<Weights> {
    let Strategy::Canary { set_weight: asked, actual_weight: seen, .. } = *strategy else { return None };
    let canary = rollout.status().canary.as_ref();
    let is_verified = canary.and_then(|canary| canary.weights.as_ref()).and_then(|weights| weights.verified);
    Some(Weights { asked, seen, is_verified })
}

fn waiting(rollout: &Rollout) -> Option<Waiting> {
    let status = rollout.status();
    let condition = conditions::get(status, kind::WAITING);
    let since = condition.map(|condition| condition.last_transition_time.0);
    // The installed CRD may drop the field, and keeps the condition.
    let Some(on) = &status.waiting_on else {
        let condition = condition?;
        return Some(Waiting {
            reason: text::printable(&condition.reason),
            message: text::message(&condition.message),
            object: None,
            since,
        });
    };
    Some(Waiting {
        reason: text::printable(&on.reason),
        message: text::message(&on.message),
        object: on.object.as_deref().map(text::printable),
        since,
    })
}

fn aborted(rollout: &Rollout) -> Option<Aborted> {
    let status = rollout.status();
    // After a retry the time of the abort stays until the controller has looked.
    if !status.abort {
        return None;
    }
    let condition = conditions::get(status, kind::PROGRESSING).filter(|it| it.reason == reason::ABORTED);
    let unsaid = match status.aborted_at {
        None => "somebody asked for it, and no controller has acted on that yet",
        Some(_) => "the status does not say why",
    };
    let why = condition.map_or(unsaid, |it| it.message.as_str());
    Some(Aborted { at: status.aborted_at.as_ref().map(|time| time.0), why: text::message(why) })
}

fn decision(rollout: &Rollout) -> Option<Decision> {
    let condition = conditions::get(rollout.status(), kind::PROGRESSING)?;
    Some(Decision {
        reason: text::printable(&condition.reason),
        message: text::message(&condition.message),
        at: condition.last_update_time.0,
    })
}

/// Kinds that measure an update and could not be read.
fn unread(family: &Family) -> Vec<&'static str> {
    let kinds = [("analysis runs", family.runs.is_none()), ("experiments", family.experiments.is_none())];
    kinds.into_iter().filter(|(_, is_unread)| *is_unread).map(|(kind, _)| kind).collect()
}

/// Conditions under which a rollout cannot go on. Argo Rollouts' types are known; a condition of another type that is true was
/// added for a reason.
fn holds(rollout: &Rollout) -> Vec<Hold> {
    let usual = [kind::AVAILABLE, kind::PROGRESSING, kind::COMPLETED, kind::HEALTHY, kind::PAUSED, kind::WAITING];
    let is_bad = |condition: &&crate::api::RolloutCondition| {
        let is_true = condition.status == Is::True.as_str();
        if usual.contains(&condition.type_.as_str()) {
            return condition.type_ == kind::PROGRESSING && condition.reason == reason::TIMED_OUT
                || condition.type_ == kind::AVAILABLE && !is_true;
        }
        is_true
    };
    let found = rollout.status().conditions.iter().filter(is_bad).map(|condition| Hold {
        condition: text::printable(&condition.type_),
        reason: text::printable(&condition.reason),
        message: text::message(&condition.message),
        since: condition.last_transition_time.0,
    });
    found.collect()
}

/// The last events that say something of the rollout: what is usual of pods, ReplicaSets and Jobs is left out.
fn last(family: &Family, events: &[Event]) -> Vec<EventInfo> {
    let all = event::of_family(family, events).into_iter().map(EventInfo::of);
    let is_usual = |event: &EventInfo| {
        let about = event.object.split_once('/').map_or("", |(kind, _)| kind);
        !event.is_warning() && ["Pod", "ReplicaSet", "Job"].contains(&about)
    };
    let mut telling: Vec<EventInfo> = all.filter(|event| !is_usual(event)).collect();
    telling.drain(..telling.len().saturating_sub(MOST_EVENTS));
    telling
}
