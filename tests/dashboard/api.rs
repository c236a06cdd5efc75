//! The HTTP API, as scripts for the existing dashboard use it.

use std::sync::atomic::Ordering;
use std::time::Duration;

use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::api::{Api, DeleteParams};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use sluice_core::api::Rollout;
use tokio::time::timeout;

use crate::oidc::{self, Small};
use crate::stage::{OWN, SHARED, Stage, session_of, text};

/// How long a stream may take. Generous: it is only ever waited out on failure.
const LIMIT: Duration = Duration::from_mins(2);

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

/// What a stream says until it says something, or ends.
async fn heard(stream: &mut Response, wanted: &str) -> String {
    let mut said = String::new();
    let hear = async {
        while !said.contains(wanted)
            && let Some(more) = stream.chunk().await.expect("it is not cut")
        {
            said += &String::from_utf8_lossy(&more);
        }
    };
    assert!(timeout(LIMIT, hear).await.is_ok(), "it does not say {wanted:?}: {said}");
    said
}

/// Each line: what happened, and to which rollout.
fn happened(lines: &str) -> Vec<(String, String)> {
    let lines = lines.lines().filter(|line| !line.is_empty()).map(|line| {
        let Value::Object(line) = serde_json::from_str(line).expect("JSON") else { panic!("{line}") };
        let (kind, name) = (&line["result"]["type"], &line["result"]["rolloutInfo"]["objectMeta"]["name"]);
        (kind.as_str().unwrap_or_default().to_owned(), name.as_str().unwrap_or_default().to_owned())
    });
    lines.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_tells_what_changes_what_is_gone_and_else_that_it_still_stands() {
    let stage = Stage::new(OWN).await;
    stage.rollout("shop", "web").await;
    stage.until_page_says("/api/v1/rollouts/shop/info", "web").await;
    let path = "/api/v1/rollouts/shop/info/watch";
    let mut stream = stage.asked(Method::GET, path).send().await.expect("an answer");
    assert_eq!(stream.headers()["x-accel-buffering"], "no");
    let pair = |kind: &str, name: &str| (kind.to_owned(), name.to_owned());
    assert_eq!(happened(&heard(&mut stream, "\n").await), [pair("Updated", "web")]);
    stage.rollout("shop", "late").await;
    assert_eq!(happened(&heard(&mut stream, "\n").await), [pair("Updated", "late")]);
    let rollouts: Api<Rollout> = Api::namespaced(stage.client.clone(), "shop");
    rollouts.delete("web", &DeleteParams::default()).await.expect("it is deleted");
    assert_eq!(happened(&heard(&mut stream, "\n").await), [pair("Deleted", "web")]);
    assert_eq!(heard(&mut stream, "\n").await, "\n", "nothing is written in a quiet namespace, but that it is quiet");
    let events = stage.until_stream_says(path, "text/event-stream", "\n\n:\n\n").await;
    assert!(events.starts_with("data: {"), "{events}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_ends_with_its_session_and_says_so() {
    let stage = Stage::new(SHARED).await;
    stage.rollout("shop", "web").await;
    let rules = json!([{"apiGroups": ["argoproj.io"], "resources": ["*"], "verbs": ["*"]}]);
    let token = stage.token("looker", &rules).await;
    stage.until_seen("/rollouts/shop/web", &token).await;
    let session = stage.session(&token).await;
    let mut streams = Vec::new();
    for path in ["shop/info/watch", "shop/web/info/watch"] {
        let mut stream = oidc::back(&stage, &session, &format!("/api/v1/rollouts/{path}")).await;
        assert_eq!(stream.status(), 200, "{path}");
        heard(&mut stream, "\n").await;
        streams.push(stream);
    }
    stage.end_session(&session).await;
    for mut stream in streams {
        let said = heard(&mut stream, r#""http_code":401"#).await;
        assert!(said.contains(r#"{"error":{"#) && said.contains("log in again"), "{said}");
        assert_eq!(heard(&mut stream, "it ends").await, "");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_right_that_is_taken_away_ends_a_stream_and_is_not_told_as_deleted() {
    let small = Small::start(false).await;
    let stage = oidc::stage_that_reviews(&small).await;
    stage.rollout("shop", "web").await;
    let rules = json!([{"apiGroups": ["argoproj.io"], "resources": ["rollouts"], "verbs": ["list"]}]);
    stage.bind("oidc:ann", &rules).await;
    let (cookie, entrance) = oidc::begin(&stage).await;
    let session = session_of(&oidc::back(&stage, &cookie, &small.lets_in(&entrance)).await);
    let mut stream = oidc::back(&stage, &session, "/api/v1/rollouts/shop/info/watch").await;
    assert!(heard(&mut stream, r#""name":"web""#).await.contains("Updated"));
    let bindings: Api<RoleBinding> = Api::namespaced(stage.client.clone(), "shop");
    bindings.delete("oidc-ann", &DeleteParams::default()).await.expect("it is deleted");
    let said = heard(&mut stream, r#""http_code":403"#).await;
    assert!(said.contains("you may not list rollouts in namespace 'shop'") && !said.contains("Deleted"), "{said}");
    assert_eq!(heard(&mut stream, "it ends").await, "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_told_by_a_stream_is_remembered_with_the_answers_about_them() {
    let stage = Stage::new(SHARED).await;
    stage.rollout("shop", "web").await;
    let rules = json!([{"apiGroups": ["argoproj.io"], "resources": ["*"], "verbs": ["*"]}]);
    let first = stage.token("first", &rules).await;
    stage.until_seen("/rollouts/shop/web", &first).await;
    // Somebody who comes straight to the stream, which has a turn each second.
    let token = stage.token("second", &rules).await;
    let before = stage.connected.load(Ordering::Relaxed);
    let request = stage.asked(Method::GET, "/rollouts/shop/web/live").bearer_auth(&token);
    let mut stream = request.send().await.expect("an answer");
    heard(&mut stream, "event: beat").await;
    let made = stage.connected.load(Ordering::Relaxed) - before;
    assert!(made <= 2, "{made} clients: one for the request, one for the stream");
}
