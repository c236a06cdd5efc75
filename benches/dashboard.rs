//! What a thousand rollouts cost in the dashboard, measured: `cargo bench --workspace --bench dashboard`.
//!
//! Prints one line of JSON, and fails where the promise is broken: the first page is there in less than 100 ms and has less than 300 KB, a
//! change is with an open page a second after the API server's event, and nothing is asked of the API server while nothing happens, but that
//! each kind's watch is opened anew once a minute. Times are judged in the release profile alone. `ROLLOUTS` makes it smaller.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use http::Request;
use kube::Client;
use kube::api::{Api, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use reqwest::{Response, header};
use serde_json::{Value, json};
use sluice::clock::Clock;
use sluice::dashboard::access::{Connect, Gate, Gatekeeper};
use sluice::dashboard::book::Book;
use sluice::dashboard::{Dashboard, Settings, routes};
use sluice::trial;
use sluice_core::api::Rollout;
use sluice_sandbox::Sandbox;
use sluice_sandbox::workloads::node;
use tokio::net::TcpListener;
use tokio::time::Instant;
use tower::Service;

/// How often the page is asked for.
const PAGES: usize = 50;
/// How many changes are waited for.
const CHANGES: usize = 5;
/// How many kinds of rollouts there are, by turns.
const KINDS: usize = 4;
/// How long nothing happens.
const REST: Duration = Duration::from_secs(3);
/// The longest that anything takes.
const LIMIT: Duration = Duration::from_mins(2);
/// What is promised of the first page, and of a change.
const PAGE: Duration = Duration::from_millis(100);
const SIZE: usize = 300_000;
const CHANGE: Duration = Duration::from_secs(1);

#[tokio::main(worker_threads = 2)]
async fn main() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let count = std::env::var("ROLLOUTS").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000);
    let bench = Bench::new(count).await;
    let whole = bench.page("identity").await.len();
    let mut pages = Vec::new();
    let mut served = 0;
    for _ in 0..PAGES {
        let begun = Instant::now();
        served = bench.page("gzip").await.len();
        pages.push(begun.elapsed());
    }
    let mut changes = Vec::new();
    for number in 0..CHANGES {
        changes.push(bench.change(number).await);
    }
    let asked = bench.at_rest().await;
    pages.sort();
    changes.sort();
    println!(
        "{}",
        json!({
            "rollouts": count, "bytes": whole, "bytesCompressed": served,
            "page": in_milliseconds(&pages), "change": in_milliseconds(&changes), "requestsAtRest": asked,
        })
    );
    assert!(whole < SIZE, "the first page has {whole} bytes");
    assert_eq!(asked, 0, "requests to the API server while nothing happens");
    if !cfg!(debug_assertions) {
        let (page, change) = (pages[PAGES / 2], changes[CHANGES / 2]);
        assert!(page < PAGE, "the first page takes {page:?}");
        assert!(change < CHANGE, "a change takes {change:?}");
    }
}

/// Of times in order: the median and the worst.
fn in_milliseconds(times: &[Duration]) -> Value {
    let of = |time: Option<&Duration>| time.map(|time| (time.as_secs_f64() * 10_000.0).round() / 10.0);
    json!({ "medianMs": of(times.get(times.len() / 2)), "worstMs": of(times.last()) })
}

/// A sandbox with rollouts, and a dashboard of it.
struct Bench {
    client: Client,
    requests: Arc<AtomicUsize>,
    browser: reqwest::Client,
    address: String,
}

impl Bench {
    async fn new(count: usize) -> Bench {
        let sandbox = Sandbox::on_machine_time();
        let (client, _) = trial::prepare(&sandbox, Box::new(node::Lifeless)).await.expect("a sandbox");
        trial::install_gitops(&client).await.expect("the kinds");
        stream::iter(0..count).for_each_concurrent(8, |number| create(&client, number)).await;

        let counted = Counted { inner: sandbox, requests: Arc::default() };
        let requests = Arc::clone(&counted.requests);
        let owner = Client::new(counted, "default");
        let (book, watching) = Book::open(owner.clone(), None, Clock::System);
        tokio::spawn(watching);
        let others = owner.clone();
        let connect: Connect = Arc::new(move |_| Ok(others.clone()));
        let settings = Settings {
            gate: Gate::Owner,
            read_only: false,
            root: "rollouts".to_owned(),
            namespace: "default".to_owned(),
            cluster: "bench".to_owned(),
        };
        let gatekeeper = Gatekeeper::new(Gate::Owner, owner, connect, Clock::System);
        let router = routes::router(&Dashboard::new(settings, book, gatekeeper, Clock::System));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(async { axum::serve(listener, router).await });
        let bench = Bench { client, requests, browser: reqwest::Client::new(), address };
        let all = format!("All <b>{count}</b>");
        let begun = Instant::now();
        while !String::from_utf8_lossy(&bench.page("identity").await).contains(&all) {
            assert!(begun.elapsed() < LIMIT, "the dashboard does not see all rollouts");
        }
        bench
    }

