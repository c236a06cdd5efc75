//! Taking over: ReplicaSets that another controller made serve on, without a new revision.

use serde_json::{Value, json};
use sluice_core::api::labels;
use sluice_core::identity::{legacy_pod_template_hash, pod_template_hash};

use crate::scenario::{Scenario, rollout, with};

crate::scenarios! {
    a_replica_set_of_argo_rollouts_is_adopted,
    a_replica_set_of_an_older_argo_rollouts_is_adopted,
    a_replica_set_with_any_other_hash_is_adopted_by_its_meaning,
    an_orphan_that_matches_is_adopted,
    a_replica_set_that_lost_its_label_is_named_until_it_has_it_again,
}

/// Deploys a Rollout under another controller's instance id, gives it the ReplicaSet and the status that Argo Rollouts would
/// have left, and hands it over.
async fn hand_over(s: &Scenario, hash: &str, owned: bool) {
    let other = json!({ labels::INSTANCE_ID: "argo" });
    let manifest = with(rollout(2, json!([{ "setWeight": 50 }, { "pause": {} }])), "/metadata/labels", other);
    let web = s.apply(manifest).await;
    let uid = web.get().await.metadata.uid.expect("a uid");
    let mut pod_template: Value = web.get().await.spec.template.expect("a template");
    pod_template["metadata"]["labels"][labels::POD_TEMPLATE_HASH] = json!(hash);
    let owners = json!([{
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "web", "uid": uid,
        "controller": true, "blockOwnerDeletion": true,
    }]);
    let pod_labels = json!({ "app": "web", labels::POD_TEMPLATE_HASH: hash });
    s.create(json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {
            "name": format!("web-{hash}"),
            "labels": pod_labels,
            "annotations": { labels::REVISION: "7", labels::DESIRED_REPLICAS: "2" },
            "ownerReferences": if owned { owners } else { json!([]) },
        },
        "spec": { "replicas": 2, "selector": { "matchLabels": pod_labels }, "template": pod_template },
    }))
    .await
    .expect("a ReplicaSet");
    web.patch_status(json!({ "stableRS": hash, "currentPodHash": hash, "currentStepIndex": 2, "phase": "Healthy" }))
        .await;
    web.edit(json!({ "metadata": { "labels": { labels::INSTANCE_ID: null } } })).await;
    web.until_healthy().await;
    let [rs] = &web.replica_sets().await[..] else { panic!("no new ReplicaSet") };
    assert_eq!(rs.name(), format!("web-{hash}"));
    let status = web.status().await;
    assert_eq!((status.stable_rs.as_str(), status.current_pod_hash.as_str()), (hash, hash));
    assert_eq!(rs.wanted(), 2);
    assert_eq!(rs.revision(), 7);
    // And it goes on from there.
    web.set_image("web:2").await;
    web.until_paused_at(1).await;
    assert_eq!(web.sizes("web:1", "web:2").await, (1, 1));
}

fn template() -> Value {
    rollout(1, json!([]))["spec"]["template"].clone()
}

async fn a_replica_set_of_argo_rollouts_is_adopted(s: Scenario) {
    hand_over(&s, pod_template_hash(&template(), None).as_str(), true).await;
}

async fn a_replica_set_of_an_older_argo_rollouts_is_adopted(s: Scenario) {
    hand_over(&s, legacy_pod_template_hash(&template(), None).as_str(), true).await;
}

async fn a_replica_set_with_any_other_hash_is_adopted_by_its_meaning(s: Scenario) {
    hand_over(&s, "5d8f6c9b7d", true).await;
}

async fn an_orphan_that_matches_is_adopted(s: Scenario) {
    hand_over(&s, pod_template_hash(&template(), None).as_str(), false).await;
}

async fn a_replica_set_that_lost_its_label_is_named_until_it_has_it_again(s: Scenario) {
    let web = s.deploy(rollout(2, json!([]))).await;
    let [rs] = &web.replica_sets().await[..] else { panic!("one ReplicaSet") };
    let hash = rs.hash().expect("a hash");
    let label = |value: Value| json!({ "metadata": { "labels": { labels::POD_TEMPLATE_HASH: value } } });
    s.patch("apps/v1", "ReplicaSet", rs.name(), label(Value::Null)).await.expect("patchable");
    web.until("the loss is named", |rollout| {
        let conditions = &rollout.status().conditions;
        conditions.iter().any(|condition| condition.message.contains("has lost its label"))
    })
    .await;
    s.patch("apps/v1", "ReplicaSet", rs.name(), label(json!(hash.as_str()))).await.expect("patchable");
    web.until_healthy().await;
    assert_eq!(web.replica_sets().await.len(), 1);
}
