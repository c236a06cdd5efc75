//! The controller: watches in, writes out.
//!
//! Read in this order: [`reconcile`] is one pass over one rollout; it [`observe`]s the [`caches`] ([`children`], [`object`],
//! `objects`, `endpoints`, [`balancers`], `plugins`), lets `core` plan, [`execute`]s the plan and [`tell`]s about it. This file connects the
//! parts and starts them.

pub mod balancers;
pub mod caches;
pub mod children;
pub mod context;
mod endpoints;
pub mod execute;
mod farewell;
mod lazy;
mod leftovers;
mod names;
pub mod object;
mod objects;
pub mod observe;
mod plugins;
pub mod reconcile;
mod serial;
pub mod tell;

use std::sync::{Arc, RwLock};
use std::time::Duration;

use futures::{Stream, StreamExt, TryFutureExt as _};
use kube::Client;
use kube::runtime::Controller;
use kube::runtime::controller::{Action, Config as ControllerConfig};
use kube::runtime::reflector::{self, Store};
use sluice_plugin_host::Host;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Instant;

use self::balancers::Balancers;
use self::caches::{Filled, Scope};
use self::children::{Index, IndexedService};
use self::context::{Context, GuardMode};
use self::endpoints::Endpoints;
use self::object::Observed;
use self::objects::Objects;
use self::plugins::{Home, Plugins};
use self::serial::Triggers;
use crate::clock::Clock;
use crate::metrics::Metrics;

/// How a controller works.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The namespace to act in, or all.
    pub namespace: Option<String>,
    /// See `--instance-id`.
    pub instance_id: String,
    /// Rollouts worked on at the same time.
    pub concurrency: u16,
    /// Look at every rollout at least this often.
    pub resync: Duration,
    /// What the guard does.
    pub guard: GuardMode,
    /// What starts plugins.
    pub plugins: Arc<Host>,
    /// The controller's own namespace.
    pub home: String,
    /// How AWS is asked what load balancers do; nobody asks where it is none.
    pub aws: Option<balancers::Settings>,
    /// One rollout after the other, in an order that is the same in every run; for proofs.
    pub in_order: bool,
}

/// The clients of a controller: one for watches, which retry by themselves, and one for writes, which do not.
#[derive(Clone)]
pub struct Clients {
    /// For watches and reads.
    pub reads: Client,
    /// For writes.
    pub writes: Client,
}

/// What the rest of the program shares with a running controller.
pub struct Signals {
    /// Whether this replica may write.
    pub leading: watch::Receiver<bool>,
    /// Becomes true once the caches are filled.
    pub ready: watch::Sender<bool>,
    /// Becomes true to stop.
    pub stop: watch::Receiver<bool>,
    /// The cache of Services, for others to read.
    pub services: Arc<RwLock<Index<IndexedService>>>,
}

