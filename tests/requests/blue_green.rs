//! Blue-green: all requests go from one version to the other, when the active Service does and the gateway has heard of it.

use serde_json::{Value, json};

use crate::gateway::ROUTE;
use crate::run::Run;
use crate::scenario::{Subject, blue_green};
use crate::story::{NEW, OLD, PODS, Story, manifest, set_version};

/// Deploys the first version behind the route.
async fn deploy(story: &Story) -> Subject {
    let s = &story.s;
    s.serve(&["active", "preview"]).await;
    story.gateway.carry(s, &[("active", 1)]).await;
    let how = json!({
        "autoPromotionEnabled": false,
        "scaleDownDelaySeconds": 3,
        "abortScaleDownDelaySeconds": 3,
        "trafficRouting": { "gatewayAPI": { "httpRoute": ROUTE } },
    });
    s.deploy(strategy(how)).await
}

/// The whole manifest; the Services are those of every blue-green scenario.
fn strategy(how: Value) -> Value {
    let services = blue_green(PODS, how);
    manifest(services["spec"]["strategy"].clone(), 1)
}

async fn until_paused(web: &Subject) {
    web.until_phase("Paused", "BlueGreenPause").await;
}

/// Promotes the new version.
async fn promote(run: &mut Run, web: &Subject) {
    until_paused(web).await;
    run.measure("previewed", 0).await;
    run.mark("the promotion");
    web.promote().await;
    web.until_selected("active", NEW).await;
}

/// Goes back to the old version, which needs a promotion where its pods were gone already.
async fn go_back(run: &mut Run, web: &Subject) {
    run.mark("the rollback");
    set_version(web, OLD).await;
    let rollout =
        web.until("back or paused", |rollout| ["Paused", "Healthy"].contains(&rollout.status().phase.as_str()));
    if rollout.await.status().phase == "Paused" {
        web.promote().await;
    }
    web.until_selected("active", OLD).await;
    gone(run, web, "back", OLD).await;
}

/// Waits until this version alone is there: nothing goes before the gateway has heard.
async fn gone(run: &mut Run, web: &Subject, step: &str, stays: &str) {
    let goes = if stays == OLD { NEW } else { OLD };
    web.until_healthy().await;
    web.until_sizes((goes, 0), (stays, PODS)).await;
    run.measure(step, if stays == NEW { 100 } else { 0 }).await;
}

pub async fn a_promotion_moves_all_requests(story: Story) {
    let web = deploy(&story).await;
    let mut run = story.load().await;
    set_version(&web, NEW).await;
    promote(&mut run, &web).await;
    gone(&mut run, &web, "promoted", NEW).await;
    story.end(run).await;
}

pub async fn a_rollback_right_after_the_promotion_moves_them_back(story: Story) {
    let web = deploy(&story).await;
    let mut run = story.load().await;
    set_version(&web, NEW).await;
    promote(&mut run, &web).await;
    go_back(&mut run, &web).await;
    story.end(run).await;
}

pub async fn a_rollback_later_moves_them_back(story: Story) {
    let web = deploy(&story).await;
    let mut run = story.load().await;
    set_version(&web, NEW).await;
    promote(&mut run, &web).await;
    gone(&mut run, &web, "promoted", NEW).await;
    go_back(&mut run, &web).await;
    story.end(run).await;
}
