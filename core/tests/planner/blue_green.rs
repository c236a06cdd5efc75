//! Blue-green updates, walked through without a cluster.

use serde_json::json;

use crate::world::{World, blue_green};

/// How many pods each of the first two versions has, and which of them the active and the preview Service select.
fn picture(world: &World) -> (i32, i32, &str, &str) {
    (world.size("web:1"), world.size("web:2"), world.selected("active"), world.selected("preview"))
}

#[test]
fn the_first_version_serves_as_soon_as_all_its_pods_are_available() {
    let world = blue_green(3, json!({"autoPromotionEnabled": false})).deployed();
    assert_eq!(world.phase(), ("Healthy", ""));
    assert_eq!((world.selected("active"), world.selected("preview")), ("web:1", "web:1"));
    assert!(world.services.iter().all(|service| service.managed_by.as_deref() == Some("web")));
}

#[test]
fn the_switch_waits_for_a_promotion_and_the_old_pods_stay_for_their_delay() {
    let mut world = blue_green(3, json!({"autoPromotionEnabled": false, "scaleDownDelaySeconds": 20})).deployed();
    world.set_image("web:2");
    world.settle();
    assert_eq!(world.phase(), ("Paused", "BlueGreenPause"));
    assert_eq!(picture(&world), (3, 3, "web:1", "web:2"));
    world.pass_time(100_000);
    assert_eq!(world.phase(), ("Paused", "BlueGreenPause"));
    world.patch_status(|status| status.pause_conditions.clear());
    world.settle();
    assert_eq!(world.phase(), ("Healthy", ""));
    assert_eq!(picture(&world), (3, 3, "web:2", "web:2"));
    world.pass_time(19);
    assert_eq!(world.size("web:1"), 3);
    world.pass_time(1);
    assert_eq!(world.size("web:1"), 0);
    assert!(world.replica_sets.iter().all(|rs| rs.scale_down_deadline().is_none()), "the deadline goes with the pods");
    let switched = "SwitchService: Switched selector for service 'active' from";
    assert_eq!(world.events.iter().filter(|event| event.starts_with(switched)).count(), 1);
    assert!(world.events.iter().any(|event| event.ends_with("Completed blue-green update")), "{:?}", world.events);
}

#[test]
fn the_preview_service_selects_the_new_pods_before_there_are_any() {
    let mut world = blue_green(2, json!({"autoPromotionEnabled": false})).deployed();
    world.set_image("web:2");
    world.settle();
    let place = |words: &str| world.events.iter().position(|event| event.contains(words)).expect(words);
    assert!(place("selector for service 'preview'") < place("Scaled up ReplicaSet"), "{:?}", world.events);
}

#[test]
fn a_version_that_never_becomes_available_never_gets_the_traffic() {
    let mut world = blue_green(2, json!({})).deployed();
    world.break_image("web:2");
    world.set_image("web:2");
    world.pass_time(500);
    assert_eq!(picture(&world), (2, 2, "web:1", "web:2"));
    assert_eq!(world.status().waiting_on.as_ref().map(|on| on.reason.as_str()), Some("Pods"));
    world.pass_time(200);
    assert!(world.phase().1.starts_with("ProgressDeadlineExceeded"), "{:?}", world.phase());
}

#[test]
fn a_small_preview_grows_only_once_it_is_promoted() {
    let mut world = blue_green(4, json!({"autoPromotionEnabled": false, "previewReplicaCount": 1})).deployed();
    world.set_image("web:2");
    world.settle();
    assert_eq!(picture(&world), (4, 1, "web:1", "web:2"));
    world.patch_status(|status| status.pause_conditions.clear());
    world.pass();
    assert!(world.status().blue_green.as_ref().expect("a status").scale_up_preview_check_point);
    assert_eq!(world.size("web:2"), 4, "it grows");
    assert_eq!(world.selected("active"), "web:1", "and gets the traffic when it has grown");
    world.settle();
    assert_eq!(picture(&world), (4, 4, "web:2", "web:2"));
    assert!(!world.status().blue_green.as_ref().expect("a status").scale_up_preview_check_point);
}

#[test]
fn an_automatic_promotion_waits_its_seconds_from_when_the_preview_is_complete() {
    let mut world = blue_green(1, json!({"autoPromotionSeconds": 30})).deployed();
    world.set_image("web:2");
    world.settle();
    assert_eq!(world.phase(), ("Paused", "BlueGreenPause"));
    world.pass_time(29);
    assert_eq!(world.selected("active"), "web:1");
    world.pass_time(1);
    assert_eq!(world.selected("active"), "web:2");
}

