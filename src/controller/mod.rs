//! The controller: watches in, writes out.
//!
//! Read in this order: [`reconcile`] is one pass over one rollout; it [`observe`]s the [`caches`] ([`children`], [`object`],
//! `objects`, `endpoints`, [`balancers`], `plugins`), lets `core` plan, [`execute`]s the plan and [`tell`]s about it. This file connects the
//! parts and starts them.

pub mod analysis;
pub mod balancers;
pub mod caches;
mod child;
pub mod children;
pub mod context;
mod endpoints;
pub mod execute;
pub mod experiments;
mod farewell;
pub(crate) mod flat;
mod lazy;
mod leftovers;
mod names;
pub mod object;
mod objects;
pub mod observe;
mod owned;
mod plugins;
pub mod reconcile;
mod serial;
pub mod tell;
mod work;

use std::sync::{Arc, RwLock};
use std::time::Duration;

use futures::{Stream, StreamExt, TryFutureExt as _};
use kube::Client;
use kube::runtime::Controller;
use kube::runtime::controller::{Action, Config as ControllerConfig};
use kube::runtime::reflector::{self, Store};
use sluice_core::api::Rollout;
use sluice_core::object_kind::ObjectKind;
use sluice_plugin_host::Host;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use self::analysis::Measurer;
use self::balancers::Balancers;
use self::caches::{Filled, Scope, Touch};
use self::children::{Index, IndexedService, Key};
use self::context::{Context, GuardMode};
use self::endpoints::Endpoints;
use self::object::Observed;
use self::objects::Objects;
use self::owned::Owned;
use self::plugins::{Home, Plugins};
use self::serial::Triggers;
use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::providers::Providers;

/// How a controller works.
#[derive(Clone)]
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
    /// Where measurements come from.
    pub providers: Arc<Providers>,
    /// Analysis runs worked on at the same time.
    pub analysis_concurrency: u16,
    /// Experiments worked on at the same time.
    pub experiment_concurrency: u16,
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
    let (objects, asking) = Objects::new();
    let (plugins, errands) = Plugins::new(settings.plugins);
    let (runs, touched_runs) = Owned::new();
    let (experiments, touched_experiments) = Owned::new();
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
        runs,
        measurer: Measurer::new(settings.providers, clients.reads.clone()),
        experiments,
        balancers: Balancers::new(settings.aws.clone()),
        names: RwLock::default(),
        filled: Filled::default(),
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
    metrics.describe(rollouts.clone(), context.runs.reader(), context.experiments.reader());
    let watched = caches::rollouts(&scope, writer, Arc::clone(&context));
    let (touch, touched) = mpsc::unbounded_channel();
    let (all, everything) = mpsc::unbounded_channel();
    let waiting = Waiting { asking, errands, touched_runs, touched_experiments, leaving };
    let around = Around { scope, context: Arc::clone(&context), rollouts: rollouts.clone(), touch };
    let concurrency = (settings.analysis_concurrency, settings.experiment_concurrency);
    let mut tasks = attend_all(waiting, around, home, concurrency);
    tasks.push(tokio::spawn(start_when_filled(Arc::clone(&context), rollouts.clone(), signals.ready, all)));
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
    context.measurer.stop();
    let _ = tokio::time::timeout(Duration::from_secs(10), context.plugins.stop()).await;
    drop(context);
    // The queue ends with its last sender; what is in it is still told.
    let _ = tokio::time::timeout(Duration::from_secs(5), teller).await;
}

/// What the tasks beside the workers wait for.
struct Waiting {
    asking: mpsc::UnboundedReceiver<ObjectKind>,
    errands: plugins::Errands,
    touched_runs: mpsc::UnboundedReceiver<Key>,
    touched_experiments: mpsc::UnboundedReceiver<Key>,
    leaving: mpsc::UnboundedReceiver<Rollout>,
}

/// What they all need.
struct Around {
    scope: Scope,
    context: Arc<Context>,
    rollouts: Store<Observed>,
    touch: Touch,
}

/// Starts the tasks beside the workers.
fn attend_all(waiting: Waiting, around: Around, home: Home, concurrency: (u16, u16)) -> Vec<JoinHandle<()>> {
    let Around { scope, context, rollouts, touch } = around;
    let Waiting { asking, errands, touched_runs, touched_experiments, leaving } = waiting;
    let (runs, experiments) = (usize::from(concurrency.0), usize::from(concurrency.1));
    let filled = context.filled.clone();
    let all = || (scope.clone(), Arc::clone(&context), rollouts.clone(), touch.clone());
    let mut tasks = Vec::new();
    let (scope, cx, known, touch) = all();
    tasks.push(tokio::spawn(caches::replica_sets(scope, cx, known, touch, filled.clone())));
    let (scope, cx, known, touch) = all();
    tasks.push(tokio::spawn(caches::pods(scope, cx, known, touch, filled.clone())));
    let (scope, cx, known, touch) = all();
    tasks.push(tokio::spawn(caches::services(scope, cx, known, touch, filled)));
    let (scope, cx, known, touch) = all();
    tasks.push(tokio::spawn(endpoints::watch(scope, cx, known, touch)));
    let (scope, cx, known, touch) = all();
    tasks.push(tokio::spawn(objects::watch(asking, scope, cx, known, touch)));
    let (_, cx, known, touch) = all();
    tasks.push(tokio::spawn(plugins::attend(errands, home, cx, known, touch)));
    let (scope, cx, known, touch) = all();
    tasks.push(tokio::spawn(analysis::attend(touched_runs, runs, scope, cx, known, touch)));
    let (scope, cx, known, touch) = all();
    tasks.push(tokio::spawn(experiments::attend(touched_experiments, experiments, scope, cx, known, touch)));
    let (_, cx, known, touch) = all();
    tasks.push(tokio::spawn(balancers::ask(cx, known, touch)));
    let (_, cx, known, _) = all();
    tasks.push(tokio::spawn(farewell::take_leave(leaving, cx, known)));
    let (_, cx, known, _) = all();
    tasks.push(tokio::spawn(leftovers::release(cx, known)));
    tasks
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
