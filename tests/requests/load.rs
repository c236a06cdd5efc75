//! A constant load: so many requests a second, whether or not the earlier ones were answered, and a journal of all of them.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};

/// Time between two requests.
const EVERY: Duration = Duration::from_millis(5);
/// How long a request may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Connections that are opened at the start and take turns.
const CONNECTIONS: usize = 8;

/// What came of one request.
#[derive(Clone, Debug)]
pub struct Request {
    /// When it was sent, since the load began.
    pub sent: Duration,
    /// How long it took.
    pub took: Duration,
    /// The image of the pod that answered, or why there was no answer.
    pub answer: Result<String, String>,
}

/// Requests in the order in which they were sent; `None` while one is under way.
type Journal = Arc<Mutex<Vec<Option<Request>>>>;

/// The load. It has a thread of its own, so that what a test does meanwhile does not hold it up.
pub struct Load {
    journal: Journal,
    stop: watch::Sender<bool>,
    thread: JoinHandle<()>,
}

impl Load {
    /// Begins.
    pub fn start(gateway: SocketAddr, host: &str) -> Load {
        let journal = Journal::default();
        let (stop, stopped) = watch::channel(false);
        let client = Client { gateway, host: host.to_owned(), idle: Arc::default() };
        let load = run(client, journal.clone(), stopped);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(load);
        });
        Load { journal, stop, thread }
    }

    /// How many requests were sent.
    pub fn sent(&self) -> usize {
        lock(&self.journal).len()
    }

    /// How many of the first `count` requests are still under way.
    pub fn under_way(&self, count: usize) -> usize {
        lock(&self.journal)[..count].iter().filter(|request| request.is_none()).count()
    }

    /// Sends no more, waits for those under way, and returns all.
    pub fn stop(self) -> Vec<Request> {
        self.stop.send_replace(true);
        self.thread.join().expect("the load ends well");
        lock(&self.journal).drain(..).map(|request| request.expect("each was waited for")).collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn run(client: Client, journal: Journal, mut stop: watch::Receiver<bool>) {
    for _ in 0..CONNECTIONS {
        if let Ok(connection) = client.connect().await {
            client.rest(connection);
        }
    }
    let begun = Instant::now();
    let mut under_way = JoinSet::new();
    let mut ticks = tokio::time::interval(EVERY);
    // After a standstill of the whole machine there is no flood: that would be another load than the one that is meant.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            // Whoever could tell it to stop may be gone.
            _ = stop.wait_for(|stop| *stop) => break,
        }
        while under_way.try_join_next().is_some() {}
        let number = {
            let mut journal = lock(&journal);
            journal.push(None);
            journal.len() - 1
        };
        let (client, journal) = (client.clone(), journal.clone());
        under_way.spawn(async move {
            let sent = Instant::now();
            let answer = tokio::time::timeout(PATIENCE, client.ask()).await;
            let answer = answer.unwrap_or_else(|_| Err(format!("no answer within {PATIENCE:?}")));
            let request = Request { sent: sent.duration_since(begun), took: sent.elapsed(), answer };
            lock(&journal)[number] = Some(request);
        });
    }
    under_way.join_all().await;
}

type Connection = SendRequest<Empty<Bytes>>;

/// A client that keeps its connections and never tries again.
#[derive(Clone)]
pub struct Client {
    gateway: SocketAddr,
    host: String,
    idle: Arc<Mutex<VecDeque<Connection>>>,
}

impl Client {
    /// The image of the pod that answers a request, or what went wrong.
    pub async fn ask(&self) -> Result<String, String> {
        let mut connection = self.connection().await?;
        let request = http::Request::get("/").header(http::header::HOST, &self.host).body(Empty::new());
        let response = connection.send_request(request.expect("a request")).await;
        let response = response.map_err(|error| format!("the request was not answered: {error}"))?;
        let status = response.status();
        let body = response.into_body().collect().await.map_err(|error| format!("half an answer: {error}"))?.to_bytes();
        self.rest(connection);
        if status != http::StatusCode::OK {
            return Err(format!("{status}: {}", String::from_utf8_lossy(&body)));
        }
        let answer: Value = serde_json::from_slice(&body).map_err(|error| format!("the answer is no JSON: {error}"))?;
        answer["image"].as_str().map(str::to_owned).ok_or_else(|| format!("the answer names no image: {answer}"))
    }

    /// The connection that has rested longest, or a new one.
    async fn connection(&self) -> Result<Connection, String> {
        loop {
            let resting = lock(&self.idle).pop_front();
            let Some(mut connection) = resting else { return self.connect().await };
            if connection.ready().await.is_ok() {
                return Ok(connection);
            }
        }
    }

    async fn connect(&self) -> Result<Connection, String> {
        let stream = TcpStream::connect(self.gateway).await;
        let stream = stream.map_err(|error| format!("cannot connect to the gateway: {error}"))?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        let (connection, driver) = handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
        tokio::spawn(driver);
        Ok(connection)
    }

    fn rest(&self, connection: Connection) {
        lock(&self.idle).push_back(connection);
    }
}

/// Sends one request on a connection of its own.
pub async fn ask_once(gateway: SocketAddr, host: &str) -> Result<String, String> {
    Client { gateway, host: host.to_owned(), idle: Arc::default() }.ask().await
}
