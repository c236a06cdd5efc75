//! The network of pods: containers that really answer HTTP, and count their answers.
//!
//! A pod's address exists only here. Each of its ports is a socket on this machine's loopback, and [`Network::reach`] knows
//! which.

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::object;
use crate::prometheus::counters::Counters;
use crate::serve::next_connection;
use crate::workloads::node::Runtime;
use crate::workloads::node::behaviour::Behaviour;

/// The header by which a pod learns which Service it was reached by.
pub const SERVICE: &str = "x-sluice-service";
/// The longest name of a Service that counts.
const LONGEST_NAME: usize = 63;

/// Which pod, which container of it.
type ContainerKey = (String, String);
/// A pod's address, and a port of it.
pub type Endpoint = (String, i64);

/// The addresses of all containers that run, and what they have answered. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Network {
    addresses: Arc<Mutex<Addresses>>,
    counters: Counters,
}

#[derive(Debug, Default)]
struct Addresses {
    /// Where a pod's port really is.
    real: HashMap<Endpoint, SocketAddr>,
    running: HashMap<ContainerKey, Running>,
}

/// A container that runs.
#[derive(Debug)]
struct Running {
    ports: Vec<(Endpoint, JoinHandle<()>)>,
    labels: BTreeMap<String, String>,
}

impl Network {
    fn lock(&self) -> MutexGuard<'_, Addresses> {
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the port of a pod's address really is.
    pub fn reach(&self, address: &str, port: i64) -> Option<SocketAddr> {
        self.lock().real.get(&(address.to_owned(), port)).copied()
    }

    /// The requests that pods have answered.
    pub fn counters(&self) -> Counters {
        self.counters.clone()
    }
}

/// What a container does with requests: it says who it is, in so many answers of a hundred as an error, and counts.
struct Application {
    body: Bytes,
    error_rate: u64,
    answered: AtomicU64,
    labels: BTreeMap<String, String>,
    counters: Counters,
}

impl Application {
    fn new(pod: &Value, container: &Value, counters: Counters) -> Application {
        let application = Application {
            body: Bytes::from(who(pod, container).to_string()),
            error_rate: u64::from(Behaviour::of(pod).error_rate),
            answered: AtomicU64::new(0),
            labels: counted_by(pod, container),
            counters,
        };
        application.counters.begin(&application.labels, &["200", "500"]);
        application
    }

    fn labels(&self, code: StatusCode, service: Option<&str>) -> BTreeMap<String, String> {
        let service = service.map(|service| ("service".to_owned(), service.to_owned()));
        let more = [("code".to_owned(), code.as_str().to_owned())].into_iter().chain(service);
        self.labels.clone().into_iter().chain(more).collect()
    }

    /// The status of the next answer. Errors are spread evenly, so that any hundred answers in a row have as many.
    fn next(&self) -> StatusCode {
        let before = self.answered.fetch_add(1, Ordering::Relaxed);
        let is_error = (before + 1) * self.error_rate / 100 > before * self.error_rate / 100;
        if is_error { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK }
    }

    fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let status = self.next();
        let service = request.headers().get(SERVICE).and_then(|name| name.to_str().ok());
        self.counters.count(&self.labels(status, service.filter(|name| name.len() <= LONGEST_NAME)));
        let mut response = Response::new(Full::new(self.body.clone()));
        *response.status_mut() = status;
        response
    }
}

/// The labels under which a container's answers are counted, but for those of one answer.
fn counted_by(pod: &Value, container: &Value) -> BTreeMap<String, String> {
    let image = container["image"].as_str().unwrap_or_default();
    let hash = object::labels(pod).remove("rollouts-pod-template-hash");
    let labels = [
        ("namespace", Some(object::namespace(pod).to_owned())),
        ("pod", Some(object::name(pod).to_owned())),
        ("hash", hash),
        ("version", Some(tag(image).to_owned())),
    ];
    labels.into_iter().filter_map(|(label, value)| Some((label.to_owned(), value?))).collect()
}

/// The tag of an image.
fn tag(image: &str) -> &str {
    let name = image.split_once('@').map_or(image, |(name, _)| name);
    let last = name.rsplit('/').next().unwrap_or(name);
    last.split_once(':').map_or("latest", |(_, tag)| tag)
}

