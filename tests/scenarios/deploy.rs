//! The first deploy, and updates that need nobody.

use serde_json::json;
use sluice_core::api::labels;

use crate::scenario::{Scenario, canary, image_of, rollout, with};

crate::scenarios! {
    a_first_deploy_skips_the_steps,
    a_manifest_without_replicas_runs_one_pod_and_says_so,
    a_canary_without_steps_is_a_rolling_update,
    an_update_walks_its_steps_and_promotes_itself,
    a_third_revision_replaces_the_second_in_the_middle_of_its_update,
    pods_must_stay_ready_for_min_ready_seconds_to_count,
    the_replica_set_carries_revision_hash_and_owner,
    a_deleted_rollout_takes_its_pods_along,
    the_events_of_an_update_come_in_their_order;
    with_processes: kubectl_can_wait_for_the_conditions
}

async fn a_first_deploy_skips_the_steps(s: Scenario) {
    let web = s.deploy(rollout(3, json!([{ "setWeight": 10 }, { "pause": {} }]))).await;
    let status = web.status().await;
    assert_eq!(status.stable_rs, status.current_pod_hash);
    assert_eq!(status.current_step_index, Some(2));
    assert_eq!((status.replicas, status.available_replicas, status.updated_replicas), (3, 3, 3));
    assert_eq!(status.selector, "app=web");
}

async fn a_manifest_without_replicas_runs_one_pod_and_says_so(s: Scenario) {
    let mut manifest = rollout(1, json!([]));
    manifest["spec"].as_object_mut().expect("a spec").remove("replicas");
    let web = s.deploy(manifest).await;
    assert_eq!(web.get().await.spec.replicas, Some(1));
    assert_eq!(web.pods().await.len(), 1);
}

async fn a_canary_without_steps_is_a_rolling_update(s: Scenario) {
    let web = s.deploy(canary(4, json!({ "maxSurge": 1, "maxUnavailable": 0 }))).await;
    let fewest = web
        .fewest_available(async {
            web.set_image("web:2").await;
            web.until_healthy().await;
        })
        .await;
    assert!(fewest >= 4, "{fewest} pods were available");
    assert_eq!(web.sizes("web:1", "web:2").await, (0, 4));
}

async fn an_update_walks_its_steps_and_promotes_itself(s: Scenario) {
    let steps = json!([{ "setWeight": 25 }, { "pause": { "duration": "1s" } }, { "setWeight": 75 }, { "pause": { "duration": 1 } }]);
    let web = s.deploy(rollout(4, steps)).await;
    web.set_image("web:2").await;
    web.until_paused_at(1).await;
    web.until_sizes(("web:1", 3), ("web:2", 1)).await;
    web.until_paused_at(3).await;
    web.until_sizes(("web:1", 1), ("web:2", 3)).await;
    web.until_healthy().await;
    web.until_sizes(("web:1", 0), ("web:2", 4)).await;
}

async fn a_third_revision_replaces_the_second_in_the_middle_of_its_update(s: Scenario) {
    let web = s.deploy(rollout(6, json!([{ "setWeight": 50 }, { "pause": {} }]))).await;
    web.set_image("web:2").await;
    web.until_paused_at(1).await;
    let floor = web.floor().await;
    let fewest = web
        .fewest_available(async {
            web.set_image("web:3").await;
            web.until_sizes(("web:2", 0), ("web:3", 3)).await;
            web.until_paused_at(1).await;
        })
        .await;
    assert!(fewest >= floor, "{fewest} pods were available, {floor} must be");
    assert_eq!(web.size("web:1").await, 3);
    web.promote().await;
    web.until_healthy().await;
    web.until_sizes(("web:1", 0), ("web:3", 6)).await;
}

async fn pods_must_stay_ready_for_min_ready_seconds_to_count(s: Scenario) {
    let manifest = with(rollout(2, json!([{ "setWeight": 50 }, { "pause": {} }])), "/spec/minReadySeconds", json!(3));
    let web = s.deploy(manifest).await;
    let begun = s.cluster.now();
    web.set_image("web:2").await;
    web.until_paused_at(1).await;
    assert!(s.cluster.now().duration_since(begun).as_secs() >= 2, "the new pod counted at once");
    assert!(web.replica_sets().await.iter().all(|rs| rs.spec.min_ready_seconds == Some(3)));
}

