//! For tests: a server that answers as a test says and notes what it was asked, and a question put to a provider.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, Response, Uri};
use serde_json::{Value, json};
use sluice_core::api::Metric;
use sluice_plugin::Subject;
use tokio::net::TcpListener;

use super::{Answer, Providers, Question, Reading};
use crate::aws::Env;
use crate::clock::Clock;

/// A request as it arrived.
#[derive(Clone)]
pub(super) struct Seen {
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Seen {
    /// A header, empty where there is none.
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("a header of text"))
    }
}

/// A server of a test's own.
pub(super) struct Served {
    pub(super) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Served {
    /// What it was asked so far.
    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("nobody panics with it").clone()
    }
}

/// Answers every request like this; where there is no answer, never.
pub(super) async fn serve(answer: impl Fn(&Seen) -> Option<Response<Body>> + Clone + Send + Sync + 'static) -> Served {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
    let notes = Arc::clone(&seen);
    let noting = move |request: Request<Body>| {
        let (notes, answer) = (Arc::clone(&notes), answer.clone());
        async move {
            let (head, body) = request.into_parts();
            let body = axum::body::to_bytes(body, 1 << 20).await.expect("a body");
            let body = String::from_utf8(body.to_vec()).expect("a body of text");
            let one = Seen { method: head.method, uri: head.uri, headers: head.headers, body };
            notes.lock().expect("nobody panics with it").push(one.clone());
            match answer(&one) {
                Some(response) => response,
                None => std::future::pending().await,
            }
        }
    };
    let router = Router::new().fallback(noting);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Served { url, seen }
}

/// An answer of this status.
pub(super) fn status(status: u16, headers: &[(&str, &str)], body: impl Into<Body>) -> Option<Response<Body>> {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(body.into()).ok()
}

/// An answer of success.
pub(super) fn ok(body: impl Into<Body>) -> Option<Response<Body>> {
    status(200, &[], body)
}

/// The providers of a program with these variables.
pub(super) fn providers(variables: &[(&str, &str)]) -> Providers {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let variables: HashMap<String, String> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let env: Env = Arc::new(move |name| variables.get(name).cloned());
    Providers::new(&env, Clock::System)
}

/// A metric of this provider.
pub(super) fn metric(provider: Value) -> Metric {
    let mut metric = json!({"name": "m"});
    metric["provider"] = provider;
    serde_json::from_value(metric).expect("a metric")
}

/// Takes a measurement.
pub(super) async fn measure(providers: &Providers, provider: Value) -> Answer {
    let question = Question {
        run: Subject::default(),
        metric: metric(provider),
        number: 1,
        noted: BTreeMap::new(),
        is_resumed: false,
        keep: 10,
    };
    let provider = providers.of(&question.metric.provider).expect("a provider");
    let patience = provider.limit(&question.metric);
    let answer = tokio::time::timeout(patience, provider.measure(&question, &|_| {})).await;
    answer.expect("a provider keeps to its limit")
}

/// What was measured: as conditions see it, and as the status shows it.
#[track_caller]
pub(super) fn value(answer: &Answer) -> (String, String) {
    match &answer.reading {
        Reading::Value { value, text } => (value.to_string(), text.clone()),
        other => panic!("no value: {other:?}"),
    }
}

/// Why nothing was measured.
#[track_caller]
pub(super) fn error(answer: &Answer) -> String {
    match &answer.reading {
        Reading::Error { message, .. } => {
            assert!(!message.contains('\n'), "one line: {message:?}");
            message.clone()
        }
        other => panic!("no error: {other:?}"),
    }
}
