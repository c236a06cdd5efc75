//! Laws that hold whatever people do and whenever they do it. Every pass of a [`World`](crate::world::World) also asserts
//! that the guard accepts the plan and that the same snapshot gives the same plan.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::world::World;

/// What can happen to a rollout.
#[derive(Clone, Debug)]
enum Act {
    SetImage(u8),
    Break(u8),
    Mend(u8),
    Scale(i32),
    Pause(bool),
    Promote,
    PromoteFull,
    Abort,
    Retry,
    SkipStep,
    /// The ReplicaSets get their pods.
    RunPods,
    /// The controller passes once.
    Pass,
    Wait(i64),
    /// Data planes hear nothing any more, or hear again.
    Deafen(bool),
    /// Data planes hear of everything that is new.
    Hear,
    /// Somebody else changes a weight.
    Meddle(i32),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        2 => (1_u8..4).prop_map(Act::SetImage),
        1 => (2_u8..4).prop_map(Act::Break),
        1 => (2_u8..4).prop_map(Act::Mend),
        1 => (0_i32..9).prop_map(Act::Scale),
        1 => any::<bool>().prop_map(Act::Pause),
        2 => Just(Act::Promote),
        1 => Just(Act::PromoteFull),
        1 => Just(Act::Abort),
        1 => Just(Act::Retry),
        1 => Just(Act::SkipStep),
        6 => Just(Act::RunPods),
        8 => Just(Act::Pass),
        2 => (1_i64..20).prop_map(Act::Wait),
        1 => any::<bool>().prop_map(Act::Deafen),
        3 => Just(Act::Hear),
        1 => (0_i32..=100).prop_map(Act::Meddle),
    ];
    prop::collection::vec(act, 1..60)
}

fn strategies() -> impl Strategy<Value = Value> {
    let step = prop_oneof![
        3 => (0_i32..=100).prop_map(|weight| json!({"setWeight": weight})),
        1 => Just(json!({"pause": {}})),
        1 => (1_i32..10).prop_map(|seconds| json!({"pause": {"duration": seconds}})),
    ];
    let limits = prop_oneof![
        Just(json!({})),
        Just(json!({"maxSurge": 0, "maxUnavailable": 1})),
        Just(json!({"maxSurge": 1, "maxUnavailable": 0})),
        Just(json!({"maxSurge": "100%", "maxUnavailable": "50%"})),
    ];
    let services = prop_oneof![Just(json!({})), Just(json!({"stableService": "stable", "canaryService": "canary"}))];
    let canary = (limits, services, prop::collection::vec(step, 0..5)).prop_map(|(mut canary, services, steps)| {
        canary["steps"] = json!(steps);
        for (field, name) in services.as_object().expect("an object") {
            canary[field] = name.clone();
        }
        json!({ "canary": canary })
    });
    let switches = prop_oneof![
        Just(json!({})),
        Just(json!({"autoPromotionEnabled": false})),
        Just(json!({"autoPromotionEnabled": false, "previewReplicaCount": 1})),
        Just(json!({"autoPromotionSeconds": 5, "previewReplicaCount": 2})),
    ];
    let delays = prop_oneof![
        Just(json!({"scaleDownDelaySeconds": 0})),
        Just(json!({"scaleDownDelaySeconds": 10, "scaleDownDelayRevisionLimit": 1})),
        Just(json!({"abortScaleDownDelaySeconds": 3})),
        Just(json!({"abortScaleDownDelaySeconds": 0, "previewService": "preview"})),
    ];
    let blue_green = (switches, delays).prop_map(|(mut blue_green, delays)| {
        for (field, value) in delays.as_object().expect("an object") {
            blue_green[field] = value.clone();
        }
        blue_green["activeService"] = json!("active");
        json!({ "blueGreen": blue_green })
    });
    prop_oneof![2 => canary, 1 => blue_green, 2 => routed()]
}

