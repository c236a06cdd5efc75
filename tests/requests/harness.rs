//! The harness itself, on Deployments that nobody rolls out: what it must find, it finds, and what is right passes.

use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams};
use serde_json::json;

use crate::gateway::Gateway;
use crate::report::Share;
use crate::run::Run;
use crate::scenario::Scenario;
use crate::story::{NEW, OLD, Story, container};

/// Two pods of a version and a Service for them, whose pods serve for so long after their deletion.
async fn version(s: &Scenario, name: &str, image: &str, ends_after: &str) {
    let labels = json!({ "version": name });
    let annotations = json!({ "node.sluice.dev/termination-delay": ends_after });
    let template = json!({
        "metadata": { "labels": labels, "annotations": annotations },
        "spec": { "containers": [container(image)] },
    });
    let spec = json!({ "replicas": 2, "selector": { "matchLabels": labels }, "template": template });
    let deployment =
        json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": name }, "spec": spec });
    s.create(deployment).await.expect("a Deployment");
    let spec = json!({ "selector": labels, "ports": [{ "port": 80 }] });
    let service = json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": name }, "spec": spec });
    s.create(service).await.expect("a Service");
    s.eventually(&format!("{name} is available"), async || {
        let deployment = s.read("apps/v1", "Deployment", name).await;
        if deployment["status"]["availableReplicas"] == 2 { Ok(()) } else { Err(deployment["status"].to_string()) }
    })
    .await;
}

/// Two versions behind a route that gives the new one a fifth.
async fn two_versions(story: &Story, ends_after: &str) {
    version(&story.s, "old", OLD, ends_after).await;
    version(&story.s, "new", NEW, ends_after).await;
    story.gateway.carry(&story.s, &[("old", 80), ("new", 20)]).await;
    Gateway::until_heard(&story.s, "new", 20).await;
}

/// Deletes one pod of the old version; its Deployment makes another one.
async fn delete_a_pod(s: &Scenario) {
    let api: Api<Pod> = Api::namespaced(s.client(), &s.namespace);
    let pods = api.list(&ListParams::default().labels("version=old")).await.expect("pods").items;
    s.delete("v1", "Pod", pods[0].metadata.name.as_deref().expect("a name")).await;
}

async fn load(story: &Story, title: &str) -> Run {
    Run::begin(title.to_owned(), NEW, &story.gateway, &story.s).await
}

pub async fn a_correct_split_is_right_and_another_one_is_found(story: Story) {
    two_versions(&story, "1s").await;
    let mut run = load(&story, "a fifth, a half, and a fifth that should be a half").await;
    run.measure("a fifth", 20).await;
    Gateway::shift(&story.s, &[("old", 50), ("new", 50)]).await;
    Gateway::until_heard(&story.s, "new", 50).await;
    run.measure("a half", 50).await;
    Gateway::shift(&story.s, &[("old", 80), ("new", 20)]).await;
    Gateway::until_heard(&story.s, "new", 20).await;
    run.measure("not a half", 50).await;
    let report = run.end();
    println!("{report}");
    let right: Vec<bool> = report.shares.iter().map(Share::is_right).collect();
    assert_eq!(right, [true, true, false]);
    assert!(report.failures.is_empty());
    assert!(report.wrong()[0].starts_with("at not a half: "), "{:?}", report.wrong());
}

pub async fn a_weight_that_comes_and_goes_under_load_loses_nothing(story: Story) {
    two_versions(&story, "1s").await;
    let run = load(&story, "weights that come and go").await;
    for (old, new) in [(100, 0), (0, 100), (50, 50), (0, 100), (100, 0)] {
        Gateway::shift(&story.s, &[("old", old), ("new", new)]).await;
        Gateway::until_heard(&story.s, "new", new.into()).await;
        story.s.sleep(1).await;
    }
    run.end().check();
}

pub async fn a_pod_that_ends_when_the_gateway_has_heard_loses_nothing(story: Story) {
    two_versions(&story, "1s").await;
    let mut run = load(&story, "a pod that ends a second after its deletion").await;
    delete_a_pod(&story.s).await;
    run.measure("a pod less", 20).await;
    run.end().check();
}

pub async fn a_pod_that_ends_before_the_gateway_has_heard_is_found(mut story: Story) {
    two_versions(&story, "1s").await;
    let mut run = load(&story, "a pod that ends while the gateway is frozen").await;
    story.turn.until_just_frozen().await;
    run.mark("a pod was deleted");
    delete_a_pod(&story.s).await;
    story.s.sleep(4).await;
    let report = run.end();
    println!("{report}");
    // A half of the old version's requests, for some three seconds.
    assert!(report.failures.len() > 50, "{report}");
    assert!(report.failures[0].contains("a pod was deleted") && report.failures[0].contains(": 50"), "{report}");
}

pub async fn a_frozen_gateway_hears_nothing_and_carries_on(mut story: Story) {
    two_versions(&story, "1s").await;
    let mut run = load(&story, "weights that change while the gateway is frozen").await;
    story.turn.until_just_frozen().await;
    Gateway::shift(&story.s, &[("old", 0), ("new", 100)]).await;
    story.s.sleep(6).await;
    assert!(!Gateway::has_heard(&story.s, "new", 100).await, "a frozen gateway has heard");
    Gateway::until_heard(&story.s, "new", 100).await;
    assert!(story.turn.freezes() > 0);
    run.measure("thawed", 100).await;
    run.end().check();
}
