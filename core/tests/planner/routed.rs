//! Canaries whose traffic a router carries.

use serde_json::json;
use sluice_core::sight::Sight;

use crate::world::{World, routed};

fn halfway() -> World {
    let mut world =
        routed(10, json!({"steps": [{"setWeight": 20}, {"pause": {}}, {"setWeight": 60}, {"pause": {}}]})).deployed();
    world.set_image("web:2");
    world.settle();
    world
}

fn promote(world: &mut World) {
    world.patch_status(|status| status.pause_conditions.clear());
    world.settle();
}

#[test]
pub fn a_weight_moves_when_the_pods_for_it_are_available_and_the_stable_side_stays_whole() {
    let mut world = halfway();
    assert_eq!(world.phase(), ("Paused", "CanaryPauseStep"));
    assert_eq!((world.weight(), world.size("web:2"), world.size("web:1")), (20, 2, 10));
    promote(&mut world);
    assert_eq!((world.weight(), world.size("web:2"), world.size("web:1")), (60, 6, 10));
    let weights = world.status().canary.as_ref().and_then(|canary| canary.weights.clone()).expect("weights");
    assert_eq!((weights.canary.weight, weights.stable.weight, weights.verified), (60, 40, Some(true)));
    assert_eq!((weights.canary.service_name.as_str(), weights.stable.service_name.as_str()), ("canary", "stable"));
    assert_eq!(weights.canary.pod_template_hash, world.status().current_pod_hash);
    assert_eq!(weights.stable.pod_template_hash, world.status().stable_rs);
    let told = [
        "TrafficWeightUpdated: Traffic weight updated from 0 to 20",
        "TrafficWeightUpdated: Traffic weight updated from 20 to 60",
    ];
    assert!(told.iter().all(|text| world.events.iter().any(|event| event == text)), "{:#?}", world.events);
}

#[test]
pub fn a_weight_waits_for_every_pod_that_it_needs() {
    let mut world = routed(10, json!({"steps": [{"setWeight": 20}, {"pause": {}}]})).deployed();
    world.set_image("web:2");
    for _ in 0..8 {
        world.pass();
        world.run_replica_sets();
        world.report_available("web:2", 1);
        world.run_routers();
    }
    assert_eq!((world.weight(), world.selected("canary")), (0, "web:2"));
    world.settle();
    assert_eq!(world.weight(), 20);
}

#[test]
pub fn a_promotion_moves_the_stable_service_first_and_the_old_version_stays_for_its_delay() {
    let mut world = halfway();
    promote(&mut world);
    promote(&mut world);
    assert_eq!(world.phase(), ("Healthy", ""));
    assert_eq!((world.weight(), world.selected("stable"), world.selected("canary")), (0, "web:2", "web:2"));
    assert_eq!((world.size("web:2"), world.size("web:1")), (10, 10));
    world.pass_time(29);
    assert_eq!(world.size("web:1"), 10);
    world.pass_time(2);
    assert_eq!(world.size("web:1"), 0);
}

#[test]
pub fn an_abort_gives_the_traffic_back_before_the_pods_go() {
    let mut world = halfway();
    world.patch_status(|status| status.abort = true);
    world.settle();
    assert_eq!((world.weight(), world.selected("canary")), (0, "web:1"));
    assert_eq!((world.size("web:2"), world.size("web:1")), (2, 10));
    world.pass_time(31);
    assert_eq!((world.size("web:2"), world.size("web:1")), (0, 10));
    assert_eq!(world.phase().0, "Degraded");
}

#[test]
pub fn an_abort_delay_of_zero_keeps_the_canary_for_ever() {
    let mut world = halfway();
    world.edit("/spec/strategy/canary/abortScaleDownDelaySeconds", json!(0));
    world.patch_status(|status| status.abort = true);
    world.pass_time(100_000);
    assert_eq!((world.weight(), world.size("web:2")), (0, 2));
}

