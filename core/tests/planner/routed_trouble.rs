//! Canaries with routers in trouble: what a second look at them has found.

use serde_json::{Value, json};

use crate::world::{World, rollout, routed};

fn promote(world: &mut World) {
    world.patch_status(|status| status.pause_conditions.clear());
    world.settle();
}

/// The controller passes, the pods run and the data plane hears, until the new version is the stable one.
fn until_promoted(world: &mut World) {
    for _ in 0..50 {
        world.pass();
        if world.status().stable_rs == world.status().current_pod_hash {
            return;
        }
        world.run_replica_sets();
        world.run_routers();
    }
    panic!("it is not promoted: {:#?}", world.status());
}

/// A rollout whose router cannot say what its data plane does.
fn unconfirming(replicas: i32, mut canary: Value) -> World {
    canary["trafficRouting"]["plugins"] = json!({ "recording": {} });
    (canary["stableService"], canary["canaryService"]) = (json!("stable"), json!("canary"));
    rollout(replicas, &canary).with_service("stable").with_service("canary").with_router("recording", false)
}

#[test]
fn a_header_route_goes_before_the_pods() {
    let canary = json!({
        "trafficRouting": {"managedRoutes": [{"name": "beta"}]},
        "steps": [
            {"setCanaryScale": {"replicas": 1}},
            {"setHeaderRoute": {"name": "beta", "match": [{"headerName": "x", "headerValue": {"exact": "1"}}]}},
            {"pause": {}}, {"setCanaryScale": {"matchTrafficWeight": true}}, {"pause": {}},
        ],
    });
    let mut world = routed(4, canary).deployed();
    world.set_image("web:2");
    world.settle();
    world.patch_status(|status| status.pause_conditions.clear());
    for _ in 0..8 {
        world.pass();
        let routes = world.routed()["spec"]["routes"].clone();
        assert!(world.size("web:2") > 0 || routes == json!([]), "{routes} with no pods");
        world.run_replica_sets();
        world.run_routers();
    }
}

#[test]
fn a_replaced_canary_keeps_its_pods_for_a_while_where_nothing_confirms() {
    let mut world = unconfirming(10, json!({"steps": [{"setWeight": 20}, {"pause": {}}]})).deployed();
    world.set_image("web:2");
    world.settle();
    assert_eq!(world.weight(), 20);
    world.deaf = true;
    world.set_image("web:3");
    world.settle();
    assert_eq!(world.size("web:2"), 2);
}

#[test]
fn a_step_to_zero_keeps_the_pods_for_a_while_where_nothing_confirms() {
    let mut world =
        unconfirming(10, json!({"steps": [{"setWeight": 20}, {"pause": {}}, {"setWeight": 0}, {"pause": {}}]}))
            .deployed();
    world.set_image("web:2");
    world.settle();
    world.deaf = true;
    promote(&mut world);
    assert_eq!(world.size("web:2"), 2);
}

#[test]
fn a_router_without_services_leads_elsewhere_only_when_its_data_plane_has_heard() {
    let canary = json!({"steps": [{"setWeight": 20}, {"pause": {}}], "trafficRouting": {"plugins": {"recording": {}}}});
    let mut world = rollout(10, &canary).with_router("recording", true).deployed();
    world.set_image("web:2");
    world.settle();
    assert_eq!(world.weight(), 20);
    world.deaf = true;
    world.break_image("web:3");
    world.set_image("web:3");
    world.settle();
    let spec = world.routed();
    assert_ne!(spec["spec"]["canary"][1], json!(world.status().current_pod_hash), "{spec:#}");
}

#[test]
fn a_route_step_is_not_done_without_its_route() {
    let canary = json!({
        "trafficRouting": {"managedRoutes": [{"name": "beta"}]},
        "steps": [
            {"setCanaryScale": {"replicas": 1}}, {"pause": {}},
            {"setHeaderRoute": {"name": "beta", "match": [{"headerName": "x", "headerValue": {"exact": "1"}}]}},
            {"pause": {"duration": 10}},
        ],
    });
    let mut world = routed(4, canary).deployed();
    world.set_image("web:2");
    world.settle();
    world.break_image("web:2");
    world.settle();
    promote(&mut world);
    assert_eq!(world.status().current_step_index, Some(2), "{:?}", world.routed()["spec"]["routes"]);
}

