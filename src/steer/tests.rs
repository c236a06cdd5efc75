//! What comes of a promotion that is written in two parts.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use axum::http::{Method, Request, Response};
use jiff::Timestamp;
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use sluice_core::act::action::{Action, Details};
use sluice_core::act::asked::Asked;
use tower::service_fn;

use super::*;

/// A rollout at a pause that its manifest is paused by, too.
fn rollout() -> Value {
    let pause = json!({"reason": "CanaryPauseStep", "startTime": "2026-01-01T00:00:00Z"});
    json!({
        "metadata": {"namespace": "shop", "name": "web", "uid": "u", "generation": 3, "resourceVersion": "7"},
        "spec": {"paused": true, "strategy": {"canary": {"steps": [{"pause": {}}]}}},
        "status": {
            "currentPodHash": "b", "stableRS": "a", "currentStepIndex": 0, "observedGeneration": "3",
            "pauseConditions": [pause], "controllerPause": true,
        },
    })
}

/// An API server that answers writes of manifests as told, one after the other, and takes all others; and what was written.
fn server(answers: &[u16]) -> (Client, Arc<Mutex<Vec<String>>>) {
    let state = Arc::new(Mutex::new((rollout(), answers.to_vec())));
    let written: Arc<Mutex<Vec<String>>> = Arc::default();
    let noted = Arc::clone(&written);
    let service = service_fn(move |request: Request<Body>| {
        let (state, noted) = (Arc::clone(&state), Arc::clone(&noted));
        async move {
            let (is_write, path) = (request.method() == Method::PATCH, request.uri().path().to_owned());
            let body = request.into_body().collect_bytes().await.expect("a body");
            let mut state = state.lock().expect("no panic");
            let mut code = 200;
            if is_write {
                if !path.ends_with("/status") && !state.1.is_empty() {
                    code = state.1.remove(0);
                }
                if code == 200 {
                    json_patch::merge(&mut state.0, &serde_json::from_slice(&body).expect("JSON"));
                    state.0["metadata"]["resourceVersion"] = json!("8");
                }
                noted.lock().expect("no panic").push(format!("{} {code}", path.rsplit('/').next().unwrap_or_default()));
            }
            let said = match code {
                200 => state.0.clone(),
                code => {
                    let reason = if code == 409 { "Conflict" } else { "Forbidden" };
                    let causes = if code == 422 { json!([{"field": "metadata.uid"}]) } else { json!([]) };
                    json!({
                        "kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": "no",
                        "details": {"causes": causes},
                    })
                }
            };
            let said = Body::from(said.to_string().into_bytes());
            Ok::<_, Infallible>(Response::builder().status(code).body(said).expect("an answer"))
        }
    });
    (Client::new(service, "shop"), written)
}

async fn promoted(answers: &[u16]) -> (Result<Outcome, Refusal>, Vec<String>) {
    let (client, written) = server(answers);
    let rollouts = Rollouts { client, namespace: "shop".to_owned(), manager: "test" };
    let asked = Asked::about(Action::Promote, &serde_json::from_value(rollout()).expect("a rollout"));
    let details = Details { asked: Some(asked), ..Details::default() };
    let done = rollouts.act("web", Action::Promote, &details, Timestamp::UNIX_EPOCH).await;
    let written = written.lock().expect("no panic").clone();
    (done, written)
}

#[tokio::test]
async fn what_was_begun_is_brought_to_its_end_though_the_status_is_another_one_by_then() {
    assert!(matches!(promoted(&[]).await, (Ok(Outcome::Done), written) if written == ["status 200", "web 200"]));
    let (done, written) = promoted(&[409]).await;
    assert!(matches!(done, Ok(Outcome::Done)), "{done:?}");
    assert_eq!(written, ["status 200", "web 409", "web 200"]);
}

#[tokio::test]
async fn a_half_that_was_done_is_not_told_as_nothing() {
    let (done, written) = promoted(&[403]).await;
    let said = done.expect_err("half of it").to_string();
    assert!(said.contains("its pause has ended, but spec.paused could not be taken out of its manifest: no"), "{said}");
    assert_eq!(written, ["status 200", "web 403"]);
}

#[tokio::test]
async fn another_rollout_of_the_same_name_is_not_written_to() {
    for code in [404, 422] {
        let (done, _) = promoted(&[code]).await;
        assert!(matches!(done, Err(Refusal::GoneOn { .. })), "{code}: {done:?}");
    }
}

#[tokio::test]
async fn a_workload_that_somebody_has_just_changed_is_not_written_over() {
    let metadata = json!({"namespace": "shop", "name": "web", "uid": "u", "generation": 3});
    let reference = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"});
    let rollout = json!({
        "metadata": metadata, "spec": {"strategy": {"canary": {}}, "workloadRef": reference},
        "status": {"observedGeneration": "3", "workloadObservedGeneration": "4", "currentPodHash": "b", "stableRS": "a"},
    });
    let container = json!({"name": "web", "image": "web:2"});
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "generation": 5},
        "spec": {"template": {"spec": {"containers": [container]}}},
    });
    let asked = Asked::about(Action::SetImage, &serde_json::from_value(rollout.clone()).expect("a rollout"));
    let service = service_fn(move |request: Request<Body>| {
        assert_eq!(request.method(), Method::GET, "nothing is written");
        let said = if request.uri().path().ends_with("/deployments/web") { &deployment } else { &rollout };
        let said = Body::from(said.to_string().into_bytes());
        async { Ok::<_, Infallible>(Response::new(said)) }
    });
    let rollouts = Rollouts { client: Client::new(service, "shop"), namespace: "shop".to_owned(), manager: "test" };
    let details =
        Details { asked: Some(asked), container: "web".to_owned(), image: "web:3".to_owned(), ..Details::default() };
    for action in [Action::SetImage, Action::Undo] {
        let done = rollouts.act("web", action, &details, Timestamp::UNIX_EPOCH).await;
        let said = done.expect_err("it is not what was asked about").to_string();
        assert!(said.contains("the controller has not looked at that yet"), "{said}");
    }
}