#[test]
pub fn nothing_shrinks_and_no_step_completes_while_the_data_plane_has_not_heard() {
    let mut world = halfway();
    world.deaf = true;
    promote(&mut world);
    world.pass_time(100);
    assert_eq!((world.weight(), world.status().current_step_index), (60, Some(2)));
    let waiting = world.status().waiting_on.clone().expect("something");
    assert_eq!(waiting.reason, "Verification");
    assert_eq!(waiting.message, "recording has not confirmed yet that it sends 60 of 100 to the canary");
    world.patch_status(|status| status.abort = true);
    world.pass_time(100);
    assert_eq!((world.weight(), world.size("web:2")), (0, 6));
    world.deaf = false;
    world.pass_time(100);
    assert_eq!((world.weight(), world.size("web:2")), (0, 0));
}

#[test]
pub fn a_third_version_in_the_middle_takes_the_place_of_the_second_only_when_that_gets_no_traffic() {
    let mut world = halfway();
    world.set_image("web:3");
    world.deaf = true;
    world.settle();
    assert_eq!((world.weight(), world.selected("canary"), world.size("web:2")), (0, "web:2", 2));
    world.deaf = false;
    world.settle();
    assert_eq!((world.weight(), world.selected("canary")), (20, "web:3"));
    assert_eq!((world.size("web:1"), world.size("web:2"), world.size("web:3")), (10, 0, 2));
}

#[test]
pub fn going_back_to_the_stable_version_takes_the_traffic_back_first() {
    let mut world = halfway();
    world.set_image("web:1");
    world.settle();
    assert_eq!((world.phase(), world.weight()), (("Healthy", ""), 0));
    world.pass_time(100);
    assert_eq!((world.size("web:1"), world.size("web:2")), (10, 0));
}

#[test]
pub fn the_size_of_a_canary_can_be_set_apart_from_its_weight() {
    let steps = json!([
        {"setCanaryScale": {"replicas": 3}}, {"pause": {}},
        {"setWeight": 50}, {"pause": {}},
        {"setCanaryScale": {"weight": 80}}, {"pause": {}},
        {"setCanaryScale": {"matchTrafficWeight": true}}, {"pause": {}},
    ]);
    let mut world = routed(10, json!({ "steps": steps })).deployed();
    world.set_image("web:2");
    world.settle();
    assert_eq!((world.weight(), world.size("web:2")), (0, 3));
    promote(&mut world);
    assert_eq!((world.weight(), world.size("web:2")), (50, 3));
    promote(&mut world);
    assert_eq!((world.weight(), world.size("web:2")), (50, 8));
    promote(&mut world);
    assert_eq!((world.weight(), world.size("web:2"), world.size("web:1")), (50, 5, 10));
    assert!(
        world.events.contains(&"RolloutStepCompleted: Rollout step 1/8 completed (setCanaryScale{replicas: 3})".into())
    );
}

#[test]
pub fn a_canary_without_pods_gets_no_traffic() {
    let steps = json!([{"setWeight": 50}, {"setCanaryScale": {"replicas": 0}}, {"pause": {}}]);
    let mut world = routed(4, json!({ "steps": steps })).deployed();
    world.set_image("web:2");
    world.settle();
    assert_eq!((world.weight(), world.size("web:2")), (0, 0));
    assert_eq!(world.phase(), ("Paused", "CanaryPauseStep"));
}

#[test]
pub fn few_pods_are_made_up_to_the_minimum() {
    let mut world =
        routed(10, json!({"minPodsPerReplicaSet": 2, "steps": [{"setWeight": 5}, {"pause": {}}]})).deployed();
    world.set_image("web:2");
    world.settle();
    assert_eq!((world.weight(), world.size("web:2"), world.size("web:1")), (5, 2, 10));
}

