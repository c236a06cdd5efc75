//! The GitOps core's shell: it reads Git, asks the cluster, and does what [`sluice_core::gitops`] decides.
//!
//! Each Application has a `worker` of its own, so that one whose Git server hangs delays nobody else. Workers share `repository`
//! stores, in which one fetch serves all, and the `cluster`'s caches.

mod charts;
mod cluster;
mod digest;
mod execute;
mod fetch;
pub mod git;
mod health;
mod import;
mod judge;
mod local;
mod migrate;
mod once;
mod orphans;
pub mod preview;
mod projects;
mod render;
mod repository;
mod sources;
mod ssh;
pub mod tree;
mod watched;
mod webhook;
mod worker;
mod write;
mod writers;

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use futures::{FutureExt as _, StreamExt as _};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::api::Api;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::watcher::Event;
use kube::runtime::{WatchStreamExt as _, reflector, watcher};
use kube::{Client, ResourceExt as _};
use sluice_core::api::{Application, ApplicationSource};
use sluice_core::gitops::lineage::Lineage;
use sluice_core::gitops::project::Project;
use sluice_core::gitops::tracking::application_of;
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use self::charts::Charts;
use self::cluster::Cluster;
use self::health::Health;
use self::orphans::Orphans;
use self::projects::Projects;
pub use self::render::Programs;
use self::render::{Renders, Versions};
use self::repository::{Repositories, SECRET_TYPE};
use self::worker::Worker;
use crate::clock::Clock;
use crate::controller::Clients;
use crate::controller::caches::Scope;
use crate::controller::children::version_number;
use crate::controller::flat::events;
use crate::metrics::{Applications, Metrics};

/// How the GitOps core works.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The controller's own namespace, whose Applications it works on.
    pub home: String,
    /// The namespace to act in, or all.
    pub namespace: Option<String>,
    /// Where copies of repositories are kept.
    pub folder: PathBuf,
    /// How often a Git server is asked for news.
    pub poll: Duration,
    /// How much longer than that it may take, so that not all ask at once.
    pub jitter: Duration,
    /// The programs that render.
    pub programs: Programs,
}

/// Something that Applications depend on has changed.
pub enum Touched {
    /// An object, by the text of its tracking annotation.
    Object(String),
    /// A project, by its name.
    Project(String),
    /// What says what is healthy.
    Health,
}

/// What all Applications share.
pub struct Gitops {
    home: String,
    poll: Duration,
    jitter: Duration,
    clock: Clock,
    writes: Client,
    applications: Store<Application>,
    repositories: Repositories,
    charts: Charts,
    cluster: Cluster,
    projects: Projects,
    health: Health,
    orphans: Orphans,
    renders: Renders,
    /// What a folder of this machine stands in for in a preview, by the URL that it has then.
    stand_in: OnceLock<(String, ApplicationSource)>,
    programs: Programs,
    versions: Versions,
    /// What the platforms' webhooks are signed with where a repository's Secret says nothing.
    shared_secret: Store<Secret>,
    /// What each Application has read of its sources.
    reads: Mutex<HashMap<Key, Arc<Vec<Vec<String>>>>>,
    metrics: Applications,
    leading: watch::Receiver<bool>,
}

/// The label of `ConfigMap`s that say how to get in.
const CONFIGS: &str = "app.kubernetes.io/part-of=argocd";
/// The longest that an answer of a Git server serves all Applications that poll.
const SHARED: Duration = Duration::from_secs(20);
/// How long the cache of Applications is waited for that has to show an own write.
const LAG: Duration = Duration::from_secs(5);

impl Gitops {
    fn application(&self, namespace: &str, name: &str) -> Option<Application> {
        self.applications.get(&ObjectRef::new(name).within(namespace)).map(|found| (*found).clone())
    }

    /// What an Application has read of each of its sources, where that is known.
    fn reads(&self, namespace: &str, name: &str) -> Option<Arc<Vec<Vec<String>>>> {
        let reads = self.reads.lock().unwrap_or_else(PoisonError::into_inner);
        reads.get(&(namespace.to_owned(), name.to_owned())).cloned()
    }

