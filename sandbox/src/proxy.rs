//! The proxy: requests from this machine go to the pods that the routers' objects send them to.
//!
//! What it knows it reads anew after every change, so it is never behind; the controller of gateways says so a moment later.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{HOST, HeaderName, HeaderValue};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::network::Network;
use crate::serve::next_connection;
use crate::state::Sandbox;
use crate::traffic::objects::Objects;
use crate::traffic::table::{Destination, Fixed, Table, Verdict, lot};
use crate::traffic::{self, endpoints, request};

/// The largest body of a request.
const LARGEST: usize = 1 << 20;
/// How long a pod may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

type Error = Box<dyn std::error::Error + Send + Sync>;

/// The proxy. Clones share what it knows.
#[derive(Clone)]
pub struct Proxy {
    sandbox: Sandbox,
    network: Network,
    known: Arc<Mutex<Known>>,
    requests: Arc<AtomicU64>,
    /// Requests that were sent to pods, by which they take turns.
    turn: Arc<AtomicU64>,
}

/// The objects as they were in a version of the store; of none in version 0.
#[derive(Clone, Default)]
struct Known {
    version: u64,
    objects: Arc<Objects>,
    table: Arc<Table>,
}

/// Where a request goes, with what its answer gets, and where copies go.
struct Way {
    to: Destination,
    marks: Vec<(String, String)>,
    copies: Vec<Destination>,
}

impl Proxy {
    /// A proxy to the pods of this network.
    pub fn new(sandbox: Sandbox, network: Network) -> Proxy {
        Proxy { sandbox, network, known: Arc::default(), requests: Arc::default(), turn: Arc::default() }
    }

    /// Listens, and serves until the task is stopped. Port 0 takes a free one.
    pub async fn listen(self, address: SocketAddr) -> std::io::Result<(SocketAddr, JoinHandle<()>)> {
        let listener = TcpListener::bind(address).await?;
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
                    let mut connection = hyper::server::conn::http1::Builder::new();
                    connection.timer(TokioTimer::new());
                    // The client has gone away.
                    let _ = connection.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Ok((address, task))
    }

    /// The objects as they are now.
    fn known(&self) -> Known {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let newer = self.sandbox.with(|state| {
            let version = state.store.version();
            (known.version != version).then(|| (version, Objects::of(&state.store)))
        });
        if let Some((version, objects)) = newer {
            let table = Arc::new(traffic::table(&objects));
            *known = Known { version, objects: Arc::new(objects), table };
        }
        known.clone()
    }

    async fn forward(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (mut head, body) = request.into_parts();
        let Ok(body) = Limited::new(body, LARGEST).collect().await else {
            return answer(&Fixed::new(413, format!("the body has more than {LARGEST} bytes")));
        };
        let body = body.to_bytes();
        // The pods are asked by an HTTP/1.1 of our own, with a body in one piece.
        for hop in ["connection", "keep-alive", "transfer-encoding", "upgrade", "te", "trailer", "content-length"] {
            head.headers.remove(hop);
        }
        let known = self.known();
        let way = match self.way(&known, &read(&head)) {
            Ok(way) => way,
            Err(fixed) => return answer(&fixed),
        };
        for copy in way.copies {
            let (proxy, known, head, body) = (self.clone(), known.clone(), head.clone(), body.clone());
            // Nobody waits for what becomes of a copy.
            tokio::spawn(async move { drop(proxy.send(&known, &copy, head, body).await) });
        }
        let mut response = match self.send(&known, &way.to, head, body).await {
            Ok(response) => response,
            Err(fixed) => return answer(&fixed),
        };
        for (name, value) in &way.marks {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                response.headers_mut().append(name, value);
            }
        }
        response
    }

    /// Where a request goes.
    fn way(&self, known: &Known, request: &request::Request) -> Result<Way, Fixed> {
        match known.table.decide(request, lot(self.requests.fetch_add(1, Ordering::Relaxed))) {
            Some(Verdict::Answer(fixed)) => Err(fixed),
            Some(Verdict::Send { to, marks, copies }) => {
                Ok(Way { to: to.clone(), marks: marks.to_vec(), copies: copies.into_iter().cloned().collect() })
            }
            None => match traffic::by_name(&known.objects, request) {
                Some(to) => Ok(Way { to, marks: Vec::new(), copies: Vec::new() }),
                None => Err(Fixed::new(
                    404,
                    format!("no HTTPRoute, VirtualService, Ingress or Service is for the host {:?}", request.host),
                )),
            },
        }
    }

    /// Sends a request to the pod of a destination whose turn it is.
    async fn send(
        &self,
        known: &Known,
        to: &Destination,
        head: http::request::Parts,
        body: Bytes,
    ) -> Result<Response<Full<Bytes>>, Fixed> {
        let endpoints = endpoints::ready(&known.objects, to).map_err(|why| Fixed::new(503, why))?;
        let nth = self.turn.fetch_add(1, Ordering::Relaxed) as usize;
        let Some((address, port)) = endpoints.get(nth % endpoints.len().max(1)) else {
            return Err(Fixed::new(503, format!("no pod of the Service {:?} is ready", to.service)));
        };
        let asked =
            tokio::time::timeout(PATIENCE, self.ask(address, *port, Request::from_parts(head, Full::new(body))));
        let answered = asked.await.unwrap_or_else(|_| Err(format!("no answer within {PATIENCE:?}").into()));
        answered.map_err(|error| Fixed::new(502, format!("{address}:{port} does not answer: {error}")))
    }

    async fn ask(
        &self,
        address: &str,
        port: i64,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Full<Bytes>>, Error> {
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

/// A request as routers see it.
fn read(head: &http::request::Parts) -> request::Request {
    let named = head.headers.get(HOST).and_then(|host| host.to_str().ok());
    let host = head.uri.authority().map(http::uri::Authority::as_str).or(named).unwrap_or_default();
    let target = head.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let headers = head.headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    headers.fold(request::Request::new(head.method.as_str(), host, target), |request, (name, value)| {
        request.with(name, value)
    })
}

/// An answer of the proxy's own.
fn answer(fixed: &Fixed) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(format!("{}\n", fixed.body.trim_end()))));
    *response.status_mut() = StatusCode::from_u16(fixed.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
}
