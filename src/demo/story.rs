//! The story: a first release, a canary that is promoted, a version that never becomes ready, and one that a person aborts. Every claim
//! is checked.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{bail, ensure};
use serde_json::{Value, json};
use sluice_core::api::Rollout;
use tokio::time::Instant;

use super::load::Tally;
use super::stage::{NAME, Stage};

/// How many pods there are.
const PODS: i32 = 5;
/// Requests from which a share is judged.
const SAMPLE: u64 = 250;
/// How far a share may be from the weight, in points of percent.
const TOLERANCE: f64 = 5.0;

/// Tells it, and fails with the reason when something did not happen as it was told.
pub async fn tell(stage: &mut Stage) -> anyhow::Result<()> {
    first_release(stage).await?;
    canary(stage).await?;
    promotion(stage).await?;
    Box::pin(bad_release(stage)).await?;
    aborted_release(stage).await
}

/// What came of all requests, once there are no more.
pub fn end(stage: &mut Stage) -> anyhow::Result<()> {
    let all = stage.load.tally();
    nothing_lost(&all)?;
    stage.say(&format!("\nIn all {} requests were answered, and none was lost.", all.total()))
}

async fn first_release(stage: &mut Stage) -> anyhow::Result<()> {
    stage.say(
        "\n1. The first release: five pods of blue. There is nothing to compare it with, so it skips the steps.",
    )?;
    stage.keep_available(PODS);
    stage.count_anew();
    stage.until_requests(100).await?;
    stage.watch(Duration::from_secs(2)).await?;
    let window = stage.window();
    stage.show().await?;
    answered_alone(&window, "blue")
}

async fn canary(stage: &mut Stage) -> anyhow::Result<()> {
    stage.say(&format!(
        "\n2. A new version, yellow. Only the image changes:\n   $ kubectl sluice set image {NAME} {NAME}=argoproj/rollouts-demo:yellow"
    ))?;
    stage.edit(image("yellow", None)).await?;
    stage.until("paused at its second step", |rollout| is_paused_at(rollout, 1)).await?;
    stage.count_anew();
    stage.until_requests(SAMPLE).await?;
    stage.watch(Duration::from_secs(3)).await?;
    let window = stage.window();
    stage.show().await?;
    share_is(&window, "yellow", 20.0)?;
    let rollout = stage.rollout().await?;
    ensure!(is_paused_at(&rollout, 1), "the rollout moved on although nobody promoted it: {}", rollout.status().phase);
    stage.say(
        "   The route gives the one yellow pod a fifth of the requests; all five blue ones stay, to take them back at\n   any time. Sluice waits for a person to look.",
    )
}

async fn promotion(stage: &mut Stage) -> anyhow::Result<()> {
    stage.say(&format!(
        "\n3. Yellow looks good:\n   $ kubectl sluice promote {NAME}\n   The other steps are timed. Each waits for its pods, then for the gateway to say that it has taken the weights up."
    ))?;
    stage.command(json!({ "pauseConditions": null })).await?;
    for (step, weight) in [(3, 40.0), (5, 60.0), (7, 80.0)] {
        stage.until(&format!("paused at step {step}"), |rollout| is_paused_at(rollout, step)).await?;
        stage.count_anew();
        stage.until_requests(100).await?;
        let window = stage.window();
        stage.show().await?;
        // The next step may have begun in the middle of the count, so that the share is ahead of the weight.
        let ahead = if is_paused_at(&stage.rollout().await?, step) { 0.0 } else { 20.0 };
        let share = window.share("yellow");
        ensure!(
            share >= weight - TOLERANCE && share <= weight + ahead + TOLERANCE,
            "at weight {weight:.0} yellow answered {share:.0} % of the requests"
        );
    }
    stage.until("became healthy", is_healthy).await?;
    stage.after_requests_under_way().await?;
    stage.count_anew();
    stage.until_requests(100).await?;
    let window = stage.window();
    stage.show().await?;
    answered_alone(&window, "yellow")?;
    nothing_lost(&stage.load.tally())
}

