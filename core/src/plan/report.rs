//! The last part of a plan: conditions, phase and message, and how soon a changed status must be written.

use crate::api::{PauseReason, ReplicaSet, RolloutStatus, labels};
use crate::effect::Effect;
use crate::event::Note;
use crate::planted::{self, Bug};
use crate::selector;
use crate::status::conditions::{self, Is, kind, reason};
use crate::status::{duration, phase, waiting};

use crate::strategy::Strategy;

use super::draft::Draft;
use super::{blue_green, lacking};

/// How soon a status has to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// It reads the same.
    None,
    /// Only counters, messages or what is waited for changed: it rides on the next write, or goes out after a quiet second.
    Quiet,
    /// A decision changed: now.
    Now,
}

/// Compares two statuses.
pub(super) fn urgency(before: &RolloutStatus, after: &RolloutStatus) -> Urgency {
    if before == after && !planted::is(Bug::IsNeverQuiet) {
        Urgency::None
    } else if decisions(before) == decisions(after) {
        Urgency::Quiet
    } else {
        Urgency::Now
    }
}

/// Whether two statuses say the same, whenever they say it.
pub fn same_but_times(a: &RolloutStatus, b: &RolloutStatus) -> bool {
    without_times(a) == without_times(b)
}

fn without_times(status: &RolloutStatus) -> RolloutStatus {
    let mut status = status.clone();
    for condition in &mut status.conditions {
        condition.last_update_time.0 = jiff::Timestamp::UNIX_EPOCH;
        condition.last_transition_time.0 = jiff::Timestamp::UNIX_EPOCH;
    }
    status.conditions.sort_by(|a, b| a.type_.cmp(&b.type_));
    status
}

/// A status without what may wait.
fn decisions(status: &RolloutStatus) -> RolloutStatus {
    let mut status = without_times(status);
    (status.replicas, status.updated_replicas, status.ready_replicas) = (0, 0, 0);
    (status.available_replicas, status.hpa_replicas) = (0, 0);
    status.message.clear();
    status.waiting_on = None;
    status.conditions.retain(|condition| condition.type_ != kind::WAITING);
    for condition in &mut status.conditions {
        // One way of moving is as good as another; how it ends is not.
        if MOVING.contains(&condition.reason.as_str()) {
            "moving".clone_into(&mut condition.reason);
            "moving".clone_into(&mut condition.status);
        }
        condition.message.clear();
    }
    status
}

/// Reasons of `Progressing` while an update is under way.
const MOVING: [&str; 5] =
    [reason::NEW_REPLICA_SET, reason::FOUND_REPLICA_SET, reason::REPLICA_SET_UPDATED, reason::RESUMED, reason::RETRY];

/// Writes down what the rest of the plan decided.
pub(super) fn report(d: &mut Draft<'_>) {
    let (rollout, now) = (&d.s.rollout, d.s.now);
    d.status.observed_generation = rollout.metadata.generation.unwrap_or(0).to_string();
    d.status.selector = autoscaled(d);
    conditions::remove(&mut d.status, kind::INVALID_SPEC);
    report_pause(d);
    report_completion(d);
    report_progress(d);
    let available = match d.strategy {
        Strategy::Canary(_) => d.status.available_replicas >= d.s.replicas(),
        Strategy::BlueGreen(_) => {
            let active = d.revisions.with_hash(blue_green::selected(d)).map(ReplicaSet::size);
            active.is_some_and(|active| active.spec == d.s.replicas() && active.serving() >= active.spec)
        }
    };
    let message =
        if available { "Rollout has minimum availability" } else { "Rollout does not have minimum availability" };
    conditions::set(&mut d.status, now, kind::AVAILABLE, available.into(), reason::AVAILABLE, message);
    report_failures(d);
    if planted::is(Bug::IsNeverQuiet) {
        let complete = d.is_complete().into();
        conditions::replace(&mut d.status, now, kind::COMPLETED, complete, reason::COMPLETED, reason::COMPLETED);
        d.wake_at(crate::time::after(now, jiff::SignedDuration::from_secs(2)));
    }
    let pausing = pauses_for_a_person(d);
    duration::manual_pause(&mut d.status, now, pausing);
    let (mut phase, mut message) = phase(rollout, &d.status, d.is_observed() && !is_short(d), now);
    if let Some(on) = lacking::not_arrived(d).filter(|_| phase == phase::Phase::Healthy) {
        (phase, message) = (phase::Phase::Progressing, "waiting for all traffic to reach the stable version".into());
        d.wait(&on.reason, on.object, on.message);
    }
    phase.as_str().clone_into(&mut d.status.phase);
    d.status.message.clone_from(&message);
    if phase == phase::Phase::Progressing {
        d.wait("Progressing", None, message);
    }
}

