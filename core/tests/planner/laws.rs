//! Laws that hold whatever people do and whenever they do it. Every pass of a [`World`](crate::world::World) also asserts
//! that the guard accepts the plan and that the same snapshot gives the same plan.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::{Value, json};

use sluice_core::api::RolloutStatus;
use sluice_core::plan::plan;

use crate::mesh;
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
    /// From now on requests go where `EndpointSlices` say, which follow the Services later.
    Slice,
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
        1 => Just(Act::Slice),
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
        4 => (0_i32..=50).prop_map(|weight| json!({"setWeight": weight})),
        1 => (0_i32..5).prop_map(|replicas| json!({"setCanaryScale": {"replicas": replicas}})),
        1 => (0_i32..=50).prop_map(|weight| json!({"setCanaryScale": {"weight": weight}})),
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
        1 => Just(json!({"trafficRouting": mesh::routing()})),
    ];
    let most = prop_oneof![2 => Just(json!(null)), 1 => Just(json!(1000)), 1 => Just(json!(50))];
    let real = any::<bool>();
    (sizes, services, most, prop::collection::vec(step, 0..5), real).prop_map(
        |(mut canary, services, most, steps, real)| {
            canary["steps"] = json!(steps);
            let real = real && services != json!({});
            let router =
                if real { ("gatewayAPI", json!({"httpRoute": "web"})) } else { ("plugins", json!({"recording": {}})) };
            canary["trafficRouting"] = json!({(router.0): router.1, "maxTrafficWeight": most});
            for (field, name) in services.as_object().expect("an object") {
                canary[field] = name.clone();
            }
            json!({ "canary": canary })
        },
    )
}

fn world(replicas: i32, strategy: &Value) -> World {
    let mut world = crate::world::world(replicas, strategy);
    for name in ["stable", "canary", "active", "preview", "ping", "pong"] {
        world = world.with_service(name);
    }
    let routing = &strategy["canary"]["trafficRouting"];
    if !routing["gatewayAPI"].is_null() {
        let pair = if strategy["canary"]["pingPong"].is_null() { ["stable", "canary"] } else { ["ping", "pong"] };
        world = world.with_route(&pair);
    } else if !routing["istio"].is_null() {
        let confirms = strategy["canary"]["abortScaleDownDelaySeconds"].is_null();
        world = mesh::in_mesh(world, confirms || strategy["canary"]["scaleDownDelaySeconds"] == 0);
    } else if !routing.is_null() {
        // One that cannot confirm is asked for by this weight. Without a delay there is nothing that could help it.
        let canary = &strategy["canary"];
        let dark = canary["trafficRouting"]["maxTrafficWeight"] == 50 && canary["scaleDownDelaySeconds"] != 0;
        world = world.with_router("recording", !dark);
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
            world.run_endpoints();
        }
        Act::Pass => {
            world.pass();
        }
        Act::Wait(seconds) => world.advance(*seconds),
        // Nobody can help where a data plane is deaf and cannot say so.
        Act::Deafen(deaf) => world.deaf = *deaf && world.confirms(),
        Act::Hear => {
            world.run_routers();
        }
        Act::Meddle(weight) => world.meddle(*weight),
        Act::Slice => world.has_endpoints = true,
    }
}

/// Values that nobody expects.
fn junk() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(null)),
        any::<i32>().prop_map(|number| json!(number)),
        Just(json!(i64::MAX)),
        Just(json!(-1)),
        "[a-z0-9%.:-]{0,6}".prop_map(|text| json!(text)),
        Just(json!([])),
        Just(json!({})),
        Just(json!([{}, null, 1])),
        any::<bool>().prop_map(|yes| json!(yes)),
    ]
}

/// Every place in a value, below its metadata.
fn pointers(value: &Value) -> Vec<String> {
    fn walk(at: &str, value: &Value, found: &mut Vec<String>) {
        found.push(at.to_owned());
        let children: Vec<(String, &Value)> = match value {
            Value::Object(map) => {
                map.iter().map(|(key, value)| (key.replace('~', "~0").replace('/', "~1"), value)).collect()
            }
            Value::Array(list) => list.iter().enumerate().map(|(index, value)| (index.to_string(), value)).collect(),
            _ => Vec::new(),
        };
        for (key, value) in children {
            walk(&format!("{at}/{key}"), value, found);
        }
    }
    let mut found = Vec::new();
    for field in ["spec", "status"] {
        walk(&format!("/{field}"), &value[field], &mut found);
    }
    found
}

