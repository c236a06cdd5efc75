//! The planner walked through whole updates, without a cluster.

mod analysis;
mod back_and_forth;
mod blue_green;
mod deadline;
mod exhaustive;
mod experiment;
mod first;
mod gateway;
mod laws;
mod mesh;
mod migrate;
#[cfg(feature = "planted-bugs")]
mod planted;
mod plugins;
mod pods;
mod propagation;
mod routed;
mod routed_trouble;
mod router;
mod services;
mod trouble;
mod workload;
mod world;

use serde_json::json;
use sluice_core::status::conditions;
use world::rollout;

#[test]
fn a_first_deploy_is_stable_at_once_and_healthy_when_its_pods_are_available() {
    let mut world = rollout(3, &json!({"steps": [{"setWeight": 50}, {"pause": {}}]}));
    world.settle();
    assert_eq!(world.phase(), ("Healthy", ""));
    assert_eq!(world.size("web:1"), 3);
    assert_eq!(world.status().stable_rs, world.status().current_pod_hash);
    assert_eq!(world.status().current_step_index, Some(2));
    assert_eq!(world.reasons(), ["RolloutUpdated", "NewReplicaSetCreated", "ScalingReplicaSet", "RolloutCompleted"]);
}

#[test]
fn an_update_walks_its_steps_and_costs_no_more_writes_than_it_must() {
    let steps = json!({"steps": [{"setWeight": 50}, {"pause": {"duration": "2s"}}, {"setWeight": 80}, {"pause": {"duration": "1s"}}]});
    let mut world = rollout(2, &steps).deployed();
    world.set_image("web:2");
    world.settle();
    assert_eq!(world.phase(), ("Paused", "CanaryPauseStep"));
    assert_eq!((world.size("web:2"), world.size("web:1")), (1, 1));
    world.pass_time(10);
    assert_eq!(world.phase(), ("Healthy", ""));
    assert_eq!((world.size("web:2"), world.size("web:1")), (2, 0));
    assert_eq!(world.fewest_available, 2);
    assert_eq!((world.object_writes, world.status_writes), (5, 6), "{:#?}", world.events);
    assert_eq!(
        world.reasons(),
        [
            "RolloutUpdated",
            "NewReplicaSetCreated",
            "ScalingReplicaSet",
            "RolloutNotCompleted",
            "ScalingReplicaSet",
            "RolloutStepCompleted",
            "RolloutPaused",
            "RolloutResumed",
            "RolloutStepCompleted",
            "ScalingReplicaSet",
            "RolloutStepCompleted",
            "RolloutPaused",
            "RolloutResumed",
            "RolloutStepCompleted",
            "RolloutCompleted",
            "ScalingReplicaSet",
        ]
    );
}

#[test]
fn an_indefinite_pause_ends_when_a_person_promotes() {
    let mut world =
        rollout(4, &json!({"steps": [{"setWeight": 25}, {"pause": {}}, {"setWeight": 50}, {"pause": {}}]})).deployed();
    world.set_image("web:2");
    world.settle();
    world.pass_time(100_000);
    assert_eq!(world.status().current_step_index, Some(1));
    world.patch_status(|status| status.pause_conditions.clear());
    world.settle();
    assert_eq!(world.status().current_step_index, Some(3));
    assert_eq!((world.size("web:2"), world.size("web:1")), (2, 2));
    world.patch_status(|status| status.pause_conditions.clear());
    world.settle();
    assert_eq!(world.phase(), ("Healthy", ""));
}

#[test]
fn an_abort_gives_everything_back_to_the_stable_revision_and_a_retry_starts_over() {
    let mut world = rollout(4, &json!({"steps": [{"setWeight": 50}, {"pause": {}}]})).deployed();
    world.set_image("web:2");
    world.settle();
    world.patch_status(|status| status.abort = true);
    world.settle();
    assert_eq!(world.phase(), ("Degraded", "RolloutAborted: Rollout aborted update to revision 2"));
    assert_eq!((world.size("web:2"), world.size("web:1")), (0, 4));
    assert!(world.fewest_available >= world.floor());
    world.patch_status(|status| status.abort = false);
    world.settle();
    assert_eq!(world.phase(), ("Paused", "CanaryPauseStep"));
    assert_eq!((world.size("web:2"), world.size("web:1")), (2, 2));
    assert!(world.reasons().contains(&"RolloutRetry"));
}

