//! What stands between somebody and the API server: every request of theirs goes through here, whatever page or action makes it.
//!
//! It has so long for its answer, the body included: what somebody asks for is never a watch. For a person whom the API server does not
//! know it is sent with the process's own rights, so here is where their rights are asked for first, and nothing gets past it.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::TryFutureExt as _;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use kube::client::Body;
use kube::{Client, Error};
use serde_json::{Value, json};

use super::attributes::{self, Need};
use super::review::Reviews;

/// Where somebody asks who they are. Sent on, the answer would be the process.
const WHO_AM_I: &str = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
/// How long an answer may take.
const TAKES: Duration = Duration::from_secs(30);

/// Whether the API server has answered somebody as one whom it knows.
pub type Known = Arc<AtomicBool>;

/// A client that sends by `inner` what may be sent, and notes whether its owner is known.
pub fn client(inner: Client, judge: Option<Arc<Reviews>>, known: Known) -> Client {
    let namespace = inner.default_namespace().to_owned();
    let service = tower::service_fn(move |request: Request<Body>| {
        let (inner, judge, known) = (inner.clone(), judge.clone(), Arc::clone(&known));
        async move {
            let (head, body) = request.into_parts();
            if let Some(judge) = judge {
                if head.method == Method::POST && head.uri.path() == WHO_AM_I {
                    return told(StatusCode::CREATED, &judge.introduction());
                }
                if let Some(why) = refusal(&judge, &head).await? {
                    return told(StatusCode::FORBIDDEN, &forbidden(&why));
                }
            }
            let answer = in_time(TAKES, whole(&inner, Request::from_parts(head, body))).await?;
            // Only whom it knows it says anything else to than 401, or that it is unwell.
            if answer.status().is_success() || answer.status() == StatusCode::FORBIDDEN {
                known.store(true, Ordering::Relaxed);
            }
            Ok::<_, Error>(answer)
        }
    });
    Client::new(service, namespace)
}

/// A client that shows a token by the connections of one that shows nothing.
pub fn with_token(inner: Client, token: &str) -> Result<Client, Error> {
    let mut shown = HeaderValue::try_from(format!("Bearer {token}")).map_err(|error| Error::Service(error.into()))?;
    shown.set_sensitive(true);
    let namespace = inner.default_namespace().to_owned();
    let service = tower::service_fn(move |mut request: Request<Body>| {
        let inner = inner.clone();
        request.headers_mut().insert(header::AUTHORIZATION, shown.clone());
        async move { inner.send(request).await }
    });
    Ok(Client::new(service, namespace))
}

/// Why a person may not send a request.
async fn refusal(judge: &Reviews, request: &Parts) -> Result<Option<String>, Error> {
    let (method, uri) = (&request.method, &request.uri);
    let all = match attributes::of(method, uri, &request.headers) {
        None => return Ok(Some(format!("{method} {} is nothing that the dashboard does for people", uri.path()))),
        Some(Need::Nothing) => return Ok(None),
        Some(Need::All(all)) => all,
    };
    for asked in all {
        if !in_time(TAKES, judge.allows(asked.clone())).await? {
            return Ok(Some(format!("{} cannot {asked}", judge.about())));
        }
        if ![Method::GET, Method::HEAD].contains(method) {
            tracing::info!(user = judge.about(), "the dashboard does for somebody with its own rights: {asked}");
        }
    }
    Ok(None)
}

async fn whole(inner: &Client, request: Request<Body>) -> Result<Response<Body>, Error> {
    let (head, body) = inner.send(request).await?.into_parts();
    let body = body.collect().map_err(|error| Error::Service(error.to_string().into())).await?;
    Ok(Response::from_parts(head, Body::from(body.to_bytes())))
}

/// What comes of waiting so long for the API server.
pub async fn in_time<T>(takes: Duration, answer: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let late = |_| Error::Service(format!("the API server gave no answer within {} seconds", takes.as_secs()).into());
    tokio::time::timeout(takes, answer).await.map_err(late)?
}

/// What an API server says that refuses something.
fn forbidden(why: &str) -> Value {
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": "Forbidden",
        "message": format!("forbidden: {why}"), "code": 403,
    })
}

fn told(status: StatusCode, said: &Value) -> Result<Response<Body>, Error> {
    let answer = Response::builder().status(status).header(header::CONTENT_TYPE, "application/json");
    answer.body(Body::from(said.to_string().into_bytes())).map_err(Error::HttpError)
}
