//! The sandbox: in virtual time, or served over HTTPS for programs that know nothing of that.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use kube::Client;
use serde_json::Value;
use sluice::clock::Clock;
use sluice::trial;
use sluice_sandbox::Sandbox;
use sluice_sandbox::serve::Server;
use sluice_sandbox::workloads::node;

use crate::target::Target;

/// A sandbox of a transcript's own.
pub struct Sandboxed {
    client: Client,
    /// Credentials, where it is served.
    kubeconfig: Option<Value>,
}

impl Sandboxed {
    /// The clock of the runtime must be paused.
    pub async fn start() -> Sandboxed {
        let (_, client) = furnish("2026-01-01T00:00:00Z".parse().expect("a time")).await;
        Sandboxed { client, kubeconfig: None }
    }

    /// For kubectl, and therefore in real time.
    pub async fn serve() -> Sandboxed {
        let (sandbox, client) = furnish(Clock::System.now()).await;
        let server = Server::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.expect("a free port");
        let kubeconfig = Some(server.kubeconfig());
        tokio::spawn(server.run(sandbox));
        Sandboxed { client, kubeconfig }
    }
}

async fn furnish(now: Timestamp) -> (Sandbox, Client) {
    let sandbox = Sandbox::new(now);
    // As on the real control plane of tests/cluster.
    sandbox.with(|state| state.autoscaler_period = SignedDuration::from_secs(1));
    let (client, _) = trial::prepare(&sandbox, Box::new(node::Lifeless)).await.expect("the API accepts our CRDs");
    (sandbox, client)
}

impl Target for Sandboxed {
    fn client(&self) -> Client {
        self.client.clone()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(duration))
    }

    fn kubeconfig(&self) -> Value {
        self.kubeconfig.clone().expect("kubectl cannot reach a sandbox in virtual time")
    }

    fn is_real(&self) -> bool {
        false
    }

    fn settle<'a>(&'a self, _: &'a str) -> BoxFuture<'a, ()> {
        Box::pin(tokio::time::sleep(Duration::from_secs(1)))
    }
}
