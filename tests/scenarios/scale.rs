//! Changing the number of pods, in the middle of an update too.

use kube::api::{Patch, PatchParams};
use serde_json::json;

use crate::scenario::{Scenario, rollout};

crate::scenarios! {
    scaling_up_in_the_middle_of_an_update_keeps_the_weight,
    scaling_down_in_the_middle_of_an_update_keeps_the_weight,
    the_scale_subresource_scales,
    a_rollout_can_rest_at_zero_and_come_back,
    a_foreign_change_of_a_replica_set_is_put_right,
}

async fn scaling_up_in_the_middle_of_an_update_keeps_the_weight(s: Scenario) {
    let web = s.deploy(rollout(4, json!([{ "setWeight": 50 }, { "pause": {} }]))).await;
    web.set_image("web:2").await;
    web.until_paused_at(1).await;
    web.scale(10).await;
    web.until_sizes(("web:1", 5), ("web:2", 5)).await;
    web.until_paused_at(1).await;
    for rs in web.replica_sets().await {
        assert_eq!(rs.annotation("rollout.argoproj.io/desired-replicas"), Some("10"));
    }
}

async fn scaling_down_in_the_middle_of_an_update_keeps_the_weight(s: Scenario) {
    let web = s.deploy(rollout(8, json!([{ "setWeight": 25 }, { "pause": {} }]))).await;
    web.set_image("web:2").await;
    web.until_paused_at(1).await;
    assert_eq!(web.sizes("web:1", "web:2").await, (6, 2));
    web.scale(4).await;
    web.until_sizes(("web:1", 3), ("web:2", 1)).await;
    web.promote().await;
    web.until_healthy().await;
    assert_eq!(web.sizes("web:1", "web:2").await, (0, 4));
}

async fn the_scale_subresource_scales(s: Scenario) {
    let web = s.deploy(rollout(2, json!([]))).await;
    let patch = Patch::Merge(json!({ "spec": { "replicas": 5 } }));
    web.api().patch_scale("web", &PatchParams::default(), &patch).await.expect("scaled");
    web.until("five pods", |rollout| rollout.status().available_replicas == 5).await;
    let scale = web
        .scenario
        .eventually("five pods for autoscalers", async || {
            let scale = web.api().get_scale("web").await.expect("a scale");
            let status = scale.status.clone().unwrap_or_default();
            if status.replicas == 5 { Ok(status) } else { Err(format!("{status:?}")) }
        })
        .await;
    assert_eq!(scale.selector.as_deref(), Some("app=web"));
}

async fn a_rollout_can_rest_at_zero_and_come_back(s: Scenario) {
    let web = s.deploy(rollout(2, json!([{ "setWeight": 50 }, { "pause": {} }]))).await;
    web.scale(0).await;
    web.until("at rest", |rollout| rollout.status().replicas == 0 && rollout.status().phase == "Healthy").await;
    web.scale(3).await;
    web.until("back", |rollout| rollout.status().available_replicas == 3).await;
    web.until_healthy().await;
}

async fn a_foreign_change_of_a_replica_set_is_put_right(s: Scenario) {
    let web = s.deploy(rollout(2, json!([]))).await;
    let name = web.replica_sets().await[0].name().to_owned();
    s.patch("apps/v1", "ReplicaSet", &name, json!({ "spec": { "replicas": 7 } })).await.expect("scaled");
    web.until_sizes(("web:1", 2), ("web:2", 0)).await;
    web.until_healthy().await;
}
