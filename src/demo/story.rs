//! The story: a first release, a canary that measurements promote, a version that never becomes ready, one that measurements abort, and
//! the revert of both. Each is a commit, beside which nobody decides anything, and every claim is checked.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use kube::api::{Api, ApiResource, DynamicObject, PostParams};
use sluice_core::analysis::Phase;
use sluice_core::api::{AnalysisRun, Application, Rollout};
use tokio::time::Instant;

use super::application::{self, health, history};
use super::load::Tally;
use super::manifests::{self, ROLLOUT};
use super::measured::{measurements, number};
use super::repository::Commit;
use super::stage::Stage;
use super::view::wrapped;
use crate::trial::HOME;

/// How many pods there are.
const PODS: i32 = 5;
/// Requests from which a share is judged.
const SAMPLE: u64 = 100;
/// Of fewer requests a share tells nothing.
const FEW: u64 = 50;
/// How far a share may be from the weight, in points of percent.
const TOLERANCE: f64 = 5.0;
/// How many measurements the step asks for.
const MEASUREMENTS: usize = 5;
/// So many of a hundred answers of green are errors.
const ERROR_RATE: u64 = 30;
/// How far what is measured of few requests may be from that, as a part of one.
const ROUGHLY: f64 = 0.15;

/// The first commit, the Application that says where it is, and the pods that come of it.
pub async fn begin(stage: &mut Stage, prometheus: SocketAddr) -> anyhow::Result<()> {
    stage.say(
        "\n1. The first release is a commit, and an Application that says where it is. Sluice looks into Git once a second and\n   \
         applies what it finds: five pods of blue. There is nothing to compare them with, so they skip the steps.",
    )?;
    let commit = stage.commit("Release 1: blue", &manifests::first(stage.speed, prometheus))?;
    let manifest = application::manifest(stage.git.folder())?;
    let api: Api<DynamicObject> =
        Api::namespaced_with(stage.client.clone(), HOME, &ApiResource::erase::<Application>(&()));
    api.create(&PostParams::default(), &manifest).await.context("cannot create the Application")?;
    stage.until_synced(&commit).await?;
    stage.until("became healthy", is_healthy).await.map(|_| ())
}

/// Tells it, and fails with the reason when something did not happen as it was told.
pub async fn tell(stage: &mut Stage) -> anyhow::Result<()> {
    let blue = stage.git.file(ROLLOUT).to_owned();
    let rollout = |version: &str, behaviour: Option<&str>| manifests::release(&blue, version, behaviour);
    first_release(stage).await?;
    let yellow = rollout("yellow", None);
    canary(stage, &yellow).await?;
    promotion(stage).await?;
    Box::pin(bad_release(stage, rollout("red", Some("node.sluice.dev/ready: never")))).await?;
    let errors = format!("node.sluice.dev/error-rate: \"{ERROR_RATE}\"");
    Box::pin(aborted_release(stage, rollout("green", Some(&errors)))).await?;
    revert(stage, yellow).await
}

/// What came of all requests, once there are no more.
pub fn end(stage: &mut Stage) -> anyhow::Result<()> {
    let all = stage.load.tally();
    none_lost(&all)?;
    only_green_errs(&all)?;
    let (answered, errors) = (all.answered.get("green").copied().unwrap_or(0), all.errors_of("green"));
    ensure!(
        errors == answered * ERROR_RATE / 100,
        "{errors} of green's {answered} answers were errors, not {ERROR_RATE} %"
    );
    stage.say(&format!(
        "\nIn all {} requests were answered; {errors} of them, by green, with an error, until Sluice took it away.\nNone was lost.",
        all.total()
    ))
}

async fn first_release(stage: &mut Stage) -> anyhow::Result<()> {
    stage.keep_available(PODS);
    stage.count_anew();
    stage.until_requests(100).await?;
    stage.watch(Duration::from_secs(2)).await?;
    let window = stage.window();
    stage.show().await?;
    answered_alone(&window, "blue")
}

