//! What is waited for, since when, and until when.

use serde_json::json;
use sluice_core::status::conditions;

use crate::world::rollout;

#[test]
fn what_is_waited_for_is_a_condition_too_and_says_since_when() {
    let mut world = rollout(4, &json!({"steps": [{"setWeight": 50}, {"pause": {}}]})).deployed();
    world.break_image("web:2");
    world.set_image("web:2");
    world.settle();
    let began = world.now;
    world.pass_time(60);
    let waiting = conditions::get(world.status(), conditions::kind::WAITING).expect("a condition").clone();
    assert_eq!((waiting.status.as_str(), waiting.reason.as_str()), ("True", "Pods"));
    assert!(waiting.message.ends_with(": 0 of 2 new pods are available"), "{}", waiting.message);
    assert_eq!(waiting.last_transition_time.0, began);
    world.mend_image("web:2");
    world.settle();
    assert_eq!(conditions::reason_of(world.status(), conditions::kind::WAITING), "PauseStep");
    world.patch_status(|status| status.pause_conditions.clear());
    world.settle();
    assert_eq!(conditions::get(world.status(), conditions::kind::WAITING), None);
}

#[test]
fn pods_that_come_and_go_are_no_progress() {
    let mut world = rollout(4, &json!({"steps": [{"setWeight": 50}, {"pause": {}}]})).deployed();
    world.edit("/spec/progressDeadlineSeconds", json!(60));
    world.break_image("web:2");
    world.set_image("web:2");
    world.settle();
    for _ in 0..10 {
        world.report_available("web:2", 1);
        world.pass();
        world.advance(10);
        world.report_available("web:2", 0);
        world.pass();
        world.advance(10);
    }
    assert!(world.phase().1.starts_with("ProgressDeadlineExceeded"), "{:?}", world.phase());
}

#[test]
fn a_pause_is_no_reason_for_a_new_version_to_be_without_its_pods() {
    let mut world = rollout(4, &json!({"steps": [{"setWeight": 50}, {"pause": {}}]})).deployed();
    world.edit("/spec/progressDeadlineSeconds", json!(60));
    world.set_image("web:2");
    world.pass_time(1000);
    assert_eq!(world.phase(), ("Paused", "CanaryPauseStep"));
    world.break_image("web:2");
    world.pass_time(50);
    assert_eq!(world.phase(), ("Paused", "CanaryPauseStep"));
    assert_eq!(world.status().waiting_on.as_ref().map(|on| on.message.as_str()), Some("0 of 2 new pods are available"));
    world.pass_time(20);
    assert!(world.phase().1.starts_with("ProgressDeadlineExceeded"), "{:?}", world.phase());
    world.mend_image("web:2");
    world.settle();
    assert_eq!(world.phase(), ("Paused", "CanaryPauseStep"));
    world.edit("/spec/progressDeadlineAbort", json!(true));
    world.break_image("web:2");
    world.pass_time(100);
    assert!(world.phase().1.starts_with("RolloutAborted"), "{:?}", world.phase());
}

#[test]
fn steady_progress_at_a_pause_is_not_late() {
    let mut world = rollout(10, &json!({"steps": [{"setWeight": 50}, {"pause": {}}]})).deployed();
    world.edit("/spec/progressDeadlineSeconds", json!(600));
    world.edit("/spec/progressDeadlineAbort", json!(true));
    world.set_image("web:2");
    world.settle();
    world.edit("/spec/replicas", json!(40));
    for step in 0..14 {
        world.pass();
        world.run_replica_sets();
        world.report_available("web:2", 5 + step);
        world.pass();
        world.advance(60);
    }
    assert_eq!(world.phase(), ("Paused", "CanaryPauseStep"), "{:?}", world.status().waiting_on);
}

#[test]
fn steady_progress_at_a_step_is_not_late() {
    let mut world = rollout(10, &json!({"steps": [{"setWeight": 50}]})).deployed();
    world.edit("/spec/progressDeadlineSeconds", json!(600));
    world.edit("/spec/progressDeadlineAbort", json!(true));
    world.edit("/spec/replicas", json!(40));
    world.settle();
    world.set_image("web:2");
    for step in 0..14 {
        world.pass();
        world.run_replica_sets();
        world.report_available("web:2", step);
        world.pass();
        world.advance(60);
    }
    assert_ne!(world.phase().0, "Degraded", "{:?}", world.phase());
}

#[test]
fn a_quota_at_a_pause_is_late_too() {
    let mut world = rollout(4, &json!({"steps": [{"setWeight": 50}, {"pause": {}}]})).deployed();
    world.edit("/spec/progressDeadlineSeconds", json!(60));
    world.set_image("web:2");
    world.settle();
    for _ in 0..10 {
        world.report_available("web:2", 0);
        for rs in &mut world.replica_sets {
            if rs.spec.template["spec"]["containers"][0]["image"] == "web:2" {
                let s = rs.status.as_mut().expect("a status");
                s.conditions = serde_json::from_value(
                    json!([{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "quota"}]),
                )
                .expect("conditions");
            }
        }
        world.pass();
        world.advance(20);
    }
    assert!(
        world.phase().1.starts_with("ProgressDeadlineExceeded"),
        "{:?} {:?}",
        world.phase(),
        conditions::get(world.status(), conditions::kind::WAITING)
    );
}

#[test]
fn an_old_version_that_lingers_at_a_pause_is_no_reason_to_abort() {
    let mut world = rollout(4, &json!({"steps": [{"setWeight": 50}, {"pause": {}}]})).deployed();
    world.edit("/spec/progressDeadlineSeconds", json!(60));
    world.edit("/spec/progressDeadlineAbort", json!(true));
    world.set_image("web:2");
    world.settle();
    world.edit("/spec/replicas", json!(8));
    for _ in 0..10 {
        world.pass();
        world.run_replica_sets();
        for rs in &mut world.replica_sets {
            if rs.spec.template["spec"]["containers"][0]["image"] == "web:1" {
                let s = rs.status.as_mut().expect("a status");
                s.replicas = 3;
                s.ready_replicas = 3;
                s.available_replicas = 3;
            }
        }
        world.advance(20);
    }
    assert_eq!(world.phase().0, "Paused", "{:?} {:?}", world.phase(), world.status().waiting_on);
}