fn routed() -> impl Strategy<Value = Value> {
    let step = prop_oneof![
        4 => (0_i32..=100).prop_map(|weight| json!({"setWeight": weight})),
        1 => (0_i32..5).prop_map(|replicas| json!({"setCanaryScale": {"replicas": replicas}})),
        1 => (0_i32..=100).prop_map(|weight| json!({"setCanaryScale": {"weight": weight}})),
        1 => Just(json!({"setCanaryScale": {"matchTrafficWeight": true}})),
        1 => Just(json!({"pause": {}})),
        1 => (1_i32..10).prop_map(|seconds| json!({"pause": {"duration": seconds}})),
    ];
    let sizes = prop_oneof![
        Just(json!({})),
        Just(json!({"scaleDownDelaySeconds": 0})),
        Just(json!({"scaleDownDelaySeconds": 10, "scaleDownDelayRevisionLimit": 1, "minPodsPerReplicaSet": 2})),
        Just(json!({"abortScaleDownDelaySeconds": 3, "maxUnavailable": "50%"})),
        Just(json!({"abortScaleDownDelaySeconds": 0})),
        Just(json!({"dynamicStableScale": true})),
        Just(json!({"dynamicStableScale": true, "minPodsPerReplicaSet": 2, "abortScaleDownDelaySeconds": 3})),
    ];
    let services = prop_oneof![
        2 => Just(json!({"stableService": "stable", "canaryService": "canary"})),
        1 => Just(json!({"pingPong": {"pingService": "ping", "pongService": "pong"}})),
        1 => Just(json!({})),
    ];
    let most = prop_oneof![3 => Just(json!(null)), 1 => Just(json!(1000))];
    (sizes, services, most, prop::collection::vec(step, 0..5)).prop_map(|(mut canary, services, most, steps)| {
        canary["steps"] = json!(steps);
        canary["trafficRouting"] = json!({"plugins": {"recording": {}}, "maxTrafficWeight": most});
        for (field, name) in services.as_object().expect("an object") {
            canary[field] = name.clone();
        }
        json!({ "canary": canary })
    })
}

fn world(replicas: i32, strategy: &Value) -> World {
    let mut world = crate::world::world(replicas, strategy);
    for name in ["stable", "canary", "active", "preview", "ping", "pong"] {
        world = world.with_service(name);
    }
    if !strategy["canary"]["trafficRouting"].is_null() {
        world = world.with_router("recording", true);
    }
    world.deployed()
}

fn image(number: u8) -> String {
    format!("web:{number}")
}

fn act(world: &mut World, act: &Act) {
    match act {
        Act::SetImage(number) => world.set_image(&image(*number)),
        Act::Break(number) => world.break_image(&image(*number)),
        Act::Mend(number) => world.mend_image(&image(*number)),
        Act::Scale(replicas) => world.edit("/spec/replicas", json!(replicas)),
        Act::Pause(paused) => world.edit("/spec/paused", json!(paused)),
        Act::Promote => world.patch_status(|status| status.pause_conditions.clear()),
        Act::PromoteFull => world.patch_status(|status| status.promote_full = true),
        Act::Abort => world.patch_status(|status| status.abort = true),
        Act::Retry => world.patch_status(|status| status.abort = false),
        Act::SkipStep => world.patch_status(|status| {
            status.pause_conditions.clear();
            status.current_step_index = status.current_step_index.map(|index| index + 1);
        }),
        Act::RunPods => {
            world.run_replica_sets();
        }
        Act::Pass => {
            world.pass();
        }
        Act::Wait(seconds) => world.advance(*seconds),
        Act::Deafen(deaf) => world.deaf = *deaf,
        Act::Hear => {
            world.run_routers();
        }
        Act::Meddle(weight) => world.meddle(*weight),
    }
}

/// Everything that could hold an update up is taken away.
fn clear_the_way(world: &mut World) {
    for number in 1..4 {
        world.mend_image(&image(number));
    }
    world.deaf = false;
    world.edit("/spec/paused", json!(false));
    world.patch_status(|status| status.abort = false);
    world.pass_time(60);
    for _ in 0..6 {
        world.patch_status(|status| status.pause_conditions.clear());
        world.pass_time(60);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happened_the_revision_asked_for_ends_up_serving_alone(
        replicas in 0_i32..8, strategy in strategies(), acts in acts(),
    ) {
        let mut world = world(replicas, &strategy);
        for next in &acts {
            act(&mut world, next);
        }
        clear_the_way(&mut world);
        prop_assert_eq!(world.phase(), ("Healthy", ""), "{:#?}", world.status());
        let wanted = world.rollout.spec.template.clone().expect("a template");
        let image = wanted["spec"]["containers"][0]["image"].as_str().expect("an image").to_owned();
        prop_assert_eq!(world.size(&image), world.rollout.spec.replicas.expect("replicas"));
        let all: i32 = world.replica_sets.iter().map(sluice_core::api::ReplicaSet::wanted).sum();
        prop_assert_eq!(all, world.size(&image));
    }

    #[test]
    fn a_settled_rollout_needs_no_further_write(replicas in 0_i32..8, strategy in strategies(), acts in acts()) {
        let mut world = world(replicas, &strategy);
        for next in &acts {
            act(&mut world, next);
        }
        world.settle();
        let plan = world.pass();
        prop_assert!(plan.effects.is_empty(), "{:#?}", plan.effects);
    }
}
