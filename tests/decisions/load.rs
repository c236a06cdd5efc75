//! Requests to the pods of a Service: so many a second, to each of its ready endpoints in turn, and a journal of all of them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::api::{Api, ListParams};
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};

use crate::scenario::Scenario;

/// Time between two requests.
const EVERY: Duration = Duration::from_millis(10);
/// Time between two looks at the endpoints.
const LOOKS: Duration = Duration::from_millis(200);
/// How long a request may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The pod that answered: its image and its status; or why none did.
pub type Answer = Result<(String, u16), String>;

/// Answers in the order in which they came.
type Journal = Arc<Mutex<Vec<Answer>>>;

/// The load. It has a thread of its own, so that what a test does meanwhile does not hold it up.
pub struct Load {
    pub service: &'static str,
    journal: Journal,
    stop: watch::Sender<bool>,
    thread: JoinHandle<()>,
}

impl Load {
    /// Begins.
    pub fn start(s: &Scenario, service: &'static str) -> Load {
        let journal = Journal::default();
        let (stop, stopped) = watch::channel(false);
        let load = run(s.clone(), service, journal.clone(), stopped);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(load);
        });
        Load { service, journal, stop, thread }
    }

    /// The answers so far.
    pub fn answers(&self) -> Vec<Answer> {
        lock(&self.journal).clone()
    }

    /// Sends no more, waits for those under way, and returns all.
    pub fn stop(self) -> Vec<Answer> {
        self.stop.send_replace(true);
        self.thread.join().expect("the load ends well");
        lock(&self.journal).drain(..).collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn run(s: Scenario, service: &'static str, journal: Journal, mut stop: watch::Receiver<bool>) {
    // A client of this thread's own: that of the test lives in another runtime.
    let slices: Api<EndpointSlice> = Api::namespaced(s.programs().client().await, &s.namespace);
    let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().expect("a client");
    let mut under_way = JoinSet::new();
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let (mut targets, mut looked) = (ready(&slices, service).await, Instant::now());
    for turn in 0.. {
        tokio::select! {
            _ = ticks.tick() => {}
            // Whoever could tell it to stop may be gone.
            _ = stop.wait_for(|stop| *stop) => break,
        }
        if looked.elapsed() > LOOKS {
            (targets, looked) = (ready(&slices, service).await, Instant::now());
        }
        while under_way.try_join_next().is_some() {}
        if targets.is_empty() {
            continue;
        }
        let (client, journal, url) = (client.clone(), journal.clone(), targets[turn % targets.len()].clone());
        under_way.spawn(async move {
            let answer = ask(&client, &url).await;
            lock(&journal).push(answer);
        });
    }
    under_way.join_all().await;
}

/// Where the ready endpoints of a Service are, in order.
async fn ready(slices: &Api<EndpointSlice>, service: &str) -> Vec<String> {
    let of_service = ListParams::default().labels(&format!("kubernetes.io/service-name={service}"));
    let slices = slices.list(&of_service).await.map(|list| list.items).unwrap_or_default();
    let endpoints = slices.into_iter().flat_map(|slice| slice.endpoints.unwrap_or_default());
    let ready = endpoints.filter(|endpoint| endpoint.conditions.as_ref().is_some_and(|c| c.ready == Some(true)));
    let mut urls: Vec<String> =
        ready.flat_map(|endpoint| endpoint.addresses).map(|ip| format!("http://{ip}/")).collect();
    urls.sort();
    urls
}

async fn ask(client: &reqwest::Client, url: &str) -> Answer {
    let response = client.get(url).send().await.map_err(|error| format!("no answer: {error}"))?;
    let status = response.status().as_u16();
    let body = response.bytes().await.map_err(|error| format!("half an answer: {error}"))?;
    let answer: Value = serde_json::from_slice(&body).map_err(|error| format!("the answer is no JSON: {error}"))?;
    let image = answer["image"].as_str().ok_or_else(|| format!("the answer names no image: {answer}"))?;
    Ok((image.to_owned(), status))
}
