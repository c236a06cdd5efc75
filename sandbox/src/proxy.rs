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
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::network::{Network, SERVICE};
use crate::serve::next_connection;
use crate::state::Sandbox;
use crate::traffic::objects::Objects;
use crate::traffic::table::{Destination, Fixed, Table, Verdict, lot};
use crate::traffic::{self, endpoints, request};

/// The largest body of a request.
const LARGEST: usize = 1 << 20;
/// How long a client may take to send a body, and a pod to answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Headers of one connection alone. The pods are asked by an HTTP/1.1 of our own, with a body in one piece.
const HOPS: [&str; 7] = ["connection", "keep-alive", "transfer-encoding", "upgrade", "te", "trailer", "content-length"];

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
                tokio::spawn(proxy.serve(stream));
            }
        });
        Ok((address, task))
    }

    /// Answers the requests of one connection.
    async fn serve(self, stream: impl AsyncRead + AsyncWrite + Unpin) {
        let service = service_fn(move |request| {
            let proxy = self.clone();
            async move { Ok::<_, Infallible>(proxy.forward(request).await) }
        });
        let mut connection = hyper::server::conn::http1::Builder::new();
        connection.timer(TokioTimer::new());
        // The client has gone away.
        let _ = connection.serve_connection(TokioIo::new(stream), service).await;
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
        let too_large = || answer(&Fixed::new(413, format!("the body has more than {LARGEST} bytes")));
        if body.size_hint().lower() > LARGEST as u64 {
            return too_large();
        }
        let body = match tokio::time::timeout(PATIENCE, Limited::new(body, LARGEST).collect()).await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(_)) => return too_large(),
            Err(_) => return answer(&Fixed::new(408, format!("the body was not there within {PATIENCE:?}"))),
        };
        for hop in HOPS {
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
        mark(response.headers_mut(), &way.marks);
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
        mut head: http::request::Parts,
        body: Bytes,
    ) -> Result<Response<Full<Bytes>>, Fixed> {
        // Whatever the client says of it. A name that is no header is none of a Service.
        head.headers.remove(SERVICE);
        if let Ok(name) = HeaderValue::try_from(&to.service) {
            head.headers.insert(SERVICE, name);
        }
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

/// Adds headers to those of an answer, but for those that say where it ends.
fn mark(headers: &mut HeaderMap, marks: &[(String, String)]) {
    for (name, value) in marks {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value))
            && !HOPS.contains(&name.as_str())
        {
            headers.append(name, value);
        }
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

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// What is answered to these bytes.
    async fn answer_to(bytes: &str) -> String {
        let proxy = Proxy::new(Sandbox::new(jiff::Timestamp::UNIX_EPOCH), Network::default());
        let (mut client, server) = tokio::io::duplex(1 << 16);
        let serving = tokio::spawn(proxy.serve(server));
        client.write_all(bytes.as_bytes()).await.expect("written");
        let mut answer = vec![0; 4096];
        let read = client.read(&mut answer).await.expect("an answer");
        serving.abort();
        String::from_utf8_lossy(&answer[..read]).into_owned()
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_sends_no_body_or_too_much_of_it_is_told() {
        let head = |length: usize| format!("POST / HTTP/1.1\r\nhost: a.com\r\ncontent-length: {length}\r\n\r\n");
        for (asked, code) in [(head(0), 404), (head(5) + "ab", 408), (head(LARGEST + 1) + "ab", 413)] {
            let answered = answer_to(&asked).await;
            assert!(answered.starts_with(&format!("HTTP/1.1 {code} ")), "{code}: {answered}");
        }
    }

    #[test]
    fn no_mark_says_where_an_answer_ends() {
        let marks = [("Content-Length", "7"), ("Transfer-Encoding", "chunked"), ("Set-Cookie", "a=1"), ("no name", "")];
        let mut headers = HeaderMap::new();
        mark(&mut headers, &marks.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(headers, [(http::header::SET_COOKIE, HeaderValue::from_static("a=1"))].into_iter().collect());
    }
}