async fn bad_release(stage: &mut Stage) -> anyhow::Result<()> {
    stage.say(
        "\n4. A version that starts and never becomes ready, red. It gets no request, and after progressDeadlineSeconds\n   \
         without progress Sluice gives it up by itself (progressDeadlineAbort).",
    )?;
    let stable = stage.rollout().await?.status().stable_rs.clone();
    stage.after_requests_under_way().await?;
    stage.count_anew();
    let begin = Instant::now();
    stage.edit(image("red", Some("never"))).await?;
    stage.until("began the update", |rollout| rollout.status().current_pod_hash != stable).await?;
    stage.watch(Duration::from_secs(3)).await?;
    stage.show().await?;
    let aborted = stage.until("was aborted", |rollout| rollout.status().abort).await?;
    let (took, deadline) = (begin.elapsed(), aborted.spec.progress_deadline_seconds.unwrap_or_default());
    // Conditions know whole seconds.
    ensure!(
        took.as_secs_f64() + 1.0 >= f64::from(deadline),
        "the update was given up after {took:.1?}, before its deadline"
    );
    let message = &aborted.status().message;
    ensure!(message.contains("timed out progressing"), "the update was given up for another reason: {message}");
    stage
        .until("got all its yellow pods back", |rollout| {
            rollout.status().available_replicas == PODS && rollout.status().updated_replicas == 0
        })
        .await?;
    let during = stage.window();
    stage.count_anew();
    stage.until_requests(100).await?;
    let after = stage.window();
    stage.show().await?;
    ensure!(aborted.status().stable_rs == stable, "the stable version changed although the update was aborted");
    answered_alone(&during, "yellow")?;
    answered_alone(&after, "yellow")?;
    stage.say(&format!("   {}", aborted.status().message))
}

async fn aborted_release(stage: &mut Stage) -> anyhow::Result<()> {
    stage.say(
        "\n5. A version that is ready and not good, green. It gets its fifth, until somebody sees that it is not good.",
    )?;
    stage.edit(image("green", None)).await?;
    stage.until("paused at its second step", |rollout| is_paused_at(rollout, 1)).await?;
    stage.count_anew();
    stage.until_requests(SAMPLE).await?;
    let window = stage.window();
    stage.show().await?;
    share_is(&window, "green", 20.0)?;
    stage.say(&format!("   $ kubectl sluice abort {NAME}"))?;
    let begin = Instant::now();
    stage.command(json!({ "abort": true })).await?;
    let early = AtomicBool::new(false);
    let given_back = |rollout: &Rollout| {
        let confirmed = gives_canary_nothing(rollout);
        early.fetch_or(!confirmed && rollout.status().updated_replicas == 0, Ordering::Relaxed);
        confirmed
    };
    stage.until("gave all requests back to yellow", given_back).await?;
    ensure!(!early.into_inner(), "the green pod went before the gateway had confirmed that yellow gets everything");
    let took = begin.elapsed();
    stage.after_requests_under_way().await?;
    stage.count_anew();
    stage.until_requests(100).await?;
    let after = stage.window();
    answered_alone(&after, "yellow")?;
    stage.until("took the green pod away", |rollout| rollout.status().updated_replicas == 0).await?;
    stage.show().await?;
    stage.say(&format!(
        "   The gateway had confirmed after {:.1} s that yellow gets everything. Only then the green pod went.",
        took.as_secs_f64()
    ))
}

/// The patch that releases a version.
fn image(version: &str, ready: Option<&str>) -> Value {
    let container = json!({
        "name": NAME, "image": format!("argoproj/rollouts-demo:{version}"),
        "ports": [{ "name": "http", "containerPort": 8080 }],
    });
    let annotations = json!({ "node.sluice.dev/ready": ready });
    let template = json!({ "metadata": { "annotations": annotations }, "spec": { "containers": [container] } });
    json!({ "spec": { "template": template } })
}

/// Whether the gateway has confirmed that the canary gets no requests.
fn gives_canary_nothing(rollout: &Rollout) -> bool {
    let weights = rollout.status().canary.as_ref().and_then(|canary| canary.weights.as_ref());
    rollout.status().abort
        && weights.is_some_and(|weights| weights.canary.weight == 0 && weights.verified == Some(true))
}

/// Whether all is as the manifest says.
pub fn is_healthy(rollout: &Rollout) -> bool {
    rollout.status().phase == "Healthy"
}

fn is_paused_at(rollout: &Rollout, step: i32) -> bool {
    rollout.status().phase == "Paused" && rollout.status().current_step_index == Some(step)
}

fn share_is(tally: &Tally, version: &str, expected: f64) -> anyhow::Result<()> {
    let share = tally.share(version);
    if (share - expected).abs() > TOLERANCE {
        bail!("{version} answered {share:.1} % of {} requests, not {expected:.0} %", tally.total());
    }
    nothing_lost(tally)
}

/// Nobody else answered a single request.
fn answered_alone(tally: &Tally, version: &str) -> anyhow::Result<()> {
    ensure!(
        tally.answered.keys().eq([version]),
        "not only {version} answered: {:?} of {} requests",
        tally.answered,
        tally.total()
    );
    nothing_lost(tally)
}

fn nothing_lost(tally: &Tally) -> anyhow::Result<()> {
    let why = tally.first_loss.as_deref().unwrap_or_default();
    ensure!(tally.lost == 0, "{} of {} requests were lost; the first: {why}", tally.lost, tally.total());
    Ok(())
}
