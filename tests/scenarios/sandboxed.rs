//! The sandbox in virtual time: the real controller, its watches and its lease, in one thread whose clock jumps ahead when
//! there is nothing to do.

use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use kube::Client;
use kube::api::{Api, PostParams};
use serde_json::json;
use sluice::clock::Clock;
use sluice::controller::context::GuardMode;
use sluice::controller::{self, Clients, Settings, Signals};
use sluice::lease::{Claim, LeaseConfig};
use sluice::metrics::Metrics;
use sluice_sandbox::Sandbox;
use sluice_sandbox::line::{Fault, Line, Write};
use sluice_sandbox::workloads::{self, node};
use tokio::sync::watch;

use crate::cluster::Cluster;

/// The controller's namespace.
const HOME: &str = "argo-rollouts";

/// A sandbox with a controller, for one scenario.
pub struct Sandboxed {
    pub sandbox: Sandbox,
    client: Client,
    pub line: Line,
}

impl Sandboxed {
    /// Starts both. The clock of the runtime must be paused.
    pub async fn start() -> Sandboxed {
        Sandboxed::start_with(None).await
    }

    /// The same, with a fault at one of the controller's writes. A controller that dies is followed by another.
    pub async fn start_with(fault: Option<(Write, Fault)>) -> Sandboxed {
        let sandbox = Sandbox::new("2026-01-01T00:00:00Z".parse().expect("a time"));
        tokio::spawn(workloads::run(sandbox.clone(), Box::new(node::Lifeless)));
        let client = Client::new(sandbox.clone(), "default");
        install(&client).await;
        let line = Line::new(sandbox.clone(), "sluice-controller");
        if let Some((write, fault)) = fault {
            line.break_at(write, fault);
        }
        tokio::spawn(keep_controlling(sandbox.clone(), line.clone()));
        Sandboxed { sandbox, client, line }
    }
}

impl Cluster for Sandboxed {
    fn client(&self) -> Client {
        self.client.clone()
    }

    fn now(&self) -> Timestamp {
        self.sandbox.time().now()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(duration))
    }

    fn writes(&self, namespace: &str) -> BoxFuture<'_, Vec<String>> {
        let concerns = format!("/namespaces/{namespace}/");
        let writes = self.line.writes().into_iter().map(|write| write.to_string());
        let counted = writes.filter(|write| write.contains(&concerns) && !write.contains("/events"));
        let counted = counted.collect();
        Box::pin(async { counted })
    }
}

/// Applies the manifests that users apply.
async fn install(client: &Client) {
    use k8s_openapi::api::core::v1::Namespace;
    use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
    use sluice_core::api::crds;

    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    for definition in crds::all() {
        definitions.create(&PostParams::default(), &definition).await.expect("the API accepts our CRDs");
    }
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let home = serde_json::from_value(json!({ "metadata": { "name": HOME } })).expect("a namespace");
    namespaces.create(&PostParams::default(), &home).await.expect("a namespace");
}

/// Runs a controller, and another one when it has died.
async fn keep_controlling(sandbox: Sandbox, mut line: Line) {
    loop {
        let controller = control(&sandbox, &line);
        line.died().await;
        controller.abort();
        line = line.successor();
    }
}

/// Starts a controller on this line.
fn control(sandbox: &Sandbox, line: &Line) -> tokio::task::JoinHandle<()> {
    let client = || Client::new(line.clone(), "default");
    let clients = Clients { reads: client(), writes: client() };
    let clock = Clock::starting_at(sandbox.time().now());
    let settings = Settings {
        namespace: None,
        instance_id: String::new(),
        concurrency: 10,
        resync: Duration::from_mins(15),
        guard: GuardMode::Enforce,
    };
    let (leading, is_leading) = watch::channel(false);
    let (ready, _) = watch::channel(false);
    let lease = LeaseConfig {
        namespace: HOME.to_owned(),
        name: "argo-rollouts-controller-lock".to_owned(),
        identity: "sandbox".to_owned(),
        duration: Duration::from_secs(15),
        renew_deadline: Duration::from_secs(10),
        retry: Duration::from_secs(2),
    };
    let claim = Claim::new(client(), lease, clock);
    tokio::spawn(async move {
        // The senders live as long as the controller: nobody asks it to stop.
        let (_release, released) = watch::channel(false);
        let (_stop, stop) = watch::channel(false);
        let signals = Signals { leading: is_leading, ready, stop };
        let held = claim.hold(leading, released);
        let run = controller::run(clients, settings, clock, Metrics::new(), signals);
        let (held, ()) = tokio::join!(held, run);
        held.expect("the lease is held");
    })
}
