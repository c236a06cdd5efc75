//! The API over HTTP, for whatever asks Prometheus.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::answer::{self, Refused};
use super::counters::Counters;
use crate::api::path::Query;
use crate::serve::next_connection;

/// The longest form.
const LARGEST: usize = 64 << 10;
/// How long a client may take to send it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Listens, and serves until the task is stopped. Port 0 takes a free one.
pub async fn listen(counters: Counters, address: SocketAddr) -> std::io::Result<(SocketAddr, JoinHandle<()>)> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    let task = tokio::spawn(async move {
        loop {
            let stream = next_connection(&listener).await;
            tokio::spawn(serve(counters.clone(), stream));
        }
    });
    Ok((address, task))
}

/// Answers the requests of one connection.
async fn serve(counters: Counters, stream: impl AsyncRead + AsyncWrite + Unpin) {
    let service = service_fn(move |request| {
        let counters = counters.clone();
        async move { Ok::<_, Infallible>(answer(&counters, request).await) }
    });
    let mut connection = hyper::server::conn::http1::Builder::new();
    connection.timer(TokioTimer::new());
    // The client has gone away.
    let _ = connection.serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(counters: &Counters, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let path = request.uri().path().to_owned();
    let is_range = match path.as_str() {
        "/api/v1/query" => false,
        "/api/v1/query_range" => true,
        _ => return plain(404, "404 page not found"),
    };
    if !matches!(*request.method(), Method::GET | Method::POST) {
        let mut refusal = plain(405, "Method Not Allowed");
        refusal.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, POST"));
        return refusal;
    }
    let (head, body) = request.into_parts();
    let mut parameters = head.uri.query().unwrap_or_default().to_owned();
    if head.method == Method::POST {
        let body = match tokio::time::timeout(PATIENCE, Limited::new(body, LARGEST).collect()).await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(_)) => return plain(413, &format!("the body has more than {LARGEST} bytes")),
            Err(_) => return plain(408, &format!("the body was not there within {PATIENCE:?}")),
        };
        // What is in the form goes before what is in the address.
        parameters = format!("{}&{parameters}", String::from_utf8_lossy(&body));
    }
    let (parameters, snapshot, now) = (Query::parse(&parameters), counters.snapshot(), counters.now());
    let asked = tokio::task::spawn_blocking(move || {
        if is_range { answer::query_range(&parameters, &snapshot) } else { answer::query(&parameters, &snapshot, now) }
    });
    match asked.await {
        Ok(answered) => told(answered),
        Err(_) => plain(500, "the query could not be answered"),
    }
}

/// What the API says, in its envelope.
fn told(answered: Result<Value, Refused>) -> Response<Full<Bytes>> {
    let (status, envelope) = match answered {
        Ok(data) => (200, json!({ "status": "success", "data": data })),
        Err(refused) => {
            let (status, kind) = refused.kind();
            (status, json!({ "status": "error", "errorType": kind, "error": refused.to_string() }))
        }
    };
    response(status, "application/json", envelope.to_string())
}

fn plain(status: u16, text: &str) -> Response<Full<Bytes>> {
    response(status, "text/plain; charset=utf-8", format!("{text}\n"))
}

fn response(status: u16, kind: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// The status and the body of what is answered to these bytes.
    async fn answer_to(asked: &str) -> (String, String) {
        let (mut client, server) = tokio::io::duplex(1 << 16);
        let serving = tokio::spawn(serve(Counters::default(), server));
        client.write_all(asked.as_bytes()).await.expect("written");
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.expect("an answer");
        serving.await.expect("served");
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        (head.lines().next().unwrap_or_default().to_owned(), body.to_owned())
    }

    fn request(method: &str, target: &str, body: &str) -> String {
        let length = body.len();
        format!("{method} {target} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}")
    }

    #[tokio::test]
    async fn queries_are_answered_by_get_and_by_post() {
        let answer = r#"{"data":{"result":[7,"2"],"resultType":"scalar"},"status":"success"}"#;
        for (method, target, body) in [
            ("GET", "/api/v1/query?query=1%2B1&time=7", ""),
            ("POST", "/api/v1/query", "query=1%2B1&time=7"),
            ("POST", "/api/v1/query?time=7&query=3", "query=1%2B1"),
        ] {
            let (status, told) = answer_to(&request(method, target, body)).await;
            assert_eq!((status.as_str(), told.as_str()), ("HTTP/1.1 200 OK", answer), "{method} {target}");
        }
    }

    #[tokio::test]
    async fn what_cannot_be_answered_is_an_error_of_prometheus() {
        let (status, told) = answer_to(&request("GET", "/api/v1/query?query=topk(1,x)", "")).await;
        let error = r#"invalid parameter \"query\": 1:1: parse error: this sandbox does not understand topk"#;
        assert_eq!(status, "HTTP/1.1 400 Bad Request");
        assert_eq!(told, format!(r#"{{"error":"{error}","errorType":"bad_data","status":"error"}}"#));
        for (asked, expected) in [
            (request("GET", "/api/v1/labels", ""), "HTTP/1.1 404 Not Found"),
            (request("PUT", "/api/v1/query", ""), "HTTP/1.1 405 Method Not Allowed"),
            (request("POST", "/api/v1/query", &"a".repeat(LARGEST + 1)), "HTTP/1.1 413 Payload Too Large"),
        ] {
            assert_eq!(answer_to(&asked).await.0, expected);
        }
    }
}