#[test]
fn going_back_to_the_stable_revision_skips_the_steps() {
    let mut world = rollout(4, &json!({"steps": [{"setWeight": 50}, {"pause": {}}]})).deployed();
    world.set_image("web:2");
    world.settle();
    world.set_image("web:1");
    world.settle();
    assert_eq!(world.phase(), ("Healthy", ""));
    assert_eq!((world.size("web:2"), world.size("web:1")), (0, 4));
    assert!(world.reasons().contains(&"SkipSteps"));
    assert_eq!(world.rollout.metadata.annotations.as_ref().expect("annotations")["rollout.argoproj.io/revision"], "3");
}

#[test]
fn a_third_revision_in_the_middle_of_an_update_replaces_the_second() {
    let mut world = rollout(10, &json!({"steps": [{"setWeight": 50}, {"pause": {}}]})).deployed();
    world.set_image("web:2");
    world.settle();
    world.set_image("web:3");
    world.settle();
    assert_eq!((world.size("web:1"), world.size("web:2"), world.size("web:3")), (5, 0, 5));
    assert!(world.fewest_available >= world.floor(), "{} < {}", world.fewest_available, world.floor());
    assert!(world.most_pods <= 13);
}

#[test]
fn a_full_promotion_skips_what_is_left() {
    let mut world =
        rollout(4, &json!({"steps": [{"setWeight": 25}, {"pause": {}}, {"setWeight": 50}, {"pause": {}}]})).deployed();
    world.set_image("web:2");
    world.settle();
    world.patch_status(|status| status.promote_full = true);
    world.settle();
    assert_eq!(world.phase(), ("Healthy", ""));
    assert!(!world.status().promote_full);
    assert!(world.events.iter().any(|event| event.ends_with("Full promotion requested")), "{:#?}", world.events);
}

#[test]
fn an_update_that_makes_no_progress_is_reported_at_its_deadline() {
    let mut world = rollout(4, &json!({"steps": [{"setWeight": 50}, {"pause": {}}]})).deployed();
    world.edit("/spec/progressDeadlineSeconds", json!(60));
    world.break_image("web:2");
    world.set_image("web:2");
    world.pass_time(30);
    assert_eq!(world.phase().0, "Progressing");
    world.pass_time(60);
    assert_eq!(world.phase().0, "Degraded");
    assert!(world.phase().1.starts_with("ProgressDeadlineExceeded: ReplicaSet"), "{}", world.phase().1);
    world.mend_image("web:2");
    world.settle();
    assert_eq!(world.phase(), ("Paused", "CanaryPauseStep"));
}

#[test]
fn a_deadline_can_abort() {
    let mut world = rollout(4, &json!({"steps": [{"setWeight": 50}, {"pause": {}}]})).deployed();
    world.edit("/spec/progressDeadlineSeconds", json!(60));
    world.edit("/spec/progressDeadlineAbort", json!(true));
    world.break_image("web:2");
    world.set_image("web:2");
    world.pass_time(120);
    assert!(
        world.phase().1.contains("RolloutAborted: Rollout aborted update to revision 2: ReplicaSet"),
        "{}",
        world.phase().1
    );
    assert_eq!((world.size("web:2"), world.size("web:1")), (0, 4));
}

#[test]
fn a_paused_rollout_keeps_its_sizes_and_steps() {
    let mut world = rollout(4, &json!({"steps": [{"setWeight": 50}, {"pause": {"duration": "5s"}}]})).deployed();
    world.edit("/spec/paused", json!(true));
    world.set_image("web:2");
    world.pass_time(100);
    assert_eq!(world.phase(), ("Paused", "manually paused"));
    assert_eq!((world.size("web:2"), world.size("web:1")), (0, 4));
    world.edit("/spec/paused", json!(false));
    world.pass_time(100);
    assert_eq!(world.phase(), ("Healthy", ""));
}

