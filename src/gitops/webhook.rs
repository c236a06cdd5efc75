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
use sluice_core::gitops::push::{Caller, Platform, Push};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::Gitops;
use super::repository::text;
use super::worker::{REFRESH, REFRESH_AT};
use crate::serve::limited::Limited;

/// Bytes that a call may have.
const MOST: usize = 10 << 20;
/// How long a call may take to arrive.
const ARRIVES: Duration = Duration::from_secs(10);
/// Calls that are read at the same time.
const CALLS: usize = 8;
/// Connections at the same time.
const CONNECTIONS: usize = 64;
/// How long a connection may last.
const LASTS: Duration = Duration::from_mins(1);
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
    if let Err(error) = axum::serve(Limited::new(listener, CONNECTIONS, LASTS), router).await {
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

async fn hear(cx: &Arc<Gitops>, headers: &HeaderMap, body: Body) -> Result<Answer, Answer> {
    let call = Call::of(headers)?;
    let body = tokio::time::timeout(ARRIVES, to_bytes(body, MOST)).await;
    let body =
        body.map_err(|_| (StatusCode::REQUEST_TIMEOUT, format!("it took longer than {} s", ARRIVES.as_secs())))?;
    let body = body.map_err(|_| (StatusCode::PAYLOAD_TOO_LARGE, format!("it has more than {} MiB", MOST >> 20)))?;
    let bad = |why: String| (StatusCode::BAD_REQUEST, why);
    let unread = |error: serde_json::Error| bad(format!("it is no JSON of {:?}: {error}", call.platform));
    // Of what anybody may have sent, no more than this is read.
    let caller: Caller = serde_json::from_slice(&body).map_err(unread)?;
    let urls = call.signed(cx, caller.urls(call.platform), &body)?;
    if !call.platform.is_push(call.event) {
        return Ok((StatusCode::OK, format!("nothing is done about {}", call.event)));
    }
    let push = Push::read(call.platform, urls, &serde_json::from_slice(&body).map_err(unread)?).map_err(bad)?;
    let concerned = concerned(cx, &push);
    let count = concerned.len();
    // It goes on when the caller hangs up.
    let asking = tokio::spawn(ask_all(Arc::clone(cx), concerned));
    let asked = asking.await.unwrap_or_else(|error| Err(format!("asking broke off: {error}")));
    asked.map_err(|why| (StatusCode::INTERNAL_SERVER_ERROR, why))?;
    let (url, reference) = (push.urls.first().map_or("", String::as_str), &push.reference);
    tracing::info!(repository = url, reference, applications = count, "a webhook of Git asks for a look");
    let all = cx.applications.state().len();
    Ok((StatusCode::OK, format!("{count} of {all} Applications look again")))
}

async fn ask_all(cx: Arc<Gitops>, applications: Vec<Arc<Application>>) -> Result<(), String> {
    let asking: Vec<_> = applications.into_iter().map(|application| ask(&cx, application)).collect();
    let asked: Vec<Result<(), String>> = futures::stream::iter(asking).buffer_unordered(TOGETHER).collect().await;
    asked.into_iter().collect()
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

    /// Those of a repository's URLs whose secret has signed a body: what else it names is somebody else's.
    fn signed(&self, cx: &Gitops, urls: Vec<String>, body: &Bytes) -> Result<Vec<String>, Answer> {
        if urls.is_empty() {
            return Err((StatusCode::BAD_REQUEST, "it does not say which repository it is about".to_owned()));
        }
        let secrets: Vec<(String, Vec<String>)> =
            urls.into_iter().map(|url| (url.clone(), secrets(cx, self.platform, &url))).collect();
        if secrets.iter().all(|(_, secrets)| secrets.is_empty()) {
            let why = format!(
                "no secret is known for this repository: write it as webhookSecret into the repository's Secret, \
                 or as {} into the Secret argocd-secret",
                self.platform.key()
            );
            return Err((StatusCode::FORBIDDEN, why));
        }
        let signed =
            secrets.into_iter().filter(|(_, secrets)| secrets.iter().any(|secret| self.is_signed(secret, body)));
        let signed: Vec<String> = signed.map(|(url, _)| url).collect();
        if signed.is_empty() {
            return Err((StatusCode::UNAUTHORIZED, "its signature is not that of this repository's secret".to_owned()));
        }
        Ok(signed)
    }

    fn is_signed(&self, secret: &str, body: &Bytes) -> bool {
        match self.platform {
            Platform::GitLab => {
                constant_time::verify_slices_are_equal(secret.as_bytes(), self.signature.as_bytes()).is_ok()
            }
            Platform::GitHub | Platform::Gitea => {
                let signature = self.signature.strip_prefix("sha256=").unwrap_or(self.signature);
                let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
                unhex(signature).is_some_and(|tag| hmac::verify(&key, body, &tag).is_ok())
            }
        }
    }
}

/// What pushes of a repository are signed with: its own secret, or else the platform's.
fn secrets(cx: &Gitops, platform: Platform, url: &str) -> Vec<String> {
    let own = cx.repositories.webhook_secrets(url);
    if !own.is_empty() {
        return own;
    }
    cx.shared_secret.state().iter().filter_map(|secret| text(secret, platform.key())).collect()
}

/// Asks for a look at an Application's sources.
async fn ask(cx: &Gitops, application: Arc<Application>) -> Result<(), String> {
    let (namespace, name) = (application.namespace().unwrap_or_default(), application.name_any());
    // A person asks for more.
    if application.annotation(REFRESH) == Some("hard") {
        return Ok(());
    }
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
