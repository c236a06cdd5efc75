//! What happens in the middle of an update: edits, deletions, stale counters and retries at a bad moment.

use serde_json::json;
use sluice_core::api::labels;
use sluice_core::effect::{Effect, Phase};
use sluice_core::plan::plan;

use crate::world::{World, blue_green, rollout, world};

fn paused(strategy: serde_json::Value) -> World {
    let mut world = blue_green(2, strategy).deployed();
    world.advance(1);
    world.set_image("web:2");
    world.settle();
    world
}

fn edit_selector(world: &mut World, service: &str, hash: Option<&str>) {
    let service = world.services.iter_mut().find(|s| s.target.name == service).expect("the Service");
    match hash {
        Some(hash) => service.selector.insert(labels::POD_TEMPLATE_HASH.into(), hash.into()),
        None => service.selector.remove(labels::POD_TEMPLATE_HASH),
    };
}

#[test]
fn a_small_preview_grows_by_itself_where_nobody_is_asked() {
    let mut world = blue_green(4, json!({"previewReplicaCount": 1})).deployed();
    world.set_image("web:2");
    world.pass();
    world.run_replica_sets();
    world.pass();
    assert_eq!(world.size("web:2"), 1);
    world.settle();
    assert_eq!((world.selected("active"), world.size("web:2")), ("web:2", 4));
}

#[test]
fn a_retry_pauses_again_even_where_the_update_was_promoted_before() {
    for preview in [json!(null), json!(1)] {
        let mut world =
            blue_green(4, json!({"autoPromotionEnabled": false, "previewReplicaCount": preview})).deployed();
        world.set_image("web:2");
        world.settle();
        world.break_image("web:2");
        world.run_replica_sets();
        world.patch_status(|status| status.pause_conditions.clear());
        world.settle();
        world.patch_status(|status| status.abort = true);
        world.settle();
        world.mend_image("web:2");
        world.patch_status(|status| status.abort = false);
        world.settle();
        assert_eq!((world.phase(), world.selected("active")), (("Paused", "BlueGreenPause"), "web:1"));
    }
}

#[test]
fn an_active_service_that_somebody_edits_goes_back_to_the_stable_version_and_the_pause_stays() {
    for hash in [None, Some("nonsense")] {
        let mut world = paused(json!({"autoPromotionEnabled": false}));
        edit_selector(&mut world, "active", hash);
        world.settle();
        assert_eq!((world.phase(), world.selected("active")), (("Paused", "BlueGreenPause"), "web:1"));
    }
}

#[test]
fn an_active_service_of_another_name_starts_with_the_stable_version() {
    let mut world = paused(json!({"autoPromotionEnabled": false})).with_service("active2");
    world.edit("/spec/strategy/blueGreen/activeService", json!("active2"));
    world.settle();
    assert_eq!((world.phase(), world.selected("active2")), (("Paused", "BlueGreenPause"), "web:1"));
    assert_eq!(world.selected("active"), "web:1", "the one that is named no more shows nobody the preview");
}

#[test]
fn a_service_is_let_go_only_when_no_other_version_has_pods() {
    let mut world = blue_green(2, json!({"scaleDownDelaySeconds": 3600})).deployed().with_service("active2");
    world.set_image("web:2");
    world.settle();
    world.edit("/spec/strategy/blueGreen/activeService", json!("active2"));
    world.settle();
    assert_eq!((world.selected("active"), world.selected("active2"), world.size("web:1")), ("web:2", "web:2", 2));
    world.pass_time(3600);
    assert_eq!((world.selected("active"), world.size("web:1")), ("", 0));
}

#[test]
fn no_service_is_moved_on_counters_that_are_older_than_the_size() {
    let mut world = paused(json!({"scaleDownDelaySeconds": 10}));
    assert_eq!(world.selected("active"), "web:2");
    world.advance(11);
    world.pass();
    assert_eq!(world.size("web:1"), 0, "its delay is over, and its controller has not said so yet");
    world.set_image("web:1");
    for _ in 0..5 {
        world.pass();
        assert_eq!(world.selected("active"), "web:2");
    }
    world.settle();
    assert_eq!(world.selected("active"), "web:1");
}

#[test]
fn a_restart_goes_on_while_two_versions_run() {
    let mut world = paused(json!({"autoPromotionEnabled": false}));
    world.advance(10);
    let now = world.now.to_string();
    world.edit("/spec/restartAt", json!(now));
    world.advance(5);
    let plan = plan(&world.snapshot());
    assert!(plan.effects.iter().any(|planned| matches!(planned.effect, Effect::EvictPod(_))), "{:?}", plan.effects);
}

#[test]
fn a_label_of_the_manifest_comes_back_when_the_role_ends() {
    let mut world = blue_green(1, json!({"previewMetadata": {"labels": {"track": "preview"}}}));
    let mut template = world.rollout.spec.template.clone().expect("a template");
    template["metadata"]["labels"]["track"] = json!("live");
    world.edit("/spec/template", template);
    let mut world = world.deployed();
    world.set_image("web:2");
    world.pass_time(60);
    assert!(world.pods.iter().all(|pod| pod.labels["track"] == "live"), "{:?}", world.pods);
}

