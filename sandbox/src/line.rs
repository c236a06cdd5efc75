//! The line between a program and the API: it keeps a record of the writes, and can be broken at any of them.
//!
//! A write is named by what it does, not by its number: which object, which verb, which change, and which time it is that
//! this very change is made. So a fault hits the same write although other things happen in another order.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use serde_json::{Value, json};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tower_service::Service;

use crate::api::Body;
use crate::api::path::Path;
use crate::state::Sandbox;

/// The name of a write.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Write {
    /// `create`, `update`, `patch` or `delete`.
    pub verb: &'static str,
    /// The path.
    pub path: String,
    /// What it changes: the body, without what differs from run to run.
    pub diff: String,
    /// Which time it is that this is written.
    pub occurrence: u32,
}

impl fmt::Display for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.path)
    }
}

/// What happens at a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The program dies just before it.
    CrashBefore,
    /// The program dies just after it, without having seen the answer.
    CrashAfter,
    /// It takes effect, and the answer is lost.
    LoseResponse,
    /// It takes effect, and watches of its resource tell nothing for [`LAG`].
    Lag,
    /// It takes effect, the answer is lost, and watches of its resource tell nothing for [`LAG`].
    LoseResponseAndLag,
    /// It takes effect, and all watches end.
    CutWatches,
}

/// What writes of a resource are answered with, instead of taking effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A refusal with this code.
    Status(u16),
    /// Nothing, until whoever asks gives up after so long.
    Silence(Duration),
}

/// How long watches may fall behind.
pub const LAG: Duration = Duration::from_secs(5);

/// A connection of one program. Clones are the same connection.
#[derive(Clone)]
pub struct Line {
    sandbox: Sandbox,
    agent: &'static str,
    shared: Arc<Mutex<Shared>>,
    dead: watch::Sender<bool>,
    /// Of which resource the watches tell nothing, and until when.
    silent: watch::Sender<Option<(String, Instant)>>,
    /// Tells all watches to end, one after the other.
    cut: Arc<Notify>,
}

#[derive(Default)]
struct Shared {
    writes: Vec<Write>,
    seen: HashMap<(&'static str, String, String), u32>,
    fault: Option<(Write, Fault)>,
    /// The seed of faults by chance.
    chance: Option<u64>,
    /// Resources whose writes are answered like this.
    answers: HashMap<String, Answer>,
}

/// One write of so many has a fault by chance,
const ONE_OF: u64 = 12;
/// and it is one of these. (With late watches nobody could say what the controller should have known.)
const BY_CHANCE: [Fault; 4] = [Fault::CrashBefore, Fault::CrashAfter, Fault::LoseResponse, Fault::CutWatches];

/// The fault that a seed has for a write.
fn draw(seed: u64, write: &Write) -> Option<Fault> {
    let mut hasher = DefaultHasher::new();
    (seed, write).hash(&mut hasher);
    let drawn = hasher.finish();
    drawn.is_multiple_of(ONE_OF).then(|| BY_CHANCE[(drawn / ONE_OF % BY_CHANCE.len() as u64) as usize])
}

impl Line {
    /// A sound line. `agent` is the program's name.
    pub fn new(sandbox: Sandbox, agent: &'static str) -> Line {
        Line {
            sandbox,
            agent,
            shared: Arc::default(),
            dead: watch::Sender::new(false),
            silent: watch::Sender::default(),
            cut: Arc::default(),
        }
    }

    /// Breaks it at this write.
    pub fn break_at(&self, write: Write, fault: Fault) {
        self.lock().fault = Some((write, fault));
    }

    /// Breaks it at some writes, the same for the same seed.
    pub fn break_by_chance(&self, seed: u64) {
        self.lock().chance = Some(seed);
    }

    /// From now on writes of a resource, by its plural name, are answered like this; or as they should be.
    pub fn answer(&self, resource: &str, answer: Option<Answer>) {
        let mut shared = self.lock();
        match answer {
            Some(answer) => drop(shared.answers.insert(resource.to_owned(), answer)),
            None => drop(shared.answers.remove(resource)),
        }
    }

    /// What a write is answered with, where it is not to take effect.
    async fn answered(&self, method: &Method, resource: Option<&String>) -> Option<io::Result<Response<Body>>> {
        let writes = [Method::POST, Method::PUT, Method::PATCH, Method::DELETE].contains(method);
        let answer = self.lock().answers.get(resource?).copied().filter(|_| writes)?;
        match answer {
            Answer::Silence(patience) => {
                tokio::time::sleep(patience).await;
                Some(Err(io::ErrorKind::TimedOut.into()))
            }
            Answer::Status(code) => {
                let body = json!({
                    "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code,
                    "reason": "Refused", "message": format!("{} refused with {code}", resource?),
                });
                let answer = Response::builder().status(code).header("content-type", "application/json");
                Some(answer.body(Body::Whole(Some(body.to_string().into()))).map_err(io::Error::other))
            }
        }
    }

    /// From now on it is sound.
    pub fn mend(&self) {
        let mut shared = self.lock();
        shared.chance = None;
        shared.fault = None;
    }

    /// The line of the program's next run: the record goes on, and the fault has happened.
    #[must_use]
    pub fn successor(&self) -> Line {
        Line { dead: watch::Sender::new(false), ..self.clone() }
    }

