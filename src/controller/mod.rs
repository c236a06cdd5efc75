//! The controller: watches in, writes out.
//!
//! Read in this order: [`reconcile`] is one pass over one rollout; it [`observe`]s the caches ([`children`], [`object`]), lets
//! `core` plan, [`execute`]s the plan and [`tell`]s about it. This file connects the parts and starts them.

pub mod children;
pub mod context;
pub mod execute;
pub mod object;
pub mod observe;
pub mod reconcile;
pub mod tell;

use std::sync::{Arc, RwLock};
use std::time::Duration;

use futures::{Stream, StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::Pod as KubePod;
use kube::api::Api;
use kube::core::PartialObjectMeta;
use kube::runtime::controller::{Action, Config as ControllerConfig};
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::watcher::{self, Event};
use kube::runtime::{Controller, WatchStreamExt, metadata_watcher, watcher as watch_objects};
use kube::{Client, Resource};
use sluice_core::api::{ReplicaSet, labels};
use sluice_core::effect::Target;
use sluice_core::snapshot::Pod;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use self::children::{Index, IndexedPod};
use self::context::{Context, GuardMode};
use self::object::Observed;
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
}

/// Runs until told to stop, then finishes the passes under way and the events that are queued.
pub async fn run(clients: Clients, settings: Settings, clock: Clock, metrics: Metrics, signals: Signals) {
    let (telling, queue) = mpsc::unbounded_channel();
    let teller = tokio::spawn(tell::run(clients.writes.clone(), clock, metrics.clone(), queue));
    let context = Arc::new(Context {
        writes: clients.writes,
        clock,
        replica_sets: RwLock::new(Index::default()),
        pods: RwLock::new(Index::default()),
        memory: std::sync::Mutex::default(),
        telling,
        metrics: metrics.clone(),
        guard: settings.guard,
        leading: signals.leading.clone(),
        instance_id: settings.instance_id.clone(),
        resync: settings.resync,
    });
    let scope = Scope { client: clients.reads, namespace: settings.namespace.clone() };
    let config = ControllerConfig::default().concurrency(settings.concurrency);
    let controller = Controller::new(scope.api::<Observed>(), watcher::Config::default()).with_config(config);
    let rollouts = controller.store();
    metrics.describe_rollouts(rollouts.clone());
    let (touch, touched) = mpsc::unbounded_channel();
    let caches = [
        tokio::spawn(cache_replica_sets(scope.clone(), Arc::clone(&context), rollouts.clone(), touch.clone())),
        tokio::spawn(cache_pods(scope, Arc::clone(&context), rollouts.clone(), touch)),
    ];
    let (all, everything) = mpsc::unbounded_channel();
    let starter = tokio::spawn(start_when_ready(Arc::clone(&context), rollouts, signals.ready, all));
    let mut stop = signals.stop;
    controller
        .reconcile_on(receive(touched))
        .reconcile_all_on(receive(everything))
        .graceful_shutdown_on(async move {
            // A dropped sender means that the program is going away: stop too.
            let _ = stop.wait_for(|stop| *stop).await;
        })
        .run(timed_reconcile, back_off, Arc::clone(&context))
        .for_each(|_| async {})
        .await;
    for task in caches.into_iter().chain([starter]) {
        task.abort();
        let _ = task.await;
    }
    drop(context);
    // The queue ends with its last sender; what is in it is still told.
    let _ = tokio::time::timeout(Duration::from_secs(5), teller).await;
}

/// Where to watch.
#[derive(Clone)]
struct Scope {
    client: Client,
    namespace: Option<String>,
}

impl Scope {
    fn api<K>(&self) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>,
    {
        match &self.namespace {
            Some(namespace) => Api::namespaced(self.client.clone(), namespace),
            None => Api::all(self.client.clone()),
        }
    }
}

async fn timed_reconcile(observed: Arc<Observed>, context: Arc<Context>) -> Result<Action, reconcile::Error> {
    if !is_ready(&context) {
        // A plan without the ReplicaSets would create them again. `start_when_ready` comes back to every rollout.
        return Ok(Action::await_change());
    }
    let metadata = observed.rollout.metadata.clone();
    let (namespace, name) = (metadata.namespace.unwrap_or_default(), metadata.name.unwrap_or_default());
    let started = Instant::now();
    let result = reconcile::reconcile(observed, Arc::clone(&context)).await;
    context.metrics.reconciled(&namespace, &name, started.elapsed().as_secs_f64());
    result
}

fn back_off(observed: Arc<Observed>, error: &reconcile::Error, context: Arc<Context>) -> Action {
    let metadata = &observed.rollout.metadata;
    let (namespace, name) = (metadata.namespace.as_deref(), metadata.name.as_deref());
    context.metrics.failed(namespace.unwrap_or_default(), name.unwrap_or_default());
    tracing::warn!(namespace, rollout = name, %error, "will try again");
    Action::requeue(Duration::from_secs(5))
}

fn is_ready(context: &Context) -> bool {
    context.replica_sets().is_ready() && context.pods().is_ready()
}

