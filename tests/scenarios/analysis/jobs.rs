//! Jobs decide: how one ends is what becomes of the update.

use serde_json::{Value, json};
use sluice_core::api::AnalysisRun;

use crate::scenario::{Scenario, Subject, rollout};

crate::scenarios! {
    a_job_that_succeeds_promotes,
    a_job_that_fails_aborts_and_its_reason_is_told,
    a_job_that_runs_long_is_ended_when_the_update_is_aborted,
    a_job_whose_image_cannot_be_had_waits_for_a_person,
    two_jobs_are_two_measurements,
}

/// A metric whose Job runs this script.
fn check(image: &str, script: &str) -> Value {
    let container = json!({ "name": "check", "image": image, "command": ["sh", "-c", script] });
    let template = json!({ "spec": { "restartPolicy": "Never", "containers": [container] } });
    let spec = json!({ "backoffLimit": 0, "template": template });
    json!({ "name": "smoke-test", "provider": { "job": { "spec": spec } } })
}

/// An update through a canary whose second step is this metric.
async fn checked(s: &Scenario, metric: Value) -> Subject {
    s.template("smoke-test", json!({ "metrics": [metric] })).await;
    let analysis = json!({ "templates": [{ "templateName": "smoke-test" }] });
    let web = s.deploy(rollout(2, json!([{ "setWeight": 50 }, { "analysis": analysis }]))).await;
    web.set_image("web:2").await;
    web
}

/// The names of the Jobs that there are, in order.
async fn jobs(s: &Scenario) -> Vec<String> {
    let listed = s.objects("batch/v1", "Job").list(&<_>::default()).await.expect("Jobs");
    let mut names: Vec<String> = listed.items.into_iter().filter_map(|job| job.metadata.name).collect();
    names.sort();
    names
}

/// The name of a measurement's Job.
fn name(run: &AnalysisRun, number: u32) -> String {
    format!("{}.smoke-test.{number}", run.metadata.uid.as_deref().expect("a uid"))
}

async fn a_job_that_succeeds_promotes(s: Scenario) {
    let web = checked(&s, check("check:1", "sleep 1; exit 0")).await;
    web.until_healthy().await;
    assert_eq!(web.sizes("web:1", "web:2").await, (0, 2));
    let run = s.until_ended("Successful").await;
    assert_eq!(jobs(&s).await, [name(&run, 1)], "it stays, so that its logs can be read");
    let measured = run.status.expect("a status").metric_results[0].measurements[0].clone();
    assert_eq!(measured.metadata["job-name"], jobs(&s).await[0]);
}

async fn a_job_that_fails_aborts_and_its_reason_is_told(s: Scenario) {
    let web = checked(&s, check("check:1", "exit 1")).await;
    let aborted = web.until_aborted().await;
    let job = &jobs(&s).await[0];
    let why = format!(
        "RolloutAborted: Rollout aborted update to revision 2: Step-based analysis phase error/failed: Metric \"smoke-test\" \
         assessed Failed due to failed (1) > failureLimit (0): Job {job} has failed: BackoffLimitExceeded: Job has reached the \
         specified backoff limit"
    );
    assert_eq!(aborted.status().message, why);
    web.until_sizes(("web:1", 2), ("web:2", 0)).await;
}

async fn a_job_that_runs_long_is_ended_when_the_update_is_aborted(s: Scenario) {
    let web = checked(&s, check("check:1", "sleep 100")).await;
    s.eventually("the Job runs", async || {
        let listed = s.objects("batch/v1", "Job").list(&<_>::default()).await.expect("Jobs");
        let running = listed.items.iter().any(|job| job.data["status"]["ready"] == 1);
        if running { Ok(()) } else { Err(format!("{} Jobs", listed.items.len())) }
    })
    .await;
    web.abort().await;
    web.until_aborted().await;
    s.eventually("the Job is gone", async || match jobs(&s).await {
        none if none.is_empty() => Ok(()),
        some => Err(format!("there are {some:?}")),
    })
    .await;
    let run =
        s.until_run("it has ended", |run| !["Running", "Pending"].contains(&crate::analyses::phase_of(run))).await;
    let result = run.status.clone().expect("a status").metric_results.remove(0);
    let message = format!("Job {} was ended, because its run is over", name(&run, 1));
    assert_eq!((result.phase.as_str(), result.measurements[0].message.as_str()), ("Inconclusive", message.as_str()));
    web.until_sizes(("web:1", 2), ("web:2", 0)).await;
}

async fn a_job_whose_image_cannot_be_had_waits_for_a_person(s: Scenario) {
    let web = checked(&s, check("does-not-exist:1", "exit 0")).await;
    let paused = web.until_phase("Paused", "InconclusiveAnalysisRun").await;
    let message = paused.status().waiting_on.clone().expect("it waits").message;
    // ErrImagePull or ImagePullBackOff, as it is seen.
    assert!(message.contains(" cannot start: ") && message.contains(" of image does-not-exist:1"), "{message}");
    assert_eq!(web.sizes("web:1", "web:2").await, (1, 1));
    web.abort().await;
    web.until_aborted().await;
    web.until_sizes(("web:1", 2), ("web:2", 0)).await;
}

async fn two_jobs_are_two_measurements(s: Scenario) {
    let mut metric = check("check:1", "exit 0");
    metric["interval"] = json!("1s");
    metric["count"] = json!(2);
    let web = checked(&s, metric).await;
    web.until_healthy().await;
    let run = s.until_ended("Successful").await;
    assert_eq!(jobs(&s).await, [name(&run, 1), name(&run, 2)]);
    assert_eq!(run.status.expect("a status").metric_results[0].successful, 2);
}
