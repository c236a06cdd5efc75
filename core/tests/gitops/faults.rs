//! Syncs in which something goes wrong at every place where it can.

use serde_json::{Value, json};

use crate::world::{Fault, World};

/// More passes than any of the stories takes.
const PASSES: usize = 60;

/// Three waves, hooks on both sides, and something to prune.
fn story(policy: &Value) -> World {
    let mut world = World::with(policy);
    world.git = ["last", "color", "first"].map(|name| (name.to_owned(), "1".to_owned())).into();
    let waves = [("first", "-1"), ("last", "5"), ("old", "2"), ("older", "1")];
    let wave = |wave: &str| json!({ "argocd.argoproj.io/sync-wave": wave });
    world.annotations = waves.map(|(name, it)| (name.to_owned(), wave(it))).into();
    world.cluster = ["old", "older"].map(|name| (name.to_owned(), "x".to_owned(), true)).into();
    world.hook("migrate", &json!({ "argocd.argoproj.io/hook": "PreSync" }));
    let policy = "argocd.argoproj.io/hook-delete-policy";
    world.hook("smoke", &json!({ "argocd.argoproj.io/hook": "PostSync", policy: "HookSucceeded" }));
    world
}

/// Goes through a story to its end, with a fault in one of its passes. Jobs end as soon as they have begun.
fn tell(mut world: World, fault: Option<(usize, Fault)>) -> World {
    for pass in 0..PASSES {
        world.pass_with(fault.filter(|(at, _)| *at == pass).map(|(_, fault)| fault));
        for job in world.jobs.clone().iter().filter(|job| job["status"].is_null()) {
            world.ends(job["metadata"]["name"].as_str().expect("a name"), "Complete");
        }
    }
    world
}

/// What is there in the end, and how the sync ended.
fn end(world: &World) -> (Vec<String>, Vec<String>, String, usize) {
    let mut cluster: Vec<String> = world.cluster.iter().map(|(name, value, _)| format!("{name}={value}")).collect();
    cluster.sort();
    let mut jobs: Vec<String> = world
        .jobs
        .iter()
        .map(|job| format!("{} held by {}", job["metadata"]["name"], job["metadata"]["finalizers"]))
        .collect();
    jobs.sort();
    (cluster, jobs, world.last().0, world.application.status().history.len())
}

#[test]
fn whatever_dies_a_sync_comes_to_the_same_end_and_runs_each_hook_once() {
    for policy in [
        json!({ "automated": { "prune": true } }),
        json!({ "automated": { "prune": true, "selfHeal": true }, "syncOptions": ["PruneLast=true"] }),
        json!({ "automated": { "prune": true }, "syncOptions": ["ApplyOutOfSyncOnly=true"] }),
    ] {
        let expected = end(&tell(story(&policy), None));
        assert_eq!(expected.0, ["color=1", "first=1", "last=1"]);
        assert_eq!(
            (expected.1.as_slice(), expected.2.as_str(), expected.3),
            (["\"migrate\" held by []".to_owned()].as_slice(), "Succeeded", 1)
        );
        for pass in 0..PASSES / 2 {
            for fault in [Fault::NothingIsStored, Fault::DiesAfter(0), Fault::DiesAfter(1), Fault::DiesAfter(2)] {
                let world = tell(story(&policy), Some((pass, fault)));
                assert_eq!(end(&world), expected, "{fault:?} in pass {pass} of {policy}: {:?}", world.done);
                for hook in ["run migrate", "run smoke"] {
                    let runs = world.done.iter().filter(|done| *done == hook).count();
                    assert_eq!(runs, 1, "{hook}, {fault:?} in pass {pass} of {policy}: {:?}", world.done);
                }
            }
        }
    }
}
