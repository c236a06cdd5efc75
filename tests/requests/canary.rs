//! Canaries: the weight of an `HTTPRoute` follows the steps, and whoever asks at any moment gets an answer.

use serde_json::{Value, json};

use crate::gateway::{Gateway, ROUTE};
use crate::run::Run;
use crate::scenario::{Scenario, Subject};
use crate::story::{NEW, OLD, PODS, Story, manifest, set_version};

/// Deploys the first version behind the route.
async fn deploy(story: &Story, dynamic: bool) -> Subject {
    let s = &story.s;
    s.serve(&["stable", "canary"]).await;
    story.gateway.carry(s, &[("stable", 100), ("canary", 0)]).await;
    s.deploy(canary(s, dynamic)).await
}

/// Weights of 20, 50 and 80, each with a pause. Pods end a second after their deletion; where the stable version shrinks as its
/// traffic does, later than the longest freeze.
fn canary(s: &Scenario, dynamic: bool) -> Value {
    let mut canary = json!({
        "canaryService": "canary",
        "stableService": "stable",
        "abortScaleDownDelaySeconds": 3,
        "trafficRouting": { "plugins": { "argoproj-labs/gatewayAPI": { "httpRoute": ROUTE, "namespace": s.namespace } } },
        "steps": [
            { "setWeight": 20 }, { "pause": {} },
            { "setWeight": 50 }, { "pause": {} },
            { "setWeight": 80 }, { "pause": {} },
        ],
    });
    let key = if dynamic { "dynamicStableScale" } else { "scaleDownDelaySeconds" };
    canary[key] = if dynamic { json!(true) } else { json!(3) };
    manifest(json!({ "canary": canary }), if dynamic { 12 } else { 1 })
}

/// Walks from the beginning to the pause after this weight, and counts at each pause.
async fn walk_to(run: &mut Run, web: &Subject, last: i32) {
    for (step, weight) in [(1, 20), (3, 50), (5, 80)] {
        web.until_paused_at(step).await;
        run.measure(&format!("setWeight {weight}"), weight).await;
        if weight == last {
            return;
        }
        web.promote().await;
    }
}

/// Ends the last pause, and waits until the old version is gone.
async fn finish(run: &mut Run, web: &Subject) {
    web.promote().await;
    web.until_healthy().await;
    run.measure("promoted", 100).await;
    web.until_sizes((OLD, 0), (NEW, PODS)).await;
}

/// Waits until the new version has no traffic, and then until it is gone.
async fn given_back(run: &mut Run, web: &Subject, step: &str) {
    Gateway::until_heard(&web.scenario, "canary", 0).await;
    run.measure(step, 0).await;
    web.until_sizes((OLD, PODS), (NEW, 0)).await;
}

async fn take_over(story: Story, dynamic: bool) {
    let web = deploy(&story, dynamic).await;
    let mut run = story.load().await;
    set_version(&web, NEW).await;
    walk_to(&mut run, &web, 80).await;
    finish(&mut run, &web).await;
    story.end(run).await;
}

pub async fn a_canary_takes_over_step_by_step(story: Story) {
    take_over(story, false).await;
}

pub async fn a_canary_takes_over_while_the_stable_version_shrinks(story: Story) {
    take_over(story, true).await;
}

async fn abort(story: Story, dynamic: bool) {
    let web = deploy(&story, dynamic).await;
    let mut run = story.load().await;
    set_version(&web, NEW).await;
    walk_to(&mut run, &web, 50).await;
    run.mark("the abort");
    web.abort().await;
    web.until_aborted().await;
    given_back(&mut run, &web, "aborted").await;
    story.end(run).await;
}

pub async fn an_abort_gives_everything_back(story: Story) {
    abort(story, false).await;
}

pub async fn an_abort_gives_everything_back_to_a_stable_version_that_has_shrunk(story: Story) {
    abort(story, true).await;
}

pub async fn a_retry_after_an_abort_gets_there(story: Story) {
    let web = deploy(&story, false).await;
    let mut run = story.load().await;
    set_version(&web, NEW).await;
    walk_to(&mut run, &web, 50).await;
    run.mark("the abort");
    web.abort().await;
    web.until_aborted().await;
    // At once: what the abort has begun is under way still.
    run.mark("the retry");
    web.retry().await;
    walk_to(&mut run, &web, 80).await;
    finish(&mut run, &web).await;
    story.end(run).await;
}

pub async fn going_back_in_the_middle_gives_everything_back(story: Story) {
    let web = deploy(&story, false).await;
    let mut run = story.load().await;
    set_version(&web, NEW).await;
    walk_to(&mut run, &web, 50).await;
    run.mark("the old version again");
    set_version(&web, OLD).await;
    web.until_healthy().await;
    given_back(&mut run, &web, "back").await;
    story.end(run).await;
}
