//! Giving up: by a person, by a deadline, and what comes after.

use serde_json::json;

use crate::scenario::{Scenario, Subject, rollout, with};

crate::scenarios! {
    an_abort_gives_everything_back_to_the_stable_revision,
    a_retry_walks_the_steps_again,
    a_new_template_after_an_abort_is_a_new_update,
    an_abort_works_while_the_new_pods_never_become_ready,
    aborting_a_finished_rollout_changes_nothing,
    an_update_without_progress_is_degraded_and_heals,
    a_deadline_can_abort_the_update,
    pods_that_come_and_go_are_no_progress,
    a_pause_is_no_reason_for_a_new_version_to_be_without_its_pods,
    going_back_to_the_stable_revision_skips_the_steps,
    going_back_to_an_older_revision_walks_the_steps_and_takes_the_highest_number,
}

async fn an_abort_gives_everything_back_to_the_stable_revision(s: Scenario) {
    let web = s.deploy(rollout(4, json!([{ "setWeight": 50 }, { "pause": {} }]))).await;
    web.set_image("web:2").await;
    web.until_paused_at(1).await;
    let floor = web.floor().await;
    let fewest = web
        .fewest_available(async {
            web.abort().await;
            web.until_sizes(("web:1", 4), ("web:2", 0)).await;
        })
        .await;
    assert!(fewest >= floor, "{fewest} pods were available, {floor} must be");
    let aborted = web.until_aborted().await;
    assert_eq!(aborted.status().message, "RolloutAborted: Rollout aborted update to revision 2");
    assert_eq!(aborted.status().current_step_index, Some(0));
    assert!(aborted.status().aborted_at.is_some());
    assert_eq!(aborted.status().duration.as_ref().expect("a duration").completion_status, "Aborted");
}

async fn a_retry_walks_the_steps_again(s: Scenario) {
    let web = s.deploy(rollout(2, json!([{ "setWeight": 50 }, { "pause": {} }]))).await;
    web.set_image("web:2").await;
    web.until_paused_at(1).await;
    web.abort().await;
    web.until_aborted().await;
    web.until_sizes(("web:1", 2), ("web:2", 0)).await;
    web.retry().await;
    let paused = web.until_paused_at(1).await;
    assert!(paused.status().aborted_at.is_none());
    assert_eq!(web.sizes("web:1", "web:2").await, (1, 1));
    s.until_told("RolloutRetry: Retrying Rollout after abort").await;
    web.promote().await;
    web.until_healthy().await;
}

async fn a_new_template_after_an_abort_is_a_new_update(s: Scenario) {
    let web = s.deploy(rollout(2, json!([{ "setWeight": 50 }, { "pause": {} }]))).await;
    web.set_image("web:2").await;
    web.until_paused_at(1).await;
    web.abort().await;
    web.until_aborted().await;
    web.set_image("web:3").await;
    let paused = web.until_paused_at(1).await;
    assert!(!paused.status().abort);
    web.until_sizes(("web:1", 1), ("web:3", 1)).await;
}

async fn an_abort_works_while_the_new_pods_never_become_ready(s: Scenario) {
    let web = s.deploy(rollout(4, json!([{ "setWeight": 50 }, { "pause": {} }]))).await;
    web.edit(
        json!({ "spec": { "template": { "metadata": { "annotations": { "node.sluice.dev/ready": "never" } } } } }),
    )
    .await;
    s.eventually("a second ReplicaSet with pods", async || match web.replica_sets().await.last() {
        Some(rs) if rs.revision() == 2 && rs.wanted() > 0 => Ok(()),
        other => Err(format!("{:?}", other.map(sluice_core::api::ReplicaSet::revision))),
    })
    .await;
    web.until("said to be updated", |web| web.status().current_pod_hash != web.status().stable_rs).await;
    web.abort().await;
    web.until_aborted().await;
    s.eventually("the broken pods gone", async || match &web.replica_sets().await[..] {
        [stable, broken] if stable.wanted() == 4 && broken.wanted() == 0 => Ok(()),
        sets => Err(format!("{:?}", sets.iter().map(sluice_core::api::ReplicaSet::wanted).collect::<Vec<_>>())),
    })
    .await;
}

async fn aborting_a_finished_rollout_changes_nothing(s: Scenario) {
    let web = s.deploy(rollout(2, json!([{ "setWeight": 50 }]))).await;
    web.abort().await;
    web.until("no longer asked to abort", |rollout| !rollout.status().abort).await;
    web.until_healthy().await;
    assert_eq!(web.size("web:1").await, 2);
}

async fn an_update_without_progress_is_degraded_and_heals(s: Scenario) {
    let manifest =
        with(rollout(2, json!([{ "setWeight": 50 }, { "pause": {} }])), "/spec/progressDeadlineSeconds", json!(3));
    let web = s.deploy(manifest).await;
    web.edit(json!({ "spec": { "template": { "metadata": { "annotations": { "node.sluice.dev/ready": "12s" } } } } }))
        .await;
    let late = web.until_phase("Degraded", "ProgressDeadlineExceeded: ReplicaSet").await;
    assert!(late.status().message.ends_with("has timed out progressing."));
    web.until_paused_at(1).await;
}

