//! The dashboard: pages made on the server, kept up to date by server-sent events, and the HTTP API that people's scripts know.
//!
//! It shows what [`book`] watches, to those whom [`access`] lets see it, and does what they ask with their own rights. All that it can
//! be asked is in one table, [`routes`].

pub mod access;
pub mod api;
pub mod applications;
mod assets;
pub mod book;
mod chart;
mod compressed;
mod html;
pub mod kept;
pub mod line;
mod live;
mod question;
mod refused;
mod results;
pub mod rollouts;
pub mod routes;
mod trim;
mod turns;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use kube::Client;
use tokio::net::TcpListener;

use self::access::oidc::provider::Provider;
use self::access::{Connect, Gate, Gatekeeper};
use self::book::Book;
use self::results::Results;
use crate::clock::Clock;
use crate::serve::limited::Limited;

/// How many connections there may be at a time: people with a few open pages each.
const CONNECTIONS: usize = 1_000;
/// How long somebody may take until they are told something; a comparison takes a minute and a half.
const ASKS: Duration = Duration::from_mins(2);
/// How long a connection stays on which nothing is told. Streams say something at least every twenty seconds.
const SILENT: Duration = Duration::from_mins(5);

/// How a dashboard works.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Who is let in.
    pub gate: Gate,
    /// Whether nobody may change anything by it.
    pub read_only: bool,
    /// The first part of the path of its pages, `rollouts`.
    pub root: String,
    /// The namespace that is shown first.
    pub namespace: String,
    /// The name of the cluster, for people with several.
    pub cluster: String,
}

/// What all requests share.
pub struct Dashboard {
    settings: Settings,
    book: Book,
    gatekeeper: Gatekeeper,
    results: Results,
    clock: Clock,
}

impl Dashboard {
    /// A dashboard of what `book` watches.
    pub fn new(settings: Settings, book: Book, gatekeeper: Gatekeeper, clock: Clock) -> Arc<Dashboard> {
        Arc::new(Dashboard { settings, book, gatekeeper, results: Results::default(), clock })
    }

    /// The path of a page or of what is done on one.
    fn path(&self, parts: &[&str]) -> String {
        html::path(&self.settings.root, parts)
    }
}

/// Listens for browsers.
pub async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address} for the dashboard: choose another port or 0 for any free one")
    })
}

/// Serves what the owner of `client` may see of a namespace, or of the whole cluster, until the task is stopped. Others, where the gate
/// lets them in, are asked for a token and get a client by `connect`.
pub async fn serve(
    settings: Settings,
    (client, connect): (Client, Connect),
    namespace: Option<String>,
    listener: TcpListener,
) -> anyhow::Result<()> {
    serve_with_provider(settings, (client, connect), None, namespace, listener).await
}

/// The same, where people can log in at a provider, too.
pub async fn serve_with_provider(
    settings: Settings,
    (client, connect): (Client, Connect),
    provider: Option<Provider>,
    namespace: Option<String>,
    listener: TcpListener,
) -> anyhow::Result<()> {
    let (book, watching) = Book::open(client.clone(), namespace, Clock::System);
    let gatekeeper = Gatekeeper::new(settings.gate, client, connect, Clock::System).with_provider(provider);
    let router = routes::router(&Dashboard::new(settings, book, gatekeeper, Clock::System));
    let limited = Limited::new(listener, CONNECTIONS, ASKS).while_told(SILENT);
    tokio::select! {
        served = async { axum::serve(limited, router).await } => served.context("the dashboard stopped"),
        () = watching => anyhow::bail!("the dashboard sees nothing any more: its watches ended"),
    }
}
