//! What a rollout waits for, and since when: in `status.waitingOn`, and as the condition `Waiting`, which stays where the installed
//! CRD drops that field.

use jiff::Timestamp;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::api::{RolloutCondition, RolloutStatus, WaitingOn};
use crate::snapshot::Snapshot;
use crate::time;

use super::conditions::{self, Is, kind};

/// The reason of a wait for pods to become available.
pub const PODS: &str = "Pods";
/// The reason of a wait for pods that cannot even be created.
pub const REPLICA_FAILURE: &str = "ReplicaFailure";

/// The reason of a wait for an object that a traffic router cannot make say what it should.
pub const ROUTING: &str = "TrafficRouting";

/// The reason of a wait for a data plane that has not taken up what it was told.
pub const VERIFICATION: &str = "Verification";

/// The reason of a wait for an analysis run.
pub const ANALYSIS: &str = "AnalysisRun";
/// The reason of a wait for an experiment.
pub const EXPERIMENT: &str = "Experiment";
/// The reason of a wait for templates that an analysis can be made of.
pub const TEMPLATE: &str = "AnalysisTemplate";

/// Whether a wait is one for measurements, or for what they need.
pub fn is_for_measurements(reason: &str) -> bool {
    [ANALYSIS, EXPERIMENT, TEMPLATE].contains(&reason)
}

/// Whether a wait is one for pods.
pub fn is_for_pods(reason: &str) -> bool {
    [PODS, REPLICA_FAILURE].contains(&reason)
}

/// Whether a rollout waited for this already, by a status; a wait for another object is another wait.
fn goes_on<'a>(status: &'a RolloutStatus, on: &WaitingOn) -> Option<&'a RolloutCondition> {
    let same = |reason: &str| reason == on.reason || (is_for_pods(reason) && is_for_pods(&on.reason));
    let before = status.waiting_on.as_ref();
    let same_object = before.is_none_or(|before| same(&before.reason) && before.object == on.object);
    conditions::get(status, kind::WAITING).filter(|condition| same_object && same(&condition.reason))
}

/// When it last came nearer to what it waits for, or began to wait for it; `None` where it waits for it only now.
pub fn moved_at(status: &RolloutStatus, on: &WaitingOn) -> Option<Timestamp> {
    goes_on(status, on).map(|condition| condition.last_update_time.0)
}

/// The farthest that pods have come while they are waited for.
pub fn reached(status: &RolloutStatus, object: &str) -> Option<i32> {
    let on = status.waiting_on.as_ref().filter(|on| is_for_pods(&on.reason) && on.object.as_deref() == Some(object))?;
    on.reached
}

/// What is waited for now and was not before, in words.
pub fn news<'a>(before: &RolloutStatus, after: &'a RolloutStatus) -> Option<&'a str> {
    let words = |status: &'a RolloutStatus| conditions::get(status, kind::WAITING).map(|on| on.message.as_str());
    let known = conditions::get(before, kind::WAITING).map(|on| on.message.as_str());
    words(after).filter(|now| known != Some(now))
}

/// Writes down what is waited for now, the field only where the installed CRD keeps it.
pub fn report(status: &mut RolloutStatus, snapshot: &Snapshot, on: Option<WaitingOn>, far: i32) {
    record(status, snapshot.rollout.status(), on, far, snapshot.now);
    if !snapshot.stores_waiting_on {
        status.waiting_on = None;
    }
}

/// Writes down what is waited for now: the condition says since when, and when it last moved. `far` is how far the new revision's
/// pods have come.
fn record(status: &mut RolloutStatus, before: &RolloutStatus, mut on: Option<WaitingOn>, far: i32, now: Timestamp) {
    conditions::remove(status, kind::WAITING);
    if let Some(on) = &mut on {
        let known = goes_on(before, on);
        let mut moved = known.is_none();
        if is_for_pods(&on.reason) {
            let reached = known.and(before.waiting_on.as_ref()).and_then(|before| before.reached);
            // Where the CRD drops it, the counters have to do.
            let more =
                status.ready_replicas > before.ready_replicas || status.available_replicas > before.available_replicas;
            moved |= reached.map_or(more, |reached| far > reached);
            on.reached = Some(reached.map_or(far, |reached| reached.max(far)));
        }
        let now = Time(time::floor_to_second(now));
        let time_of = |of: fn(&RolloutCondition) -> &Time| known.map_or_else(|| now.clone(), |known| of(known).clone());
        status.conditions.push(RolloutCondition {
            type_: kind::WAITING.to_owned(),
            status: Is::True.as_str().to_owned(),
            last_update_time: if moved { now.clone() } else { time_of(|known| &known.last_update_time) },
            last_transition_time: time_of(|known| &known.last_transition_time),
            reason: on.reason.clone(),
            message: on
                .object
                .as_ref()
                .map_or_else(|| on.message.clone(), |object| format!("{object}: {}", on.message)),
        });
    }
    status.waiting_on = on;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    fn pods(message: &str) -> WaitingOn {
        WaitingOn::new(PODS, Some("ReplicaSet/web-1".into()), message)
    }

    #[test]
    fn a_wait_goes_on_while_its_reason_and_object_stay_whatever_its_words() {
        let mut status = RolloutStatus::default();
        for (second, message) in [(5, "0 of 2"), (9, "1 of 2")] {
            let before = status.clone();
            record(&mut status, &before, Some(pods(message)), 0, at(second));
        }
        let condition = conditions::get(&status, kind::WAITING).expect("the condition");
        assert_eq!((condition.message.as_str(), condition.last_transition_time.0), ("ReplicaSet/web-1: 1 of 2", at(5)));
        let other = WaitingOn::new(PODS, Some("ReplicaSet/web-2".into()), "0 of 2");
        let before = status.clone();
        record(&mut status, &before, Some(other.clone()), 0, at(12));
        assert_eq!(moved_at(&status, &other), Some(at(12)));
        let before = status.clone();
        record(&mut status, &before, None, 0, at(13));
        assert_eq!((conditions::get(&status, kind::WAITING), &status.waiting_on), (None, &None));
    }

    #[test]
    fn pods_that_cannot_be_created_are_waited_for_like_others_and_only_getting_nearer_is_a_move() {
        let mut status = RolloutStatus::default();
        let refused = || WaitingOn { reason: REPLICA_FAILURE.into(), ..pods("quota") };
        for (second, on, far) in [(0, pods("0 of 2"), 0), (4, refused(), 0), (8, pods("1 of 2"), 2), (9, refused(), 1)]
        {
            let before = status.clone();
            record(&mut status, &before, Some(on), far, at(second));
        }
        assert_eq!(moved_at(&status, &pods("")), Some(at(8)));
        assert_eq!(conditions::get(&status, kind::WAITING).map(|c| c.last_transition_time.0), Some(at(0)));
        assert_eq!(reached(&status, "ReplicaSet/web-1"), Some(2));
    }

    #[test]
    fn the_farthest_that_pods_came_is_remembered_during_one_wait() {
        let mut status = RolloutStatus::default();
        let mut reached = Vec::new();
        for far in [1, 4, 2] {
            let before = status.clone();
            record(&mut status, &before, Some(pods("some")), far, at(0));
            reached.extend(status.waiting_on.as_ref().and_then(|on| on.reached));
        }
        assert_eq!(reached, [1, 4, 4]);
    }
}
