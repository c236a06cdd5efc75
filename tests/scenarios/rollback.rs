//! Going back to a version that was good, and going on before every pod is there.

use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;
use sluice_core::api::Rollout;

use crate::scenario::{Scenario, Subject, canary, rollout, with};

crate::scenarios! {
    going_back_within_the_window_skips_the_steps,
    going_back_further_than_the_window_takes_every_step,
    a_threshold_lets_a_step_go_on_before_all_its_pods_are_available,
}

/// Three versions, each of another second, and a window of this many revisions.
async fn three_versions(s: &Scenario, revisions: i32) -> Subject {
    let manifest = rollout(2, json!([{ "setWeight": 50 }, { "pause": {} }]));
    let web = s.deploy(with(manifest, "/spec/rollbackWindow", json!({ "revisions": revisions }))).await;
    for image in ["web:2", "web:3"] {
        s.sleep(2).await;
        web.set_image(image).await;
        web.until_paused_at(1).await;
        web.promote().await;
        web.until_healthy().await;
    }
    web
}

async fn going_back_within_the_window_skips_the_steps(s: Scenario) {
    let web = three_versions(&s, 2).await;
    web.set_image("web:1").await;
    web.until_healthy().await;
    web.until_sizes(("web:1", 2), ("web:3", 0)).await;
    s.until_told("SkipSteps: Rollback to active ReplicaSets within RollbackWindow").await;
    s.until_told("Rollback within window").await;
}

async fn going_back_further_than_the_window_takes_every_step(s: Scenario) {
    let web = three_versions(&s, 1).await;
    web.set_image("web:1").await;
    web.until_paused_at(1).await;
    web.until_sizes(("web:1", 1), ("web:3", 1)).await;
}

async fn a_threshold_lets_a_step_go_on_before_all_its_pods_are_available(s: Scenario) {
    let threshold = |percent: i32| json!({ "type": "Percent", "value": percent });
    let strategy = json!({
        "maxSurge": 0, "maxUnavailable": "50%", "replicaProgressThreshold": threshold(100),
        "steps": [{ "setWeight": 50 }, { "pause": {} }],
    });
    let web = s.deploy(canary(4, strategy)).await;
    let gated = json!({ "readinessGates": [{ "conditionType": "example.com/go" }] });
    web.edit(json!({ "spec": { "template": { "spec": gated } } })).await;
    web.until("no pod of two", |rollout| says(rollout, "0 of 2 new pods are available")).await;
    let pods = web.pods().await;
    let is_gated = |pod: &&Pod| pod.spec.as_ref().is_some_and(|spec| spec.readiness_gates.is_some());
    let name = pods.iter().find(is_gated).and_then(|pod| pod.metadata.name.as_deref()).expect("a new pod");
    let open = json!({ "type": "example.com/go", "status": "True" });
    let patch = Patch::Strategic(json!({ "status": { "conditions": [open] } }));
    let api: Api<Pod> = Api::namespaced(s.client(), &s.namespace);
    api.patch_status(name, &PatchParams::default(), &patch).await.expect("patchable");
    web.until("one pod of two", |rollout| says(rollout, "1 of 2 new pods are available")).await;
    let half = json!({ "replicaProgressThreshold": threshold(50) });
    web.edit(json!({ "spec": { "strategy": { "canary": half } } })).await;
    web.until_paused_at(1).await;
}

fn says(rollout: &Rollout, words: &str) -> bool {
    rollout.status().waiting_on.as_ref().is_some_and(|on| on.message == words)
}
