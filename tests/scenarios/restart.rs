//! Restarting: new pods of the same revision.

use serde_json::{Value, json};

use crate::scenario::{Scenario, Subject, rollout};

crate::scenarios! {
    a_restart_replaces_every_pod_and_no_revision,
    a_restart_waits_for_a_disruption_budget,
    a_restart_in_the_future_waits_for_its_time,
}

async fn names(web: &Subject) -> Vec<String> {
    web.pods().await.into_iter().filter_map(|pod| pod.metadata.name).collect()
}

async fn restart(web: &Subject, in_seconds: i64) -> Value {
    // Pods of the same second as the restart would count as new.
    web.scenario.sleep(1).await;
    let at = web.scenario.cluster.now().saturating_add(jiff::SignedDuration::from_secs(in_seconds)).expect("a time");
    let at = json!(sluice_core::time::floor_to_second(at).to_string());
    web.edit(json!({ "spec": { "restartAt": at } })).await;
    at
}

async fn until_replaced(web: &Subject, before: &[String]) {
    web.scenario
        .eventually("every pod replaced", async || {
            let left = names(web).await.into_iter().filter(|name| before.contains(name)).count();
            if left == 0 { Ok(()) } else { Err(format!("{left} old pods left")) }
        })
        .await;
}

async fn a_restart_replaces_every_pod_and_no_revision(s: Scenario) {
    let web = s.deploy(rollout(4, json!([{ "setWeight": 50 }, { "pause": {} }]))).await;
    let before = names(&web).await;
    let fewest = web
        .fewest_available(async {
            restart(&web, 0).await;
            until_replaced(&web, &before).await;
        })
        .await;
    assert!(fewest >= 3, "{fewest} pods were available");
    let rollout = web.until_healthy().await;
    assert_eq!(rollout.status().restarted_at, rollout.spec.restart_at);
    assert_eq!(web.replica_sets().await.len(), 1);
}

async fn a_restart_waits_for_a_disruption_budget(s: Scenario) {
    let web = s.deploy(rollout(2, json!([]))).await;
    let before = names(&web).await;
    s.create(json!({
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": { "name": "web" },
        "spec": { "minAvailable": 2, "selector": { "matchLabels": { "app": "web" } } },
    }))
    .await
    .expect("a budget");
    s.eventually("the budget in force", async || {
        let budget = s.read("policy/v1", "PodDisruptionBudget", "web").await;
        if budget["status"]["currentHealthy"] == 2 { Ok(()) } else { Err(budget["status"].to_string()) }
    })
    .await;
    restart(&web, 0).await;
    web.until("said to be refused", |rollout| {
        rollout.status().waiting_on.as_ref().is_some_and(|waiting| waiting.message.contains("disruption budget"))
    })
    .await;
    assert_eq!(web.status().await.message, "rollout is restarting");
    assert!(names(&web).await.iter().all(|name| before.contains(name)), "a guarded pod was evicted");
    s.delete("policy/v1", "PodDisruptionBudget", "web").await;
    until_replaced(&web, &before).await;
    web.until_healthy().await;
}

async fn a_restart_in_the_future_waits_for_its_time(s: Scenario) {
    let web = s.deploy(rollout(1, json!([]))).await;
    let before = names(&web).await;
    restart(&web, 8).await;
    web.until_healthy().await;
    s.sleep(1).await;
    assert_eq!(names(&web).await, before, "it is not time yet");
    until_replaced(&web, &before).await;
}
