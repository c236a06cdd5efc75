//! What is watched for the pages: rollouts and what belongs to them. Whatever changes rings.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::future::Future;
use std::hash::Hash;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::join_all;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::Pod;
use kube::api::Api;
use kube::runtime::reflector::{self, ObjectRef, Store};
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Client, Resource, ResourceExt as _};
use serde::de::DeserializeOwned;
use sluice_core::api::{AnalysisRun, Experiment, ReplicaSet, Rollout, labels};
use sluice_core::info::family::Family;
use tokio::sync::watch;

use super::applications::watched::Applications;

/// How long a page waits for the first lists.
pub(super) const FIRST: Duration = Duration::from_secs(10);

/// What does the watching, until it is dropped.
pub type Watching = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Everything that is shown.
#[derive(Clone)]
pub struct Book {
    /// The rollouts.
    pub rollouts: Store<Rollout>,
    /// The Applications, where the cluster has that kind.
    pub applications: Applications,
    replica_sets: Store<ReplicaSet>,
    pods: Store<Pod>,
    runs: Store<AnalysisRun>,
    experiments: Store<Experiment>,
    /// Counts changes.
    rung: watch::Receiver<u64>,
    /// How many kinds still lack their first list.
    lacking: watch::Receiver<usize>,
}

/// Where to watch.
struct Scope {
    client: Client,
    namespace: Option<String>,
    bell: Arc<watch::Sender<u64>>,
    lacking: Arc<watch::Sender<usize>>,
    watching: Vec<Watching>,
}

impl Scope {
    /// Keeps the objects of a kind, without what no page shows.
    fn keep<K>(&mut self, selector: &str) -> Store<K>
    where
        K: Resource<Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
        K::DynamicType: Default + Eq + Hash + Clone + Send + Sync,
    {
        let api: Api<K> = match &self.namespace {
            Some(namespace) => Api::namespaced(self.client.clone(), namespace),
            None => Api::all(self.client.clone()),
        };
        let (store, writer) = reflector::store();
        let config = watcher::Config::default().labels(selector);
        let events = watcher(api, config).default_backoff().modify(|object: &mut K| {
            object.managed_fields_mut().clear();
        });
        let (bell, lacking) = (Arc::clone(&self.bell), Arc::clone(&self.lacking));
        let kind = K::plural(&K::DynamicType::default()).into_owned();
        let mut is_first = true;
        lacking.send_modify(|lacking| *lacking += 1);
        let watching = events.reflect(writer).for_each(move |event| {
            match event {
                // A list in progress is no state of the cluster; its end is.
                Ok(watcher::Event::Init | watcher::Event::InitApply(_)) => {}
                Ok(event) => {
                    if matches!(event, watcher::Event::InitDone) && is_first {
                        is_first = false;
                        lacking.send_modify(|lacking| *lacking -= 1);
                    }
                    bell.send_modify(|rung| *rung = rung.wrapping_add(1));
                }
                Err(error) => tracing::warn!(kind, "the dashboard cannot watch: {error}"),
            }
            std::future::ready(())
        });
        self.watching.push(Box::pin(watching));
        store
    }
}

impl Book {
    /// Watches a namespace, or the whole cluster, as the owner of `client` may.
    pub fn open(client: Client, namespace: Option<String>) -> (Book, Watching) {
        let (bell, rung) = watch::channel(0);
        let (lacking, is_lacking) = watch::channel(0);
        let (bell, lacking) = (Arc::new(bell), Arc::new(lacking));
        let mut scope = Scope { client, namespace, bell, lacking, watching: Vec::new() };
        let (applications, watching) =
            Applications::keep(scope.client.clone(), scope.namespace.as_deref(), Arc::clone(&scope.bell));
        scope.watching.push(watching);
        let book = Book {
            rollouts: scope.keep(""),
            applications,
            replica_sets: scope.keep(labels::POD_TEMPLATE_HASH),
            pods: scope.keep(labels::POD_TEMPLATE_HASH),
            runs: scope.keep(""),
            experiments: scope.keep(""),
            rung,
            lacking: is_lacking,
        };
        let watching = join_all(scope.watching);
        (book, Box::pin(async move { drop(watching.await) }))
    }

    /// Rings whenever something has changed.
    pub fn bell(&self) -> watch::Receiver<u64> {
        self.rung.clone()
    }

    /// Waits for the first lists, though not for ever: what is there is better than nothing.
    pub async fn is_open(&self) {
        let mut lacking = self.lacking.clone();
        let _ = tokio::time::timeout(FIRST, lacking.wait_for(|lacking| *lacking == 0)).await;
    }

    /// A rollout, and what belongs to its namespace.
    pub fn family(&self, namespace: &str, name: &str) -> Option<Family> {
        let rollout = self.rollouts.get(&ObjectRef::new(name).within(namespace))?;
        Some(Family {
            rollout: Rollout::clone(&rollout),
            replica_sets: within(&self.replica_sets, namespace),
            pods: within(&self.pods, namespace),
            runs: Some(within(&self.runs, namespace)),
            experiments: Some(within(&self.experiments, namespace)),
        })
    }

    /// The `ReplicaSets` of a namespace.
    pub fn replica_sets(&self, namespace: &str) -> Vec<ReplicaSet> {
        within(&self.replica_sets, namespace)
    }

    /// The pods of a namespace.
    pub fn pods(&self, namespace: &str) -> Vec<Pod> {
        within(&self.pods, namespace)
    }

    /// The namespaces that have rollouts.
    pub fn namespaces(&self) -> Vec<String> {
        namespaces(&self.rollouts.state())
    }
}

/// The namespaces of objects, each once, in order.
pub fn namespaces<K: Resource>(objects: &[Arc<K>]) -> Vec<String> {
    let found: BTreeSet<&String> = objects.iter().filter_map(|object| object.meta().namespace.as_ref()).collect();
    found.into_iter().cloned().collect()
}

/// The objects of a namespace.
fn within<K>(store: &Store<K>, namespace: &str) -> Vec<K>
where
    K: Resource + Clone + 'static,
    K::DynamicType: Eq + Hash + Clone,
{
    let all = store.state();
    let here = all.iter().filter(|object| object.meta().namespace.as_deref() == Some(namespace));
    here.map(|object| K::clone(object)).collect()
}
