//! What is kept of the past.

use serde_json::json;

use crate::scenario::{Scenario, rollout, with};

crate::scenarios! {
    only_as_many_old_replica_sets_as_the_limit_are_kept,
    replica_sets_within_the_limit_stay_for_going_back,
}

async fn only_as_many_old_replica_sets_as_the_limit_are_kept(s: Scenario) {
    let web = s.deploy(with(rollout(1, json!([])), "/spec/revisionHistoryLimit", json!(2))).await;
    for image in ["web:2", "web:3", "web:4", "web:5"] {
        web.set_image(image).await;
        web.until_healthy().await;
    }
    s.eventually("three ReplicaSets", async || match &web.replica_sets().await[..] {
        [_, _, newest] => {
            let _: () = assert_eq!(newest.revision(), 5);
            Ok(())
        }
        sets => Err(format!("{} ReplicaSets", sets.len())),
    })
    .await;
}

async fn replica_sets_within_the_limit_stay_for_going_back(s: Scenario) {
    let web = s.deploy(rollout(1, json!([]))).await;
    for image in ["web:2", "web:3"] {
        web.set_image(image).await;
        web.until_healthy().await;
    }
    assert_eq!(web.replica_sets().await.len(), 3);
}
