//! The caches: one watch each for Rollouts, ReplicaSets, pods and Services. What changes touches the Rollout that it belongs to.

use std::sync::Arc;

use futures::{Stream, StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::{Pod as KubePod, Service as KubeService};
use kube::api::{Api, DynamicObject};
use kube::core::{ApiResource, PartialObjectMeta};
use kube::runtime::reflector::store::Writer;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt, watcher as watch_objects};
use kube::{Client, Resource};
use sluice_core::api::{ReplicaSet, labels};
use sluice_core::effect::Target;
use sluice_core::snapshot::{Pod, Service};
use sluice_core::strategy::Strategy;
use tokio::sync::{mpsc, watch};

use super::children::{Child as _, IndexedPod, IndexedService, Key};
use super::context::Context;
use super::names::Named;
use super::object::Observed;
use super::{analysis, flat};

/// Where Rollouts to look at are sent.
pub type Touch = mpsc::UnboundedSender<ObjectRef<Observed>>;

/// Where to watch.
#[derive(Clone)]
pub struct Scope {
    /// The client.
    pub client: Client,
    /// The namespace, or all.
    pub namespace: Option<String>,
}

impl Scope {
    /// The objects of a kind that is known at compile time.
    pub fn api<K>(&self) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>,
    {
        match &self.namespace {
            Some(namespace) => Api::namespaced(self.client.clone(), namespace),
            None => Api::all(self.client.clone()),
        }
    }

    /// The objects of a kind that is known at run time. One kind of these is in no namespace.
    pub fn dynamic(&self, resource: &ApiResource) -> Api<DynamicObject> {
        match &self.namespace {
            _ if resource.plural == analysis::CLUSTER_TEMPLATE.plural => Api::all_with(self.client.clone(), resource),
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, resource),
            None => Api::all_with(self.client.clone(), resource),
        }
    }
}

/// How many of the caches have their first list. (The store's own `wait_until_ready` wakes a single waiter, and kube's
/// `Controller` is that one.)
#[derive(Clone)]
pub struct Filled(Arc<watch::Sender<usize>>);

/// Rollouts, ReplicaSets, pods and Services.
const CACHES: usize = 4;

impl Default for Filled {
    fn default() -> Filled {
        Filled(Arc::new(watch::Sender::new(0)))
    }
}

impl Filled {
    /// Counts one cache when its first list is complete.
    fn counter(&self) -> impl FnMut() + use<> {
        let mut first = Some(Arc::clone(&self.0));
        move || {
            if let Some(filled) = first.take() {
                filled.send_modify(|filled| *filled += 1);
            }
        }
    }

    /// Waits until every cache is filled.
    pub async fn wait(&self) {
        // The sender is `self`, so waiting cannot fail.
        let _ = self.0.subscribe().wait_for(|filled| *filled == CACHES).await;
    }

    /// Whether every cache is filled.
    pub fn is_filled(&self) -> bool {
        *self.0.borrow() == CACHES
    }
}

/// The Rollouts, kept in `writer`'s store; the stream is what triggers a reconcile.
pub fn rollouts(
    scope: &Scope,
    writer: Writer<Observed>,
    context: Arc<Context>,
) -> impl Stream<Item = Result<Observed, watcher::Error>> + Send + use<> {
    let mut count = context.filled.counter();
    watch_objects(scope.api::<Observed>(), watcher::Config::default())
        .default_backoff()
        .reflect(writer)
        .inspect_ok(move |event| match event {
            Event::InitDone => {
                count();
                // A new list does not say what it lacks.
                context.look_for_leftovers();
            }
            Event::Delete(observed) => {
                context.names_mut().forget(&observed.rollout);
                let uid = observed.rollout.metadata.uid.as_deref().unwrap_or_default();
                if Strategy::of(&observed.rollout).and_then(Strategy::routing).is_some() || context.plugins.keeps(uid) {
                    // The receiver is only gone while the program stops.
                    let _ = context.deleted.send(observed.rollout.clone());
                }
                context.forget(&observed.rollout);
                context.look_for_leftovers();
            }
            Event::Apply(observed) | Event::InitApply(observed) => context.names_mut().read(&observed.rollout),
            Event::Init => {}
        })
        .touched_objects()
}

/// Keeps the index of ReplicaSets until the task is stopped.
pub async fn replica_sets(
    scope: Scope,
    context: Arc<Context>,
    rollouts: Store<Observed>,
    touch: Touch,
    filled: Filled,
) {
    let config = watcher::Config::default().labels(labels::POD_TEMPLATE_HASH);
    let events = watch_objects(scope.api::<ReplicaSet>(), config)
        .default_backoff()
        .modify(|rs| rs.metadata.managed_fields = None);
    keep(events, filled.counter(), |event| {
        let concerned = context.replica_sets_mut().apply(event);
        for rs in concerned {
            match rollout_of(&rs) {
                Some(rollout) => send(&touch, rollout),
                // An orphan may be adopted by any rollout of its namespace.
                None if rs.controller_uid().is_none() => {
                    let neighbours = rollouts.state_filter(|o| o.rollout.metadata.namespace == rs.metadata.namespace);
                    for observed in neighbours {
                        send(&touch, ObjectRef::from_obj(&*observed));
                    }
                }
                None => {
                    if let Some(experiment) = flat::controller_of(&rs.metadata, "Experiment") {
                        context.experiments.touch(experiment);
                    }
                }
            }
        }
    })
    .await;
}

