//! `dashboard`: the pages on this machine, with the rights of whoever runs it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use kube::{Client, Config};
use sluice::clock::Clock;
use sluice::dashboard::access::review::{Asked, Kind, Reviews};
use sluice::dashboard::access::{Gate, with_tokens};
use sluice::dashboard::{self, Settings};
use sluice::flags::root_path;

use crate::client::Session;
use crate::problem::Problem;
use crate::term;

/// Arguments of `dashboard`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The port; 0 takes a free one
    #[arg(long, short, default_value_t = 3100)]
    port: u16,
    /// Where to listen. Beyond this machine, everybody has to show a token of the cluster
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    address: IpAddr,
    /// The first part of the path of the pages
    #[arg(long, default_value = "rollouts", value_parser = root_path)]
    root_path: String,
    /// Let nobody change anything by it
    #[arg(long)]
    read_only: bool,
    /// Ask for a token of the cluster on this machine, too
    #[arg(long)]
    log_in: bool,
}

/// Serves the pages until it is stopped.
pub async fn run(args: Args, session: &Session, config: &Config, cluster: String) -> Result<(), Problem> {
    let is_near = args.address.is_loopback();
    let gate = if is_near && !args.log_in { Gate::Owner } else { Gate::Token };
    let scope = scope(session).await?;
    let settings = Settings {
        gate,
        read_only: args.read_only,
        root: args.root_path,
        namespace: session.namespace.clone(),
        cluster,
    };
    let listener = dashboard::listen(SocketAddr::new(args.address, args.port))
        .await
        .map_err(|error| Problem::new(format!("{error:#}")))?;
    let port = listener.local_addr().map_or(args.port, |address| address.port());
    let host = if is_near { "localhost".to_owned() } else { args.address.to_string() };
    term::line(&format!("Argo Rollouts Dashboard is now available at http://{host}:{port}/{}", settings.root))?;
    if gate == Gate::Token {
        term::line(&format!("Log in with a token: kubectl create token ACCOUNT -n {}", session.namespace))?;
    }
    let clients = (session.client.clone(), with_tokens(config));
    dashboard::serve(settings, clients, scope, listener).await.map_err(|error| Problem::new(format!("{error:#}")))
}

/// The whole cluster, where its rollouts may be listed; otherwise the namespace.
async fn scope(session: &Session) -> Result<Option<String>, Problem> {
    let reviews = Reviews::new(Client::clone(&session.client), Clock::System);
    let everywhere = reviews.allows(Asked::to_list(Kind::Rollouts, "")).await;
    let everywhere = everywhere.map_err(|error| Problem::of_call(&error, "ask what you may see"))?;
    Ok((!everywhere).then(|| session.namespace.clone()))
}
