//! Manifests that cannot be acted on, and odd ones that can.

use kube::api::{DynamicObject, PostParams};
use serde_json::json;

use crate::scenario::{Scenario, rollout, with};

crate::scenarios! {
    an_invalid_manifest_is_degraded_and_touches_nothing,
    a_mended_manifest_goes_on,
    the_api_server_refuses_wrong_types_with_a_readable_message,
    the_api_server_refuses_another_selector,
    what_is_not_supported_yet_holds_the_rollout,
    a_malformed_pod_template_still_deploys,
    a_field_that_no_table_knows_makes_a_revision,
    a_quota_that_refuses_pods_is_named,
    a_quota_that_refuses_the_replica_set_is_named,
    a_name_that_somebody_else_has_is_passed_over;
    with_processes: an_ordinary_manifest_is_accepted_without_a_warning
}

async fn an_invalid_manifest_is_degraded_and_touches_nothing(s: Scenario) {
    let web = s.deploy(rollout(2, json!([]))).await;
    web.edit(json!({ "spec": { "strategy": { "canary": { "steps": [{ "setWeight": 101 }] } } } })).await;
    web.set_image("web:2").await;
    let message =
        "InvalidSpec: The Rollout \"web\" is invalid: spec.strategy.canary.steps[0].setWeight: Invalid value:";
    let degraded = web.until_phase("Degraded", message).await;
    assert!(degraded.status().message.ends_with("SetWeight needs to be between 0 and 100"));
    s.sleep(1).await;
    assert_eq!(web.replica_sets().await.len(), 1);
    assert_eq!(web.size("web:1").await, 2);
}

async fn a_mended_manifest_goes_on(s: Scenario) {
    let selector = json!({ "matchLabels": { "app": "other" } });
    let web =
        s.apply(with(rollout(1, json!([{ "setWeight": 10, "pause": {} }])), "/metadata/name", json!("web"))).await;
    web.until_phase("Degraded", "InvalidSpec").await;
    assert!(web.replica_sets().await.is_empty());
    web.edit(json!({ "spec": { "strategy": { "canary": { "steps": [{ "setWeight": 10 }] } } } })).await;
    web.until_healthy().await;
    let other = with(rollout(1, json!([])), "/metadata/name", json!("other"));
    let other = s.apply(with(other, "/spec/selector", selector)).await;
    let degraded = other.until_phase("Degraded", "InvalidSpec").await;
    assert!(
        degraded.status().message.ends_with("`selector` does not match template `labels`"),
        "{}",
        degraded.status().message
    );
}

async fn the_api_server_refuses_wrong_types_with_a_readable_message(s: Scenario) {
    let error = s.create(rollout(2, json!([{ "setWeight": "half" }]))).await.expect_err("refused").to_string();
    assert!(error.contains("spec.strategy.canary.steps[0].setWeight"), "{error}");
    assert!(error.contains("must be of type integer"), "{error}");
}

async fn the_api_server_refuses_another_selector(s: Scenario) {
    s.deploy(rollout(1, json!([]))).await;
    let patch = json!({ "spec": { "selector": { "matchLabels": { "app": "other" } } } });
    let error = s.patch("argoproj.io/v1alpha1", "Rollout", "web", patch).await.expect_err("refused").to_string();
    assert!(error.contains("immutable"), "{error}");
}

async fn what_is_not_supported_yet_holds_the_rollout(s: Scenario) {
    let web = s.apply(with(rollout(1, json!([])), "/spec/initialDeploy", json!("analysis"))).await;
    let held = web.until_phase("Degraded", "InvalidSpec: spec.initialDeploy: analysis").await;
    assert!(held.status().message.contains("not supported by this version"));
    assert!(web.replica_sets().await.is_empty());
}

async fn a_malformed_pod_template_still_deploys(s: Scenario) {
    let container = json!({
        "name": "web", "image": "web:1",
        "resources": { "requests": { "memory": "invalid", "cpu": "0.010" } },
    });
    let web = s.deploy(with(rollout(1, json!([])), "/spec/template/spec/containers", json!([container]))).await;
    let resources = web.replica_sets().await[0].spec.template["spec"]["containers"][0]["resources"].clone();
    assert_eq!(resources["requests"].get("memory"), None);
}

