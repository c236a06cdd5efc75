//! The API: requests in, answers out, as a `tower` service that a `kube::Client` takes.
//!
//! [`path`] reads what a request names, [`read`] and [`change`] answer it, [`watch`] follows changes, [`present`] gives the
//! answer the form that was asked for, and [`discovery`] tells what there is.

pub mod body;
pub mod change;
pub mod decode;
pub mod discovery;
pub mod options;
pub mod patch;
pub mod path;
pub mod present;
pub mod read;
pub mod review;
pub mod shown;
pub mod subresource;
pub mod syntax;
pub mod watch;

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Method, Response, header};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower_service::Service;

pub use self::body::Body;
use self::path::{Path, Query};
use self::present::Form;
use crate::refusal::Refusal;
use crate::resource::Resource;
use crate::state::Sandbox;

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
            let answer = match body.collect().await {
                Ok(body) => answer(&sandbox, &parts, body.to_bytes()),
                Err(_) => Err(Refusal::bad_request("the body of the request ended too early")),
            };
            Ok(respond(answer))
        })
    }
}

fn answer(sandbox: &Sandbox, parts: &http::request::Parts, body: Bytes) -> Result<Answer, Refusal> {
    let path = parts.uri.path();
    let Some(named) = Path::parse(path) else {
        return discovery::answer(sandbox, path, &parts.headers);
    };
    let resource = sandbox.with(|state| state.registry.find(&named.group, &named.version, &named.plural).cloned());
    let Some(resource) = resource else {
        return match review::answer(sandbox, &named, &body) {
            Some(answer) => answer,
            None => discovery::answer(sandbox, path, &parts.headers),
        };
    };
    if named.namespace.is_some() && !resource.namespaced {
        return Err(Refusal::no_such_path());
    }
    let query = Query::parse(parts.uri.query().unwrap_or_default());
    let manager = match query.get("fieldManager") {
        "" => default_manager(&parts.headers),
        named => named.to_owned(),
    };
    let header =
        |name: header::HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let content_type = header(header::CONTENT_TYPE).split(';').next().unwrap_or_default().trim().to_owned();
    let form = Form::accepted(header(header::ACCEPT), query.get("includeObject"));
    let request =
        Request { method: parts.method.clone(), resource, path: named, query, content_type, manager, form, body };
    dispatch(sandbox, &request)
}

fn dispatch(sandbox: &Sandbox, request: &Request) -> Result<Answer, Refusal> {
    let named = request.path.name.is_some();
    options::check(request)?;
    if let Some(subresource) = request.path.subresource.as_deref().filter(|subresource| *subresource != "status") {
        return subresource::answer(sandbox, request, subresource);
    }
    if request.path.subresource.is_some() && !request.resource.status {
        return Err(Refusal::no_such_path());
    }
    match (request.method.as_str(), named) {
        ("GET", false) if request.query.is_set("watch") => read::watch(sandbox, request),
        ("GET", false) => read::list(sandbox, request),
        ("GET", true) => read::get(sandbox, request),
        ("POST", false) => change::create(sandbox, request),
        ("PUT", true) => change::replace(sandbox, request),
        ("PATCH", true) => patch::answer(sandbox, request),
        ("DELETE", true) => change::delete(sandbox, request),
        ("DELETE", false) => change::delete_collection(sandbox, request),
        _ => Err(Refusal::method_not_allowed()),
    }
}

/// Without `fieldManager`, the program's name in its `User-Agent` counts.
fn default_manager(headers: &HeaderMap) -> String {
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let name = agent.split('/').next().unwrap_or_default();
    if name.is_empty() { "unknown".to_owned() } else { name.chars().take(128).collect() }
}

fn respond(answer: Result<Answer, Refusal>) -> Response<Body> {
    let (code, content_type, body, warnings) = match answer {
        Ok(Answer::Json(code, value, warnings)) => (code, "application/json", json_body(&value), warnings),
        Ok(Answer::Raw(content_type, bytes)) => (200, content_type, Body::Whole(Some(bytes)), Vec::new()),
        Ok(Answer::Watch(body)) => (200, "application/json", body, Vec::new()),
        Err(refusal) => (refusal.code, "application/json", json_body(&refusal.to_status()), refusal.warnings),
    };
    let mut response = Response::new(body);
    *response.status_mut() = http::StatusCode::from_u16(code).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, http::HeaderValue::from_static(content_type));
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
    respond(Err(refusal.clone()))
}

fn json_body(value: &Value) -> Body {
    Body::Whole(Some(Bytes::from(value.to_string())))
}