async fn a_deadline_can_abort_the_update(s: Scenario) {
    let mut manifest =
        with(rollout(2, json!([{ "setWeight": 50 }, { "pause": {} }])), "/spec/progressDeadlineSeconds", json!(2));
    manifest["spec"]["progressDeadlineAbort"] = json!(true);
    let web = s.deploy(manifest).await;
    web.edit(
        json!({ "spec": { "template": { "metadata": { "annotations": { "node.sluice.dev/ready": "never" } } } } }),
    )
    .await;
    let aborted = web.until_aborted().await;
    assert!(aborted.status().message.ends_with("has timed out progressing."), "{}", aborted.status().message);
    s.eventually("the stable revision alone", async || match &web.replica_sets().await[..] {
        [stable, late] if stable.wanted() == 2 && late.wanted() == 0 => Ok(()),
        sets => Err(format!("{:?}", sets.iter().map(sluice_core::api::ReplicaSet::wanted).collect::<Vec<_>>())),
    })
    .await;
}

/// Another image, whose pods behave like this.
async fn set_behaviour(web: &Subject, what: &str, value: &str) {
    let annotation = format!("node.sluice.dev/{what}");
    web.edit(json!({ "spec": { "template": { "metadata": { "annotations": { annotation: value } } } } })).await;
}

/// The first version again, whose pods behave.
async fn give_up(web: &Subject) {
    web.edit(json!({ "spec": { "template": { "metadata": { "annotations": null } } } })).await;
    web.until_healthy().await;
    web.until_sizes(("web:1", 2), ("none", 0)).await;
}

async fn pods_that_come_and_go_are_no_progress(s: Scenario) {
    let mut manifest = rollout(2, json!([{ "setWeight": 50 }, { "pause": {} }]));
    (manifest["spec"]["minReadySeconds"], manifest["spec"]["progressDeadlineSeconds"]) = (json!(3), json!(4));
    let web = s.deploy(manifest).await;
    set_behaviour(&web, "crash", "1s").await;
    let late = web.until("late", |rollout| rollout.status().phase == "Degraded").await;
    assert!(late.status().message.starts_with("ProgressDeadlineExceeded"), "{}", late.status().message);
    let waiting = late.status().conditions.iter().find(|condition| condition.type_ == "Waiting").expect("it says why");
    assert!(waiting.message.ends_with("0 of 1 new pods are available"), "{}", waiting.message);
    give_up(&web).await;
}

async fn a_pause_is_no_reason_for_a_new_version_to_be_without_its_pods(s: Scenario) {
    let manifest =
        with(rollout(2, json!([{ "setWeight": 50 }, { "pause": {} }])), "/spec/progressDeadlineSeconds", json!(2));
    let web = s.deploy(manifest).await;
    set_behaviour(&web, "crash", "3s").await;
    web.until_paused_at(1).await;
    let lacking = web.until("a pod is missing", |rollout| {
        rollout.status().waiting_on.as_ref().is_some_and(|on| on.reason == "Pods")
    });
    lacking.await;
    let late = web.until("late", |rollout| rollout.status().phase == "Degraded").await;
    assert!(late.status().message.starts_with("ProgressDeadlineExceeded"), "{}", late.status().message);
    assert_eq!(late.status().current_step_index, Some(1), "it pauses still");
    give_up(&web).await;
}

async fn going_back_to_the_stable_revision_skips_the_steps(s: Scenario) {
    let web = s.deploy(rollout(2, json!([{ "setWeight": 50 }, { "pause": {} }]))).await;
    web.set_image("web:2").await;
    web.until_paused_at(1).await;
    web.set_image("web:1").await;
    web.until_healthy().await;
    assert_eq!(web.sizes("web:1", "web:2").await, (2, 0));
    assert_eq!(web.replica_sets().await.len(), 2, "no new ReplicaSet");
    s.until_told("SkipSteps: Rollback to stable ReplicaSets").await;
    assert_eq!(web.status().await.duration.expect("a duration").completion_status, "FastRolledBack");
}

async fn going_back_to_an_older_revision_walks_the_steps_and_takes_the_highest_number(s: Scenario) {
    let web = s.deploy(rollout(2, json!([{ "setWeight": 50 }, { "pause": {} }]))).await;
    web.set_image("web:2").await;
    web.until_paused_at(1).await;
    web.promote().await;
    web.until_healthy().await;
    web.set_image("web:1").await;
    web.until_paused_at(1).await;
    let sets = web.replica_sets().await;
    assert_eq!(sets.len(), 2, "the old ReplicaSet serves again");
    assert_eq!(sets[1].revision(), 3);
    assert_eq!(sets[1].annotation("rollout.argoproj.io/revision-history"), Some("1"));
    s.eventually("the Rollout numbered", async || {
        match web.get().await.metadata.annotations.expect("annotations").get("rollout.argoproj.io/revision") {
            Some(number) if number == "3" => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
}