/// Opens a port of a container. A port that cannot be opened answers nobody, as a crashed process would.
fn open(pod: &Value, port: i64, application: Arc<Application>) -> Option<(Endpoint, SocketAddr, JoinHandle<()>)> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).ok()?;
    listener.set_nonblocking(true).ok()?;
    let real = listener.local_addr().ok()?;
    let listener = TcpListener::from_std(listener).ok()?;
    let endpoint = (pod["status"]["podIP"].as_str().unwrap_or_default().to_owned(), port);
    Some((endpoint, real, tokio::spawn(answer_all(listener, application))))
}

/// What a pod says of itself, as the node stand-in's do.
fn who(pod: &Value, container: &Value) -> Value {
    let labels = object::labels(pod);
    let hash = ["rollouts-pod-template-hash", "pod-template-hash"].iter().find_map(|label| labels.get(*label));
    json!({
        "pod": object::name(pod), "namespace": object::namespace(pod), "node": pod["spec"]["nodeName"],
        "container": container["name"], "image": container["image"], "hash": hash,
    })
}

impl Runtime for Network {
    fn start(&mut self, pod: &Value, container: &str) {
        let specs = pod["spec"]["containers"].as_array().into_iter().flatten();
        let Some(spec) = specs.into_iter().find(|spec| spec["name"] == container) else { return };
        let ports = spec["ports"].as_array().into_iter().flatten();
        let ports = ports.filter(|port| port["protocol"].as_str().unwrap_or("TCP") == "TCP");
        let application = Arc::new(Application::new(pod, spec, self.counters()));
        let opened: Vec<_> =
            ports.filter_map(|port| open(pod, port["containerPort"].as_i64()?, Arc::clone(&application))).collect();
        let mut addresses = self.lock();
        let mut running = Running { ports: Vec::new(), labels: application.labels.clone() };
        for (key, real, task) in opened {
            addresses.real.insert(key.clone(), real);
            running.ports.push((key, task));
        }
        addresses.running.insert((object::uid(pod).to_owned(), container.to_owned()), running);
    }

    fn stop(&mut self, pod: &Value, container: &str) {
        let mut addresses = self.lock();
        let stopped = addresses.running.remove(&(object::uid(pod).to_owned(), container.to_owned()));
        let Some(stopped) = stopped else { return };
        for (key, task) in stopped.ports {
            addresses.real.remove(&key);
            task.abort();
        }
        self.counters.end(&stopped.labels);
    }
}

async fn answer_all(listener: TcpListener, application: Arc<Application>) {
    // Dropped with this task, and with it every connection: a process that ends says no farewell.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let stream = next_connection(&listener).await;
        let application = Arc::clone(&application);
        connections.spawn(async move {
            let service = service_fn(move |request: Request<Incoming>| {
                let response = application.answer(&request);
                async move { Ok::<_, Infallible>(response) }
            });
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn application(rate: &str) -> Application {
        let pod = json!({
            "metadata": {
                "name": "web-1", "namespace": "shop", "labels": { "rollouts-pod-template-hash": "abc" },
                "annotations": { "node.sluice.dev/error-rate": rate },
            },
        });
        Application::new(&pod, &json!({ "name": "web", "image": "example.com:5000/web:v2" }), Counters::default())
    }

    #[test]
    fn errors_are_spread_evenly() {
        for (rate, expected) in [("0", 0), ("3", 3), ("30", 30), ("100", 100), ("101", 0)] {
            let application = application(rate);
            let is_error: Vec<bool> = (0..400).map(|_| application.next() != StatusCode::OK).collect();
            for hundred in is_error.windows(100) {
                assert_eq!(hundred.iter().filter(|is_error| **is_error).count(), expected, "{rate}");
            }
        }
    }

    #[test]
    fn answers_are_counted_by_who_gave_them() {
        let labels = application("0").labels(StatusCode::OK, Some("web-canary"));
        let told: Vec<String> = labels.iter().map(|(label, value)| format!("{label}={value}")).collect();
        assert_eq!(told, ["code=200", "hash=abc", "namespace=shop", "pod=web-1", "service=web-canary", "version=v2"]);
    }

    #[test]
    fn a_version_is_the_tag_of_the_image() {
        for (image, version) in [
            ("argoproj/rollouts-demo:blue", "blue"),
            ("example.com:5000/web", "latest"),
            ("web:v1@sha256:abc", "v1"),
            ("web@sha256:abc", "latest"),
        ] {
            assert_eq!(tag(image), version, "{image}");
        }
    }
}
