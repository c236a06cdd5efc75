//! The API: requests in, answers out, as a `tower` service that a `kube::Client` takes.
//!
//! [`path`] reads what a request names, [`read`] and [`change`] answer it, [`watch`] follows changes, [`present`] gives the
//! answer the form that was asked for, and [`discovery`] tells what there is.

pub mod accept;
pub mod access;
pub mod body;
pub mod change;
pub mod decode;
pub mod delete;
mod digest;
pub mod discovery;
mod finalizers;
pub mod identify;
pub mod impersonate;
pub mod kind;
pub mod options;
pub mod page;
pub mod patch;
pub mod path;
pub mod present;
pub mod read;
pub mod review;
pub mod roles;
mod route;
pub mod schemas;
pub mod shown;
pub mod subresource;
pub mod syntax;
pub mod token_request;
pub mod user;
pub mod watch;

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Method, Response, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde_json::Value;
use tower_service::Service;

pub use self::body::Body;
use self::path::{Path, Query};
use self::present::Form;
use crate::refusal::Refusal;
use crate::resource::Resource;
use crate::state::Sandbox;

/// How many bytes a body may have.
const LONGEST_BODY: usize = 3 << 20;

/// A request for a resource.
#[derive(Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The resource that the path names.
    pub resource: Arc<Resource>,
    /// The path.
    pub path: Path,
    /// The query.
    pub query: Query,
    /// `Content-Type`.
    pub content_type: String,
    /// Who is recorded as the owner of fields.
    pub manager: String,
    /// The form of the answer.
    pub form: Form,
    /// The body.
    pub body: Bytes,
}

impl Request {
    /// The namespace of the path; empty for objects of the cluster.
    pub fn namespace(&self) -> &str {
        self.path.namespace.as_deref().unwrap_or_default()
    }
}

/// An answer.
pub enum Answer {
    /// JSON, with a code and warnings.
    Json(u16, Value, Vec<String>),
    /// Bytes as they are, with their type.
    Raw(&'static str, Bytes),
    /// Watch events.
    Watch(Body),
    /// There is nothing at this path, which is said in plain words.
    NoPage,
    /// Plain words, with a code.
    Text(u16, String),
}

impl Answer {
    /// 200 and an object, with a warning where nobody should ask for such any more.
    pub fn ok(object: Value) -> Answer {
        let is_old =
            object["apiVersion"] == "v1" && (object["kind"] == "Endpoints" || object["kind"] == "EndpointsList");
        let warning =
            is_old.then(|| "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice".into());
        Answer::Json(200, object, warning.into_iter().collect())
    }
}

impl<B> Service<http::Request<B>> for Sandbox
where
    B: http_body::Body + Send + 'static,
    B::Data: Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let sandbox = self.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let answer =
                match Limited::new(body.map_err(|_| io::Error::from(io::ErrorKind::UnexpectedEof)), LONGEST_BODY)
                    .collect()
                    .await
                {
                    Ok(body) => route::answer(&sandbox, &parts, body.to_bytes()),
                    Err(error) if error.is::<LengthLimitError>() => Err(Refusal::too_large(LONGEST_BODY)),
                    Err(_) => Err(Refusal::bad_request("the body of the request ended too early")),
                };
            let accepted = parts.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
            Ok(respond(answer, accepted.is_some_and(accept::wants_yaml)))
        })
    }
}

fn respond(answer: Result<Answer, Refusal>, yaml: bool) -> Response<Body> {
    let retry = answer.as_ref().err().and_then(|refusal| refusal.details["retryAfterSeconds"].as_u64());
    let (code, content_type, body, warnings) = match answer {
        Ok(Answer::Json(code, value, warnings)) => {
            let (content_type, body) = whole(&value, yaml);
            (code, content_type, body, warnings)
        }
        Ok(Answer::Raw(content_type, bytes)) => (200, content_type, Body::Whole(Some(bytes)), Vec::new()),
        Ok(Answer::Watch(body)) => (200, "application/json", body, Vec::new()),
        Ok(Answer::NoPage) => return respond(Ok(Answer::Text(404, "404 page not found\n".to_owned())), yaml),
        Ok(Answer::Text(code, text)) => (code, "text/plain; charset=utf-8", Body::Whole(Some(text.into())), Vec::new()),
        Err(refusal) => {
            let (content_type, body) = whole(&refusal.to_status(), yaml);
            (refusal.code, content_type, body, refusal.warnings)
        }
    };
    let mut response = Response::new(body);
    *response.status_mut() = http::StatusCode::from_u16(code).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, http::HeaderValue::from_static(content_type));
    if let Some(seconds) = retry {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    for warning in warnings {
        let quoted = warning.replace('\\', "\\\\").replace('"', "\\\"");
        if let Ok(value) = http::HeaderValue::from_str(&format!("299 - \"{quoted}\"")) {
            response.headers_mut().append(header::WARNING, value);
        }
    }
    response
}

/// The answer to somebody who may not ask.
pub fn refuse(refusal: &Refusal) -> Response<Body> {
    respond(Err(refusal.clone()), false)
}

/// An answer as JSON or YAML.
fn whole(value: &Value, yaml: bool) -> (&'static str, Body) {
    let text = if yaml { serde_saphyr::to_string(value).ok() } else { None };
    let (content_type, text) = match text {
        Some(text) => ("application/yaml", text),
        None => ("application/json", value.to_string()),
    };
    (content_type, Body::Whole(Some(Bytes::from(text))))
}