#[test]
fn labels_by_which_pods_are_found_are_never_changed() {
    let mut world = blue_green(1, json!({})).deployed();
    let role = json!({"labels": {"app": "other", labels::POD_TEMPLATE_HASH: "other"}});
    world.edit("/spec/strategy/blueGreen/activeMetadata", role);
    assert_eq!(plan(&world.snapshot()).effects, []);
}

#[test]
fn a_label_goes_into_the_template_before_it_goes_onto_pods_and_never_holds_a_size_back() {
    let mut world = rollout(4, &json!({"steps": [{"setWeight": 50}, {"pause": {}}]})).deployed();
    world.set_image("web:2");
    world.settle();
    world.edit("/spec/strategy/canary/stableMetadata", json!({"labels": {"tier": "not valid!"}}));
    world.patch_status(|status| status.abort = true);
    let plan = plan(&world.snapshot());
    let mut sizes = 0;
    for planned in &plan.effects {
        match &planned.effect {
            Effect::PatchReplicaSet(patch) if patch.replicas.is_some() => {
                sizes += 1;
                assert!(patch.template.is_empty(), "{patch:?}");
                assert_eq!(planned.phase, Some(Phase::Grow));
            }
            Effect::PatchReplicaSet(_) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(sizes, 1);
}

#[test]
fn a_window_that_opens_in_the_middle_of_an_update_changes_nothing_about_it() {
    let mut world = rollout(2, &json!({"steps": [{"setWeight": 100}, {"pause": {}}]})).deployed();
    for image in ["web:2", "web:1"] {
        world.advance(5);
        world.set_image(image);
        world.settle();
        if image == "web:2" {
            world.patch_status(|status| status.pause_conditions.clear());
            world.settle();
        }
    }
    world.edit("/spec/rollbackWindow", json!({"revisions": 3}));
    world.settle();
    assert_eq!(world.phase(), ("Paused", "CanaryPauseStep"));
    world.patch_status(|status| status.pause_conditions.clear());
    world.settle();
    assert_eq!(world.phase(), ("Healthy", ""));
}

#[test]
fn a_revision_in_between_that_is_deleted_ends_no_pause() {
    let mut world = blue_green(1, json!({"autoPromotionEnabled": false, "scaleDownDelaySeconds": 1})).deployed();
    world.edit("/spec/rollbackWindow", json!({"revisions": 1}));
    for image in ["web:2", "web:3"] {
        world.pass_time(5);
        world.set_image(image);
        world.settle();
        world.patch_status(|status| status.pause_conditions.clear());
        world.pass_time(5);
    }
    world.set_image("web:1");
    world.settle();
    world.replica_sets.retain(|rs| rs.spec.template["spec"]["containers"][0]["image"] != "web:2");
    world.settle();
    assert_eq!((world.phase(), world.selected("active")), (("Paused", "BlueGreenPause"), "web:3"));
}

#[test]
fn an_aborted_canary_takes_its_stable_service_back_when_it_can_carry_it() {
    let strategy = json!({"canary": {"stableService": "stable", "steps": [{"setWeight": 100}, {"pause": {}}]}});
    let mut world = world(8, &strategy).with_service("stable").deployed();
    world.set_image("web:2");
    world.settle();
    assert_eq!(world.selected("stable"), "web:2");
    world.patch_status(|status| status.abort = true);
    let mut fewest = 8;
    while world.selected("stable") == "web:2" || world.size("web:1") < 8 {
        world.pass();
        fewest =
            fewest.min(if world.selected("stable") == "web:1" { world.size("web:1") } else { world.size("web:2") });
        world.run_replica_sets();
    }
    assert!(fewest >= 4, "{fewest} pods served at some moment");
}

#[test]
fn the_pods_of_an_aborted_way_back_stay_for_the_delay_of_the_abort() {
    let mut world = paused(json!({"scaleDownDelaySeconds": 20, "abortScaleDownDelaySeconds": 300}));
    world.advance(10);
    world.break_image("web:1");
    world.run_replica_sets();
    world.set_image("web:1");
    world.pass_time(30);
    world.patch_status(|status| status.abort = true);
    world.settle();
    assert_eq!(world.size("web:1"), 2);
    world.pass_time(301);
    assert_eq!((world.size("web:1"), world.selected("active")), (0, "web:2"));
}

#[test]
fn an_annotation_is_never_added_in_place_of_others() {
    let mut world = blue_green(1, json!({})).deployed();
    world.edit("/spec/strategy/blueGreen/activeMetadata", json!({"annotations": {"role": "active"}}));
    world.pass();
    for planned in plan(&world.snapshot()).effects {
        let Effect::PatchPod(patch) = &planned.effect else { continue };
        let tested = json!({"op": "test", "path": "/metadata/resourceVersion", "value": patch.target.resource_version});
        assert!(patch.operations().contains(&tested), "{:?}", patch.operations());
        return;
    }
    panic!("no pod is patched");
}