fn report_pause(d: &mut Draft<'_>) {
    let now = d.s.now;
    if d.status.abort {
        conditions::set(&mut d.status, now, kind::PAUSED, Is::False, reason::PAUSED, "Rollout is paused");
        return;
    }
    let paused = d.s.rollout.spec.paused || !d.status.pause_conditions.is_empty();
    let was_paused = conditions::is_true(&d.status, kind::PAUSED);
    let known = conditions::get(&d.status, kind::PAUSED).is_some();
    if paused || known {
        conditions::set(&mut d.status, now, kind::PAUSED, paused.into(), reason::PAUSED, "Rollout is paused");
    }
    if paused == was_paused {
        return;
    }
    let (why, message) =
        if paused { (reason::PAUSED, "Rollout is paused") } else { (reason::RESUMED, "Rollout is resumed") };
    conditions::set(&mut d.status, now, kind::PROGRESSING, Is::Unknown, why, message);
    let note = if paused {
        Note::paused(d.status.pause_conditions.first().map(|condition| condition.reason.as_str()))
    } else {
        Note::resumed()
    };
    // A resume comes before the steps that it completes; a pause after those that led to it.
    if paused { d.notes.push(note) } else { d.notes.insert(0, note) }
}

fn report_completion(d: &mut Draft<'_>) {
    let (now, complete) = (d.s.now, d.is_complete());
    let was_complete = conditions::is_true(&d.status, kind::COMPLETED);
    conditions::set(&mut d.status, now, kind::COMPLETED, complete.into(), reason::COMPLETED, reason::COMPLETED);
    if was_complete && !complete {
        let note = Note::not_completed(d.revisions.number, d.revisions.hash.as_str());
        d.notes.insert(0, note);
    }
    if is_healthy(d) {
        conditions::set(&mut d.status, now, kind::HEALTHY, Is::True, reason::HEALTHY, "Rollout is healthy");
    } else if conditions::get(&d.status, kind::HEALTHY).is_some() {
        conditions::set(&mut d.status, now, kind::HEALTHY, Is::False, reason::HEALTHY, "Rollout is not healthy");
    }
}

/// The pods that an autoscaler looks at: for blue-green, those that the active Service selects.
fn autoscaled(d: &Draft<'_>) -> String {
    let mut selector = d.s.selector().cloned().unwrap_or_default();
    let active = blue_green::selected(d);
    if matches!(d.strategy, Strategy::BlueGreen(_)) && !active.is_empty() {
        selector.match_labels.get_or_insert_default().insert(labels::POD_TEMPLATE_HASH.into(), active.to_owned());
    }
    selector::to_line(&selector)
}

fn is_healthy(d: &Draft<'_>) -> bool {
    let (status, replicas) = (&d.status, d.s.replicas());
    let paused = d.s.rollout.spec.paused || !status.pause_conditions.is_empty();
    !paused
        && d.is_complete()
        && d.index() == d.steps.len()
        && status.updated_replicas == replicas
        && (status.available_replicas == replicas || planted::is(Bug::SaysHealthyTooEarly))
        && match d.strategy {
            Strategy::Canary(_) => status.replicas == replicas,
            Strategy::BlueGreen(_) => blue_green::is_active(d),
        }
        && d.is_observed()
        && lacking::not_arrived(d).is_none()
}

