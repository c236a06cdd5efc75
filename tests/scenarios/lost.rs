//! ReplicaSets that somebody deletes.

use kube::api::{Api, DeleteParams};
use serde_json::json;
use sluice_core::api::ReplicaSet;

use crate::scenario::{Scenario, Subject, image_of, rollout};

crate::scenarios! {
    a_deleted_replica_set_comes_back,
    a_new_version_whose_replica_set_is_deleted_goes_on,
    without_its_stable_replica_set_the_new_version_gets_all_pods,
}

/// Deletes the ReplicaSet of an image, and its pods with it.
async fn delete(s: &Scenario, web: &Subject, image: &str) {
    let sets = web.replica_sets().await;
    let name = sets.iter().find(|rs| image_of(rs) == image).map(|rs| rs.name().to_owned()).expect("the ReplicaSet");
    let api: Api<ReplicaSet> = Api::namespaced(s.client(), &s.namespace);
    let uid = sets.iter().find(|rs| rs.name() == name).map(|rs| rs.uid().to_owned()).expect("its uid");
    api.delete(&name, &DeleteParams::background()).await.expect("it was there");
    s.eventually("it is gone", async || {
        let left = web.replica_sets().await;
        if left.iter().all(|rs| rs.uid() != uid) { Ok(()) } else { Err("it is still there".to_owned()) }
    })
    .await;
}

async fn a_deleted_replica_set_comes_back(s: Scenario) {
    let web = s.deploy(rollout(2, json!([{ "setWeight": 50 }]))).await;
    let before = web.replica_sets().await;
    delete(&s, &web, "web:1").await;
    web.until_sizes(("web:1", 2), ("web:2", 0)).await;
    web.until_healthy().await;
    let after = web.replica_sets().await;
    assert_eq!((after.len(), after[0].name()), (1, before[0].name()), "under the same name");
}

async fn a_new_version_whose_replica_set_is_deleted_goes_on(s: Scenario) {
    let web = s.deploy(rollout(4, json!([{ "setWeight": 25 }, { "pause": {} }]))).await;
    web.set_image("web:2").await;
    web.until_paused_at(1).await;
    delete(&s, &web, "web:2").await;
    web.until_sizes(("web:1", 3), ("web:2", 1)).await;
    let paused = web.until_paused_at(1).await;
    assert_eq!(paused.status().pause_conditions.len(), 1, "it is the same pause");
    web.promote().await;
    web.until_healthy().await;
}

async fn without_its_stable_replica_set_the_new_version_gets_all_pods(s: Scenario) {
    let web = s.deploy(rollout(4, json!([{ "setWeight": 25 }, { "pause": {} }]))).await;
    web.set_image("web:2").await;
    web.until_paused_at(1).await;
    delete(&s, &web, "web:1").await;
    web.until_sizes(("web:1", 0), ("web:2", 4)).await;
    web.until_paused_at(1).await;
    web.promote().await;
    web.until_healthy().await;
}
