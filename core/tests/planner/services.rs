//! The Services, the pods' labels and the rules of a canary, without a cluster.

use std::collections::BTreeSet;

use serde_json::json;
use sluice_core::api::labels;
use sluice_core::event::Note;
use sluice_core::snapshot::Refusal;

use crate::world::{World, rollout};

fn canary() -> World {
    let canary = json!({
        "stableService": "stable", "canaryService": "canary",
        "steps": [{"setWeight": 50}, {"pause": {}}],
    });
    rollout(2, &canary).with_service("stable").with_service("canary").deployed()
}

fn selected(world: &World) -> (&str, &str) {
    (world.selected("stable"), world.selected("canary"))
}

#[test]
fn the_canary_service_follows_the_new_version_and_comes_back_with_an_abort() {
    let mut world = canary();
    assert_eq!(selected(&world), ("web:1", "web:1"));
    world.set_image("web:2");
    world.settle();
    assert_eq!(selected(&world), ("web:1", "web:2"));
    world.patch_status(|status| status.abort = true);
    world.settle();
    assert_eq!(selected(&world), ("web:1", "web:1"));
    world.patch_status(|status| status.abort = false);
    world.settle();
    world.patch_status(|status| status.pause_conditions.clear());
    world.settle();
    assert_eq!(selected(&world), ("web:2", "web:2"));
    assert_eq!(world.phase(), ("Healthy", ""));
}

#[test]
fn a_service_waits_for_a_pod_that_serves_and_says_so() {
    let mut world = canary();
    world.break_image("web:2");
    world.set_image("web:2");
    world.settle();
    assert_eq!(selected(&world), ("web:1", "web:1"));
    let events: Vec<_> = world.events.iter().filter(|event| event.starts_with("SwitchService")).collect();
    assert!(events.is_empty(), "{events:?}");
}

#[test]
fn old_pods_stay_while_the_stable_service_cannot_be_moved_off_them() {
    let mut world = canary();
    world.set_image("web:2");
    world.settle();
    world.patch_status(|status| status.pause_conditions.clear());
    let stable = world.services.iter().find(|service| service.target.name == "stable").expect("the Service").clone();
    let never = sluice_core::time::after(world.now, jiff::SignedDuration::from_secs(1000));
    let key = sluice_core::effect::EffectKey {
        verb: "point".into(),
        kind: "Service".into(),
        name: "stable".into(),
        scope: String::new(),
    };
    world.refusals.push(Refusal {
        key,
        error: "denied by a webhook".into(),
        name_taken: false,
        retry_at: never,
        only: None,
    });
    for _ in 0..20 {
        world.pass();
        world.run_replica_sets();
    }
    assert_eq!(world.selected("stable"), "web:1");
    assert_eq!(world.services.iter().find(|service| service.target.name == "stable"), Some(&stable));
    let status = world.status();
    assert_eq!(status.stable_rs, status.current_pod_hash, "the promotion itself needs no Service");
    assert_eq!(world.size("web:1"), 1, "pods that the Service selects stay");
    world.refusals.clear();
    world.settle();
    assert_eq!((selected(&world), world.size("web:1")), (("web:2", "web:2"), 0));
}

#[test]
fn a_switch_is_told_with_the_service_and_both_revisions() {
    let note = Note::switched("stable", Some("a"), Some("b"));
    assert_eq!(
        (note.reason, note.message.as_str()),
        ("SwitchService", "Switched selector for service 'stable' from 'a' to 'b'")
    );
}

#[test]
fn live_pods_get_the_labels_of_their_role_and_lose_them_with_it() {
    let role = |role: &str| json!({"labels": {"role": role}});
    let mut world = rollout(
        2,
        &json!({"steps": [{"setWeight": 50}, {"pause": {}}], "canaryMetadata": role("trial"), "stableMetadata": role("serving")}),
    )
    .deployed();
    let roles = |world: &World| -> BTreeSet<String> {
        world.pods.iter().map(|pod| pod.labels.get("role").cloned().unwrap_or_default()).collect()
    };
    assert_eq!(roles(&world), ["serving".to_owned()].into());
    world.set_image("web:2");
    world.settle();
    assert_eq!(roles(&world), ["serving".to_owned(), "trial".to_owned()].into());
    let trial = world.pods.iter().find(|pod| pod.labels["role"] == "trial").expect("a pod").target.uid.clone();
    world.patch_status(|status| status.pause_conditions.clear());
    world.settle();
    assert_eq!(roles(&world), ["serving".to_owned()].into());
    assert!(world.pods.iter().any(|pod| pod.target.uid == trial), "it is the same pod");
    world.edit("/spec/strategy/canary", json!({"steps": [{"setWeight": 50}, {"pause": {}}]}));
    world.settle();
    assert_eq!(roles(&world), [String::new()].into());
    assert!(world.replica_sets.iter().all(|rs| rs.annotation(labels::EPHEMERAL_METADATA).is_none()));
    assert_eq!(world.phase(), ("Healthy", ""));
}

#[test]
fn going_back_within_the_window_skips_the_steps() {
    let mut world = rollout(2, &json!({"steps": [{"setWeight": 50}, {"pause": {}}]})).deployed();
    world.edit("/spec/rollbackWindow", json!({"revisions": 1}));
    world.advance(5);
    world.set_image("web:2");
    world.settle();
    world.patch_status(|status| status.promote_full = true);
    world.settle();
    world.set_image("web:1");
    world.settle();
    assert_eq!(world.phase(), ("Healthy", ""));
    assert_eq!(world.size("web:1"), 2);
    let told = |words: &str| world.events.iter().any(|event| event.contains(words));
    assert!(told("Rollback to active ReplicaSets within RollbackWindow") && told("Rollback within window"));
}

#[test]
fn pods_that_an_update_adds_for_a_while_are_not_fed_back_to_an_autoscaler() {
    let mut world = rollout(4, &json!({"steps": [{"setWeight": 10}, {"pause": {}}]})).deployed();
    world.set_image("web:2");
    world.settle();
    assert_eq!((world.status().replicas, world.status().hpa_replicas), (5, 4));
    // An autoscaler that finds everything as it should be asks for as many as it is told of.
    for _ in 0..5 {
        world.edit("/spec/replicas", json!(world.status().hpa_replicas));
        world.settle();
    }
    assert_eq!((world.size("web:1"), world.size("web:2")), (4, 1));
    assert_eq!(world.phase(), ("Paused", "CanaryPauseStep"));
}
