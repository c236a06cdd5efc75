//! The endpoint that Git platforms call when there is something new: `POST /api/webhook`.
//!
//! Anybody may call it, so that nothing is believed that is not signed. What is asked for is written on the Applications themselves
//! (`argocd.argoproj.io/refresh`): it does not matter which replica is called, nor whether it lives on.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::{constant_time, hmac};
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use futures::StreamExt as _;
use kube::ResourceExt as _;
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;
use sluice_core::api::Application;
use sluice_core::gitops::plan::is_left_alone;
use sluice_core::gitops::push::{Platform, Push};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::Gitops;
use super::repository::text;
use super::worker::{REFRESH, REFRESH_AT};

/// Bytes that a call may have; GitHub sends no more.
const MOST: usize = 25 << 20;
/// How long a call may take to arrive.
const ARRIVES: Duration = Duration::from_secs(30);
/// Calls that are read at the same time.
const CALLS: usize = 4;
/// Applications that are written to at the same time.
const TOGETHER: usize = 8;

/// What is answered.
type Answer = (StatusCode, String);

/// What the endpoint needs.
struct Endpoint {
    cx: Arc<Gitops>,
    places: Semaphore,
}

/// Answers calls, as long as the program runs.
pub async fn serve(cx: Arc<Gitops>, listener: TcpListener) {
    let endpoint = Arc::new(Endpoint { cx, places: Semaphore::new(CALLS) });
    let router = Router::new().route("/api/webhook", post(receive)).with_state(endpoint);
    if let Err(error) = axum::serve(listener, router).await {
        tracing::error!(%error, "the endpoint for webhooks of Git stopped");
    }
}

async fn receive(State(endpoint): State<Arc<Endpoint>>, headers: HeaderMap, body: Body) -> Answer {
    let Ok(_place) = endpoint.places.try_acquire() else {
        return (StatusCode::SERVICE_UNAVAILABLE, format!("{CALLS} other calls are being read: try again"));
    };
    let answer = hear(&endpoint.cx, &headers, body).await;
    let (status, said) = answer.unwrap_or_else(|refused| refused);
    endpoint.cx.metrics.called(status.as_u16());
    if !status.is_success() {
        tracing::warn!(%status, said, "a webhook of Git was refused");
    }
    (status, said)
}

async fn hear(cx: &Gitops, headers: &HeaderMap, body: Body) -> Result<Answer, Answer> {
    let call = Call::of(headers)?;
    let body = tokio::time::timeout(ARRIVES, to_bytes(body, MOST)).await;
    let body =
        body.map_err(|_| (StatusCode::REQUEST_TIMEOUT, format!("it took longer than {} s", ARRIVES.as_secs())))?;
    let body = body.map_err(|_| (StatusCode::PAYLOAD_TOO_LARGE, format!("it has more than {} MiB", MOST >> 20)))?;
    let read = serde_json::from_slice(&body).map_err(|error| format!("it is no JSON: {error}"));
    let push = read.and_then(|read| Push::read(call.platform, &read));
    let push = push.map_err(|why| (StatusCode::BAD_REQUEST, why))?;
    call.check(&secrets(cx, call.platform, &push), &body)?;
    if !call.platform.is_push(call.event) {
        return Ok((StatusCode::OK, format!("nothing is done about {}", call.event)));
    }
    let concerned = concerned(cx, &push);
    let asking: Vec<_> = concerned.into_iter().map(|application| ask(cx, application)).collect();
    let asked: Vec<Result<(), String>> = futures::stream::iter(asking).buffer_unordered(TOGETHER).collect().await;
    let failed = asked.iter().find_map(|asked| asked.as_ref().err());
    if let Some(why) = failed {
        return Err((StatusCode::INTERNAL_SERVER_ERROR, why.clone()));
    }
    let (url, reference) = (push.urls.first().map_or("", String::as_str), &push.reference);
    tracing::info!(repository = url, reference, applications = asked.len(), "a webhook of Git asks for a look");
    let all = cx.applications.state().len();
    Ok((StatusCode::OK, format!("{} of {all} Applications look again", asked.len())))
}