async fn canary(stage: &mut Stage, yellow: &str) -> anyhow::Result<()> {
    stage
        .say("\n2. A new version, yellow. Only the image changes, and nobody touches anything from here on but Git:")?;
    let (hash, _) = release(stage, "Release 2: yellow", yellow.to_owned()).await?;
    stage.count_anew();
    stage.until_requests(SAMPLE).await?;
    stage.until_run(&hash, "measured twice", |run| measurements(run).count() >= 2).await?;
    let window = stage.window();
    stage.show().await?;
    // Where the machine is slow, the next step may have begun.
    let ahead = if stage.rollout().await?.status().current_step_index == Some(1) { 0.0 } else { 20.0 };
    share_is(&window, "yellow", 20.0, ahead)?;
    stage.say(
        "   The route gives the one yellow pod a fifth of the requests; all five blue ones stay, to take them back at\n   any \
         time. The step asks how many of yellow's answers were no errors, once a second, five times.",
    )
}

/// Commits a version, watches until its requests are judged, and says by which hash it is known.
async fn release(stage: &mut Stage, message: &str, rollout: String) -> anyhow::Result<(String, Commit)> {
    let before = stage.rollout().await?.status().current_pod_hash.clone();
    let commit = stage.commit(message, &[(ROLLOUT, rollout)])?;
    stage.until_synced(&commit).await?;
    let is_judged = |rollout: &Rollout| {
        let status = rollout.status();
        // Where the machine is slow, that may be over.
        status.current_pod_hash != before && (status.abort || status.current_step_index >= Some(1))
    };
    let rollout = stage.until("was analysed at its second step", is_judged).await?;
    Ok((rollout.status().current_pod_hash.clone(), commit))
}

async fn promotion(stage: &mut Stage) -> anyhow::Result<()> {
    stage.say(
        "\n3. Yellow is good, so it promotes itself. From now on it is measured beside the steps, which are timed; each waits\n   \
         for its pods, then for the gateway to say that it has taken the weights up.",
    )?;
    let hash = stage.rollout().await?.status().current_pod_hash.clone();
    for (step, weight) in [(3, 40.0), (5, 60.0), (7, 80.0)] {
        stage.until(&format!("paused at step {step}"), |rollout| is_paused_at(rollout, step)).await?;
        stage.count_anew();
        stage.until_requests(100).await?;
        let window = stage.window();
        stage.show().await?;
        // The next step may have begun in the middle of the count, so that the share is ahead of the weight.
        let ahead = if is_paused_at(&stage.rollout().await?, step) { 0.0 } else { 20.0 };
        share_is(&window, "yellow", weight, ahead)?;
    }
    stage.until("became healthy", is_healthy).await?;
    stage.after_requests_under_way().await?;
    stage.count_anew();
    stage.until_requests(100).await?;
    let window = stage.window();
    stage.show().await?;
    answered_alone(&window, "yellow")?;
    let (step, beside) = (stage.run(&hash, "Step").await?, stage.run(&hash, "Background").await?);
    found_good(step.as_ref(), MEASUREMENTS)?;
    found_good(beside.as_ref(), 1)?;
    nothing_wrong(&stage.load.tally())
}

async fn bad_release(stage: &mut Stage, red: String) -> anyhow::Result<()> {
    stage.say(
        "\n4. A version that starts and never becomes ready, red. It gets no request, and after progressDeadlineSeconds\n   \
         without progress Sluice gives it up by itself (progressDeadlineAbort).",
    )?;
    let stable = stage.rollout().await?.status().stable_rs.clone();
    stage.after_requests_under_way().await?;
    stage.count_anew();
    let begin = Instant::now();
    let commit = stage.commit("Release 3: red", &[(ROLLOUT, red)])?;
    stage.until_synced(&commit).await?;
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
    stage.is_left_alone(&commit).await?;
    stage.show().await?;
    ensure!(aborted.status().stable_rs == stable, "the stable version changed although the update was aborted");
    answered_alone(&during, "yellow")?;
    answered_alone(&after, "yellow")?;
    stage.say(&format!("   {}", aborted.status().message))
}

