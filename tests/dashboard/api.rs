//! The HTTP API, as scripts for the existing dashboard use it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::stage::{OWN, Stage, text};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_looks_and_steers_under_the_paths_that_it_knows() {
    let stage = Stage::new(OWN).await;
    stage.control();
    stage.rollout("shop", "web").await;
    stage.until_page_says("/api/v1/rollouts/shop/info", r#""status":"Healthy""#).await;
    let put = async |path: &str, body: &'static str| -> Value {
        let request = stage.asked(Method::PUT, &format!("/api/v1/rollouts/shop/web/{path}"));
        let answer = request.header("content-type", "application/json").body(body).send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{path}");
        serde_json::from_str(&text(answer).await).expect("JSON")
    };

    let changed = put("set/web/web/2", "").await;
    assert_eq!(changed["spec"]["template"]["spec"]["containers"][0]["image"], "web:2");
    stage.until_page_says("/api/v1/rollouts/shop/web/info", "CanaryPauseStep").await;
    let info = stage.json("/api/v1/rollouts/shop/web/info").await;
    let told = |field: &str| info[field].clone();
    assert_eq!(
        json!([told("status"), told("icon"), told("strategy"), told("step"), told("setWeight"), told("desired")]),
        json!(["Paused", "॥", "Canary", "1/2", "50", 2])
    );
    assert_eq!(told("containers"), json!([{"name": "web", "image": "web:2"}]));
    let sets = info["replicaSets"].as_array().expect("ReplicaSets");
    let roles: Vec<_> =
        sets.iter().map(|rs| (rs["revision"].as_i64(), rs["canary"] == true, rs["stable"] == true)).collect();
    assert_eq!(roles, [(Some(2), true, false), (Some(1), false, true)]);
    assert!(sets[0]["pods"][0]["objectMeta"]["name"].is_string(), "{info}");
    assert!(sets[0].get("preview").is_none(), "what is false is left out");
    let list = stage.json("/api/v1/rollouts/shop/info").await;
    assert_eq!(list["rollouts"][0]["replicaSets"], info["replicaSets"], "lists have them, too");
    assert!(list["rollouts"][0].get("analysisRuns").is_none());

    assert_eq!(put("promote", r#"{"name": "web", "namespace": "shop", "full": true}"#).await["kind"], "Rollout");
    stage.until_page_says("/api/v1/rollouts/shop/web/info", r#""status":"Healthy","icon":"✔","strategy""#).await;
    put("undo/1", "").await;
    stage.until_page_says("/api/v1/rollouts/shop/web/info", "CanaryPauseStep").await;
    put("abort", "").await;
    stage.until_page_says("/api/v1/rollouts/shop/web/info", "Degraded").await;
    put("retry", "").await;
    stage.until_page_says("/api/v1/rollouts/shop/web/info", "CanaryPauseStep").await;
    put("restart", "").await;
    assert!(stage.read("shop", "web").await.spec.restart_at.is_some());
    // As Go writes times; `Never` before.
    stage.until_page_says("/api/v1/rollouts/shop/web/info", r#" +0000 UTC","generation""#).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_follows_a_namespace_as_lines_or_as_events() {
    let stage = Stage::new(OWN).await;
    stage.rollout("shop", "web").await;
    stage.until_page_says("/api/v1/rollouts/shop/info", "web").await;
    let path = "/api/v1/rollouts/shop/info/watch";
    let lines = stage.until_stream_says(path, "application/json", "\n").await;
    let first: Value = serde_json::from_str(lines.lines().next().expect("a line")).expect("JSON");
    assert_eq!(first["result"]["type"], "Updated");
    assert_eq!(first["result"]["rolloutInfo"]["objectMeta"]["name"], "web");
    let events = stage.until_stream_says(path, "text/event-stream", "\n\n").await;
    assert!(events.starts_with(r#"data: {"result":"#), "{events}");
    let one = stage.until_stream_says("/api/v1/rollouts/shop/web/info/watch", "application/json", "\n").await;
    assert!(one.starts_with(r#"{"result":{"#), "{one}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_is_said_in_the_form_that_scripts_know() {
    let stage = Stage::new(OWN).await;
    let answer = stage.asked(Method::PUT, "/api/v1/rollouts/shop/nope/abort").send().await.expect("an answer");
    assert_eq!(answer.status(), 404);
    let said: Value = serde_json::from_str(&text(answer).await).expect("JSON");
    let why = "cannot abort rollout 'nope': rollouts.argoproj.io \"nope\" not found";
    assert_eq!(said, json!({"error": why, "message": why, "code": 5}));
    let wrong =
        stage.asked(Method::PUT, "/api/v1/rollouts/shop/nope/promote").body("{").send().await.expect("an answer");
    assert_eq!(wrong.status(), 400);
}