/// Reconciles everything once the caches are filled and this replica leads; and again whenever it begins to lead.
async fn start_when_ready(
    context: Arc<Context>,
    rollouts: Store<Observed>,
    ready: watch::Sender<bool>,
    all: mpsc::UnboundedSender<()>,
) {
    if rollouts.wait_until_ready().await.is_err() {
        return;
    }
    while !is_ready(&context) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    ready.send_replace(true);
    let mut leading = context.leading.clone();
    while leading.wait_for(|leading| *leading).await.is_ok() {
        tracing::info!(rollouts = rollouts.len(), "leading; caches are filled");
        if all.send(()).is_err() || leading.wait_for(|leading| !*leading).await.is_err() {
            return;
        }
    }
}

async fn cache_replica_sets(
    scope: Scope,
    context: Arc<Context>,
    rollouts: Store<Observed>,
    touch: mpsc::UnboundedSender<ObjectRef<Observed>>,
) {
    let config = watcher::Config::default().labels(labels::POD_TEMPLATE_HASH);
    let events = watch_objects(scope.api::<ReplicaSet>(), config).default_backoff().modify(|rs| {
        rs.metadata.managed_fields = None;
    });
    keep(events, |event| {
        let concerned = context.replica_sets_mut().apply(event);
        for rs in concerned {
            match rollout_of(&rs) {
                Some(rollout) => send(&touch, rollout),
                // An orphan may be adopted by any rollout of its namespace.
                None if rs.controller_uid().is_none() => {
                    let neighbours = rollouts.state_filter(|o| o.rollout.metadata.namespace == rs.metadata.namespace);
                    neighbours.iter().for_each(|observed| send(&touch, ObjectRef::from_obj(&**observed)));
                }
                None => {}
            }
        }
    })
    .await;
}

/// The Rollout that controls a ReplicaSet.
fn rollout_of(rs: &ReplicaSet) -> Option<ObjectRef<Observed>> {
    let owners = rs.metadata.owner_references.as_ref()?;
    let owner = owners.iter().find(|owner| owner.controller == Some(true) && owner.kind == "Rollout")?;
    Some(ObjectRef::new(&owner.name).within(rs.metadata.namespace.as_deref()?))
}

fn send(touch: &mpsc::UnboundedSender<ObjectRef<Observed>>, rollout: ObjectRef<Observed>) {
    // The receiver is only gone while the program stops.
    let _ = touch.send(rollout);
}

async fn cache_pods(
    scope: Scope,
    context: Arc<Context>,
    rollouts: Store<Observed>,
    touch: mpsc::UnboundedSender<ObjectRef<Observed>>,
) {
    let config = watcher::Config::default().labels(labels::POD_TEMPLATE_HASH);
    let events = metadata_watcher(scope.api::<KubePod>(), config).default_backoff();
    let events = events.map_ok(|event| map_event(event, summarise));
    keep(events, |event| {
        let concerned = context.pods_mut().apply(event);
        let replica_sets = context.replica_sets();
        for pod in concerned {
            let rs = replica_sets.get(&(pod.namespace.clone(), pod.replica_set_name.clone()));
            // Pods matter to a plan only while a restart replaces them; the ReplicaSets' status tells the rest.
            let rollout = rs.and_then(|rs| rollout_of(rs)).and_then(|reference| rollouts.get(&reference));
            if let Some(observed) = rollout.filter(|observed| observed.rollout.spec.restart_at.is_some()) {
                send(&touch, ObjectRef::from_obj(&*observed));
            }
        }
    })
    .await;
}

/// Feeds a cache until the task is stopped. A watch that fails is tried again by its stream.
async fn keep<T>(events: impl Stream<Item = Result<T, watcher::Error>>, mut apply: impl FnMut(T)) {
    let mut events = std::pin::pin!(events);
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => apply(event),
            Err(error) => tracing::warn!(%error, "a watch failed and is started again"),
        }
    }
}

fn summarise(pod: PartialObjectMeta<KubePod>) -> IndexedPod {
    let metadata = pod.metadata;
    let owner = metadata.owner_references.iter().flatten().find(|owner| owner.controller == Some(true));
    IndexedPod {
        namespace: metadata.namespace.clone().unwrap_or_default(),
        replica_set_name: owner.map(|owner| owner.name.clone()).unwrap_or_default(),
        pod: Pod {
            target: Target::of(&metadata),
            replica_set_uid: owner.map(|owner| owner.uid.clone()).unwrap_or_default(),
            created: metadata.creation_timestamp.as_ref().map_or(jiff::Timestamp::UNIX_EPOCH, |time| time.0),
            deleting: metadata.deletion_timestamp.is_some(),
        },
    }
}

fn map_event<T, U>(event: Event<T>, map: impl FnOnce(T) -> U) -> Event<U> {
    match event {
        Event::Apply(object) => Event::Apply(map(object)),
        Event::Delete(object) => Event::Delete(map(object)),
        Event::InitApply(object) => Event::InitApply(map(object)),
        Event::Init => Event::Init,
        Event::InitDone => Event::InitDone,
    }
}

/// A channel as a stream.
fn receive<T>(receiver: mpsc::UnboundedReceiver<T>) -> impl Stream<Item = T> {
    futures::stream::unfold(receiver, |mut receiver| async move { Some((receiver.recv().await?, receiver)) })
}
