//! `initialDeploy`: what the very first revision goes through.

use serde_json::json;

use crate::world::{World, blue_green, rollout, routed};

fn gated(mut world: World) -> World {
    world.edit("/spec/initialDeploy", json!("steps"));
    world
}

fn promote(world: &mut World) {
    world.patch_status(|status| status.pause_conditions.clear());
    world.settle();
}

#[test]
fn a_first_revision_goes_through_the_steps_where_the_manifest_says_so() {
    let steps = json!({"steps": [{"setWeight": 20}, {"pause": {}}, {"setWeight": 50}, {"pause": {}}]});
    for mut world in [gated(rollout(10, &steps)), gated(routed(10, steps.clone()))] {
        world.settle();
        assert_eq!((world.phase(), world.size("web:1")), (("Paused", "CanaryPauseStep"), 2));
        assert_eq!(world.status().stable_rs, "");
        promote(&mut world);
        assert_eq!((world.phase().0, world.size("web:1")), ("Paused", 5));
        promote(&mut world);
        assert_eq!((world.phase(), world.size("web:1")), (("Healthy", ""), 10));
        assert_eq!(world.status().stable_rs, world.status().current_pod_hash);
        assert!(
            world.events.iter().any(|event| event.ends_with("Completed all 4 canary steps")),
            "{:#?}",
            world.events
        );
    }
}

#[test]
fn a_first_revision_that_is_given_up_keeps_its_pods_because_nothing_else_serves() {
    let mut world = gated(rollout(10, &json!({"steps": [{"setWeight": 50}, {"pause": {}}]})));
    world.settle();
    world.patch_status(|status| status.abort = true);
    world.settle();
    assert_eq!((world.phase().0, world.size("web:1")), ("Degraded", 5));
    world.patch_status(|status| status.abort = false);
    world.settle();
    promote(&mut world);
    assert_eq!(world.phase(), ("Healthy", ""));
}

#[test]
fn a_second_revision_may_come_before_the_first_is_through() {
    let mut world = gated(rollout(10, &json!({"steps": [{"setWeight": 20}, {"pause": {}}]})));
    world.settle();
    world.set_image("web:2");
    world.settle();
    assert_eq!((world.phase(), world.size("web:2")), (("Paused", "CanaryPauseStep"), 2));
    promote(&mut world);
    assert_eq!(world.phase(), ("Healthy", ""));
    assert_eq!((world.size("web:2"), world.size("web:1")), (10, 0));
}

#[test]
fn a_full_promotion_ends_the_trial_of_a_first_revision() {
    let mut world = gated(rollout(4, &json!({"steps": [{"setWeight": 25}, {"pause": {}}]})));
    world.settle();
    world.patch_status(|status| status.promote_full = true);
    world.settle();
    assert_eq!((world.phase(), world.size("web:1")), (("Healthy", ""), 4));
}

#[test]
fn the_first_switch_of_blue_green_can_wait_for_a_person() {
    let mut world = gated(blue_green(2, json!({"autoPromotionEnabled": false})));
    world.settle();
    assert_eq!((world.phase(), world.selected("active")), (("Paused", "BlueGreenPause"), ""));
    assert_eq!(world.selected("preview"), "web:1");
    promote(&mut world);
    assert_eq!((world.phase(), world.selected("active")), (("Healthy", ""), "web:1"));
}

#[test]
fn a_policy_that_nobody_knows_or_acts_on_holds_the_rollout() {
    for (policy, words) in [
        ("sometimes", "spec.initialDeploy: Unsupported value: \"sometimes\""),
        ("analysis", "spec.initialDeploy: analysis is not supported"),
    ] {
        let mut world = rollout(2, &json!({}));
        world.edit("/spec/initialDeploy", json!(policy));
        world.settle();
        assert!(world.phase().1.contains(words), "{:?}", world.phase());
        assert!(world.replica_sets.is_empty());
    }
}