/// Keeps the index of pods until the task is stopped. Only their metadata is watched.
pub async fn pods(scope: Scope, context: Arc<Context>, rollouts: Store<Observed>, touch: Touch, filled: Filled) {
    let config = watcher::Config::default().labels(labels::POD_TEMPLATE_HASH);
    let events = watch_objects(scope.api::<PartialObjectMeta<KubePod>>(), config).default_backoff();
    keep(events.map_ok(|event| map_event(event, summarise)), filled.counter(), |event| {
        let concerned = context.pods_mut().apply(event);
        let replica_sets = context.replica_sets();
        for pod in concerned {
            let rs = replica_sets.get(&(pod.namespace.clone(), pod.replica_set_name.clone()));
            let Some(rs) = rs else { continue };
            let listed = rs.annotation(labels::EPHEMERAL_METADATA).is_some();
            let rollout = rollout_of(rs).and_then(|reference| rollouts.get(&reference));
            if let Some(observed) = rollout.filter(|observed| listed || minds_pods(observed)) {
                send(&touch, ObjectRef::from_obj(&*observed));
            }
        }
    })
    .await;
}

/// Whether pods matter to a plan: while a restart replaces them, where they have labels of their own, and where a router carries the
/// traffic, as endpoints count once their pod is known. The ReplicaSets' status tells the rest.
fn minds_pods(observed: &Observed) -> bool {
    let labelled =
        |strategy: Strategy<'_>| strategy.trial_metadata().is_some() || strategy.serving_metadata().is_some();
    let strategy = Strategy::of(&observed.rollout);
    observed.rollout.spec.restart_at.is_some()
        || strategy.is_some_and(labelled)
        || strategy.and_then(Strategy::routing).is_some()
}

/// Keeps the index of Services until the task is stopped.
pub async fn services(scope: Scope, context: Arc<Context>, rollouts: Store<Observed>, touch: Touch, filled: Filled) {
    let events = watch_objects(scope.api::<KubeService>(), watcher::Config::default()).default_backoff();
    keep(events.map_ok(|event| map_event(event, digest)), filled.counter(), |event| {
        let repeated = context.services().knows(&event);
        let concerned = context.services_mut().apply(event);
        // Before the caches are filled nobody plans, and afterwards every rollout is looked at.
        if repeated || !context.filled.is_filled() {
            return;
        }
        for indexed in concerned {
            let names = context.names().who_names(Named::Service, &indexed.key());
            let manager = indexed.service.managed_by.clone().map(|name| (indexed.namespace.clone(), name));
            for (namespace, name) in names.into_iter().chain(manager) {
                let rollout = ObjectRef::new(&name).within(&namespace);
                match rollouts.get(&rollout) {
                    Some(_) => send(&touch, rollout),
                    None => context.look_for_leftovers(),
                }
            }
        }
    })
    .await;
}

/// Feeds a cache. A watch that fails is tried again by its stream.
pub async fn keep<T>(
    events: impl Stream<Item = Result<Event<T>, watcher::Error>>,
    mut count: impl FnMut(),
    mut apply: impl FnMut(Event<T>),
) {
    let mut events = std::pin::pin!(events);
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => {
                let listed = matches!(event, Event::InitDone);
                apply(event);
                if listed {
                    count();
                }
            }
            Err(error) => tracing::warn!(%error, "a watch failed and is started again"),
        }
    }
}

/// The Rollout that controls a ReplicaSet.
fn rollout_of(rs: &ReplicaSet) -> Option<ObjectRef<Observed>> {
    let owners = rs.metadata.owner_references.as_ref()?;
    let owner = owners.iter().find(|owner| owner.controller == Some(true) && owner.kind == "Rollout")?;
    Some(ObjectRef::new(&owner.name).within(rs.metadata.namespace.as_deref()?))
}

fn send(touch: &Touch, rollout: ObjectRef<Observed>) {
    // The receiver is only gone while the program stops.
    let _ = touch.send(rollout);
}

/// Sends those of these Rollouts that are there.
pub fn touch_each(touch: &Touch, rollouts: &Store<Observed>, keys: impl IntoIterator<Item = Key>) {
    for (namespace, name) in keys {
        let rollout = ObjectRef::new(&name).within(&namespace);
        if rollouts.get(&rollout).is_some() {
            send(touch, rollout);
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
            labels: metadata.labels.unwrap_or_default(),
            annotations: metadata.annotations.unwrap_or_default(),
        },
    }
}

fn digest(service: KubeService) -> IndexedService {
    let metadata = service.metadata;
    let annotations = metadata.annotations.as_ref();
    let owner = metadata.owner_references.iter().flatten().find(|owner| owner.controller == Some(true));
    IndexedService {
        namespace: metadata.namespace.clone().unwrap_or_default(),
        service: Service {
            target: Target::of(&metadata),
            selector: service.spec.and_then(|spec| spec.selector).unwrap_or_default(),
            managed_by: annotations.and_then(|map| map.get(labels::MANAGED_BY)).cloned(),
            endpoints: None,
            has_annotations: annotations.is_some_and(|map| !map.is_empty()),
            controller: owner.map(|owner| owner.uid.clone()),
        },
    }
}

/// An event about something made of its object.
pub fn map_event<T, U>(event: Event<T>, map: impl FnOnce(T) -> U) -> Event<U> {
    match event {
        Event::Apply(object) => Event::Apply(map(object)),
        Event::Delete(object) => Event::Delete(map(object)),
        Event::InitApply(object) => Event::InitApply(map(object)),
        Event::Init => Event::Init,
        Event::InitDone => Event::InitDone,
    }
}