#[test]
pub fn weights_can_add_up_to_more_than_a_hundred() {
    let canary = json!({"trafficRouting": {"maxTrafficWeight": 1000}, "steps": [{"setWeight": 5}, {"pause": {}}]});
    let mut world = routed(10, canary).deployed();
    world.set_image("web:2");
    world.settle();
    assert_eq!((world.weight(), world.size("web:2")), (5, 1));
    assert_eq!(world.routed()["spec"]["rest"], 995);
}

#[test]
pub fn a_dynamic_stable_side_shrinks_and_grows_with_its_share() {
    let mut world = routed(10, json!({"dynamicStableScale": true, "steps": [{"setWeight": 20}, {"pause": {}}, {"setWeight": 60}, {"pause": {}}]})).deployed();
    world.set_image("web:2");
    world.settle();
    assert_eq!((world.weight(), world.size("web:2"), world.size("web:1")), (20, 2, 8));
    promote(&mut world);
    assert_eq!((world.weight(), world.size("web:2"), world.size("web:1")), (60, 6, 4));
    world.break_image("web:1");
    world.patch_status(|status| status.abort = true);
    world.settle();
    // The stable version has not grown yet, so most of the traffic stays where pods are.
    assert!(world.weight() > 0 && world.size("web:2") >= 6, "{}", world.weight());
    world.mend_image("web:1");
    world.settle();
    assert_eq!((world.weight(), world.size("web:2"), world.size("web:1")), (0, 0, 10));
}

#[test]
pub fn a_dynamic_stable_side_keeps_its_pods_until_the_data_plane_has_heard() {
    let steps = json!([{"setWeight": 20}, {"pause": {}}, {"setWeight": 60}, {"pause": {}}]);
    let mut world = routed(10, json!({"dynamicStableScale": true, "steps": steps})).deployed();
    world.set_image("web:2");
    world.settle();
    world.deaf = true;
    promote(&mut world);
    assert_eq!((world.weight(), world.size("web:2"), world.size("web:1")), (60, 6, 8));
    world.deaf = false;
    world.settle();
    assert_eq!((world.weight(), world.size("web:2"), world.size("web:1")), (60, 6, 4));
}

#[test]
pub fn a_dynamic_rollback_gives_the_traffic_back_as_the_stable_version_grows() {
    let mut world =
        routed(10, json!({"dynamicStableScale": true, "steps": [{"setWeight": 80}, {"pause": {}}]})).deployed();
    world.set_image("web:2");
    world.settle();
    assert_eq!((world.size("web:2"), world.size("web:1")), (8, 2));
    world.set_image("web:1");
    world.settle();
    assert_eq!((world.phase(), world.weight()), (("Healthy", ""), 0));
    assert_eq!((world.size("web:2"), world.size("web:1")), (0, 10));
}

#[test]
pub fn a_full_promotion_waits_for_all_pods_and_not_for_the_steps() {
    for dynamic in [false, true] {
        let mut world =
            routed(10, json!({"dynamicStableScale": dynamic, "steps": [{"setWeight": 20}, {"pause": {}}]})).deployed();
        world.set_image("web:2");
        world.settle();
        world.patch_status(|status| status.promote_full = true);
        world.settle();
        assert_eq!((world.phase(), world.weight()), (("Healthy", ""), 0));
        assert_eq!(world.selected("stable"), "web:2");
        world.pass_time(40);
        assert_eq!((world.size("web:2"), world.size("web:1")), (10, 0));
    }
}

#[test]
pub fn without_steps_the_promotion_moves_all_traffic_at_once() {
    let mut world = routed(4, json!({})).deployed();
    world.break_image("web:2");
    world.set_image("web:2");
    world.settle();
    assert_eq!((world.weight(), world.selected("stable")), (0, "web:1"));
    world.mend_image("web:2");
    world.settle();
    assert_eq!((world.phase(), world.weight(), world.selected("stable")), (("Healthy", ""), 0, "web:2"));
}

