//! What becomes of Jobs that only the sandbox treats so: those that it cannot run. Everything else is in the transcripts.

use std::time::Duration;

use http::{Method, Request};
use http_body_util::{BodyExt as _, Full};
use serde_json::{Value, json};
use sluice_sandbox::{Sandbox, workloads};
use tower_service::Service as _;

const JOBS: &str = "/apis/batch/v1/namespaces/default/jobs";
const PODS: &str = "/api/v1/namespaces/default/pods";
const EVENTS: &str = "/api/v1/namespaces/default/events";
const QUOTAS: &str = "/api/v1/namespaces/default/resourcequotas";

fn start() -> Sandbox {
    let sandbox = Sandbox::new("2026-01-01T00:00:00Z".parse().expect("a time"));
    tokio::spawn(workloads::run(sandbox.clone(), Box::new(workloads::node::Lifeless)));
    sandbox
}

async fn send(sandbox: &Sandbox, method: Method, path: &str, body: Value) -> Value {
    let kind = if method == Method::PATCH { "application/merge-patch+json" } else { "application/json" };
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let request = Request::builder().method(method).uri(path).header("content-type", kind);
    let request = request.body(Full::<bytes::Bytes>::from(body)).expect("a request");
    let Ok(response) = sandbox.clone().call(request).await;
    let (head, body) = response.into_parts();
    let answer = body.collect().await.expect("a body").to_bytes();
    let answer = serde_json::from_slice(&answer).expect("JSON");
    assert!(head.status.is_success(), "{path}: {answer}");
    answer
}

async fn get(sandbox: &Sandbox, path: &str) -> Value {
    send(sandbox, Method::GET, path, Value::Null).await
}

async fn items(sandbox: &Sandbox, path: &str) -> Vec<Value> {
    get(sandbox, path).await["items"].as_array().expect("a list").clone()
}

fn job(spec: &Value, command: &Value) -> Value {
    let container = json!({ "name": "check", "image": "check:1", "command": command });
    let mut job = json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": { "name": "check" },
        "spec": { "template": { "spec": { "restartPolicy": "Never", "containers": [container] } } },
    });
    for (field, value) in spec.as_object().expect("a map") {
        job["spec"][field] = value.clone();
    }
    job
}

#[tokio::test(start_paused = true)]
async fn a_job_that_asks_for_what_is_not_there_does_not_run_and_is_told() {
    let rule = json!({ "action": "FailJob", "onExitCodes": { "operator": "In", "values": [42] } });
    for (spec, what) in [
        (json!({ "completionMode": "Indexed", "completions": 1 }), "completionMode: Indexed"),
        (json!({ "podFailurePolicy": { "rules": [rule] } }), "podFailurePolicy"),
    ] {
        let sandbox = start();
        send(&sandbox, Method::POST, JOBS, job(&spec, &json!(["true"]))).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        // A change of it is no reason to say it again.
        let labelled = json!({ "metadata": { "labels": { "a": "b" } } });
        send(&sandbox, Method::PATCH, &format!("{JOBS}/check"), labelled).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(items(&sandbox, PODS).await, [Value::Null; 0]);
        let events = items(&sandbox, EVENTS).await;
        assert_eq!(events.len(), 1, "{events:?}");
        assert_eq!(events[0]["reason"], "NotSupported");
        assert_eq!(
            events[0]["message"],
            format!("the sandbox does not act on `{what}` of Jobs, so this one does not run")
        );
    }
}

#[tokio::test(start_paused = true)]
async fn somebody_elses_job_is_left_alone() {
    let sandbox = start();
    let spec = json!({ "managedBy": "example.com/queue" });
    send(&sandbox, Method::POST, JOBS, job(&spec, &json!(["true"]))).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(get(&sandbox, &format!("{JOBS}/check")).await["status"], json!({}));
}

#[tokio::test(start_paused = true)]
async fn a_command_that_is_not_understood_waits_and_says_why() {
    let sandbox = start();
    send(&sandbox, Method::POST, JOBS, job(&json!({}), &json!(["python3", "-c", "exit(1)"]))).await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    let pods = items(&sandbox, PODS).await;
    let waiting = &pods[0]["status"]["containerStatuses"][0]["state"]["waiting"];
    assert_eq!(waiting["reason"], "CreateContainerConfigError");
    let message = waiting["message"].as_str().expect("a message");
    assert!(message.contains("python3") && message.contains("node.sluice.dev/exit-code"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn pods_that_a_quota_refuses_are_tried_again() {
    let sandbox = start();
    let quota = json!({ "metadata": { "name": "few" }, "spec": { "hard": { "pods": "0" } } });
    send(&sandbox, Method::POST, QUOTAS, quota).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    send(&sandbox, Method::POST, JOBS, job(&json!({}), &json!(["true"]))).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(items(&sandbox, EVENTS).await[0]["reason"], "FailedCreate");
    let more = json!({ "spec": { "hard": { "pods": "1" } } });
    send(&sandbox, Method::PATCH, &format!("{QUOTAS}/few"), more).await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    let ended = get(&sandbox, &format!("{JOBS}/check")).await;
    assert_eq!(ended["status"]["succeeded"], 1, "{ended}");
}