#[test]
fn an_abort_keeps_the_preview_for_its_delay_and_never_touches_what_serves() {
    let mut world = blue_green(2, json!({"autoPromotionEnabled": false, "abortScaleDownDelaySeconds": 10})).deployed();
    world.set_image("web:2");
    world.settle();
    world.patch_status(|status| status.abort = true);
    world.settle();
    assert_eq!(world.phase(), ("Degraded", "RolloutAborted: Rollout aborted update to revision 2"));
    assert_eq!(picture(&world), (2, 2, "web:1", "web:2"));
    world.pass_time(10);
    assert_eq!(picture(&world), (2, 0, "web:1", "web:2"));
    world.patch_status(|status| status.abort = false);
    world.settle();
    assert_eq!(world.phase(), ("Paused", "BlueGreenPause"), "a retry pauses again");
    assert_eq!(picture(&world), (2, 2, "web:1", "web:2"));
}

#[test]
fn an_abort_delay_of_zero_keeps_the_preview_for_ever() {
    let mut world = blue_green(2, json!({"autoPromotionEnabled": false, "abortScaleDownDelaySeconds": 0})).deployed();
    world.set_image("web:2");
    world.settle();
    world.patch_status(|status| status.abort = true);
    world.pass_time(100_000);
    assert_eq!(picture(&world), (2, 2, "web:1", "web:2"));
}

#[test]
fn going_back_within_the_delay_needs_no_promotion() {
    let mut world = blue_green(2, json!({"autoPromotionEnabled": false, "scaleDownDelaySeconds": 60})).deployed();
    world.advance(1);
    world.set_image("web:2");
    world.settle();
    world.patch_status(|status| status.promote_full = true);
    world.settle();
    assert_eq!(picture(&world), (2, 2, "web:2", "web:2"));
    world.pass_time(30);
    world.set_image("web:1");
    world.settle();
    assert_eq!(world.phase(), ("Healthy", ""));
    assert_eq!(picture(&world), (2, 2, "web:1", "web:1"));
    assert!(world.events.iter().any(|event| event.ends_with("Fast rollback")), "{:?}", world.events);
    // And forward again is no way back: it pauses.
    world.set_image("web:2");
    world.settle();
    assert_eq!(world.phase(), ("Paused", "BlueGreenPause"));
}

#[test]
fn going_back_within_the_rollback_window_needs_no_promotion_either() {
    let mut world = blue_green(1, json!({"autoPromotionEnabled": false, "scaleDownDelaySeconds": 1})).deployed();
    world.edit("/spec/rollbackWindow", json!({"revisions": 1}));
    for image in ["web:2", "web:3"] {
        world.pass_time(5);
        world.set_image(image);
        world.settle();
        world.patch_status(|status| status.pause_conditions.clear());
        world.pass_time(5);
    }
    assert_eq!(world.selected("active"), "web:3");
    world.set_image("web:2");
    world.settle();
    assert_eq!(world.selected("active"), "web:2", "one revision back");
    world.set_image("web:3");
    world.settle();
    world.patch_status(|status| status.pause_conditions.clear());
    world.pass_time(5);
    world.set_image("web:1");
    world.settle();
    assert_eq!(world.phase(), ("Paused", "BlueGreenPause"), "two revisions back is too far");
}

#[test]
fn only_so_many_old_versions_wait_for_their_delay_as_the_limit_allows() {
    let strategy = json!({"scaleDownDelaySeconds": 100, "scaleDownDelayRevisionLimit": 1});
    let mut world = blue_green(1, strategy).deployed();
    for image in ["web:2", "web:3"] {
        world.pass_time(5);
        world.set_image(image);
        world.settle();
    }
    assert_eq!((world.size("web:1"), world.size("web:2"), world.size("web:3")), (0, 1, 1));
}

#[test]
fn a_replaced_preview_goes_and_the_active_version_stays() {
    let mut world = blue_green(2, json!({"autoPromotionEnabled": false, "scaleDownDelaySeconds": 5})).deployed();
    for image in ["web:2", "web:3"] {
        world.set_image(image);
        world.settle();
    }
    assert_eq!((world.selected("active"), world.selected("preview")), ("web:1", "web:3"));
    world.pass_time(6);
    assert_eq!((world.size("web:1"), world.size("web:2"), world.size("web:3")), (2, 0, 2));
}

#[test]
fn a_paused_manifest_keeps_sizes_and_services() {
    let mut world = blue_green(2, json!({})).deployed();
    world.edit("/spec/paused", json!(true));
    world.set_image("web:2");
    world.pass_time(60);
    assert_eq!(picture(&world), (2, 0, "web:1", "web:1"));
    world.edit("/spec/paused", json!(false));
    world.settle();
    assert_eq!(world.selected("active"), "web:2");
}

#[test]
fn autoscalers_see_the_version_that_serves() {
    let mut world = blue_green(2, json!({"autoPromotionEnabled": false})).deployed();
    let stable = world.status().stable_rs.clone();
    world.set_image("web:2");
    world.settle();
    assert_eq!((world.status().hpa_replicas, world.status().replicas), (2, 4));
    assert_eq!(world.status().selector, format!("app=web,rollouts-pod-template-hash={stable}"));
    world.edit("/spec/replicas", json!(3));
    world.settle();
    assert_eq!(picture(&world), (3, 3, "web:1", "web:2"));
}