/// The Applications that read what is new.
fn concerned(cx: &Gitops, push: &Push) -> Vec<Arc<Application>> {
    let all = cx.applications.state().into_iter().filter(|application| !is_left_alone(application));
    let reads = |application: &Application| {
        let read = cx.reads(&application.namespace().unwrap_or_default(), &application.name_any());
        push.concerns(application, read.as_ref().map(|read| read.as_slice()))
    };
    all.filter(|application| reads(application)).collect()
}

/// Who calls, about what, and how that is signed.
struct Call<'a> {
    platform: Platform,
    event: &'a str,
    signature: &'a str,
}

impl<'a> Call<'a> {
    /// What the headers say. Gitea sends GitHub's, too, and so is looked for first.
    fn of(headers: &'a HeaderMap) -> Result<Call<'a>, Answer> {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let known = [
            (Platform::Gitea, "x-gitea-event", "x-gitea-signature"),
            (Platform::Gitea, "x-gogs-event", "x-gogs-signature"),
            (Platform::GitHub, "x-github-event", "x-hub-signature-256"),
            (Platform::GitLab, "x-gitlab-event", "x-gitlab-token"),
        ];
        let found =
            known.into_iter().find_map(|(platform, event, sign)| Some((platform, header(event)?, header(sign))));
        match found {
            Some((platform, event, Some(signature))) => Ok(Call { platform, event, signature }),
            Some((platform, ..)) => {
                Err((StatusCode::UNAUTHORIZED, format!("it is not signed: give the webhook of {platform:?} a secret")))
            }
            None => Err((StatusCode::BAD_REQUEST, "it is from neither GitHub, GitLab nor Gitea".to_owned())),
        }
    }

    /// Whether one of the secrets has signed a body.
    fn check(&self, secrets: &[String], body: &Bytes) -> Result<(), Answer> {
        if secrets.is_empty() {
            let why = format!(
                "no secret is known for this repository: write it as webhookSecret into the repository's Secret, \
                 or as {} into the Secret argocd-secret",
                self.platform.key()
            );
            return Err((StatusCode::FORBIDDEN, why));
        }
        let is_signed = |secret: &String| match self.platform {
            Platform::GitLab => {
                constant_time::verify_slices_are_equal(secret.as_bytes(), self.signature.as_bytes()).is_ok()
            }
            Platform::GitHub | Platform::Gitea => {
                let signature = self.signature.strip_prefix("sha256=").unwrap_or(self.signature);
                let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
                unhex(signature).is_some_and(|tag| hmac::verify(&key, body, &tag).is_ok())
            }
        };
        if secrets.iter().any(is_signed) {
            return Ok(());
        }
        Err((StatusCode::UNAUTHORIZED, "its signature is not that of this repository's secret".to_owned()))
    }
}

/// What pushes of a repository are signed with: its own secret, or else the platform's.
fn secrets(cx: &Gitops, platform: Platform, push: &Push) -> Vec<String> {
    let own = cx.repositories.webhook_secrets(push);
    if !own.is_empty() {
        return own;
    }
    cx.shared_secret.state().iter().filter_map(|secret| text(secret, platform.key())).collect()
}

/// Asks for a look at an Application's sources.
async fn ask(cx: &Gitops, application: Arc<Application>) -> Result<(), String> {
    let (namespace, name) = (application.namespace().unwrap_or_default(), application.name_any());
    let annotations = json!({ REFRESH: "normal", REFRESH_AT: cx.clock.now().to_string() });
    let body = Patch::Merge(json!({ "metadata": { "annotations": annotations } }));
    let api: Api<Application> = Api::namespaced(cx.writes.clone(), &namespace);
    match api.patch_metadata(&name, &PatchParams::default(), &body).await {
        Ok(_) => Ok(()),
        // It has gone meanwhile.
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        Err(error) => Err(format!("cannot ask for a look at Application {namespace}/{name}: {error}")),
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text.chars().map(|c| c.to_digit(16).map(|digit| digit as u8)).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}
