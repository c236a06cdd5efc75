//! The network of pods: containers that really answer HTTP.
//!
//! A pod's address exists only here. Each of its ports is a socket on this machine's loopback, and [`Network::reach`] knows
//! which.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::object;
use crate::serve::next_connection;
use crate::workloads::node::Runtime;

/// Which pod, which container of it.
type ContainerKey = (String, String);
/// A pod's address, and a port of it.
pub type Endpoint = (String, i64);

/// The addresses of all containers that run. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Network(Arc<Mutex<Addresses>>);

#[derive(Debug, Default)]
struct Addresses {
    /// Where a pod's port really is.
    real: HashMap<Endpoint, SocketAddr>,
    running: HashMap<ContainerKey, Vec<(Endpoint, JoinHandle<()>)>>,
}

impl Network {
    fn lock(&self) -> MutexGuard<'_, Addresses> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the port of a pod's address really is.
    pub fn reach(&self, address: &str, port: i64) -> Option<SocketAddr> {
        self.lock().real.get(&(address.to_owned(), port)).copied()
    }
}

/// Opens a port of a container. A port that cannot be opened answers nobody, as a crashed process would.
fn open(pod: &Value, container: &Value, port: i64) -> Option<(Endpoint, SocketAddr, JoinHandle<()>)> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).ok()?;
    listener.set_nonblocking(true).ok()?;
    let real = listener.local_addr().ok()?;
    let listener = TcpListener::from_std(listener).ok()?;
    let answer = Bytes::from(who(pod, container).to_string());
    let endpoint = (pod["status"]["podIP"].as_str().unwrap_or_default().to_owned(), port);
    Some((endpoint, real, tokio::spawn(answer_all(listener, answer))))
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
        let opened: Vec<_> = ports.filter_map(|port| open(pod, spec, port["containerPort"].as_i64()?)).collect();
        let mut addresses = self.lock();
        let mut running = Vec::new();
        for (key, real, task) in opened {
            addresses.real.insert(key.clone(), real);
            running.push((key, task));
        }
        addresses.running.insert((object::uid(pod).to_owned(), container.to_owned()), running);
    }

    fn stop(&mut self, pod: &Value, container: &str) {
        let mut addresses = self.lock();
        let stopped = addresses.running.remove(&(object::uid(pod).to_owned(), container.to_owned()));
        for (key, task) in stopped.into_iter().flatten() {
            addresses.real.remove(&key);
            task.abort();
        }
    }
}

async fn answer_all(listener: TcpListener, answer: Bytes) {
    // Dropped with this task, and with it every connection: a process that ends says no farewell.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let stream = next_connection(&listener).await;
        let answer = answer.clone();
        connections.spawn(async move {
            let service = service_fn(move |_: Request<Incoming>| {
                let response = Response::new(Full::new(answer.clone()));
                async move { Ok::<_, Infallible>(response) }
            });
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
        while connections.try_join_next().is_some() {}
    }
}
