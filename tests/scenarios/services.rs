//! The Services of a canary: one on the stable version, one on the new one.

use serde_json::{Value, json};
use sluice_core::api::labels;

use crate::scenario::{Scenario, Subject, canary, with};

crate::scenarios! {
    each_service_selects_its_version,
    an_abort_brings_the_canary_service_back,
    the_stable_service_is_never_left_without_pods,
    a_selector_that_somebody_edits_is_put_right,
    a_service_that_the_manifest_names_no_more_is_let_go,
    a_service_of_another_rollout_holds_this_one,
    a_service_for_other_pods_holds_the_rollout,
}

async fn deploy(s: &Scenario, replicas: i32, mut strategy: Value) -> Subject {
    s.serve(&["stable", "canary"]).await;
    strategy["stableService"] = json!("stable");
    strategy["canaryService"] = json!("canary");
    let web = s.deploy(canary(replicas, strategy)).await;
    web.until_selected("stable", "web:1").await;
    web.until_selected("canary", "web:1").await;
    web
}

async fn each_service_selects_its_version(s: Scenario) {
    let web = deploy(&s, 2, json!({ "steps": [{ "setWeight": 50 }, { "pause": {} }] })).await;
    web.set_image("web:2").await;
    web.until_paused_at(1).await;
    web.until_selected("canary", "web:2").await;
    assert_eq!(web.selected("stable").await, "web:1");
    web.promote().await;
    web.until_healthy().await;
    web.until_selected("stable", "web:2").await;
    let service = s.read("v1", "Service", "stable").await;
    assert_eq!(service["metadata"]["annotations"][labels::MANAGED_BY], json!("web"));
    s.until_told("SwitchService: Switched selector for service 'stable' from").await;
}

async fn an_abort_brings_the_canary_service_back(s: Scenario) {
    let web = deploy(&s, 2, json!({ "steps": [{ "setWeight": 50 }, { "pause": {} }] })).await;
    web.set_image("web:2").await;
    web.until_paused_at(1).await;
    web.until_selected("canary", "web:2").await;
    web.abort().await;
    web.until_aborted().await;
    web.until_selected("canary", "web:1").await;
    web.until_sizes(("web:1", 2), ("web:2", 0)).await;
}

async fn the_stable_service_is_never_left_without_pods(s: Scenario) {
    let strategy = json!({ "maxSurge": 0, "maxUnavailable": 1, "steps": [{ "setWeight": 100 }, { "pause": {} }] });
    let web = deploy(&s, 3, strategy).await;
    web.set_image("web:2").await;
    let mut fewest = i32::MAX;
    s.eventually("all pods are new", async || {
        let selected = web.selected("stable").await;
        let sets = web.replica_sets().await;
        // Only where it selected the same before and after is it known what it selected at the moment of the list.
        if web.selected("stable").await != selected {
            return Err("the Service has just moved".to_owned());
        }
        let rs = sets.iter().find(|rs| crate::scenario::image_of(rs) == selected).expect("its ReplicaSet");
        fewest = fewest.min(rs.wanted());
        match web.sizes("web:1", "web:2").await {
            (0, 3) => Ok(()),
            sizes => Err(format!("{sizes:?}")),
        }
    })
    .await;
    assert!(fewest > 0, "the stable Service had a revision without pods");
    assert_eq!(web.selected("stable").await, "web:2");
}

async fn a_selector_that_somebody_edits_is_put_right(s: Scenario) {
    let web = deploy(&s, 1, json!({ "steps": [] })).await;
    let edit = json!({ "spec": { "selector": { labels::POD_TEMPLATE_HASH: "nothing" } } });
    s.patch("v1", "Service", "stable", edit).await.expect("patchable");
    web.until_selected("stable", "web:1").await;
    let edit = json!({ "spec": { "selector": { labels::POD_TEMPLATE_HASH: null } } });
    s.patch("v1", "Service", "stable", edit).await.expect("patchable");
    web.until_selected("stable", "web:1").await;
}

async fn a_service_that_the_manifest_names_no_more_is_let_go(s: Scenario) {
    let web = deploy(&s, 1, json!({ "steps": [] })).await;
    web.edit(json!({ "spec": { "strategy": { "canary": { "canaryService": null } } } })).await;
    s.eventually("let go", async || {
        let service = s.read("v1", "Service", "canary").await;
        let free = service["spec"]["selector"] == json!({ "app": "web" })
            && service["metadata"]["annotations"].get(labels::MANAGED_BY).is_none();
        if free { Ok(()) } else { Err(service.to_string()) }
    })
    .await;
    assert_eq!(web.selected("stable").await, "web:1");
}

async fn a_service_of_another_rollout_holds_this_one(s: Scenario) {
    let web = deploy(&s, 1, json!({ "steps": [] })).await;
    let other = with(canary(0, json!({ "stableService": "stable" })), "/metadata/name", json!("other"));
    let other = with(other, "/spec/selector/matchLabels/app", json!("other"));
    s.apply(with(other, "/spec/template/metadata/labels/app", json!("other"))).await;
    let other = json!({ "metadata": { "annotations": { labels::MANAGED_BY: "other" } } });
    s.patch("v1", "Service", "stable", other).await.expect("patchable");
    let held = web.until_phase("Degraded", "InvalidSpec").await;
    assert!(held.status().message.ends_with("Service \"stable\" is managed by another Rollout"));
}

async fn a_service_for_other_pods_holds_the_rollout(s: Scenario) {
    let web = deploy(&s, 1, json!({ "steps": [] })).await;
    s.patch("v1", "Service", "stable", json!({ "spec": { "selector": { "app": "shop" } } })).await.expect("patchable");
    let held = web.until_phase("Degraded", "InvalidSpec").await;
    assert!(held.status().message.ends_with("Service \"stable\" has unmatch label \"app\" in rollout"));
    s.patch("v1", "Service", "stable", json!({ "spec": { "selector": { "app": "web" } } })).await.expect("patchable");
    web.until_healthy().await;
}