fn report_progress(d: &mut Draft<'_>) {
    let now = d.s.now;
    if d.status.abort {
        return;
    }
    let reason_now = conditions::reason_of(&d.status, kind::PROGRESSING).to_owned();
    let name = d
        .revisions
        .new
        .map_or_else(|| format!("{}-{}", d.rollout_name(), d.revisions.hash.as_str()), |new| new.name().to_owned());
    if is_healthy(d) {
        let message = format!("ReplicaSet \"{name}\" has successfully progressed.");
        // It names the ReplicaSet, so another one is worth a write.
        if conditions::get(&d.status, kind::PROGRESSING).is_none_or(|condition| condition.message != message) {
            let reason = reason::NEW_REPLICA_SET_AVAILABLE;
            conditions::replace(&mut d.status, now, kind::PROGRESSING, Is::True, reason, &message);
        }
        return;
    }
    if d.revisions.new.is_none() && !d.s.rollout.spec.paused {
        let created = Effect::CreateReplicaSet(Box::new(ReplicaSet::named(&name))).key();
        if let Some(error) = d.s.refusal(&created).map(|refusal| refusal.error.clone()) {
            let message = format!("Failed to create new replica set \"{name}\": {error}");
            if conditions::set(&mut d.status, now, kind::PROGRESSING, Is::False, reason::CREATE_ERROR, &message) {
                d.notes.push(Note::replica_set_refused(&name, &error));
            }
        } else {
            let message = format!("Created new replica set \"{name}\"");
            conditions::replace(&mut d.status, now, kind::PROGRESSING, Is::True, reason::NEW_REPLICA_SET, &message);
        }
        return;
    }
    let pods_due = d.waiting_on.as_ref().is_some_and(|on| waiting::is_for_pods(&on.reason));
    if reason_now == reason::TIMED_OUT && !d.status.pause_conditions.is_empty() && !pods_due {
        // The pods that a pause lacked are there.
        conditions::set(&mut d.status, now, kind::PROGRESSING, Is::Unknown, reason::PAUSED, "Rollout is paused");
    } else if reason_now.is_empty() {
        let message = format!("Found new replica set \"{name}\"");
        conditions::set(&mut d.status, now, kind::PROGRESSING, Is::True, reason::FOUND_REPLICA_SET, &message);
    } else if d.has_progressed() && reason_now != reason::PAUSED {
        let message = format!("ReplicaSet \"{name}\" is progressing.");
        conditions::replace(&mut d.status, now, kind::PROGRESSING, Is::True, reason::REPLICA_SET_UPDATED, &message);
    }
}

/// Whether the counters hide that pods are missing: where routers carry the traffic, old pods that wait for their delay are
/// counted too.
fn is_short(d: &Draft<'_>) -> bool {
    d.strategy.is_routed() && d.is_complete() && !d.is_complete_and_serving()
}

/// Copies the first failure to create pods from the ReplicaSets, the new one's before others'.
fn report_failures(d: &mut Draft<'_>) {
    let failure = d.revisions.all().find_map(|rs| {
        let conditions = &rs.status.as_ref()?.conditions;
        conditions.iter().find(|c| c.type_ == kind::REPLICA_FAILURE && c.status == Is::True.as_str()).cloned()
    });
    match failure {
        Some(failure) => {
            let (reason, message) = (failure.reason.unwrap_or_default(), failure.message.unwrap_or_default());
            conditions::set(&mut d.status, d.s.now, kind::REPLICA_FAILURE, Is::True, &reason, &message);
            let object = d.waiting_on.take().filter(|on| waiting::is_for_pods(&on.reason)).and_then(|on| on.object);
            d.wait(waiting::REPLICA_FAILURE, object, format!("pods cannot be created: {message}"));
        }
        None => conditions::remove(&mut d.status, kind::REPLICA_FAILURE),
    }
}

/// Whether nothing but a person can end the pause.
fn pauses_for_a_person(d: &Draft<'_>) -> bool {
    let indefinite = d.steps.get(d.index()).and_then(|step| step.pause.as_ref()).is_some_and(|p| p.duration.is_none());
    let at_pause = d.status.paused_since(PauseReason::CANARY_PAUSE_STEP).is_some();
    let before_switch = d.status.paused_since(PauseReason::BLUE_GREEN_PAUSE).is_some();
    let by_hand = match d.strategy {
        Strategy::BlueGreen(blue_green) => blue_green.auto_promotion_enabled == Some(false),
        Strategy::Canary(_) => false,
    };
    let undecided = [PauseReason::INCONCLUSIVE_ANALYSIS_RUN, PauseReason::INCONCLUSIVE_EXPERIMENT];
    let undecided = undecided.into_iter().any(|reason| d.status.paused_since(reason).is_some());
    d.s.rollout.spec.paused || undecided || (at_pause && indefinite) || (before_switch && by_hand)
}

impl Draft<'_> {
    /// Whether the counters speak of what the ReplicaSets are asked for now, not of what they were asked for before.
    fn is_observed(&self) -> bool {
        self.revisions.all().all(ReplicaSet::is_observed)
    }

    /// Whether the update is complete and its pods serve.
    pub(super) fn is_complete_and_serving(&self) -> bool {
        let available = self.revisions.new.map_or(0, |new| new.observed().available_replicas);
        self.is_complete() && self.revisions.new.is_some() && available >= self.s.replicas()
    }

    pub(super) fn rollout_name(&self) -> &str {
        self.s.rollout.metadata.name.as_deref().unwrap_or_default()
    }
}