/// Newer releases of Kubernetes add fields to pods; this one stands for those that neither side knows.
async fn a_field_that_no_table_knows_makes_a_revision(s: Scenario) {
    let web = s.deploy(rollout(1, json!([]))).await;
    web.edit(json!({ "spec": { "template": { "spec": { "fieldOfTomorrow": { "a": 1 } } } } })).await;
    web.until_healthy().await;
    assert_eq!(web.replica_sets().await.len(), 2);
}

async fn an_ordinary_manifest_is_accepted_without_a_warning(s: Scenario) {
    for example in ["getting-started/rollout.yaml", "blue-green/", "story-a/rollout.yaml", "workload-ref/"] {
        let example = format!("examples/{example}");
        let (success, printed) = s.programs().try_kubectl(&[
            "-n",
            &s.namespace,
            "apply",
            "--server-side",
            "--validate=strict",
            "-f",
            &example,
        ]);
        assert!(success && !printed.contains("Warning"), "{printed}");
    }
}

async fn a_quota_that_refuses_pods_is_named(s: Scenario) {
    quota(&s, "pods").await;
    let web = s.apply(rollout(2, json!([]))).await;
    let waiting = web
        .until("said to wait for a quota", |rollout| {
            rollout.status().waiting_on.as_ref().is_some_and(|waiting| waiting.message.contains("exceeded quota"))
        })
        .await;
    assert!(waiting.status().conditions.iter().any(|condition| condition.type_ == "ReplicaFailure"));
    s.delete("v1", "ResourceQuota", "none").await;
    let look = json!({ "metadata": { "annotations": { "look": "again" } } });
    for rs in web.replica_sets().await {
        s.patch("apps/v1", "ReplicaSet", rs.name(), look.clone()).await.expect("an annotation");
    }
    web.until_healthy().await;
    assert!(web.status().await.conditions.iter().all(|condition| condition.type_ != "ReplicaFailure"));
}

async fn a_quota_that_refuses_the_replica_set_is_named(s: Scenario) {
    quota(&s, "count/replicasets.apps").await;
    let web = s.apply(rollout(1, json!([]))).await;
    let waiting = web
        .until("said to wait for a quota", |rollout| {
            rollout.status().waiting_on.as_ref().is_some_and(|waiting| waiting.message.contains("exceeded quota"))
        })
        .await;
    let progressing = waiting.status().conditions.iter().find(|condition| condition.type_ == "Progressing");
    assert_eq!(progressing.expect("a condition").reason, "ReplicaSetCreateError");
    s.delete("v1", "ResourceQuota", "none").await;
    web.until_healthy().await;
}

async fn quota(s: &Scenario, resource: &str) {
    let hard = json!({ resource: "0" });
    s.create(json!({ "apiVersion": "v1", "kind": "ResourceQuota", "metadata": { "name": "none" }, "spec": { "hard": hard } }))
        .await
        .expect("a quota");
    // The API server's admission hears of a quota later than its status is written.
    let template = rollout(1, json!([]))["spec"]["template"].clone();
    let object = match resource {
        "pods" => json!({ "apiVersion": "v1", "kind": "Pod", "spec": template["spec"] }),
        _ => json!({
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "spec": { "selector": { "matchLabels": { "app": "web" } }, "template": template },
        }),
    };
    let (version, kind) = (object["apiVersion"].as_str().expect("a version"), object["kind"].as_str().expect("a kind"));
    let api = s.objects(version, kind);
    let mut object: DynamicObject = serde_json::from_value(with(object.clone(), "/metadata", json!({}))).expect("one");
    object.metadata.name = Some("tried".to_owned());
    let trial = PostParams { dry_run: true, ..PostParams::default() };
    s.eventually("the quota in force", async || match api.create(&trial, &object).await {
        Err(kube::Error::Api(status)) if status.message.contains("exceeded quota") => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
}

async fn a_name_that_somebody_else_has_is_passed_over(s: Scenario) {
    let manifest = rollout(1, json!([]));
    let hash = sluice_core::identity::pod_template_hash(&manifest["spec"]["template"], None);
    let template = json!({
        "metadata": { "labels": { "app": "squatter" } },
        "spec": { "containers": [{ "name": "web", "image": "other:1" }] },
    });
    s.create(json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": { "name": format!("web-{hash}"), "labels": { "app": "squatter" } },
        "spec": { "replicas": 0, "selector": { "matchLabels": { "app": "squatter" } }, "template": template },
    }))
    .await
    .expect("a squatter");
    let web = s.deploy(manifest).await;
    assert_eq!(web.status().await.collision_count, Some(1));
    assert_ne!(web.status().await.current_pod_hash, hash.as_str());
}
