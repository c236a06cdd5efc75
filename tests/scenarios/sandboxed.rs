//! The sandbox in virtual time: the real controller, its watches and its lease, in one thread whose clock jumps ahead when
//! there is nothing to do.

use std::time::Duration;

use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use kube::Client;
use sluice::clock::Clock;
use sluice::controller::{Clients, balancers};
use sluice::metrics::Metrics;
use sluice::trial::{self, Manner};
use sluice_sandbox::Sandbox;
use sluice_sandbox::line::{Fault, Line, Write};
use sluice_sandbox::workloads::node;

use crate::analysis::scripted;
use crate::cluster::Cluster;
use crate::programs::Programs;

/// What happens to the controller's writes.
pub enum Trouble {
    /// Nothing.
    None,
    /// A fault at one of them.
    At(Write, Fault),
    /// Faults at some, drawn from this seed; the controller then works in order.
    ByChance(u64),
}

/// A sandbox with a controller, for one scenario.
pub struct Sandboxed {
    pub sandbox: Sandbox,
    client: Client,
    pub line: Line,
    /// What every controller on the line has counted.
    pub metrics: Metrics,
}

impl Sandboxed {
    /// Starts both. The clock of the runtime must be paused.
    pub async fn start() -> Sandboxed {
        Sandboxed::start_with(Trouble::None).await
    }

    /// The same, with trouble for the controller. One that dies is followed by another.
    pub async fn start_with(trouble: Trouble) -> Sandboxed {
        Sandboxed::start_asking(trouble, None).await
    }

    /// The same, with a controller that asks this AWS.
    pub async fn start_asking(trouble: Trouble, aws: Option<balancers::Settings>) -> Sandboxed {
        let sandbox = Sandbox::new("2026-01-01T00:00:00Z".parse().expect("a time"));
        // As on the real control plane of tests/cluster.
        sandbox.with(|state| state.autoscaler_period = SignedDuration::from_secs(1));
        let (client, _) = trial::prepare(&sandbox, Box::new(node::Lifeless)).await.expect("the API accepts our CRDs");
        let line = Line::new(sandbox.clone(), "sluice-controller");
        let in_order = matches!(trouble, Trouble::ByChance(_));
        match trouble {
            Trouble::None => {}
            Trouble::At(write, fault) => line.break_at(write, fault),
            Trouble::ByChance(seed) => line.break_by_chance(seed),
        }
        let metrics = Metrics::new();
        let manner = Manner { renewal: RENEWAL, in_order, plugins: trial::host, providers: scripted::providers, aws };
        tokio::spawn(keep_controlling(sandbox.clone(), line.clone(), metrics.clone(), manner));
        Sandboxed { sandbox, client, line, metrics }
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

    fn programs(&self) -> Option<&Programs> {
        None
    }
}

/// How long it takes until a controller that died is started again.
const RESTART: Duration = Duration::from_secs(1);

/// Runs a controller, and another one when it has died. One that ends by itself has a bug.
async fn keep_controlling(sandbox: Sandbox, mut line: Line, metrics: Metrics, manner: Manner) {
    loop {
        let mut controller = control(&sandbox, &line, metrics.clone(), manner.clone());
        tokio::select! {
            () = line.died() => controller.abort(),
            ended = &mut controller => panic!("the controller ended by itself: {ended:?}"),
        }
        tokio::time::sleep(RESTART).await;
        line = line.successor();
    }
}

/// Nobody contends for the lease here, and renewals would be most of what is written in an hour.
const RENEWAL: Duration = Duration::from_mins(1);

/// Starts a controller on this line.
fn control(sandbox: &Sandbox, line: &Line, metrics: Metrics, manner: Manner) -> tokio::task::JoinHandle<()> {
    let client = || Client::new(line.clone(), "default");
    let clients = Clients { reads: client(), writes: client() };
    trial::control(clients, Clock::starting_at(sandbox.time().now()), metrics, manner)
}
