//! Metrics decide: in virtual time, with a provider that answers from a script.

pub mod jobs;
mod scale;
pub mod scripted;

use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, PostParams};
use serde_json::{Value, json};

use self::scripted::metric;
use crate::analyses::phase_of;
use crate::scenario::{Scenario, Subject, blue_green, canary, rollout};

crate::virtual_scenarios! {
    a_good_version_promotes_itself,
    a_bad_version_aborts_itself_and_says_what_was_measured,
    errors_are_tried_again_before_they_abort,
    analysis_beside_the_steps_aborts_a_pause,
    an_analysis_that_goes_on_ends_with_its_update,
    a_preview_is_switched_once_its_analysis_is_successful,
    requests_go_back_when_the_analysis_after_the_switch_fails,
    an_inconclusive_analysis_waits_for_a_person,
    a_template_that_is_missing_is_waited_for,
    templates_name_templates_of_the_cluster,
    a_secret_reaches_the_provider_and_nobody_else,
    a_run_by_itself_is_measured_and_deleted_when_its_time_is_over,
    a_run_that_makes_no_sense_says_so,
    a_long_measurement_is_ended_with_its_run,
}

/// A template that measures the success rate, five times.
fn success_rate(answers: &Value) -> Value {
    let fields = json!({ "interval": "5s", "count": 5, "failureLimit": 1, "successCondition": "result[0] >= 0.95" });
    json!({ "metrics": [metric("success-rate", &fields, &json!({ "answers": answers }))] })
}

fn analysis() -> Value {
    json!({ "templates": [{ "templateName": "success-rate" }] })
}

/// An update through a canary whose second step is an analysis with these answers.
async fn analysed(s: &Scenario, answers: Value) -> Subject {
    s.template("success-rate", success_rate(&answers)).await;
    let web = s.deploy(rollout(2, json!([{ "setWeight": 50 }, { "analysis": analysis() }]))).await;
    web.set_image("web:2").await;
    web
}

async fn a_good_version_promotes_itself(s: Scenario) {
    let web = analysed(&s, json!([[0.99], [0.9], [1.0]])).await;
    web.until_healthy().await;
    assert_eq!(web.sizes("web:1", "web:2").await, (0, 2));
    let run = s.until_ended("Successful").await;
    let result = run.status.expect("a status").metric_results.remove(0);
    assert_eq!((result.count, result.successful, result.failed), (5, 4, 1));
    let values: Vec<String> = result.measurements.iter().map(|measurement| measurement.value.clone()).collect();
    assert_eq!(values, ["[0.99]", "[0.9]", "[1.0]", "[1.0]", "[1.0]"]);
    s.until_told("AnalysisRunSuccessful: Step Analysis Run").await;
}

async fn a_bad_version_aborts_itself_and_says_what_was_measured(s: Scenario) {
    let web = analysed(&s, json!([[0.99], [0.5]])).await;
    let aborted = web.until_aborted().await;
    let message = &aborted.status().message;
    let why = "RolloutAborted: Rollout aborted update to revision 2: Step-based analysis phase error/failed: Metric \"success-rate\" \
               assessed Failed due to failed (2) > failureLimit (1): successCondition \"result[0] >= 0.95\" is false; result is [0.5]";
    assert_eq!(message, why);
    web.until_sizes(("web:1", 2), ("web:2", 0)).await;
    let run = s.until_ended("Failed").await;
    assert_eq!(run.status.expect("a status").metric_results[0].count, 3, "nothing is measured once it is decided");
}

async fn errors_are_tried_again_before_they_abort(s: Scenario) {
    let web = analysed(&s, json!(["error", "error", [1.0]])).await;
    web.until_healthy().await;
    let run = s.until_ended("Successful").await;
    let result = run.status.expect("a status").metric_results.remove(0);
    assert_eq!((result.count, result.error, result.consecutive_error), (5, 2, 0));
}

async fn analysis_beside_the_steps_aborts_a_pause(s: Scenario) {
    s.template("success-rate", success_rate(&json!([[1.0], [0.2]]))).await;
    let strategy = json!({ "analysis": analysis(), "steps": [{ "setWeight": 50 }, { "pause": {} }] });
    let web = s.deploy(canary(2, strategy)).await;
    web.set_image("web:2").await;
    web.until_paused_at(1).await;
    let aborted = web.until_aborted().await;
    let canary = aborted.status().canary.clone().expect("canary");
    assert_eq!(canary.current_background_analysis_run_status.expect("an entry").status, "Failed");
    web.until_sizes(("web:1", 2), ("web:2", 0)).await;
}

