//! The sandbox, in virtual time.

use std::time::Duration;

use futures::future::BoxFuture;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Client;
use kube::api::{Api, PostParams};
use serde_json::Value;
use sluice_core::api::crds;
use sluice_sandbox::Sandbox;
use sluice_sandbox::workloads::{self, node};

use crate::target::Target;

/// A sandbox of a transcript's own.
pub struct Sandboxed {
    client: Client,
}

impl Sandboxed {
    pub async fn start() -> Sandboxed {
        let sandbox = Sandbox::new("2026-01-01T00:00:00Z".parse().expect("a time"));
        tokio::spawn(workloads::run(sandbox.clone(), Box::new(node::Lifeless)));
        let client = Client::new(sandbox, "default");
        let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
        for definition in crds::all() {
            definitions.create(&PostParams::default(), &definition).await.expect("the API accepts our CRDs");
        }
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
