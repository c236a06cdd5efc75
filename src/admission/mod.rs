//! The validating admission webhook: HTTPS around [`sluice_core::admission`].
//!
//! Every replica answers, leading or not. Nothing here waits for a reconcile, and no reconcile waits for anything here: what is
//! known of other objects is read from the caches, and reviews are made on threads of their own, one at a time.
//!
//! Whoever reaches the port may ask; the answers say nothing of the cluster but whether a Service is there. So connections,
//! bodies and time are bounded: what a flood can achieve is that the webhook is late, and then the API server goes on without it.

mod around;
mod certificate;
mod own;
mod review;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use sluice_sandbox::serve::next_connection;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;

pub use around::Around;
pub use certificate::Source;
pub use own::Own;

use crate::metrics::Metrics;

/// Connections at the same time, at most. An API server keeps one for each request under way.
const MOST_CONNECTIONS: usize = 128;
/// How long a client may take to agree on how to encrypt.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long a client may take to send the head of a request, also of the next one.
const HEAD: Duration = Duration::from_secs(30);
/// How old a connection gets before it is closed after the request under way, so that none is held for ever.
const LIFETIME: Duration = Duration::from_mins(5);

/// Serves the webhook on every address of a port. Without a source of certificates there is none, and this waits for ever.
pub async fn serve(port: u16, source: Option<Source>, around: Around, metrics: Metrics) -> anyhow::Result<()> {
    let Some(source) = source else { return std::future::pending().await };
    let (current, configs) = certificate::first(&source).await;
    let address = SocketAddr::from(([0, 0, 0, 0], port));
    let listener = TcpListener::bind(address).await;
    let listener = listener
        .with_context(|| format!("cannot listen on {address} for the webhook: choose another --webhook-port"))?;
    tracing::info!(%address, "serving the admission webhook");
    let accepted = accept(listener, configs.subscribe(), review::router(around, metrics));
    tokio::select! {
        () = certificate::keep(source, current, configs) => {}
        () = accepted => {}
    }
    anyhow::bail!("the webhook's server stopped")
}

/// Takes connections, each with the certificate that is the newest by then.
async fn accept(listener: TcpListener, configs: watch::Receiver<Arc<ServerConfig>>, router: Router) {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        let stream = next_connection(&listener).await;
        let acceptor = TlsAcceptor::from(Arc::clone(&configs.borrow()));
        let router = router.clone();
        tokio::spawn(async move {
            attend(stream, acceptor, router).await;
            drop(place);
        });
    }
}

async fn attend(stream: TcpStream, acceptor: TlsAcceptor, router: Router) {
    let stream = match tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            // An API server with another caBundle than this certificate's says the same, from its side.
            tracing::debug!(%error, "a client of the webhook did not agree on how to encrypt");
            return;
        }
        Err(_) => return,
    };
    let mut server = hyper::server::conn::http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEAD);
    let connection = server.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = std::pin::pin!(connection);
    // A client that goes away in the middle is no error of ours.
    if tokio::time::timeout(LIFETIME, connection.as_mut()).await.is_err() {
        connection.as_mut().graceful_shutdown();
        let _ = tokio::time::timeout(review::LIMIT, connection).await;
    }
}

#[cfg(test)]
mod tests;
