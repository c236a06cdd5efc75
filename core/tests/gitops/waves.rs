//! Syncs in several steps.

use serde_json::json;

use crate::world::World;

const WAVE: &str = "argocd.argoproj.io/sync-wave";

/// `first` in wave -1, `color` in wave 0 and `last` in wave 5.
fn waves(policy: &serde_json::Value) -> World {
    let mut world = World::with(policy);
    world.git = ["last", "color", "first"].map(|name| (name.to_owned(), "1".to_owned())).into();
    world.annotations =
        [("first", "-1"), ("last", "5")].map(|(name, wave)| (name.to_owned(), json!({ WAVE: wave }))).into();
    world
}

#[test]
fn a_wave_waits_until_the_one_before_it_is_healthy() {
    let mut world = waves(&json!({ "automated": {} }));
    world.health.insert("first".to_owned(), "Progressing");
    world.health.insert("color".to_owned(), "Suspended");
    world.health.insert("last".to_owned(), "Progressing");
    world.settle();
    assert_eq!(world.take(), ["apply first=1"]);
    assert_eq!(world.last(), ("Running".to_owned(), "waiting for healthy state of /ConfigMap/first".to_owned()));
    world.pass_time(10_000);
    assert_eq!(world.take(), Vec::<String>::new(), "it waits as long as it takes");
    world.health.insert("first".to_owned(), "Healthy");
    world.settle();
    assert_eq!(world.take(), ["apply color=1"]);
    // What was healthy once holds nothing up any more.
    world.health.insert("first".to_owned(), "Degraded");
    world.health.insert("color".to_owned(), "Healthy");
    world.settle();
    assert_eq!(world.take(), ["apply last=1"]);
    assert_eq!(world.last(), ("Succeeded".to_owned(), "successfully synced (all tasks run)".to_owned()));
    assert_eq!(world.application.status().history.len(), 1);
}

#[test]
fn a_wave_that_is_degraded_ends_the_sync() {
    let mut world = waves(&json!({}));
    world.health.insert("first".to_owned(), "Degraded");
    world.ask(&json!({}));
    assert_eq!(world.take(), ["apply first=1"]);
    let (phase, message) = world.last();
    assert_eq!(phase, "Failed");
    assert_eq!(
        message,
        "one or more synchronization tasks completed unsuccessfully, reason: ConfigMap/first: it is degraded"
    );
}

#[test]
fn what_goes_missing_between_waves_ends_the_sync() {
    let mut world = waves(&json!({}));
    world.health.insert("first".to_owned(), "Progressing");
    world.ask(&json!({}));
    world.cluster.clear();
    world.settle();
    assert!(world.last().1.contains("/ConfigMap/first is missing, it might have been deleted"), "{:?}", world.last());
}

#[test]
fn one_wave_does_not_wait_for_what_it_applies() {
    let mut world = World::automated(false, false);
    world.health.insert("color".to_owned(), "Degraded");
    world.settle();
    assert_eq!(world.last().0, "Succeeded");
    assert_eq!(world.application.status().health.as_ref().expect("health").status, "Degraded");
}

#[test]
fn whoever_takes_over_in_the_middle_goes_on() {
    // The writes of a stage were done, and nobody has written that down.
    let mut world = waves(&json!({}));
    world.health.insert("first".to_owned(), "Healthy");
    world.application.operation = serde_json::from_value(json!({ "sync": {} })).expect("an operation");
    world.pass();
    world.pass();
    assert_eq!(world.take(), ["apply first=1"]);
    world.outcomes.clear();
    world.settle();
    assert_eq!(world.take(), ["apply first=1", "apply color=1", "apply last=1"]);
    assert_eq!(world.last().0, "Succeeded");
}

#[test]
fn objects_go_in_reverse_order_after_everything_has_come() {
    let mut world = waves(&json!({ "automated": { "prune": true } }));
    for (name, wave) in [("early", "-2"), ("late", "3")] {
        world.cluster.push((name.to_owned(), "x".to_owned(), true));
        world.annotations.insert(name.to_owned(), json!({ WAVE: wave }));
    }
    world.health.insert("last".to_owned(), "Progressing");
    world.settle();
    assert_eq!(world.take(), ["apply first=1", "apply color=1", "apply last=1", "delete late", "delete early"]);
}

#[test]
fn what_goes_last_waits_for_the_health_of_what_came() {
    let mut world = World::with(&json!({ "automated": { "prune": true }, "syncOptions": ["PruneLast=true"] }));
    world.cluster.push(("old".to_owned(), "x".to_owned(), true));
    world.health.insert("color".to_owned(), "Progressing");
    world.settle();
    assert_eq!(world.take(), ["apply color=blue"]);
    world.health.clear();
    world.settle();
    assert_eq!(world.take(), ["delete old"]);
    assert_eq!(world.last().0, "Succeeded");
}