async fn aborted_release(stage: &mut Stage, green: String) -> anyhow::Result<()> {
    stage.say(&format!(
        "\n5. A version that is ready and not good, green: {ERROR_RATE} % of its answers are errors. It gets its fifth, until the\n   \
         measurements show it. One bad one may be chance; two are not."
    ))?;
    let (hash, commit) = release(stage, "Release 4: green", green).await?;
    stage.count_anew();
    stage.until_run(&hash, "failed", |run| measurements(run).any(has_failed)).await?;
    let window = stage.window();
    stage.show().await?;
    let is_given_up = stage.rollout().await?.status().abort;
    let share = window.share("green");
    ensure!(
        window.total() < FEW || share <= 20.0 + TOLERANCE && (is_given_up || share >= 20.0 - TOLERANCE),
        "green answered {share:.1} % of {} requests, not a fifth",
        window.total()
    );
    let aborted = stage.until("was aborted by its analysis", |rollout| rollout.status().abort).await?;
    stage.say(&wrapped(&aborted.status().message))?;
    let run = stage.until_run(&hash, "ended", is_over).await?;
    found_bad(&run, &aborted.status().message)?;
    let took = give_back(stage, &commit).await?;
    stage.say(&format!(
        "   The gateway had confirmed after {:.1} s that yellow gets everything. Only then the green pod went.",
        took.as_secs_f64()
    ))
}

/// Watches the requests go back to yellow, and then the green pod; says how long the first took.
async fn give_back(stage: &mut Stage, commit: &Commit) -> anyhow::Result<Duration> {
    let begin = Instant::now();
    let early = AtomicBool::new(false);
    let given_back = |rollout: &Rollout| {
        let confirmed = gives_canary_nothing(rollout);
        early.fetch_or(!confirmed && rollout.status().updated_replicas == 0, Ordering::Relaxed);
        confirmed
    };
    stage.until("gave all requests back to yellow", given_back).await?;
    let took = begin.elapsed();
    ensure!(!early.into_inner(), "the green pod went before the gateway had confirmed that yellow gets everything");
    stage.after_requests_under_way().await?;
    stage.count_anew();
    stage.until_requests(SAMPLE).await?;
    answered_alone(&stage.window(), "yellow")?;
    stage.until("took the green pod away", |rollout| rollout.status().updated_replicas == 0).await?;
    stage.is_left_alone(commit).await?;
    stage.show().await?;
    Ok(took)
}

