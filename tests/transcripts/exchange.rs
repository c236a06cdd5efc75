//! One request, and the whole answer, whatever it is.

use std::pin::Pin;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures::future::{Either, poll_fn, select};
use http_body::Body as _;
use kube::client::Body;
use serde_json::Value;

use crate::names::Names;
use crate::target::Target;
use crate::transcript::{Directive, Step};

/// How long an answer may take, generously.
const LIMIT: Duration = Duration::from_mins(1);

/// An answer.
pub struct Answer {
    pub code: u16,
    /// Those that tell something, rendered.
    pub headers: Vec<String>,
    pub body: Content,
}

/// The body of an answer.
pub enum Content {
    Text(String),
    Json(Value),
    /// What a watch told.
    Events(Vec<Value>),
}

/// Sends the request of a step.
pub async fn exchange(target: &dyn Target, step: &Step, names: &Names) -> Answer {
    let answer = async {
        let request = request(step, names);
        let what = format!("{} {}", request.method(), request.uri());
        let response = target.client().send(request).await.unwrap_or_else(|error| panic!("{what}: {error}"));
        let (head, body) = response.into_parts();
        let events = step.directives.iter().find_map(|directive| match directive {
            Directive::Events(count) => Some(count.unwrap_or(usize::MAX)),
            _ => None,
        });
        let bytes = read(body, events.unwrap_or(usize::MAX)).await;
        let kind = head.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let body = match events {
            Some(count) if head.status.is_success() => Content::Events(text.lines().take(count).map(json).collect()),
            _ if kind.starts_with("application/json") => Content::Json(json(&text)),
            // The index of schemas is JSON that says that it is text.
            _ if text.starts_with('{') => Content::Json(json(&text)),
            _ => Content::Text(text),
        };
        Answer { code: head.status.as_u16(), headers: telling(&head.headers), body }
    };
    match select(std::pin::pin!(answer), target.sleep(LIMIT)).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => panic!("no answer to {} {} in a minute", step.request.method, step.request.target),
    }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("the answer is no JSON: {error}: {text}"))
}

fn request(step: &Step, names: &Names) -> http::Request<Body> {
    let authored = &step.request;
    let uri = names.substitute(&authored.target).replace(' ', "%20");
    let mut request = http::Request::builder().method(authored.method.as_str()).uri(uri);
    for (name, value) in &authored.headers {
        request = request.header(name, names.substitute(value));
    }
    let body = if step.has(&Directive::Raw) {
        names.substitute(authored.body.trim_end()).into_bytes()
    } else if step.has(&Directive::Base64) {
        BASE64_STANDARD.decode(authored.body.trim_end()).expect("base 64")
    } else if authored.body.is_empty() {
        Vec::new()
    } else {
        let value: Value = serde_saphyr::from_str(&authored.body)
            .unwrap_or_else(|error| panic!("the body of {}: {error}\n{}", authored.target, authored.body));
        names.substitute_in(value).to_string().into_bytes()
    };
    if !body.is_empty() && !authored.headers.iter().any(|(name, _)| name == "Content-Type") {
        request = request.header("Content-Type", "application/json");
    }
    request.body(Body::from(body)).expect("a request")
}

/// Reads a body until it ends or has so many lines.
async fn read(mut body: Body, lines: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while bytes.split(|byte| *byte == b'\n').count() <= lines {
        match poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
            None => break,
            Some(frame) => bytes.extend(frame.expect("a readable answer").into_data().expect("data")),
        }
    }
    bytes
}

/// The headers that the API server's clients act on.
fn telling(headers: &http::HeaderMap) -> Vec<String> {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let mut lines = Vec::new();
    for (name, label) in [("content-type", "Content-Type"), ("warning", "Warning"), ("retry-after", "Retry-After")] {
        let values = headers.get_all(name).iter().map(text).filter(|value| value != "application/json");
        lines.extend(values.map(|value| format!("{label}: {value}")));
    }
    lines
}
