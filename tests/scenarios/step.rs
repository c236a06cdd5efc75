//! Weights and what they mean in pods, when nothing but pods carries the traffic.

use serde_json::json;

use crate::scenario::{Scenario, canary, rollout};

crate::scenarios! {
    the_canary_of_story_a_walks_with_its_counts,
    available_pods_never_fall_below_what_max_unavailable_allows,
    without_surge_a_stable_pod_goes_before_a_new_one_comes,
    a_new_version_that_never_becomes_ready_leaves_the_old_one_serving,
    changed_steps_start_over,
    weights_keep_at_least_one_pod_on_each_side,
}

/// Without a traffic router the share of pods is the share of traffic, so 25, 50 and 75 percent of 10 pods are 3, 5 and 8 of
/// 11 at most.
async fn the_canary_of_story_a_walks_with_its_counts(s: Scenario) {
    let text = std::fs::read_to_string("examples/story-a/rollout.yaml").expect("the example");
    let manifest: serde_json::Value = serde_saphyr::from_str(&text).expect("YAML");
    let name = manifest["metadata"]["name"].as_str().expect("a name").to_owned();
    let demo = s.deploy(manifest).await;
    assert_eq!(demo.name, name);
    let counts = async || {
        let sizes: Vec<i32> = demo.replica_sets().await.iter().map(sluice_core::api::ReplicaSet::wanted).collect();
        (sizes[0], sizes[1])
    };
    let container = demo.get().await.spec.template.expect("a template")["spec"]["containers"][0]["name"].clone();
    let yellow = json!([{ "name": container, "image": "argoproj/rollouts-demo:yellow" }]);
    demo.edit(json!({ "spec": { "template": { "spec": { "containers": yellow } } } })).await;
    demo.until_paused_at(1).await;
    assert_eq!(counts().await, (8, 3));
    demo.promote().await;
    demo.until_paused_at(3).await;
    assert_eq!(counts().await, (5, 5));
    // Nobody has to wait for the half minutes of the example: a promotion ends a timed pause too.
    demo.promote().await;
    demo.until_paused_at(5).await;
    assert_eq!(counts().await, (3, 8));
    demo.promote().await;
    demo.until_healthy().await;
    assert_eq!(counts().await, (0, 10));
}

async fn available_pods_never_fall_below_what_max_unavailable_allows(s: Scenario) {
    let steps = json!([{ "setWeight": 20 }, { "setWeight": 60 }]);
    let web = s.deploy(canary(10, json!({ "maxSurge": 2, "maxUnavailable": 1, "steps": steps }))).await;
    // New pods take a while, so that haste would show.
    web.edit(json!({ "spec": { "template": { "metadata": { "annotations": { "node.sluice.dev/start-delay": "300ms" } } } } })).await;
    let fewest = web
        .fewest_available(async {
            web.until_healthy().await;
        })
        .await;
    assert!(fewest >= 9, "{fewest} pods were available");
}

async fn without_surge_a_stable_pod_goes_before_a_new_one_comes(s: Scenario) {
    let web = s.deploy(canary(4, json!({ "maxSurge": 0, "maxUnavailable": 1, "steps": [{ "setWeight": 50 }] }))).await;
    web.set_image("web:2").await;
    let fewest = web
        .fewest_available(async {
            web.until_healthy().await;
        })
        .await;
    assert!(fewest >= 3, "{fewest} pods were available");
    assert_eq!(web.sizes("web:1", "web:2").await, (0, 4));
}

async fn a_new_version_that_never_becomes_ready_leaves_the_old_one_serving(s: Scenario) {
    let web = s.deploy(rollout(4, json!([{ "setWeight": 50 }]))).await;
    let never = json!({ "node.sluice.dev/ready": "never" });
    let fewest = web
        .fewest_available(async {
            web.edit(json!({ "spec": { "template": { "metadata": { "annotations": never } } } })).await;
            web.until("said to wait for pods", |rollout| {
                let waiting = rollout.status().waiting_on.as_ref();
                waiting.is_some_and(|waiting| waiting.message.contains("new pods are available"))
            })
            .await;
            s.sleep(2).await;
        })
        .await;
    assert!(fewest >= 3, "{fewest} pods were available");
    assert_eq!(web.status().await.current_step_index, Some(0));
}

async fn changed_steps_start_over(s: Scenario) {
    let web = s.deploy(rollout(4, json!([{ "setWeight": 25 }, { "pause": {} }]))).await;
    web.set_image("web:2").await;
    web.until_paused_at(1).await;
    let steps = json!([{ "setWeight": 75 }, { "pause": {} }, { "pause": {} }]);
    web.edit(json!({ "spec": { "strategy": { "canary": { "steps": steps } } } })).await;
    web.until_sizes(("web:1", 1), ("web:2", 3)).await;
    web.until_paused_at(1).await;
}

async fn weights_keep_at_least_one_pod_on_each_side(s: Scenario) {
    let web =
        s.deploy(rollout(2, json!([{ "setWeight": 1 }, { "pause": {} }, { "setWeight": 99 }, { "pause": {} }]))).await;
    web.set_image("web:2").await;
    web.until_paused_at(1).await;
    assert_eq!(web.sizes("web:1", "web:2").await, (2, 1));
    web.promote().await;
    web.until_paused_at(3).await;
    assert_eq!(web.sizes("web:1", "web:2").await, (1, 2));
}