#[test]
fn what_asks_before_it_goes_waits_for_a_person() {
    let mut world = World::automated(true, false);
    world.cluster.push(("data".to_owned(), "x".to_owned(), true));
    world.annotations.insert("data".to_owned(), json!({ "argocd.argoproj.io/sync-options": "Prune=confirm" }));
    world.settle();
    assert_eq!(world.take(), ["apply color=blue"]);
    assert_eq!(world.last(), ("Running".to_owned(), "waiting for pruning confirmation of /ConfigMap/data".to_owned()));
    let approved = "argocd.argoproj.io/deletion-approved".to_owned();
    let approve = |at: &str, world: &mut World| {
        let annotations = world.application.metadata.annotations.get_or_insert_default();
        annotations.insert(approved.clone(), at.to_owned());
        world.settle();
    };
    approve("2025-12-31T23:59:59Z", &mut world);
    assert_eq!(world.take(), Vec::<String>::new(), "that was for an earlier sync");
    approve("2026-01-01T00:00:00Z", &mut world);
    assert_eq!(world.take(), ["delete data"]);
    assert_eq!(world.last().0, "Succeeded");
}

#[test]
fn only_what_differs_is_applied_where_that_is_asked_for() {
    let mut world = waves(&json!({ "automated": {}, "syncOptions": ["ApplyOutOfSyncOnly=true"] }));
    world.settle();
    world.take();
    world.git.retain(|(name, _)| name != "color");
    world.git.push(("color".to_owned(), "2".to_owned()));
    "c2".clone_into(&mut world.revision);
    world.settle();
    assert_eq!(world.take(), ["apply color=2"]);
    assert_eq!(world.last().0, "Succeeded");
}

#[test]
fn what_is_shared_ends_the_sync_where_that_is_asked_for() {
    let mut world = World::with(&json!({ "syncOptions": ["FailOnSharedResource=true"] }));
    world.cluster.push(("color".to_owned(), "red".to_owned(), false));
    world.application.operation = serde_json::from_value(json!({ "sync": {} })).expect("an operation");
    world.pass();
    let mut snapshot = world.snapshot();
    snapshot.objects[0].live.as_mut().expect("it is there").other = Some("other".to_owned());
    let plan = sluice_core::gitops::plan::plan(&snapshot);
    assert_eq!(plan.effects, []);
    let message = plan.status.operation_state.expect("a sync").message;
    assert_eq!(message, "Shared resource found: /ConfigMap/color is part of application other (FailOnSharedResource)");
}

#[test]
fn a_newer_commit_takes_the_place_of_a_sync_that_waits() {
    for (policy, hook_runs, expected) in [
        (None, false, "Failed"),
        (None, true, "Running"),
        (Some("immediate"), true, "Failed"),
        (Some("never"), false, "Running"),
    ] {
        let mut world = waves(&json!({ "automated": {} }));
        world.health.insert("first".to_owned(), "Progressing");
        if hook_runs {
            world.hook("migrate", &json!({ "argocd.argoproj.io/hook": "PreSync" }));
        }
        if let Some(policy) = policy {
            let annotations = world.application.metadata.annotations.get_or_insert_default();
            annotations.insert("sluice.dev/preempt".to_owned(), policy.to_owned());
        }
        world.settle();
        world.newest = Some("c1".to_owned());
        world.settle();
        assert_eq!(world.last().0, "Running", "there is no newer commit");
        world.newest = Some("c2".to_owned());
        world.pass();
        let (phase, message) = world.last();
        assert_eq!(phase, expected, "{policy:?}, {hook_runs}: {message}");
        if expected == "Failed" {
            assert_eq!(message, "the newer commit c2 takes its place (sluice.dev/preempt)");
            // From now on that is what Git says.
            "c2".clone_into(&mut world.revision);
            world.newest = None;
            world.health.clear();
            world.hooks.clear();
            world.settle();
            assert_eq!(world.application.status().history.last().expect("a sync").revision, "c2");
        }
    }
}

#[test]
fn an_application_takes_its_objects_along_wave_by_wave() {
    let mut world = waves(&json!({ "automated": {} }));
    world.settle();
    world.take();
    let metadata = &mut world.application.metadata;
    metadata.deletion_timestamp = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(world.now));
    metadata.finalizers = Some(vec!["resources-finalizer.argocd.argoproj.io".to_owned()]);
    for _ in 0..4 {
        world.pass();
    }
    assert_eq!(world.take(), ["delete last", "delete color", "delete first", "release"]);
}

#[test]
fn what_goes_waits_until_what_goes_before_it_is_gone() {
    let mut world = waves(&json!({ "automated": { "prune": true } }));
    for (name, wave) in [("early", "-2"), ("late", "3")] {
        world.cluster.push((name.to_owned(), "x".to_owned(), true));
        world.annotations.insert(name.to_owned(), json!({ WAVE: wave }));
    }
    world.lingering = vec!["late".to_owned()];
    world.settle();
    assert_eq!(world.take().split_off(3), ["delete late"]);
    assert_eq!(world.last(), ("Running".to_owned(), "waiting for deletion of /ConfigMap/late".to_owned()));
    world.gone("late");
    assert_eq!(world.take(), ["delete early"]);
    assert_eq!(world.last().0, "Succeeded");
}
