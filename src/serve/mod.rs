//! The two small HTTP servers of a controller: `/metrics`, and `/healthz` with `/readyz`.

pub mod limited;

use std::net::SocketAddr;

use anyhow::Context as _;
use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::metrics::Metrics;

/// Serves the metrics on every address.
pub async fn metrics(port: u16, metrics: Metrics) -> anyhow::Result<()> {
    let render = move || async move { metrics.render().map_err(|_| StatusCode::INTERNAL_SERVER_ERROR) };
    serve(port, "metrics", Router::new().route("/metrics", get(render))).await
}

/// Serves liveness, and readiness once the caches are filled.
pub async fn health(port: u16, ready: watch::Receiver<bool>) -> anyhow::Result<()> {
    let readyz = move || async move {
        if *ready.borrow() { (StatusCode::OK, "ok") } else { (StatusCode::SERVICE_UNAVAILABLE, "caches are filling") }
    };
    serve(port, "health", Router::new().route("/healthz", get(|| async { "ok" })).route("/readyz", get(readyz))).await
}

/// Listens on every address.
pub async fn listen(port: u16, what: &str) -> anyhow::Result<TcpListener> {
    let address = SocketAddr::from(([0, 0, 0, 0], port));
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address} for {what}: choose another port or 0 for any free one"))?;
    tracing::info!(address = %listener.local_addr()?, "serving {what}");
    Ok(listener)
}

async fn serve(port: u16, what: &str, router: Router) -> anyhow::Result<()> {
    let listener = listen(port, what).await?;
    axum::serve(listener, router).await.with_context(|| format!("the {what} server stopped"))
}