#[test]
fn a_fix_for_a_promoted_version_that_broke_does_not_move_the_stable_service_onto_it() {
    let mut world = routed(10, json!({"steps": [{"setWeight": 20}, {"pause": {}}]})).deployed();
    world.set_image("web:2");
    world.settle();
    world.patch_status(|status| status.promote_full = true);
    until_promoted(&mut world);
    world.report_available("web:2", 1);
    world.pass();
    world.run_routers();
    world.pass();
    assert_eq!(world.selected("stable"), "web:1");
    world.set_image("web:3");
    world.break_image("web:3");
    for _ in 0..8 {
        world.pass();
        world.run_replica_sets();
        world.report_available("web:2", 1);
        world.run_routers();
    }
    assert_eq!(world.selected("stable"), "web:1");
}

#[test]
fn an_update_right_after_a_promotion_keeps_the_delay() {
    let mut world = unconfirming(10, json!({"steps": [{"setWeight": 20}, {"pause": {}}]})).deployed();
    world.set_image("web:2");
    world.settle();
    world.patch_status(|status| status.pause_conditions.clear());
    until_promoted(&mut world);
    world.deaf = true;
    world.set_image("web:3");
    world.settle();
    assert_eq!(world.size("web:1"), 10);
}

#[test]
fn scaling_a_first_trial_down_while_the_router_has_not_heard() {
    let mut world = routed(10, json!({"steps": [{"setWeight": 50}, {"pause": {}}]}));
    world.edit("/spec/initialDeploy", json!("steps"));
    world.deaf = true;
    world.settle();
    world.edit("/spec/replicas", json!(2));
    world.settle();
}

#[test]
fn scaling_down_after_somebody_deleted_the_stable_replica_set() {
    let mut world = routed(10, json!({"steps": [{"setWeight": 50}, {"pause": {}}]})).deployed();
    world.set_image("web:2");
    world.settle();
    let stable = world.status().stable_rs.clone();
    world.replica_sets.retain(|rs| !rs.has_hash(&stable));
    world.deaf = true;
    for _ in 0..5 {
        world.pass();
        world.run_replica_sets();
    }
    world.edit("/spec/replicas", json!(2));
    for _ in 0..5 {
        world.pass();
        world.run_replica_sets();
    }
}

#[test]
fn an_update_soon_after_a_promotion_keeps_the_delay_of_the_version_that_served() {
    for confirms in [true, false] {
        for passes in 0..6 {
            let canary = json!({"steps": [{"setWeight": 20}, {"pause": {}}]});
            let mut world = if confirms { routed(10, canary) } else { unconfirming(10, canary) }.deployed();
            world.set_image("web:2");
            world.settle();
            world.patch_status(|status| status.pause_conditions.clear());
            until_promoted(&mut world);
            for _ in 0..passes {
                world.pass();
                world.run_replica_sets();
                world.run_routers();
            }
            world.set_image("web:3");
            world.settle();
            assert_eq!(world.size("web:1"), 10, "{confirms} {passes}");
            world.pass_time(40);
            assert_eq!(world.size("web:1"), 0, "{confirms} {passes}");
        }
    }
}

#[test]
fn a_fix_gets_through_although_the_stable_version_is_too_weak_to_take_the_traffic_back() {
    for stable_pods in [0, 1, 3] {
        for first in [20, 60] {
            let steps = json!([{"setWeight": first}, {"pause": {"duration": 1}}, {"setWeight": 60}, {"pause": {}}]);
            let mut world = routed(10, json!({ "steps": steps })).deployed();
            world.edit("/spec/progressDeadlineSeconds", json!(60));
            world.set_image("web:2");
            world.pass_time(10);
            let run = |world: &mut World| {
                for _ in 0..100 {
                    world.pass();
                    world.run_replica_sets();
                    world.report_available("web:1", stable_pods);
                    world.run_routers();
                    world.advance(1);
                }
            };
            run(&mut world);
            world.set_image("web:3");
            run(&mut world);
            assert_eq!((world.selected("canary"), world.size("web:2")), ("web:3", 0), "{stable_pods} {first}");
        }
    }
}

#[test]
fn the_events_of_two_services_that_take_turns_tell_of_no_weight_that_did_not_move() {
    let canary = json!({"pingPong": {"pingService": "ping", "pongService": "pong"}, "steps": [{"setWeight": 20}, {"pause": {}}]});
    let mut world = routed(4, canary).deployed();
    world.set_image("web:2");
    world.settle();
    world.patch_status(|status| status.promote_full = true);
    world.settle();
    let told: Vec<_> = world.events.iter().filter(|event| event.starts_with("TrafficWeightUpdated")).collect();
    assert!(told.iter().all(|event| !event.contains("from 20 to 80")), "{told:#?}");
}
