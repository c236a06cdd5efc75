//! Blue-green: two versions side by side, and one switch.

use serde_json::{Value, json};
use sluice_core::api::labels;

use crate::scenario::{Scenario, Subject, blue_green};

crate::scenarios! {
    the_active_service_moves_when_a_person_promotes,
    without_a_pause_the_switch_waits_for_all_new_pods,
    the_old_version_stays_for_its_delay,
    a_promotion_by_itself_waits_its_seconds,
    a_small_preview_grows_before_it_gets_the_traffic,
    an_abort_leaves_the_traffic_where_it_is_and_takes_the_preview_away,
    an_aborted_update_is_tried_again,
    a_full_promotion_ends_the_pause,
    going_back_while_the_old_version_still_runs_needs_no_promotion,
    a_third_version_takes_the_place_of_the_second,
    scaling_in_the_middle_scales_both_versions,
    a_version_that_never_gets_ready_never_gets_the_traffic,
    a_missing_active_service_holds_the_rollout_until_it_is_there,
}

async fn deploy(s: &Scenario, replicas: i32, strategy: Value) -> Subject {
    s.serve(&["active", "preview"]).await;
    let web = s.deploy(blue_green(replicas, strategy)).await;
    assert_eq!(web.selected("active").await, "web:1");
    web
}

async fn until_paused(web: &Subject) {
    web.until_phase("Paused", "BlueGreenPause").await;
}

async fn the_active_service_moves_when_a_person_promotes(s: Scenario) {
    let web = deploy(&s, 2, json!({ "autoPromotionEnabled": false })).await;
    web.set_image("web:2").await;
    until_paused(&web).await;
    web.until_sizes(("web:1", 2), ("web:2", 2)).await;
    assert_eq!(web.selected("active").await, "web:1");
    web.until_selected("preview", "web:2").await;
    web.promote().await;
    web.until_healthy().await;
    assert_eq!(web.selected("active").await, "web:2");
    let status = web.status().await;
    let blue_green = status.blue_green.expect("a status");
    assert_eq!(blue_green.active_selector, status.current_pod_hash);
    assert_eq!(blue_green.preview_selector, status.current_pod_hash);
    s.until_told("SwitchService: Switched selector for service 'active' from").await;
    s.until_told("Completed blue-green update").await;
}

async fn without_a_pause_the_switch_waits_for_all_new_pods(s: Scenario) {
    let web = deploy(&s, 3, json!({})).await;
    web.set_image("web:2").await;
    let seen = async {
        s.eventually("the switch", async || {
            let (selected, status) = (web.selected("active").await, web.replica_sets().await);
            let available = status.last().map_or(0, |rs| rs.observed().available_replicas);
            if selected == "web:2" { Ok(available) } else { Err(format!("{available} new pods")) }
        })
        .await
    };
    assert_eq!(seen.await, 3, "all new pods were available at the switch");
    web.until_healthy().await;
    assert_eq!(web.size("web:1").await, 3, "the old pods wait for their delay");
}

async fn the_old_version_stays_for_its_delay(s: Scenario) {
    let web = deploy(&s, 1, json!({ "scaleDownDelaySeconds": 3 })).await;
    web.set_image("web:2").await;
    web.until_healthy().await;
    let deadline = s
        .eventually("a deadline", async || {
            let sets = web.replica_sets().await;
            sets[0].scale_down_deadline().ok_or_else(|| format!("{:?}", sets[0].metadata.annotations))
        })
        .await;
    web.until_sizes(("web:1", 0), ("web:2", 1)).await;
    assert!(s.cluster.now() >= deadline);
    s.until_told("Scaled down ReplicaSet").await;
    assert_eq!(web.replica_sets().await[0].annotation(labels::SCALE_DOWN_DEADLINE), None);
}

async fn a_promotion_by_itself_waits_its_seconds(s: Scenario) {
    let web = deploy(&s, 1, json!({ "autoPromotionSeconds": 3 })).await;
    web.set_image("web:2").await;
    until_paused(&web).await;
    let since = web.status().await.pause_conditions[0].start_time.0;
    assert_eq!(web.selected("active").await, "web:1");
    web.until_selected("active", "web:2").await;
    assert!(s.cluster.now().duration_since(since).as_secs() >= 3);
    web.until_healthy().await;
}

async fn a_small_preview_grows_before_it_gets_the_traffic(s: Scenario) {
    let web = deploy(&s, 3, json!({ "autoPromotionEnabled": false, "previewReplicaCount": 1 })).await;
    web.set_image("web:2").await;
    until_paused(&web).await;
    web.until_sizes(("web:1", 3), ("web:2", 1)).await;
    web.promote().await;
    web.until_healthy().await;
    assert_eq!(web.sizes("web:1", "web:2").await, (3, 3));
    assert_eq!(web.selected("active").await, "web:2");
}