    async fn ask(&self, path: &str, encoding: &str) -> Response {
        let request = self.browser.get(format!("{}{path}", self.address)).header(header::ACCEPT_ENCODING, encoding);
        request.send().await.and_then(Response::error_for_status).expect("an answer")
    }

    /// All of the first page, as it is served.
    async fn page(&self, encoding: &str) -> Vec<u8> {
        self.ask("/rollouts", encoding).await.bytes().await.expect("a page").to_vec()
    }

    /// The time from the API server's event to the update at an open page.
    async fn change(&self, number: usize) -> Duration {
        // One of those that wait: of what is healthy no reason is shown.
        let name = name(number * KINDS);
        let mut page = self.ask("/rollouts/live", "identity").await;
        // The first one has the whole page.
        until(&mut page, "\n\n").await;
        let api: Api<Rollout> = Api::namespaced(self.client.clone(), "default");
        let from = api.list_metadata(&ListParams::default()).await.expect("a list").metadata.resource_version;
        let events = api.watch(&WatchParams::default(), &from.expect("a version")).await.expect("a watch");
        let patch = json!({"status": {"waitingOn": {"reason": "QuotaExceeded", "message": format!("quota {number}")}}});
        let told = async {
            let mut events = events.boxed();
            while !matches!(events.try_next().await.expect("an event"), Some(WatchEvent::Modified(_))) {}
            Instant::now()
        };
        let shown = async {
            until(&mut page, &format!("quota {number}")).await;
            Instant::now()
        };
        let patched = async {
            api.patch_status(&name, &PatchParams::default(), &Patch::Merge(&patch)).await.expect("it is patched")
        };
        let all = async { tokio::join!(told, shown, patched) };
        let (told, shown, _) = tokio::time::timeout(LIMIT, all).await.expect("the change comes");
        shown.saturating_duration_since(told)
    }

    /// The requests to the API server while a page is open and nothing happens.
    async fn at_rest(&self) -> usize {
        let mut page = self.ask("/rollouts/live", "identity").await;
        until(&mut page, "\n\n").await;
        let before = self.requests.load(Ordering::Relaxed);
        tokio::time::sleep(REST).await;
        self.requests.load(Ordering::Relaxed) - before
    }
}

/// Reads a stream until it has said something.
async fn until(page: &mut Response, wanted: &str) {
    let mut said = String::new();
    while !said.contains(wanted) {
        said += &String::from_utf8_lossy(&page.chunk().await.expect("it is not cut").expect("it goes on"));
    }
}

fn name(number: usize) -> String {
    format!("rollout-with-a-name-{number:04}")
}

/// Creates a rollout: by turns one that is healthy, one that waits for a person, one that waits for its pods, and one that was given up.
async fn create(client: &Client, number: usize) {
    let api: Api<Rollout> = Api::namespaced(client.clone(), "default");
    let name = name(number);
    let rollout = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": name},
        "spec": {
            "replicas": 2, "selector": {"matchLabels": {"app": name}},
            "strategy": {"canary": {"steps": [{"setWeight": 50}, {"pause": {}}]}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "web", "image": "web:1"}]},
            },
        },
    });
    let rollout = serde_json::from_value(rollout).expect("a Rollout");
    api.create(&PostParams::default(), &rollout).await.expect("it is created");
    let waits = |reason: &str, message: &str| json!({"reason": reason, "message": message});
    let (phase, waits) = match number % KINDS {
        0 => (
            "Progressing",
            waits("ReplicasNotAvailable", "the new revision has 1 of 2 available pods, 1 is not ready yet"),
        ),
        1 => ("Paused", waits("PauseStep", "the pause step waits for a promotion")),
        2 => ("Degraded", waits("Aborted", &"the update was given up, as its analysis failed: ".repeat(4))),
        _ => ("Healthy", Value::Null),
    };
    let status = json!({
        "observedGeneration": "1", "phase": phase, "waitingOn": waits, "replicas": 2, "readyReplicas": 2, "availableReplicas": 2,
    });
    let patch = Patch::Merge(json!({ "status": status }));
    api.patch_status(&name, &PatchParams::default(), &patch).await.expect("it is patched");
}

/// The sandbox, with its requests counted.
#[derive(Clone)]
struct Counted {
    inner: Sandbox,
    requests: Arc<AtomicUsize>,
}

impl<B> Service<Request<B>> for Counted
where
    Sandbox: Service<Request<B>>,
{
    type Response = <Sandbox as Service<Request<B>>>::Response;
    type Error = <Sandbox as Service<Request<B>>>::Error;
    type Future = <Sandbox as Service<Request<B>>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        if !request.uri().query().is_some_and(|query| query.contains("watch=true")) {
            self.requests.fetch_add(1, Ordering::Relaxed);
        }
        self.inner.call(request)
    }
}