/// Runs until told to stop, then finishes the passes under way and the events that are queued.
pub async fn run(clients: Clients, settings: Settings, clock: Clock, metrics: Metrics, signals: Signals) {
    let (telling, queue) = mpsc::unbounded_channel();
    let teller = tokio::spawn(tell::run(clients.writes.clone(), clock, metrics.clone(), queue));
    let filled = Filled::default();
    let (objects, asking) = Objects::new();
    let (plugins, errands) = Plugins::new(settings.plugins);
    let (deleted, leaving) = mpsc::unbounded_channel();
    let context = Arc::new(Context {
        writes: clients.writes,
        clock,
        replica_sets: RwLock::new(Index::default()),
        pods: RwLock::new(Index::default()),
        services: signals.services,
        objects,
        endpoints: Endpoints::default(),
        plugins,
        balancers: Balancers::new(settings.aws.clone()),
        names: RwLock::default(),
        filled: filled.clone(),
        memory: std::sync::Mutex::default(),
        leftovers: Notify::new(),
        deleted,
        telling,
        metrics: metrics.clone(),
        guard: settings.guard,
        leading: signals.leading.clone(),
        instance_id: settings.instance_id.clone(),
        resync: settings.resync,
    });
    let home = Home { client: clients.reads.clone(), namespace: settings.home };
    let scope = Scope { client: clients.reads, namespace: settings.namespace };
    let (rollouts, writer) = reflector::store();
    metrics.describe_rollouts(rollouts.clone());
    let watched = caches::rollouts(&scope, writer, Arc::clone(&context));
    let (touch, touched) = mpsc::unbounded_channel();
    let (all, everything) = mpsc::unbounded_channel();
    let tasks = [
        tokio::spawn(caches::replica_sets(
            scope.clone(),
            Arc::clone(&context),
            rollouts.clone(),
            touch.clone(),
            filled.clone(),
        )),
        tokio::spawn(caches::pods(
            scope.clone(),
            Arc::clone(&context),
            rollouts.clone(),
            touch.clone(),
            filled.clone(),
        )),
        tokio::spawn(caches::services(scope.clone(), Arc::clone(&context), rollouts.clone(), touch.clone(), filled)),
        tokio::spawn(endpoints::watch(scope.clone(), Arc::clone(&context), rollouts.clone(), touch.clone())),
        tokio::spawn(objects::watch(asking, scope, Arc::clone(&context), rollouts.clone(), touch.clone())),
        tokio::spawn(plugins::attend(errands, home, Arc::clone(&context), rollouts.clone(), touch.clone())),
        tokio::spawn(balancers::ask(Arc::clone(&context), rollouts.clone(), touch)),
        tokio::spawn(farewell::take_leave(leaving, Arc::clone(&context), rollouts.clone())),
        tokio::spawn(leftovers::release(Arc::clone(&context), rollouts.clone())),
        tokio::spawn(start_when_filled(Arc::clone(&context), rollouts.clone(), signals.ready, all)),
    ];
    if settings.in_order {
        let triggers = Triggers { watched, touched, everything };
        return Box::pin(serial::run(triggers, rollouts, context)).await;
    }
    let mut stop = signals.stop;
    Controller::for_stream(watched, rollouts)
        .with_config(ControllerConfig::default().concurrency(settings.concurrency))
        .reconcile_on(receive(touched))
        .reconcile_all_on(receive(everything))
        .graceful_shutdown_on(async move {
            // A dropped sender means that the program is going away: stop too.
            let _ = stop.wait_for(|stop| *stop).await;
        })
        .run(
            |observed, context| timed_reconcile(observed, context).map_ok(action),
            |observed, error, context| {
                failed(&observed, error, &context);
                Action::requeue(BACK_OFF)
            },
            Arc::clone(&context),
        )
        .for_each(|_| async {})
        .await;
    for task in tasks {
        task.abort();
        let _ = task.await;
    }
    let _ = tokio::time::timeout(Duration::from_secs(10), context.plugins.stop()).await;
    drop(context);
    // The queue ends with its last sender; what is in it is still told.
    let _ = tokio::time::timeout(Duration::from_secs(5), teller).await;
}

/// Time until a failed pass is tried again.
const BACK_OFF: Duration = Duration::from_secs(5);

fn action(next: Option<Duration>) -> Action {
    next.map_or_else(Action::await_change, Action::requeue)
}

/// Reconciles, and returns after which time to look again although nothing happened.
async fn timed_reconcile(observed: Arc<Observed>, context: Arc<Context>) -> Result<Option<Duration>, reconcile::Error> {
    if !context.filled.is_filled() {
        // A plan without the ReplicaSets would create them again. `start_when_filled` comes back to every rollout.
        return Ok(None);
    }
    let metadata = observed.rollout.metadata.clone();
    let (namespace, name) = (metadata.namespace.unwrap_or_default(), metadata.name.unwrap_or_default());
    let started = Instant::now();
    let result = reconcile::reconcile(observed, Arc::clone(&context)).await;
    context.metrics.reconciled(&namespace, &name, started.elapsed().as_secs_f64());
    result
}

fn failed(observed: &Observed, error: &reconcile::Error, context: &Context) {
    let metadata = &observed.rollout.metadata;
    let (namespace, name) = (metadata.namespace.as_deref(), metadata.name.as_deref());
    context.metrics.failed(namespace.unwrap_or_default(), name.unwrap_or_default());
    tracing::warn!(namespace, rollout = name, %error, "will try again");
}

/// Reconciles everything once the caches are filled and this replica leads; and again whenever it begins to lead.
async fn start_when_filled(
    context: Arc<Context>,
    rollouts: Store<Observed>,
    ready: watch::Sender<bool>,
    all: mpsc::UnboundedSender<()>,
) {
    context.filled.wait().await;
    ready.send_replace(true);
    let mut leading = context.leading.clone();
    while leading.wait_for(|leading| *leading).await.is_ok() {
        tracing::info!(rollouts = rollouts.len(), "leading; caches are filled");
        context.look_for_leftovers();
        if all.send(()).is_err() || leading.wait_for(|leading| !*leading).await.is_err() {
            return;
        }
    }
}

/// A channel as a stream.
fn receive<T>(receiver: mpsc::UnboundedReceiver<T>) -> impl Stream<Item = T> {
    futures::stream::unfold(receiver, |mut receiver| async move { Some((receiver.recv().await?, receiver)) })
}
