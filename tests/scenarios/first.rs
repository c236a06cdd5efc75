//! What the very first revision goes through, where the manifest asks for it.

use serde_json::{Value, json};

use crate::scenario::{Scenario, blue_green, rollout, with};

crate::scenarios! {
    a_first_revision_goes_through_the_steps_where_the_manifest_says_so,
    a_first_revision_that_is_given_up_keeps_its_pods,
    the_first_switch_of_blue_green_waits_for_a_person,
}

fn on_trial(manifest: Value) -> Value {
    with(manifest, "/spec/initialDeploy", json!("steps"))
}

async fn a_first_revision_goes_through_the_steps_where_the_manifest_says_so(s: Scenario) {
    let steps = json!([{ "setWeight": 25 }, { "pause": {} }, { "setWeight": 50 }, { "pause": {} }]);
    let web = s.apply(on_trial(rollout(4, steps))).await;
    let paused = web.until_paused_at(1).await;
    assert_eq!((paused.status().stable_rs.as_str(), web.size("web:1").await), ("", 1));
    web.promote().await;
    web.until_paused_at(3).await;
    assert_eq!(web.size("web:1").await, 2);
    web.promote().await;
    let done = web.until_healthy().await;
    assert_eq!(
        (done.status().stable_rs.as_str(), web.size("web:1").await),
        (done.status().current_pod_hash.as_str(), 4)
    );
    s.until_told("Completed all 4 canary steps").await;
}

async fn a_first_revision_that_is_given_up_keeps_its_pods(s: Scenario) {
    let web = s.apply(on_trial(rollout(4, json!([{ "setWeight": 50 }, { "pause": {} }])))).await;
    web.until_paused_at(1).await;
    web.abort().await;
    web.until_aborted().await;
    s.sleep(1).await;
    assert_eq!(web.size("web:1").await, 2, "nothing else serves");
    web.retry().await;
    web.until_paused_at(1).await;
    web.promote().await;
    web.until_healthy().await;
}

async fn the_first_switch_of_blue_green_waits_for_a_person(s: Scenario) {
    s.serve(&["active", "preview"]).await;
    let manifest = blue_green(2, json!({ "autoPromotionEnabled": false, "previewService": "preview" }));
    let web = s.apply(on_trial(manifest)).await;
    web.until_phase("Paused", "BlueGreenPause").await;
    web.until_selected("preview", "web:1").await;
    assert_eq!(web.selected("active").await, "", "everybody's Service waits");
    web.promote().await;
    web.until_selected("active", "web:1").await;
    web.until_healthy().await;
}
