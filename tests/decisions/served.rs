//! What the examples measure: a page of metrics of services that are good and bad, and what a web service says of a checkout.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::LazyLock;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::time::Instant;

/// A service that answers quickly and without errors.
pub const GOOD: &str = "shop";
/// One that answers slowly and with errors.
pub const BAD: &str = "sluggish-shop";
/// Requests that each of them answers in a second.
const PER_SECOND: u64 = 1000;

/// Serves it for as long as the test runs, on a thread of its own, because many tests look at it.
pub fn serve() -> SocketAddr {
    let (told, hears) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
            told.send(listener.local_addr().expect("an address")).expect("somebody waits");
            axum::serve(listener, router()).await.expect("it serves");
        });
    });
    hears.recv().expect("an address")
}

fn router() -> Router {
    let checks = |ok: bool, rate: f64| {
        format!(
            r#"{{"checks": [{{"name": "search", "ok": true, "errorRate": 0}}, {{"name": "checkout", "ok": {ok}, "errorRate": {rate}}}]}}"#
        )
    };
    let metrics = || async { ([("content-type", "text/plain; version=0.0.4")], page()) };
    Router::new()
        .route("/metrics", get(metrics))
        .route("/good/checks", get(move || async move { checks(true, 0.002) }))
        .route("/bad/checks", get(move || async move { checks(false, 0.2) }))
        .route("/good", get(|| async { "it" }))
        .route("/bad", get(|| async { StatusCode::INTERNAL_SERVER_ERROR }))
}

/// Counters that rise with time.
fn page() -> String {
    static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);
    let requests = (BEGUN.elapsed().as_millis() as u64) * PER_SECOND / 1000;
    let mut page = String::from("# TYPE http_requests_total counter\n");
    for (service, errors) in [(GOOD, requests / 100), (BAD, requests / 5)] {
        for (code, count) in [("200", requests - errors), ("500", errors)] {
            page.push_str(&counter("http_requests_total", service, "code", code, count));
        }
    }
    page.push_str("# TYPE http_request_duration_seconds histogram\n");
    for (service, quick) in [(GOOD, requests - requests / 50), (BAD, requests / 2)] {
        for (bound, count) in [("0.1", quick), ("0.5", quick), ("2", requests), ("+Inf", requests)] {
            page.push_str(&counter("http_request_duration_seconds_bucket", service, "le", bound, count));
        }
        for field in ["sum", "count"] {
            let _ = writeln!(page, "http_request_duration_seconds_{field}{{service=\"{service}\"}} {requests}");
        }
    }
    page
}

fn counter(name: &str, service: &str, label: &str, value: &str, count: u64) -> String {
    format!("{name}{{service=\"{service}\",{label}=\"{value}\"}} {count}\n")
}