/// The same histories in every run; with `PROPTEST_CASES` others, as many as it says.
fn config() -> ProptestConfig {
    let longer = std::env::var("PROPTEST_CASES").is_ok();
    let config = ProptestConfig::default();
    if longer { config } else { ProptestConfig { cases: 400, rng_seed: RngSeed::Fixed(1), ..config } }
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
    #![proptest_config(config())]

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
    fn more_available_pods_never_hold_an_update_back(
        replicas in 1_i32..8, strategy in strategies(), acts in acts(), more in 1_i32..8, which in any::<prop::sample::Index>(),
    ) {
        let mut world = world(replicas, &strategy);
        for next in &acts {
            act(&mut world, next);
        }
        let before = world.snapshot();
        let mut after = before.clone();
        let index = which.index(after.replica_sets.len());
        let rs = &mut after.replica_sets[index];
        let wanted = rs.wanted();
        if let Some(status) = rs.status.as_mut().filter(|status| status.available_replicas < wanted) {
            status.available_replicas = (status.available_replicas + more).min(wanted);
            status.ready_replicas = status.available_replicas;
        }
        let (less, more) = (plan(&before).status, plan(&after).status);
        // A client may have set an index beyond the last step.
        let steps = strategy["canary"]["steps"].as_array().map_or(0, Vec::len);
        let index = |status: &RolloutStatus| usize::try_from(status.current_step_index.unwrap_or(0)).unwrap_or(0).min(steps);
        prop_assert!(index(&more) >= index(&less), "{less:#?} {more:#?}");
        let complete = |status: &RolloutStatus| status.stable_rs == status.current_pod_hash;
        prop_assert!(complete(&more) || !complete(&less), "{less:#?} {more:#?}");
    }

    #[test]
    fn an_undisturbed_update_tells_its_routers_every_weight_once(replicas in 1_i32..8, canary in routed()) {
        let mut world = world(replicas, &canary);
        let steps = canary["canary"]["steps"].as_array().expect("steps");
        let moves = steps.iter().filter(|step| !step["setWeight"].is_null() || !step["setCanaryScale"].is_null());
        world.told.clear();
        world.set_image("web:2");
        for _ in 0..6 {
            world.pass_time(60);
            world.patch_status(|status| status.pause_conditions.clear());
        }
        world.pass_time(60);
        prop_assert_eq!(world.phase(), ("Healthy", ""));
        let weights = world.told.iter().enumerate().filter(|(place, weight)| *place == 0 || world.told[place - 1] != **weight);
        // Nothing yet, every step, all, and back to nothing.
        prop_assert!(weights.count() <= moves.count() + 3, "{:?}", world.told);
    }

    #[test]
    fn whatever_a_manifest_says_it_is_planned_without_a_panic(
        strategy in strategies(), edits in prop::collection::vec((any::<prop::sample::Index>(), junk()), 1..6),
    ) {
        let mut world = world(3, &strategy);
        world.set_image("web:2");
        world.settle();
        let mut manifest = serde_json::to_value(&world.rollout).expect("JSON");
        for (place, value) in &edits {
            let pointers = pointers(&manifest);
            let place = &pointers[place.index(pointers.len())];
            *manifest.pointer_mut(place).expect("a place") = value.clone();
        }
        let (rollout, problems) = sluice_core::api::decode::rollout(manifest);
        let mut snapshot = world.snapshot();
        snapshot.rollout = rollout;
        snapshot.decode_problems = problems.iter().map(ToString::to_string).collect();
        let plan = plan(&snapshot);
        prop_assert_eq!(&plan, &sluice_core::plan::plan(&snapshot));
        let _ = sluice_core::guard::check(&snapshot, &plan);
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
