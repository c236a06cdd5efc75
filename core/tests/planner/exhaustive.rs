//! Every state that a small rollout can come to: whatever pods do, whatever people do, and wherever the controller dies. The guard
//! accepts every plan that is made on the way, and from each state the update can still end well.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Value, json};
use sluice_core::guard;
use sluice_core::plan::{Urgency, plan};
use sluice_core::status::conditions;

use crate::pods::report;
use crate::workload;
use crate::world::{World, world};

/// What makes two states the same: everything that decisions are made on. Counters, phases and messages follow from it, and time
/// does not pass here.
fn key(world: &World) -> u64 {
    let status = world.status();
    let blue_green = status.blue_green.as_ref().is_some_and(|status| status.scale_up_preview_check_point);
    let decided = json!([
        [status.abort, status.promote_full, status.controller_pause, status.pause_conditions.is_empty(), blue_green],
        [status.current_pod_hash, status.current_step_hash, status.stable_rs],
        status.current_step_index,
        conditions::reason_of(status, conditions::kind::PROGRESSING),
    ]);
    let sets: BTreeMap<&str, Value> = world
        .replica_sets
        .iter()
        .map(|rs| {
            let reported = (rs.observed().replicas, rs.observed().available_replicas, rs.is_observed());
            let annotations = rs.metadata.annotations.as_ref().map_or(0, BTreeMap::len);
            (rs.name(), json!([rs.wanted(), reported, annotations, rs.scale_down_deadline().is_some()]))
        })
        .collect();
    // Generations grow for ever; what counts is whether the last was heard of.
    let objects = world.routers.iter().flat_map(|routed| &routed.objects);
    let routers: Vec<_> = objects
        .filter_map(|seen| seen.found().ok())
        .map(|object| json!([object["spec"], object["metadata"]["generation"] == object["seen"]]))
        .collect();
    let turn = status.canary.as_ref().map(|canary| canary.stable_ping_pong.as_str());
    let services: Vec<_> =
        world.services.iter().map(|service| (service.hash(), service.managed_by.as_deref())).collect();
    let observed = world.status().observed_generation == world.rollout.metadata.generation.unwrap_or(0).to_string();
    let image = world.image();
    let annotations = world.rollout.metadata.annotations.as_ref().map_or(0, BTreeMap::len);
    let mut hasher = DefaultHasher::new();
    let size = workload::size(&world.workload);
    json!([decided, sets, services, image, observed, routers, turn, annotations, size]).to_string().hash(&mut hasher);
    hasher.finish()
}

/// Everything that can happen next.
fn successors(state: &World) -> Vec<World> {
    let mut next = Vec::new();
    let snapshot = state.snapshot();
    let plan = plan(&snapshot);
    assert_eq!(guard::check(&snapshot, &plan), [], "the guard accepts the plan made of {:#?}", state.rollout.status);
    // The controller gets through, or dies after any of its writes.
    for writes in 0..=plan.effects.len() {
        let mut after = state.clone();
        for planned in &plan.effects[..writes] {
            after.execute(&planned.effect);
        }
        if writes == plan.effects.len() && plan.urgency != Urgency::None {
            let mut done = after.clone();
            done.rollout.status = Some(plan.status.clone());
            next.push(done);
        }
        if writes > 0 {
            next.push(after);
        }
    }
    for index in 0..state.replica_sets.len() {
        let wanted = state.replica_sets[index].wanted();
        for available in 0..=wanted {
            let mut after = state.clone();
            report(&mut after.replica_sets[index], available);
            next.push(after);
        }
    }
    if !state.routers.is_empty() {
        let mut after = state.clone();
        after.run_routers();
        next.push(after);
    }
    let acts: [fn(&mut World); 6] = [
        |world| world.set_image(if world.image() == "web:1" { "web:2" } else { "web:1" }),
        |world| world.patch_status(|status| status.pause_conditions.clear()),
        |world| world.patch_status(|status| status.abort = true),
        |world| world.patch_status(|status| status.abort = false),
        |world| world.patch_status(|status| status.promote_full = true),
        |world| workload::scale_up(&mut world.workload),
    ];
    for act in acts {
        let mut after = state.clone();
        act(&mut after);
        next.push(after);
    }
    next
}

