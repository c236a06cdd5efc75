//! Pauses: of a step, of a person, and how they end.

use serde_json::json;

use crate::scenario::{Scenario, rollout};

crate::scenarios! {
    an_indefinite_pause_waits_for_a_promotion,
    a_timed_pause_ends_by_itself_and_not_early,
    two_pauses_in_a_row_are_two_pauses,
    promoting_fully_skips_what_is_left,
    a_person_can_skip_a_step_that_does_not_pause,
    a_paused_rollout_keeps_its_pods_until_it_is_unpaused,
    an_update_may_begin_with_a_pause,
}

async fn an_indefinite_pause_waits_for_a_promotion(s: Scenario) {
    let web =
        s.deploy(rollout(4, json!([{ "setWeight": 25 }, { "pause": {} }, { "setWeight": 50 }, { "pause": {} }]))).await;
    web.set_image("web:2").await;
    let paused = web.until_paused_at(1).await;
    assert_eq!(paused.status().message, "CanaryPauseStep");
    s.sleep(3).await;
    assert_eq!(web.status().await.current_step_index, Some(1), "nobody promoted");
    web.promote().await;
    web.until_paused_at(3).await;
    assert_eq!(web.sizes("web:1", "web:2").await, (2, 2));
    web.promote().await;
    web.until_healthy().await;
}

async fn a_timed_pause_ends_by_itself_and_not_early(s: Scenario) {
    let web = s.deploy(rollout(1, json!([{ "setWeight": 50 }, { "pause": { "duration": "3s" } }]))).await;
    web.set_image("web:2").await;
    let paused = web.until_paused_at(1).await;
    let seen = s.cluster.now();
    let since = paused.status().pause_conditions[0].start_time.0;
    let done = web.until("past the pause", |rollout| rollout.status().current_step_index == Some(2)).await;
    assert!(s.cluster.now().duration_since(since).as_millis() >= 3000, "it ended early");
    assert!(done.status().pause_conditions.is_empty());
    assert!(s.cluster.now().duration_since(seen).as_secs() < 30);
}

async fn two_pauses_in_a_row_are_two_pauses(s: Scenario) {
    let web = s.deploy(rollout(1, json!([{ "setWeight": 50 }, { "pause": {} }, { "pause": {} }]))).await;
    web.set_image("web:2").await;
    web.until_paused_at(1).await;
    web.promote().await;
    web.until_paused_at(2).await;
    s.sleep(1).await;
    assert_eq!(web.status().await.current_step_index, Some(2), "one promotion ends one pause");
    web.promote().await;
    web.until_healthy().await;
}

async fn promoting_fully_skips_what_is_left(s: Scenario) {
    let web =
        s.deploy(rollout(4, json!([{ "setWeight": 25 }, { "pause": {} }, { "setWeight": 50 }, { "pause": {} }]))).await;
    web.set_image("web:2").await;
    web.until_paused_at(1).await;
    let floor = web.floor().await;
    let fewest = web
        .fewest_available(async {
            web.promote_full().await;
            web.until_healthy().await;
        })
        .await;
    assert!(fewest >= floor, "{fewest} pods were available, {floor} must be");
    let status = web.status().await;
    assert!(!status.promote_full);
    assert_eq!(status.duration.expect("a duration").completion_status, "FastPromoted");
    s.until_told(": Full promotion requested").await;
}

async fn a_person_can_skip_a_step_that_does_not_pause(s: Scenario) {
    let web = s
        .deploy(rollout(
            2,
            json!([{ "setWeight": 50 }, { "pause": { "duration": "1h" } }, { "setWeight": 100 }, { "pause": {} }]),
        ))
        .await;
    web.set_image("web:2").await;
    web.until_paused_at(1).await;
    web.patch_status(json!({ "pauseConditions": null, "currentStepIndex": 2 })).await;
    web.until_paused_at(3).await;
    assert_eq!(web.size("web:2").await, 2);
}

async fn a_paused_rollout_keeps_its_pods_until_it_is_unpaused(s: Scenario) {
    let web = s.deploy(rollout(2, json!([{ "setWeight": 50 }]))).await;
    web.edit(json!({ "spec": { "paused": true } })).await;
    web.set_image("web:2").await;
    web.until_phase("Paused", "manually paused").await;
    s.sleep(2).await;
    assert_eq!(web.sizes("web:1", "web:2").await, (2, 0));
    web.edit(json!({ "spec": { "paused": false } })).await;
    web.until_healthy().await;
    assert_eq!(web.sizes("web:1", "web:2").await, (0, 2));
}

async fn an_update_may_begin_with_a_pause(s: Scenario) {
    let web = s.deploy(rollout(2, json!([{ "pause": {} }, { "setWeight": 50 }]))).await;
    web.set_image("web:2").await;
    web.until_paused_at(0).await;
    assert_eq!(web.sizes("web:1", "web:2").await, (2, 0));
    web.promote().await;
    web.until_healthy().await;
}
