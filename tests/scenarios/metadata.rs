//! Labels and annotations that pods have for as long as their version is on trial or serves, and rules that keep the two apart.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sluice_core::api::labels;

use crate::scenario::{Scenario, Subject, blue_green, canary, image_of};

crate::scenarios! {
    live_pods_change_their_labels_with_their_role,
    labels_that_the_manifest_asks_for_no_more_go_from_live_pods,
    preview_pods_become_active_ones,
    pods_of_a_new_version_keep_off_the_nodes_of_the_old_one,
}

/// The label `role` of each pod, by its image.
async fn roles(web: &Subject) -> BTreeMap<(String, String), usize> {
    let mut roles = BTreeMap::new();
    for pod in web.pods().await {
        let role = pod.metadata.labels.unwrap_or_default().remove("role").unwrap_or_default();
        let image = pod.spec.expect("a spec").containers.remove(0).image.unwrap_or_default();
        *roles.entry((image, role)).or_default() += 1;
    }
    roles
}

async fn until_roles(web: &Subject, expected: &[(&str, &str, usize)]) {
    let expected: BTreeMap<_, _> =
        expected.iter().map(|(image, role, count)| (((*image).to_owned(), (*role).to_owned()), *count)).collect();
    web.scenario
        .eventually("the roles of the pods", async || {
            let roles = roles(web).await;
            if roles == expected { Ok(()) } else { Err(format!("{roles:?}")) }
        })
        .await;
}

fn role(role: &str) -> Value {
    json!({ "labels": { "role": role }, "annotations": { "example.com/role": role } })
}

async fn deploy(s: &Scenario) -> Subject {
    let steps = json!([{ "setWeight": 50 }, { "pause": {} }]);
    let strategy = json!({ "steps": steps, "canaryMetadata": role("trial"), "stableMetadata": role("serving") });
    s.deploy(canary(2, strategy)).await
}

async fn live_pods_change_their_labels_with_their_role(s: Scenario) {
    let web = deploy(&s).await;
    until_roles(&web, &[("web:1", "serving", 2)]).await;
    web.set_image("web:2").await;
    web.until_paused_at(1).await;
    until_roles(&web, &[("web:1", "serving", 1), ("web:2", "trial", 1)]).await;
    let before = web.pods().await.into_iter().filter_map(|pod| pod.metadata.uid).collect::<Vec<_>>();
    web.promote().await;
    web.until_healthy().await;
    until_roles(&web, &[("web:2", "serving", 2)]).await;
    let after = web.pods().await;
    assert!(after.iter().any(|pod| before.contains(pod.metadata.uid.as_ref().expect("a uid"))), "a live pod changed");
    let sets = web.replica_sets().await;
    let listed = sets[1].annotation(labels::EPHEMERAL_METADATA);
    assert_eq!(
        listed,
        Some(r#"{"labels":{"role":"serving"},"annotations":{"example.com/role":"serving"}}"#),
        "{}",
        image_of(&sets[1])
    );
    assert_eq!(web.replica_sets().await.len(), 2, "no further revision");
}

async fn labels_that_the_manifest_asks_for_no_more_go_from_live_pods(s: Scenario) {
    let web = deploy(&s).await;
    until_roles(&web, &[("web:1", "serving", 2)]).await;
    web.edit(json!({ "spec": { "strategy": { "canary": { "canaryMetadata": null, "stableMetadata": null } } } })).await;
    until_roles(&web, &[("web:1", "", 2)]).await;
    s.eventually("nothing is listed", async || {
        let [rs] = &web.replica_sets().await[..] else { panic!("one ReplicaSet") };
        let template = rs.spec.template["metadata"].clone();
        let free = rs.annotation(labels::EPHEMERAL_METADATA).is_none() && template["labels"].get("role").is_none();
        if free { Ok(()) } else { Err(template.to_string()) }
    })
    .await;
    web.until_healthy().await;
}

async fn preview_pods_become_active_ones(s: Scenario) {
    s.serve(&["active", "preview"]).await;
    let strategy = json!({
        "autoPromotionEnabled": false, "scaleDownDelaySeconds": 600,
        "previewMetadata": role("preview"), "activeMetadata": role("active"),
    });
    let web = s.deploy(blue_green(1, strategy)).await;
    web.set_image("web:2").await;
    web.until_phase("Paused", "BlueGreenPause").await;
    until_roles(&web, &[("web:1", "active", 1), ("web:2", "preview", 1)]).await;
    web.promote().await;
    web.until_healthy().await;
    until_roles(&web, &[("web:1", "", 1), ("web:2", "active", 1)]).await;
}

async fn pods_of_a_new_version_keep_off_the_nodes_of_the_old_one(s: Scenario) {
    let anti_affinity = json!({ "preferredDuringSchedulingIgnoredDuringExecution": { "weight": 7 } });
    let steps = json!([{ "setWeight": 50 }, { "pause": {} }]);
    let web = s.deploy(canary(2, json!({ "steps": steps, "antiAffinity": anti_affinity }))).await;
    let stable = web.status().await.stable_rs;
    web.set_image("web:2").await;
    web.until_paused_at(1).await;
    let sets = web.replica_sets().await;
    let terms = "/spec/affinity/podAntiAffinity/preferredDuringSchedulingIgnoredDuringExecution";
    assert_eq!(sets[0].spec.template.pointer(terms), None, "the first version has nobody to keep off");
    let term = sets[1].spec.template.pointer(terms).expect("a term")[0].clone();
    assert_eq!(term["weight"], json!(7));
    let expression = json!({ "key": labels::POD_TEMPLATE_HASH, "operator": "In", "values": [stable] });
    assert_eq!(term["podAffinityTerm"]["labelSelector"]["matchExpressions"], json!([expression]));
    assert_eq!(term["podAffinityTerm"]["topologyKey"], json!("kubernetes.io/hostname"));
    web.promote().await;
    web.until_healthy().await;
    assert_eq!(web.replica_sets().await.len(), 2, "the rule is no further revision");
}