/// Takes both bad versions back in Git, which changes no pod.
async fn revert(stage: &mut Stage, yellow: String) -> anyhow::Result<()> {
    stage.say(
        "\n6. Git says green, and yellow runs. The sync does not fight that: the Application is Synced, as the cluster has what\n   \
         the commit says, and Degraded, as its update was given up. A revert brings Git back to what runs:",
    )?;
    let pods = stage.pods().await?;
    let commit = stage.commit("Revert to release 2: yellow", &[(ROLLOUT, yellow)])?;
    stage.until_synced(&commit).await?;
    stage.until("became healthy", |rollout| is_healthy(rollout) && !rollout.status().abort).await?;
    let application = stage.until_application("became healthy", |it| health(it) == "Healthy").await?;
    stage.count_anew();
    stage.until_requests(100).await?;
    let window = stage.window();
    stage.show().await?;
    answered_alone(&window, "yellow")?;
    ensure!(stage.pods().await? == pods, "pods changed although the revert asks for those that run");
    let commits = stage.git.commits();
    let is_all = history(&application).into_iter().eq(commits.iter().map(|commit| commit.id.as_str()));
    ensure!(is_all, "the history of the Application is {:?}, not {commits:?}", history(&application));
    let synced: Vec<String> = commits.iter().map(|commit| format!("     {}", commit.shown())).collect();
    stage.say(&format!(
        "   No pod was changed for it. What the Application was synced to, each once:\n{}",
        synced.join("\n")
    ))
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

fn is_over(run: &AnalysisRun) -> bool {
    run.status.as_ref().is_some_and(|status| Phase::read(&status.phase).is_over())
}

fn has_failed(measurement: &sluice_core::api::Measurement) -> bool {
    Phase::read(&measurement.phase) == Phase::Failed
}

/// That an analysis was successful by itself, with at least so many measurements, and rightly.
fn found_good(run: Option<&AnalysisRun>, least: usize) -> anyhow::Result<()> {
    let Some(run) = run else { bail!("an analysis of yellow is not there") };
    let phase = run.status.as_ref().map_or("", |status| status.phase.as_str());
    ensure!(Phase::read(phase) == Phase::Successful, "an analysis of yellow is {phase}, not Successful");
    let values: Vec<&str> = measurements(run).map(|measurement| measurement.value.as_str()).collect();
    ensure!(values.len() >= least, "yellow was measured {} times, not {least}", values.len());
    ensure!(
        values.iter().all(|value| *value == "[1]"),
        "yellow never answered an error, and was measured as {values:?}"
    );
    Ok(())
}

/// That an analysis failed by what was measured, that this is what happened, and that the abort says so.
fn found_bad(run: &AnalysisRun, message: &str) -> anyhow::Result<()> {
    let failed: Vec<_> = measurements(run).filter(|measurement| has_failed(measurement)).collect();
    ensure!(failed.len() == 2, "{} measurements of green failed, not two", failed.len());
    for measurement in &failed {
        let good = 1.0 - ERROR_RATE as f64 / 100.0;
        let value = number(measurement);
        ensure!(
            value.is_some_and(|value| (value - good).abs() <= ROUGHLY),
            "{} of green's answers were good, not about {good}",
            measurement.value
        );
    }
    let last = failed.last().map_or("", |measurement| measurement.value.as_str());
    ensure!(
        message.contains(last) && message.contains("result[0] >= 0.95"),
        "the abort does not say that {last} was measured: {message}"
    );
    Ok(())
}

fn share_is(tally: &Tally, version: &str, expected: f64, ahead: f64) -> anyhow::Result<()> {
    let share = tally.share(version);
    if share < expected - TOLERANCE || share > expected + ahead + TOLERANCE {
        bail!("{version} answered {share:.1} % of {} requests, not {expected:.0} %", tally.total());
    }
    nothing_wrong(tally)
}

/// Nobody else answered a single request.
fn answered_alone(tally: &Tally, version: &str) -> anyhow::Result<()> {
    ensure!(
        tally.answered.keys().eq([version]),
        "not only {version} answered: {:?} of {} requests",
        tally.answered,
        tally.total()
    );
    nothing_wrong(tally)
}

/// No request was lost, and none was answered with an error.
fn nothing_wrong(tally: &Tally) -> anyhow::Result<()> {
    ensure!(tally.errors.is_empty(), "answers were errors: {:?} of {:?}", tally.errors, tally.answered);
    none_lost(tally)
}

fn only_green_errs(tally: &Tally) -> anyhow::Result<()> {
    let is_right = tally.errors.keys().all(|version| version == "green");
    ensure!(is_right, "answers were errors: {:?} of {:?}", tally.errors, tally.answered);
    Ok(())
}

fn none_lost(tally: &Tally) -> anyhow::Result<()> {
    let why = tally.first_loss.as_deref().unwrap_or_default();
    ensure!(tally.lost == 0, "{} of {} requests were lost; the first: {why}", tally.lost, tally.total());
    Ok(())
}