async fn an_analysis_that_goes_on_ends_with_its_update(s: Scenario) {
    let fields = json!({ "interval": "10s", "successCondition": "result >= 0.95" });
    let spec = json!({ "metrics": [metric("success-rate", &fields, &json!({ "answers": [1.0] }))] });
    s.template("success-rate", spec).await;
    let strategy =
        json!({ "analysis": analysis(), "steps": [{ "setWeight": 50 }, { "pause": { "duration": "30s" } }] });
    let web = s.deploy(canary(2, strategy)).await;
    web.set_image("web:2").await;
    web.until_healthy().await;
    let run = s.until_ended("Successful").await;
    assert!(run.spec.terminate);
    assert_eq!(run.status.expect("a status").message, "Run Terminated");
}

async fn a_preview_is_switched_once_its_analysis_is_successful(s: Scenario) {
    s.template("success-rate", success_rate(&json!([[1.0]]))).await;
    s.serve(&["active", "preview"]).await;
    let web = s
        .deploy(blue_green(2, json!({ "prePromotionAnalysis": analysis(), "postPromotionAnalysis": analysis() })))
        .await;
    web.set_image("web:2").await;
    s.until_run("measures the preview", |run| phase_of(run) == "Running").await;
    assert_eq!((web.selected("preview").await, web.selected("active").await), ("web:2".into(), "web:1".into()));
    web.until_selected("active", "web:2").await;
    assert_eq!(web.status().await.stable_rs, web.replica_sets().await[0].hash().expect("a hash").as_str());
    web.until_healthy().await;
    let phases: Vec<String> = s.runs().await.iter().map(|run| phase_of(run).to_owned()).collect();
    assert_eq!(phases, ["Successful", "Successful"]);
}

async fn requests_go_back_when_the_analysis_after_the_switch_fails(s: Scenario) {
    s.template("success-rate", success_rate(&json!([[0.1]]))).await;
    s.serve(&["active", "preview"]).await;
    let web = s.deploy(blue_green(2, json!({ "postPromotionAnalysis": analysis() }))).await;
    web.set_image("web:2").await;
    web.until_selected("active", "web:2").await;
    web.until_aborted().await;
    web.until_selected("active", "web:1").await;
    assert_eq!(web.size("web:1").await, 2);
}

async fn an_inconclusive_analysis_waits_for_a_person(s: Scenario) {
    let fields = json!({ "successCondition": "result > 0.9", "failureCondition": "result < 0.5" });
    s.template("success-rate", json!({ "metrics": [metric("rate", &fields, &json!({ "answers": [0.7] }))] })).await;
    let web = s.deploy(rollout(2, json!([{ "setWeight": 50 }, { "analysis": analysis() }]))).await;
    web.set_image("web:2").await;
    web.until("says what was measured", |rollout| {
        let status = rollout.status();
        let on = status.waiting_on.as_ref();
        let said = "successCondition \"result > 0.9\" is false; result is 0.7";
        status.message == "InconclusiveAnalysisRun" && on.is_some_and(|on| on.message.contains(said))
    })
    .await;
    // `promote` of the kubectl plugin would go on to the next step.
    web.patch_status(json!({ "pauseConditions": null })).await;
    s.eventually("is measured once more", async || {
        let runs = s.runs().await;
        if runs.len() == 2 { Ok(()) } else { Err(format!("{} runs", runs.len())) }
    })
    .await;
    web.until_phase("Paused", "InconclusiveAnalysisRun").await;
    web.promote_full().await;
    web.until_healthy().await;
}

async fn a_template_that_is_missing_is_waited_for(s: Scenario) {
    let web = s.deploy(rollout(2, json!([{ "analysis": analysis() }]))).await;
    web.set_image("web:2").await;
    web.until("names the template", |rollout| {
        let on = rollout.status().waiting_on.as_ref();
        on.is_some_and(|on| on.object.as_deref() == Some("AnalysisTemplate/success-rate"))
    })
    .await;
    s.template("success-rate", success_rate(&json!([[1.0]]))).await;
    web.until_healthy().await;
}

