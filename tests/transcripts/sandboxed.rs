//! The sandbox, in virtual time.

use std::time::Duration;

use futures::future::BoxFuture;
use kube::Client;
use serde_json::Value;
use sluice::trial;
use sluice_sandbox::Sandbox;
use sluice_sandbox::workloads::node;

use crate::target::Target;

/// A sandbox of a transcript's own.
pub struct Sandboxed {
    client: Client,
}

impl Sandboxed {
    pub async fn start() -> Sandboxed {
        let sandbox = Sandbox::new("2026-01-01T00:00:00Z".parse().expect("a time"));
        let client = trial::prepare(&sandbox, Box::new(node::Lifeless)).await.expect("the API accepts our CRDs");
        Sandboxed { client }
    }
}

impl Target for Sandboxed {
    fn client(&self) -> Client {
        self.client.clone()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(duration))
    }

    fn kubeconfig(&self) -> Value {
        unreachable!("kubectl cannot reach a sandbox in virtual time")
    }

    fn is_real(&self) -> bool {
        false
    }

    fn settle<'a>(&'a self, _: &'a str) -> BoxFuture<'a, ()> {
        Box::pin(tokio::time::sleep(Duration::from_secs(1)))
    }
}
