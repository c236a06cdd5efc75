//! What a rollout waits for, and since when: in `status.waitingOn`, and as the condition `Waiting`, which stays where the installed
//! CRD drops that field.

use jiff::Timestamp;

use crate::api::{RolloutStatus, WaitingOn};

use super::conditions::{self, Is, kind};

/// The reason of a wait for pods to become available.
pub const PODS: &str = "Pods";

/// Since when a rollout waits for this, by a status; a wait for another object is another wait.
pub fn since(status: &RolloutStatus, on: &WaitingOn) -> Option<Timestamp> {
    let condition = conditions::get(status, kind::WAITING).filter(|condition| condition.reason == on.reason)?;
    let before = status.waiting_on.as_ref();
    let same = before.is_none_or(|before| before.reason == on.reason && before.object == on.object);
    same.then_some(condition.last_transition_time.0)
}

/// Writes down what is waited for now. `far` is how far the new revision's pods have come.
pub fn record(status: &mut RolloutStatus, before: &RolloutStatus, mut on: Option<WaitingOn>, far: i32, now: Timestamp) {
    match &mut on {
        Some(on) => {
            let since = since(before, on);
            if on.reason == PODS {
                let reached = before.waiting_on.as_ref().filter(|_| since.is_some()).and_then(|before| before.reached);
                on.reached = Some(reached.map_or(far, |reached| reached.max(far)));
            }
            if since.is_none() {
                conditions::remove(status, kind::WAITING);
            }
            let message =
                on.object.as_ref().map_or_else(|| on.message.clone(), |object| format!("{object}: {}", on.message));
            if conditions::get(status, kind::WAITING).is_none_or(|condition| condition.message != message) {
                conditions::replace(status, now, kind::WAITING, Is::True, &on.reason, &message);
            }
        }
        None => conditions::remove(status, kind::WAITING),
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
        assert_eq!(since(&status, &other), Some(at(12)));
        let before = status.clone();
        record(&mut status, &before, None, 0, at(13));
        assert_eq!((conditions::get(&status, kind::WAITING), &status.waiting_on), (None, &None));
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