async fn an_abort_leaves_the_traffic_where_it_is_and_takes_the_preview_away(s: Scenario) {
    let web = deploy(&s, 2, json!({ "autoPromotionEnabled": false, "abortScaleDownDelaySeconds": 2 })).await;
    web.set_image("web:2").await;
    until_paused(&web).await;
    web.abort().await;
    web.until_aborted().await;
    web.until_sizes(("web:1", 2), ("web:2", 0)).await;
    assert_eq!(web.selected("active").await, "web:1");
}

async fn an_aborted_update_is_tried_again(s: Scenario) {
    let web = deploy(&s, 1, json!({ "autoPromotionEnabled": false, "abortScaleDownDelaySeconds": 1 })).await;
    web.set_image("web:2").await;
    until_paused(&web).await;
    web.abort().await;
    web.until_aborted().await;
    web.retry().await;
    until_paused(&web).await;
    web.promote().await;
    web.until_healthy().await;
    assert_eq!(web.selected("active").await, "web:2");
}

async fn a_full_promotion_ends_the_pause(s: Scenario) {
    let web = deploy(&s, 1, json!({ "autoPromotionEnabled": false })).await;
    web.set_image("web:2").await;
    until_paused(&web).await;
    web.promote_full().await;
    web.until_healthy().await;
    assert_eq!(web.selected("active").await, "web:2");
    s.until_told("Full promotion requested").await;
}

async fn going_back_while_the_old_version_still_runs_needs_no_promotion(s: Scenario) {
    let web = deploy(&s, 1, json!({ "autoPromotionEnabled": false, "scaleDownDelaySeconds": 600 })).await;
    // Of two ReplicaSets of the same second neither is the older one.
    s.sleep(2).await;
    web.set_image("web:2").await;
    until_paused(&web).await;
    web.promote().await;
    web.until_healthy().await;
    web.set_image("web:1").await;
    web.until_healthy().await;
    assert_eq!(web.selected("active").await, "web:1");
}

async fn a_third_version_takes_the_place_of_the_second(s: Scenario) {
    let web = deploy(&s, 1, json!({ "autoPromotionEnabled": false, "scaleDownDelaySeconds": 1 })).await;
    web.set_image("web:2").await;
    until_paused(&web).await;
    web.set_image("web:3").await;
    web.until_selected("preview", "web:3").await;
    web.until_sizes(("web:2", 0), ("web:3", 1)).await;
    assert_eq!(web.size("web:1").await, 1);
    assert_eq!(web.selected("active").await, "web:1");
    until_paused(&web).await;
}

async fn scaling_in_the_middle_scales_both_versions(s: Scenario) {
    let web = deploy(&s, 1, json!({ "autoPromotionEnabled": false })).await;
    web.set_image("web:2").await;
    until_paused(&web).await;
    web.scale(3).await;
    web.until_sizes(("web:1", 3), ("web:2", 3)).await;
    until_paused(&web).await;
    web.until("the autoscaler sees the active version", |rollout| rollout.status().hpa_replicas == 3).await;
}

async fn a_version_that_never_gets_ready_never_gets_the_traffic(s: Scenario) {
    s.serve(&["active", "preview"]).await;
    let mut manifest = blue_green(1, json!({}));
    manifest["spec"]["progressDeadlineSeconds"] = json!(3);
    let web = s.deploy(manifest).await;
    let never = json!({ "metadata": { "annotations": { "node.sluice.dev/ready": "never" } } });
    web.edit(json!({ "spec": { "template": never } })).await;
    web.until_phase("Degraded", "ProgressDeadlineExceeded").await;
    let waiting_on = web.status().await.waiting_on.expect("it says what it waits for");
    assert!(waiting_on.message.contains("0 of 1 pods"), "{waiting_on:?}");
    assert_eq!(web.selected("active").await, "web:1");
    let stable = web.status().await.stable_rs;
    let service = s.read("v1", "Service", "active").await;
    assert_eq!(service["spec"]["selector"][labels::POD_TEMPLATE_HASH], json!(stable));
}

async fn a_missing_active_service_holds_the_rollout_until_it_is_there(s: Scenario) {
    s.serve(&["preview"]).await;
    let web = s.apply(blue_green(1, json!({}))).await;
    let held = web.until_phase("Degraded", "InvalidSpec").await;
    assert!(held.status().message.contains("service \"active\" not found"), "{}", held.status().message);
    s.serve(&["active"]).await;
    web.until_healthy().await;
    assert_eq!(web.selected("active").await, "web:1");
}