#[test]
pub fn two_services_take_turns_and_neither_is_moved_while_it_gets_traffic() {
    let canary = json!({"pingPong": {"pingService": "ping", "pongService": "pong"}, "steps": [{"setWeight": 50}, {"pause": {}}]});
    let mut world = routed(4, canary).deployed();
    let turn = |world: &World| world.status().canary.as_ref().expect("a status").stable_ping_pong.clone();
    assert_eq!((turn(&world).as_str(), world.selected("ping"), world.selected("pong")), ("ping", "web:1", "web:1"));
    world.set_image("web:2");
    world.settle();
    assert_eq!((world.weight(), world.selected("ping"), world.selected("pong")), (50, "web:1", "web:2"));
    promote(&mut world);
    assert_eq!((turn(&world).as_str(), world.weight()), ("pong", 0));
    assert_eq!((world.selected("ping"), world.selected("pong")), ("web:2", "web:2"));
    assert_eq!(world.routed()["spec"]["stable"][0], "pong");
    world.set_image("web:3");
    world.settle();
    assert_eq!((world.selected("ping"), world.selected("pong")), ("web:3", "web:2"));
}

#[test]
pub fn routes_for_certain_requests_come_and_go_with_their_steps() {
    let canary = json!({
        "trafficRouting": {"managedRoutes": [{"name": "beta"}]},
        "steps": [
            {"setCanaryScale": {"replicas": 1}},
            {"setHeaderRoute": {"name": "beta", "match": [{"headerName": "x", "headerValue": {"exact": "1"}}]}},
            {"pause": {}},
            {"setHeaderRoute": {"name": "beta"}},
            {"pause": {}},
        ],
    });
    let mut world = routed(4, canary).deployed();
    let routes = |world: &World| world.routed()["spec"]["routes"].clone();
    world.set_image("web:2");
    world.settle();
    assert_eq!(routes(&world), json!(["beta"]));
    world.patch_status(|status| status.abort = true);
    world.settle();
    assert_eq!(routes(&world), json!([]));
    world.patch_status(|status| status.abort = false);
    world.settle();
    promote(&mut world);
    assert_eq!((routes(&world), world.phase()), (json!([]), ("Paused", "CanaryPauseStep")));
}

#[test]
pub fn a_router_that_cannot_be_told_is_named_and_the_others_go_on() {
    let mut world = routed(4, json!({"steps": [{"setWeight": 50}, {"pause": {}}]})).deployed();
    world.edit("/spec/strategy/canary/trafficRouting/plugins", json!({"recording": {}, "broken": {}}));
    let mut world = world.with_router("broken", false);
    world.routers[1].objects[0].object = Sight::Missing;
    world.set_image("web:2");
    world.settle();
    assert_eq!((world.weight(), world.status().current_step_index), (50, Some(0)));
    let waiting = world.status().waiting_on.clone().expect("something");
    assert_eq!((waiting.reason.as_str(), waiting.object.as_deref()), ("TrafficRouting", Some("Recorded/broken")));
    assert_eq!(waiting.message, "recorded.test \"broken\" not found in namespace \"shop\"");
    let told: Vec<&String> = world.events.iter().filter(|event| event.starts_with("TrafficRoutingError")).collect();
    let words = "TrafficRoutingError: Recorded/broken: recorded.test \"broken\" not found in namespace \"shop\"";
    assert!(told.iter().all(|told| *told == words) && [1, 2].contains(&told.len()), "not at every pass: {told:#?}");
}

#[test]
pub fn weights_that_somebody_changed_are_put_back() {
    let mut world = halfway();
    world.meddle(90);
    world.settle();
    assert_eq!(world.weight(), 20);
    assert_eq!(world.routed()["others"], json!({"keep": ["me"]}));
}

#[test]
pub fn a_fix_takes_over_from_a_canary_when_the_stable_version_serves_nobody() {
    let mut world = halfway();
    world.break_image("web:1");
    world.settle();
    world.set_image("web:3");
    world.settle();
    assert_eq!((world.weight(), world.selected("canary"), world.size("web:2")), (20, "web:3", 0));
    assert_eq!(world.phase(), ("Paused", "CanaryPauseStep"));
}
