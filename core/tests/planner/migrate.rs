//! From one strategy to the other, without a cluster.

use serde_json::json;

use crate::world::{World, blue_green, rollout};

fn change(world: &mut World, strategy: serde_json::Value) {
    world.edit("/spec/strategy", strategy);
}

#[test]
fn a_settled_canary_becomes_blue_green_without_a_new_pod() {
    let steps = json!({"steps": [{"setWeight": 50}, {"pause": {}}]});
    let mut world = rollout(2, &steps).with_service("active").deployed();
    change(&mut world, json!({"blueGreen": {"activeService": "active", "autoPromotionEnabled": false}}));
    world.settle();
    assert_eq!(world.phase(), ("Healthy", ""));
    assert_eq!((world.selected("active"), world.replica_sets.len()), ("web:1", 1));
    assert_eq!(world.status().current_step_index, None);
    change(&mut world, json!({ "canary": steps }));
    world.settle();
    assert_eq!(world.phase(), ("Healthy", ""));
    assert_eq!((world.status().blue_green.as_ref(), world.status().current_step_index), (None, Some(2)));
    assert_eq!((world.selected("active"), world.services[0].managed_by.as_deref()), ("", None));
}

#[test]
fn a_canary_leaves_no_deadline_of_blue_green_behind() {
    let mut world = blue_green(1, json!({"scaleDownDelaySeconds": 600})).deployed();
    world.set_image("web:2");
    world.settle();
    assert!(world.replica_sets.iter().any(|rs| rs.scale_down_deadline().is_some()));
    change(&mut world, json!({"canary": {}}));
    world.settle();
    assert_eq!((world.size("web:1"), world.phase()), (0, ("Healthy", "")));
    assert!(world.replica_sets.iter().all(|rs| rs.scale_down_deadline().is_none()));
}

#[test]
fn a_service_is_let_go_only_when_no_more_new_pods_run_than_the_canary_wants() {
    let mut world = blue_green(4, json!({"autoPromotionEnabled": false})).deployed();
    world.set_image("web:2");
    world.settle();
    assert_eq!((world.size("web:1"), world.size("web:2")), (4, 4));
    change(&mut world, json!({"canary": {"steps": [{"setWeight": 25}, {"pause": {}}]}}));
    for _ in 0..20 {
        world.pass();
        if world.selected("active").is_empty() {
            break;
        }
        world.run_replica_sets();
    }
    assert_eq!((world.selected("active"), world.size("web:2")), ("", 1));
    world.settle();
    assert_eq!((world.size("web:1"), world.size("web:2")), (3, 1));
    assert_eq!(world.phase(), ("Paused", "CanaryPauseStep"));
}