async fn the_replica_set_carries_revision_hash_and_owner(s: Scenario) {
    let manifest = with(rollout(1, json!([])), "/metadata/annotations", json!({ "team": "shop" }));
    let web = s.deploy(manifest).await;
    let rollout = web.get().await;
    let [rs] = &web.replica_sets().await[..] else { panic!("one ReplicaSet") };
    let hash = rs.hash().expect("a hash");
    assert_eq!(rs.name(), format!("web-{hash}"));
    assert_eq!(rollout.status().current_pod_hash, hash.as_str());
    assert_eq!(rs.controller_uid(), rollout.metadata.uid.as_deref());
    assert_eq!(rs.annotation(labels::REVISION), Some("1"));
    assert_eq!(rs.annotation(labels::DESIRED_REPLICAS), Some("1"));
    assert_eq!(rs.annotation("team"), Some("shop"));
    assert_eq!(rs.spec.template["metadata"]["labels"][labels::POD_TEMPLATE_HASH], hash.as_str());
    assert_eq!(rollout.metadata.annotations.expect("annotations")[labels::REVISION], "1");
}

async fn a_deleted_rollout_takes_its_pods_along(s: Scenario) {
    let web = s.deploy(rollout(2, json!([]))).await;
    web.api().delete("web", &kube::api::DeleteParams::background()).await.expect("deleted");
    s.eventually("all ReplicaSets gone", async || match web.replica_sets().await.len() {
        0 => Ok(()),
        left => Err(format!("{left} left")),
    })
    .await;
}

async fn the_events_of_an_update_come_in_their_order(s: Scenario) {
    let web = s.deploy(rollout(1, json!([{ "setWeight": 50 }, { "pause": {} }]))).await;
    web.set_image("web:2").await;
    web.until_paused_at(1).await;
    web.promote().await;
    web.until_healthy().await;
    let expected = [
        "RolloutAddedToInformer",
        "RolloutUpdated",
        "NewReplicaSetCreated",
        "ScalingReplicaSet",
        "RolloutCompleted",
        "RolloutUpdated",
        "NewReplicaSetCreated",
        "ScalingReplicaSet",
        "RolloutNotCompleted",
        "RolloutStepCompleted",
        "RolloutPaused",
        "RolloutResumed",
        "RolloutStepCompleted",
        "RolloutCompleted",
        "ScalingReplicaSet",
    ];
    if s.events_may_be_lost {
        let told = s.event_reasons().await;
        for reason in &told {
            let times = |reasons: &[&str]| reasons.iter().filter(|one| *one == reason).count();
            let told: Vec<&str> = told.iter().map(String::as_str).collect();
            assert!(times(&told) <= times(&expected), "{reason} was told more than once: {told:?}");
        }
        return;
    }
    s.eventually("all events written", async || match s.event_reasons().await {
        reasons if reasons == expected => Ok(()),
        reasons => Err(format!("{reasons:?}")),
    })
    .await;
    let hash = web.status().await.stable_rs;
    let events = s.events().await;
    assert!(events.contains(&format!(
        "RolloutCompleted: Rollout completed update to revision 2 ({hash}): Completed all 2 canary steps"
    )));
    assert!(events.contains(&"RolloutPaused: Rollout is paused (CanaryPauseStep)".to_owned()));
    assert!(events.contains(&"RolloutStepCompleted: Rollout step 1/2 completed (setWeight: 50)".to_owned()));
    assert!(web.replica_sets().await.iter().all(|rs| !image_of(rs).is_empty()));
}

async fn kubectl_can_wait_for_the_conditions(s: Scenario) {
    s.apply(rollout(2, json!([{ "setWeight": 50 }, { "pause": {} }]))).await;
    let wait = |condition: &str| {
        let condition = format!("--for=condition={condition}");
        s.programs().kubectl(&["-n", &s.namespace, "wait", &condition, "rollout/web", "--timeout=60s"])
    };
    wait("Available");
    wait("Completed");
    wait("Healthy");
}