async fn templates_name_templates_of_the_cluster(s: Scenario) {
    let name = format!("shared-{}", s.namespace);
    let fields = json!({ "successCondition": "result >= {{args.least}}" });
    let spec =
        json!({ "args": [{ "name": "least" }], "metrics": [metric("rate", &fields, &json!({ "answers": [0.97] }))] });
    let shared = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "ClusterAnalysisTemplate", "metadata": { "name": name }, "spec": spec,
    });
    let resource = kube::core::ApiResource::erase::<sluice_core::api::ClusterAnalysisTemplate>(&());
    let api: Api<kube::api::DynamicObject> = Api::all_with(s.client(), &resource);
    api.create(&PostParams::default(), &serde_json::from_value(shared).expect("an object")).await.expect("a template");
    s.template("success-rate", json!({ "templates": [{ "templateName": name, "clusterScope": true }] })).await;
    let mut analysis = analysis();
    analysis["args"] = json!([{ "name": "least", "value": "0.95" }]);
    let web = s.deploy(rollout(2, json!([{ "analysis": analysis }]))).await;
    web.set_image("web:2").await;
    web.until_healthy().await;
    let run = s.until_ended("Successful").await;
    assert_eq!((run.spec.metrics.len(), run.spec.args[0].value.as_deref()), (1, Some("0.95")));
}

async fn a_secret_reaches_the_provider_and_nobody_else(s: Scenario) {
    let from = json!({ "secretKeyRef": { "name": "access", "key": "token" } });
    let spec = json!({
        "args": [{ "name": "token", "valueFrom": from }],
        "metrics": [metric("rate", &json!({ "successCondition": "result == 'hush-hush'", "interval": "10s", "count": 2 }), &json!({ "answers": ["{{args.token}}"] }))],
    });
    s.analyse("run", spec).await;
    let run = s
        .until_run("names the Secret", |run| {
            let results = run.status.as_ref().map_or(&[][..], |status| &status.metric_results);
            results.first().is_some_and(|result| result.error > 0)
        })
        .await;
    let message = &run.status.expect("a status").metric_results[0].measurements[0].message;
    assert!(message.starts_with(&format!("cannot read Secret {}/access: ", s.namespace)), "{message}");

    let secret = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "access" }, "stringData": { "token": "hush-hush" } });
    let secret: Secret = serde_json::from_value(secret).expect("a Secret");
    Api::<Secret>::namespaced(s.client(), &s.namespace)
        .create(&PostParams::default(), &secret)
        .await
        .expect("a Secret");
    let run = s.until_ended("Successful").await;
    let stored = serde_json::to_string(&run).expect("JSON");
    assert!(!stored.replace("result == 'hush-hush'", "").contains("hush"), "{stored}");
    let value =
        &run.status.expect("a status").metric_results[0].measurements.last().expect("a measurement").value.clone();
    assert_eq!(value, "\"*****\"");
}

async fn a_run_by_itself_is_measured_and_deleted_when_its_time_is_over(s: Scenario) {
    let mut spec = success_rate(&json!([[1.0]]));
    spec["ttlStrategy"] = json!({ "secondsAfterSuccess": 30, "secondsAfterCompletion": 3600 });
    s.analyse("run", spec).await;
    s.until_ended("Successful").await;
    s.eventually("it is gone", async || if s.runs().await.is_empty() { Ok(()) } else { Err("it is there".to_owned()) })
        .await;
}

async fn a_run_that_makes_no_sense_says_so(s: Scenario) {
    let mut spec = success_rate(&json!([[1.0]]));
    spec["metrics"][0]["successCondition"] = json!("result[0] >=");
    s.analyse("run", spec).await;
    let run = s.until_ended("Error").await;
    let message = run.status.expect("a status").message;
    assert!(message.starts_with("Analysis spec invalid: metric \"success-rate\": successCondition: "), "{message}");
}

async fn a_long_measurement_is_ended_with_its_run(s: Scenario) {
    let script = json!({ "answers": [1.0], "takes": 20_000, "notes": true });
    s.analyse("run", json!({ "metrics": [metric("load-test", &json!({}), &script)] })).await;
    let run = s
        .until_run("has begun", |run| {
            let results = run.status.as_ref().map_or(&[][..], |status| &status.metric_results);
            results.first().is_some_and(|result| !result.measurements.is_empty())
        })
        .await;
    let begun = run.status.expect("a status").metric_results[0].measurements[0].clone();
    assert_eq!((begun.phase.as_str(), begun.metadata["job"].as_str()), ("Running", "number 1"));
    s.patch("argoproj.io/v1alpha1", "AnalysisRun", "run", json!({ "spec": { "terminate": true } }))
        .await
        .expect("a patch");
    let run = s.until_ended("Inconclusive").await;
    let result = run.status.expect("a status").metric_results.remove(0);
    assert_eq!((result.measurements.len(), result.measurements[0].message.as_str()), (1, "it was ended"));
}