    /// The writes that took effect.
    pub fn writes(&self) -> Vec<Write> {
        self.lock().writes.clone()
    }

    /// Whether the fault that was asked for has happened.
    pub fn is_fault_done(&self) -> bool {
        self.lock().fault.is_none()
    }

    /// Waits for the program's death.
    pub async fn died(&self) {
        // The sender is `self`, so waiting cannot fail.
        let _ = self.dead.subscribe().wait_for(|dead| *dead).await;
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The name of a write, and the fault that hits it.
    fn name(&self, method: &Method, path: &str, body: &[u8]) -> Option<(Write, Option<Fault>)> {
        let verb = match method.as_str() {
            "POST" => "create",
            "PUT" => "update",
            "PATCH" => "patch",
            "DELETE" => "delete",
            _ => return None,
        };
        // A review asks, and a lease is renewed for as long as the program lives.
        if ["/authorization.k8s.io/", "/authentication.k8s.io/", "/coordination.k8s.io/"]
            .iter()
            .any(|group| path.contains(group))
        {
            return None;
        }
        let diff = normalised(body);
        let mut shared = self.lock();
        let times = shared.seen.entry((verb, path.to_owned(), diff.clone())).or_default();
        *times += 1;
        let write = Write { verb, path: path.to_owned(), diff, occurrence: *times };
        let fault = match &shared.fault {
            Some((at, fault)) if *at == write => Some(*fault),
            _ => None,
        };
        if fault.is_some() {
            shared.fault = None;
        }
        let fault = fault.or_else(|| draw(shared.chance?, &write));
        Some((write, fault))
    }

    async fn die<T>(&self) -> T {
        self.dead.send_replace(true);
        std::future::pending().await
    }

    async fn send(mut self, mut parts: http::request::Parts, body: Bytes) -> io::Result<Response<Body>> {
        if *self.dead.borrow() {
            return std::future::pending().await;
        }
        if let Ok(agent) = http::HeaderValue::from_str(self.agent) {
            parts.headers.entry(http::header::USER_AGENT).or_insert(agent);
        }
        let resource = Path::parse(parts.uri.path()).map(|path| path.plural);
        if let Some(answer) = self.answered(&parts.method, resource.as_ref()).await {
            return answer;
        }
        let named = self.name(&parts.method, parts.uri.path(), &body);
        let fault = named.as_ref().and_then(|(_, fault)| *fault);
        match fault {
            Some(Fault::CrashBefore) => return self.die().await,
            Some(Fault::Lag | Fault::LoseResponseAndLag) => {
                self.silent.send_replace(resource.clone().map(|resource| (resource, Instant::now() + LAG)));
            }
            Some(Fault::CutWatches) => {
                self.cut.notify_waiters();
            }
            _ => {}
        }
        let before = self.sandbox.with(|state| state.store.version());
        let Ok(answer) = self.sandbox.call(Request::from_parts(parts, Full::new(body))).await;
        let after = self.sandbox.with(|state| state.store.version());
        if let Some((write, _)) = named.filter(|_| answer.status().is_success() && after > before) {
            self.lock().writes.push(write);
        }
        match fault {
            Some(Fault::CrashAfter) => self.die().await,
            Some(Fault::LoseResponse | Fault::LoseResponseAndLag) => Err(io::ErrorKind::ConnectionReset.into()),
            _ => Ok(self.watched(answer, resource)),
        }
    }

    /// The events of a watch stop when the program dies, and are late or cut off where a fault says so.
    fn watched(&self, answer: Response<Body>, resource: Option<String>) -> Response<Body> {
        let (dead, silent, cut) = (self.dead.subscribe(), self.silent.subscribe(), Arc::clone(&self.cut));
        answer.map(|body| match body {
            Body::Whole(bytes) => Body::Whole(bytes),
            Body::Lines(lines) => {
                let alive = lines.take_while(move |_| {
                    let alive = !*dead.borrow();
                    let silence = silent.borrow().clone().filter(|(of, _)| Some(of) == resource.as_ref());
                    async move {
                        if let Some((_, until)) = silence {
                            tokio::time::sleep_until(until).await;
                        }
                        alive || std::future::pending().await
                    }
                });
                Body::Lines(Box::pin(alive.take_until(async move { cut.notified().await })))
            }
        })
    }
}

/// A body without what differs from run to run: versions and times.
fn normalised(body: &[u8]) -> String {
    fn blank(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                fields.remove("resourceVersion");
                fields.values_mut().for_each(blank);
            }
            Value::Array(items) => items.iter_mut().for_each(blank),
            Value::String(text) if text.parse::<jiff::Timestamp>().is_ok() => "<time>".clone_into(text),
            _ => {}
        }
    }
    let mut value: Value = serde_json::from_slice(body).unwrap_or_default();
    blank(&mut value);
    // Of a JSON Patch, the test of the version is what makes it conflict, not what it changes.
    if let Some(operations) = value.as_array_mut() {
        operations.retain(|operation| operation["path"] != "/metadata/resourceVersion");
    }
    value.to_string()
}

impl<B> Service<Request<B>> for Line
where
    B: http_body::Body + Send + 'static,
    B::Data: Send,
{
    type Response = Response<Body>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Response<Body>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let line = self.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
            line.send(parts, body).await
        })
    }
}