#[test]
fn scaling_in_the_middle_of_an_update_keeps_the_weight() {
    let mut world = rollout(4, &json!({"steps": [{"setWeight": 50}, {"pause": {}}]})).deployed();
    world.set_image("web:2");
    world.settle();
    world.edit("/spec/replicas", json!(10));
    world.settle();
    assert_eq!((world.size("web:2"), world.size("web:1")), (5, 5));
    assert_eq!(world.phase(), ("Paused", "CanaryPauseStep"));
    for rs in &world.replica_sets {
        assert_eq!(rs.annotation("rollout.argoproj.io/desired-replicas"), Some("10"));
    }
}

#[test]
fn without_surge_a_stable_pod_goes_before_a_new_one_comes() {
    let mut world = rollout(4, &json!({"maxSurge": 0, "maxUnavailable": 1, "steps": [{"setWeight": 50}]})).deployed();
    world.set_image("web:2");
    world.settle();
    assert_eq!(world.phase(), ("Healthy", ""));
    assert_eq!(world.most_pods, 4);
    assert!(world.fewest_available >= 3);
}

#[test]
fn history_beyond_its_limit_is_deleted() {
    let mut world = rollout(1, &json!({})).deployed();
    world.edit("/spec/revisionHistoryLimit", json!(2));
    for image in ["web:2", "web:3", "web:4", "web:5"] {
        world.set_image(image);
        world.settle();
    }
    assert_eq!(world.phase(), ("Healthy", ""));
    assert_eq!(world.replica_sets.len(), 3);
}

#[test]
fn an_invalid_manifest_is_degraded_and_nothing_is_touched() {
    let mut world = rollout(3, &json!({})).deployed();
    world.edit("/spec/strategy/canary", json!({"steps": [{"setWeight": 101}]}));
    world.set_image("web:2");
    world.settle();
    assert!(world.phase().1.starts_with("InvalidSpec: The Rollout \"web\" is invalid: spec.strategy.canary.steps[0]"));
    assert_eq!(world.phase().0, "Degraded");
    assert_eq!(world.replica_sets.len(), 1);
    world.edit("/spec/strategy/canary", json!({"steps": [{"setWeight": 100}]}));
    world.settle();
    assert_eq!(world.phase(), ("Healthy", ""));
}

#[test]
fn what_is_not_supported_yet_holds_the_rollout() {
    let mut world = rollout(3, &json!({})).deployed();
    world.edit("/spec/initialDeploy", json!("analysis"));
    world.set_image("web:2");
    world.settle();
    assert_eq!(world.phase().0, "Degraded");
    assert!(world.phase().1.contains("spec.initialDeploy: analysis is not supported"), "{}", world.phase().1);
    assert_eq!(world.object_writes, 0);
}

#[test]
fn a_completed_rollout_is_left_alone() {
    let mut world = rollout(3, &json!({"steps": [{"setWeight": 50}]})).deployed();
    world.pass_time(100_000);
    assert_eq!((world.object_writes, world.status_writes), (0, 0));
    assert!(conditions::is_true(world.status(), "Healthy"));
}

#[test]
fn a_name_that_is_taken_makes_another_hash_and_still_a_first_deploy() {
    let mut world = rollout(2, &json!({"steps": [{"setWeight": 50}, {"pause": {}}]}));
    world.take_next_name();
    world.settle();
    assert_eq!(world.status().collision_count, Some(1));
    assert_eq!(world.phase(), ("Healthy", ""), "a first deploy skips the steps");
}

#[test]
fn a_completed_rollout_that_loses_its_pods_is_not_late() {
    let mut world = rollout(2, &json!({"steps": [{"setWeight": 50}]})).deployed();
    world.break_image("web:1");
    world.pass_time(10_000);
    assert_eq!(world.phase(), ("Progressing", "updated replicas are still becoming available"));
    world.mend_image("web:1");
    world.settle();
    assert_eq!(world.phase(), ("Healthy", ""));
}

#[test]
fn a_first_deploy_that_never_becomes_available_is_late() {
    let mut world = rollout(2, &json!({}));
    world.break_image("web:1");
    world.pass_time(10_000);
    assert!(world.phase().1.starts_with("ProgressDeadlineExceeded"), "{:?}", world.phase());
}