/// Whether the update ends well once every pod comes and nobody holds it back.
fn ends_well(state: &World) {
    let mut world = state.clone();
    world.patch_status(|status| status.abort = false);
    for _ in 0..8 {
        world.settle();
        world.patch_status(|status| status.pause_conditions.clear());
    }
    world.pass_time(100);
    assert_eq!(world.phase(), ("Healthy", ""), "from {:#?}", state.rollout.status);
}

/// Looks at no more states than this; returns how many there were.
fn search(begin: World, most: usize) -> usize {
    let mut seen: HashSet<u64> = [key(&begin)].into();
    let mut queue = VecDeque::from([begin]);
    while let Some(state) = queue.pop_front() {
        if seen.len().is_multiple_of(97) {
            ends_well(&state);
        }
        for next in successors(&state) {
            if seen.len() < most && seen.insert(key(&next)) {
                queue.push_back(next);
            }
        }
    }
    seen.len()
}

/// How many states to look at: the more the longer, up to all that there are.
fn most() -> usize {
    std::env::var("STATES").ok().and_then(|states| states.parse().ok()).unwrap_or(4_000)
}

fn begin(replicas: i32, strategy: &Value) -> World {
    let mut world = world(replicas, strategy);
    for name in ["stable", "canary", "active", "preview"] {
        world = world.with_service(name);
    }
    if !strategy["canary"]["trafficRouting"].is_null() {
        world = world.with_router("recording", true);
    }
    world.deployed()
}

#[test]
fn no_state_of_a_small_canary_breaks_an_invariant() {
    for (replicas, surge, unavailable) in [(1, 1, 0), (1, 0, 1), (2, 1, 0), (2, 0, 1), (3, 1, 1)] {
        let strategy = json!({ "canary": {
            "maxSurge": surge, "maxUnavailable": unavailable, "stableService": "stable", "canaryService": "canary",
            "steps": [{ "setWeight": 50 }, { "pause": {} }, { "setWeight": 100 }],
        } });
        let states = search(begin(replicas, &strategy), most());
        println!("{replicas} replicas, surge {surge}, unavailable {unavailable}: {states} states");
    }
}

#[test]
fn no_state_of_a_small_blue_green_update_breaks_an_invariant() {
    for (replicas, preview) in [(1, json!(null)), (2, json!(1))] {
        let strategy = json!({ "blueGreen": {
            "activeService": "active", "previewService": "preview", "autoPromotionEnabled": false,
            "previewReplicaCount": preview, "scaleDownDelaySeconds": 30,
        } });
        let states = search(begin(replicas, &strategy), most());
        println!("{replicas} replicas, preview {preview}: {states} states");
    }
}

#[test]
fn no_state_of_a_small_canary_with_a_router_breaks_an_invariant() {
    for (replicas, dynamic) in [(1, false), (2, false), (1, true), (2, true)] {
        let strategy = json!({ "canary": {
            "stableService": "stable", "canaryService": "canary", "dynamicStableScale": dynamic,
            "trafficRouting": { "plugins": { "recording": {} } },
            "steps": [{ "setWeight": 50 }, { "pause": {} }],
        } });
        let states = search(begin(replicas, &strategy), most());
        println!("{replicas} replicas, dynamic {dynamic}: {states} states");
    }
}

#[test]
fn no_state_of_a_takeover_breaks_an_invariant() {
    for (replicas, scale_down) in [(1, "progressively"), (2, "progressively"), (2, "onsuccess")] {
        let canary = json!({ "maxSurge": 1, "maxUnavailable": 0, "steps": [{ "setWeight": 50 }, { "pause": {} }] });
        let begin = workload::referring(replicas, &json!({ "canary": canary }), scale_down, replicas + 1);
        let states = search(begin, most());
        println!("{replicas} replicas, {scale_down}: {states} states");
    }
}
