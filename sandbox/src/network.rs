//! The network of pods: containers that really answer HTTP, and a proxy in front of a Service.
//!
//! A pod's address exists only here. Each of its ports is a socket on this machine's loopback, and [`Network::reach`] knows
//! which. The proxy asks for the Service's ready endpoints at every request, as an ideal kube-proxy would.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::object;
use crate::serve::next_connection;
use crate::state::Sandbox;
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

/// A proxy in front of one Service.
#[derive(Clone)]
pub struct Proxy {
    sandbox: Sandbox,
    network: Network,
    namespace: String,
    service: String,
    turn: Arc<AtomicUsize>,
}

impl Proxy {
    /// A proxy for this Service.
    pub fn new(sandbox: Sandbox, network: Network, namespace: &str, service: &str) -> Proxy {
        let (namespace, service) = (namespace.to_owned(), service.to_owned());
        Proxy { sandbox, network, namespace, service, turn: Arc::default() }
    }

    /// Listens on a free port of the loopback, and serves until the task is stopped.
    pub async fn listen(self) -> std::io::Result<(SocketAddr, JoinHandle<()>)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(async move {
            loop {
                let stream = next_connection(&listener).await;
                let proxy = self.clone();
                tokio::spawn(async move {
                    let service = service_fn(move |request| {
                        let proxy = proxy.clone();
                        async move { Ok::<_, Infallible>(proxy.forward(request).await) }
                    });
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Ok((address, task))
    }

    /// The endpoints that are ready now, each with its port.
    pub fn endpoints(&self) -> Vec<Endpoint> {
        self.sandbox.with(|state| {
            let slices = state.store.list("endpointslices.discovery.k8s.io", Some(&self.namespace));
            let mine = slices.filter(|slice| {
                object::labels(slice).get("kubernetes.io/service-name").is_some_and(|name| *name == self.service)
            });
            let mut endpoints = Vec::new();
            for slice in mine {
                let Some(port) = slice["ports"][0]["port"].as_i64() else { continue };
                let all = slice["endpoints"].as_array().into_iter().flatten();
                let ready = all.filter(|endpoint| endpoint["conditions"]["ready"] == true);
                endpoints
                    .extend(ready.filter_map(|endpoint| Some((endpoint["addresses"][0].as_str()?.to_owned(), port))));
            }
            endpoints
        })
    }

    /// Sends a request to the endpoint whose turn it is.
    async fn forward(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let endpoints = self.endpoints();
        if endpoints.is_empty() {
            return refused(StatusCode::SERVICE_UNAVAILABLE, "no endpoint is ready");
        }
        let (address, port) = &endpoints[self.turn.fetch_add(1, Ordering::Relaxed) % endpoints.len()];
        match self.send(address, *port, request).await {
            Ok(response) => response,
            Err(error) => refused(StatusCode::BAD_GATEWAY, &format!("{address}:{port} does not answer: {error}")),
        }
    }

    async fn send(
        &self,
        address: &str,
        port: i64,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Box<dyn std::error::Error + Send + Sync>> {
        let real = self.network.reach(address, port).ok_or("connection refused")?;
        let stream = TcpStream::connect(real).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let connection = tokio::spawn(connection);
        let response = sender.send_request(request).await?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        connection.abort();
        Ok(Response::from_parts(parts, Full::new(body)))
    }
}

fn refused(code: StatusCode, why: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(why.to_owned())));
    *response.status_mut() = code;
    response
}