    /// Remembers what an Application has read, or that this is not known any more.
    fn note_reads(&self, namespace: &str, name: &str, read: Option<&[Vec<String>]>) {
        let key = (namespace.to_owned(), name.to_owned());
        let mut reads = self.reads.lock().unwrap_or_else(PoisonError::into_inner);
        match read {
            None => drop(reads.remove(&key)),
            Some(read) if reads.get(&key).is_some_and(|known| **known == read) => {}
            Some(read) => drop(reads.insert(key, Arc::new(read.to_vec()))),
        }
    }

    fn lineage(&self, namespace: &str, name: &str) -> Lineage {
        let find = |namespace: &str, name: &str| self.applications.get(&ObjectRef::new(name).within(namespace));
        Lineage::of((namespace, name), &self.home, find)
    }

    fn leads(&self) -> bool {
        *self.leading.borrow()
    }

    /// Waits until the cache shows a version, or something newer.
    async fn shows(&self, namespace: &str, name: &str, version: Option<u64>) {
        let end = Instant::now() + LAG;
        while Instant::now() < end {
            let cached = self.application(namespace, name);
            let seen = cached.and_then(|it| version_number(it.metadata.resource_version.as_deref()));
            if seen >= version {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The project of an Application; or why it has none that says what it may do.
    ///
    /// # Errors
    /// That nobody knows at the moment.
    async fn project(&self, application: &Application) -> Result<Result<Project, String>, String> {
        self.projects.of(application.spec.project()).await
    }

    /// How long an answer of a Git server serves all Applications that poll.
    fn shared(&self) -> Duration {
        (self.poll / 2).min(SHARED)
    }
}

/// Works on the Applications of a namespace until told to stop, and hears webhooks of Git platforms where there is a listener.
pub async fn run(
    clients: Clients,
    settings: Settings,
    clock: Clock,
    metrics: Metrics,
    leading: watch::Receiver<bool>,
    mut stop: watch::Receiver<bool>,
    webhook: Option<TcpListener>,
) {
    let (applications, filling) = reflector::store();
    // One that cannot be read must not hide the others.
    let scope = Scope { client: clients.reads.clone(), namespace: Some(settings.home.clone()) };
    let events = events::<Application>(&scope).reflect(filling);
    let (touch, mut touched) = mpsc::unbounded_channel();
    let mut lead = leading.clone();
    let metrics = metrics.applications(applications.clone());
    let cx = Arc::new(shared(clients, &settings, clock, (applications, leading, touch, metrics)));
    // It ends with this.
    let mut serving = JoinSet::new();
    if let Some(listener) = webhook {
        serving.spawn(webhook::serve(Arc::clone(&cx), listener));
    }
    let mut events = std::pin::pin!(events);
    let mut workers = Workers { cx, known: HashMap::new(), running: JoinSet::new() };
    loop {
        tokio::select! {
            event = events.next() => match event {
                Some(Ok(Event::Apply(it) | Event::Delete(it))) => workers.wake((it.namespace().unwrap_or_default(), it.name_any())),
                Some(Ok(Event::InitDone)) => workers.wake_all(),
                // The cache has them when all have come.
                Some(Ok(Event::Init | Event::InitApply(_))) => {}
                Some(Err(error)) => tracing::warn!(%error, "cannot watch Applications"),
                None => return,
            },
            Some(touched) = touched.recv() => match touched {
                Touched::Object(id) => {
                    if let Some(key) = application_of(&id, &settings.home) {
                        workers.wake(key);
                    }
                }
                Touched::Health => workers.wake_all(),
                Touched::Project(name) => workers.wake_those(|application| application.spec.project() == name),
            },
            Ok(()) = lead.changed() => workers.wake_all(),
            Some(Ok(ended)) = workers.running.join_next() => {
                workers.known.remove(&ended);
                // It may have come back meanwhile.
                workers.wake(ended);
            }
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

type Fed = (Store<Application>, watch::Receiver<bool>, mpsc::UnboundedSender<Touched>, Applications);

fn shared(
    Clients { reads, writes }: Clients,
    settings: &Settings,
    clock: Clock,
    (applications, leading, touch, metrics): Fed,
) -> Gitops {
    let home = settings.home.clone();
    let secrets = watcher::Config::default().labels(SECRET_TYPE);
    let configs = watcher::Config::default().labels(CONFIGS);
    let own = watcher::Config::default().fields("metadata.name=argocd-secret");
    let touched = touch.clone();
    let heard = move |event: &Event<ConfigMap>| {
        if health::concerns(event) {
            // Nobody listens any more at the end.
            let _ = touched.send(Touched::Health);
        }
    };
    let inputs = Inputs {
        applications,
        secrets: kept(Api::namespaced(reads.clone(), &home), secrets, |_| {}),
        configs: kept(Api::namespaced(reads.clone(), &home), configs, heard),
        shared_secret: kept(Api::namespaced(reads.clone(), &home), own, |_| {}),
        projects: Projects::new(&reads, &home, touch.clone()),
        cluster: Cluster::new(reads, writes.clone(), settings.namespace.clone(), touch),
        metrics,
        leading,
    };
    assemble(writes, settings, clock, inputs)
}

/// What the rest works with, whether it is watched or was read once.
struct Inputs {
    applications: Store<Application>,
    /// How repositories are reached, with the `ConfigMap`s.
    secrets: Store<Secret>,
    configs: Store<ConfigMap>,
    shared_secret: Store<Secret>,
    projects: Projects,
    cluster: Cluster,
    metrics: Applications,
    leading: watch::Receiver<bool>,
}

fn assemble(writes: Client, settings: &Settings, clock: Clock, inputs: Inputs) -> Gitops {
    let Inputs { applications, secrets, configs, shared_secret, projects, cluster, metrics, leading } = inputs;
    Gitops {
        home: settings.home.clone(),
        health: Health::new(&settings.home, configs.clone()),
        orphans: Orphans::new(writes.clone(), settings.poll),
        poll: settings.poll,
        jitter: settings.jitter,
        clock,
        writes,
        applications,
        repositories: Repositories::new(&settings.folder, secrets, configs, metrics.clone()),
        charts: Charts::new(&settings.folder, metrics.clone()),
        cluster,
        projects,
        renders: Renders::new(&settings.folder, clock),
        stand_in: OnceLock::new(),
        programs: settings.programs.clone(),
        versions: Versions::default(),
        shared_secret,
        reads: Mutex::default(),
        metrics,
        leading,
    }
}

/// The workers, by namespace and name of their Applications.
struct Workers {
    cx: Arc<Gitops>,
    known: HashMap<Key, Arc<Notify>>,
    running: JoinSet<Key>,
}

/// Namespace and name.
type Key = (String, String);

impl Workers {
    /// Tells an Application's worker that something has changed; an Application that has none gets one.
    fn wake(&mut self, key: Key) {
        if let Some(worker) = self.known.get(&key) {
            return worker.notify_one();
        }
        if self.cx.application(&key.0, &key.1).is_none() {
            return;
        }
        let notify = Arc::new(Notify::new());
        let worker = Worker::new(Arc::clone(&self.cx), &key.0, &key.1);
        self.known.insert(key.clone(), Arc::clone(&notify));
        self.running.spawn(async move {
            // One that panics has been logged, and is replaced by a new one at the next event.
            let _ = AssertUnwindSafe(worker.run(notify)).catch_unwind().await;
            key
        });
    }

    fn wake_all(&mut self) {
        for worker in self.known.values() {
            worker.notify_one();
        }
        self.wake_those(|_| true);
    }

    fn wake_those(&mut self, which: impl Fn(&Application) -> bool) {
        for application in self.cx.applications.state().into_iter().filter(|application| which(application)) {
            self.wake((application.namespace().unwrap_or_default(), application.name_any()));
        }
    }
}

/// A cache that fills itself, and tells of what it has seen.
fn kept<K>(api: Api<K>, config: watcher::Config, told: impl Fn(&Event<K>) + Send + 'static) -> Store<K>
where
    K: kube::Resource<DynamicType = ()> + Clone + std::fmt::Debug + serde::de::DeserializeOwned + Send + Sync + 'static,
{
    let (store, filling) = reflector::store();
    let events = watcher(api, config).default_backoff().reflect(filling);
    tokio::spawn(events.for_each(move |event| {
        match event {
            Ok(event) => told(&event),
            Err(error) => {
                tracing::warn!(kind = %K::kind(&()), %error, "cannot watch what says how repositories are reached");
            }
        }
        async {}
    }));
    store
}
