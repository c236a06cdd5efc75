//! The cache of a kind whose objects have passes of their own, and may belong to a Rollout: `AnalysisRun`s and `Experiment`s.

use std::sync::Arc;

use futures::Stream;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use kube::runtime::reflector::Store;
use kube::runtime::watcher::{self, Event};
use sluice_core::api::{AnalysisRun, Experiment, Rollout};
use tokio::sync::{mpsc, watch};

use super::caches::{Touch, touch_each};
use super::children::{Child, Key, Owner, version_number};
use super::flat;
use super::lazy::{Lazy, Sighted};
use super::object::Observed;

/// The objects, and a way to have one looked at.
pub struct Owned<K> {
    /// The objects.
    pub cache: Arc<Lazy<K>>,
    touch: mpsc::UnboundedSender<Key>,
}

/// What is known of one object.
pub enum Found<K> {
    /// It is there.
    Object(Arc<K>),
    /// It is gone.
    Gone,
    /// What is known is older than an own write.
    Stale,
    /// Nothing is known.
    Unknown,
}

impl<K: Child> Owned<K> {
    /// None yet; and those that are to be looked at from now on.
    pub fn new() -> (Owned<K>, mpsc::UnboundedReceiver<Key>) {
        let (touch, touched) = mpsc::unbounded_channel();
        (Owned { cache: Arc::default(), touch }, touched)
    }

    /// Has one looked at.
    pub fn touch(&self, key: Key) {
        // The receiver is only gone while the program stops.
        let _ = self.touch.send(key);
    }

    /// Has all of them looked at.
    pub fn touch_all(&self) {
        for object in Owned::all(&self.cache) {
            self.touch(object.key());
        }
    }

    /// One object.
    pub fn find(&self, key: &Key) -> Found<K> {
        match self.cache.read() {
            Sighted::NotYet | Sighted::Absent(_) | Sighted::Refused(_) => Found::Unknown,
            Sighted::Index(index) if index.is_stale(&key.0, |name| name == key.1) => Found::Stale,
            Sighted::Index(index) => index.get(key).map_or(Found::Gone, |object| Found::Object(Arc::clone(object))),
        }
    }

    /// Those that a Rollout owns; one that asks for none waits for no cache.
    pub fn of_rollout(&self, rollout: &Rollout, asks: bool) -> Option<Vec<K>> {
        let metadata = &rollout.metadata;
        let (namespace, name) = (metadata.namespace.as_deref()?, metadata.name.as_deref()?);
        let known = self.of(namespace, metadata.uid.as_deref()?, name);
        if asks { known } else { Some(known.unwrap_or_default()) }
    }

    /// Those that an object of this name owns; `None` while nobody knows them, or while one of them is older than an own write.
    pub fn of(&self, namespace: &str, uid: &str, name: &str) -> Option<Vec<K>> {
        let index = match self.cache.read() {
            Sighted::NotYet => return None,
            Sighted::Absent(_) | Sighted::Refused(_) => return Some(Vec::new()),
            Sighted::Index(index) => index,
        };
        let may_be_child = |candidate: &str| candidate.strip_prefix(name).is_some_and(|rest| rest.starts_with('-'));
        if index.is_stale(namespace, may_be_child) {
            return None;
        }
        Some(index.of(&Owner::Uid(uid.to_owned())).iter().map(|object| (**object).clone()).collect())
    }

    /// Notes that one was created or written in this version.
    pub fn await_version(&self, key: Key, version: Option<u64>) {
        self.cache.await_version(key, version);
    }

    /// Notes that the API has this version of one.
    pub fn await_newer(&self, key: Key, version: Option<u64>) {
        self.cache.await_newer(key, version);
    }

    fn all(cache: &Lazy<K>) -> Vec<Arc<K>> {
        match cache.read() {
            Sighted::NotYet | Sighted::Absent(_) | Sighted::Refused(_) => Vec::new(),
            Sighted::Index(index) => index.all().map(Arc::clone).collect(),
        }
    }

    /// Looks at each one when this replica begins to lead, and calls `lost` when it no longer does.
    pub async fn look_when_leading(&self, mut leading: watch::Receiver<bool>, lost: impl Fn()) {
        while leading.wait_for(|leading| *leading).await.is_ok() {
            self.touch_all();
            if leading.wait_for(|leading| !*leading).await.is_err() {
                return;
            }
            lost();
        }
    }
}

impl<K: Child + Resource> Owned<K> {
    /// Keeps the cache by events, and has each object that changes looked at, and the Rollout that controls it. `changed` is told of
    /// each as well.
    pub async fn keep(
        &self,
        events: impl Stream<Item = Result<Event<K>, watcher::Error>>,
        rollouts: &Store<Observed>,
        touch: &Touch,
        changed: impl Fn(&K),
    ) {
        let moved = |object: Option<&Arc<K>>| {
            // A list comes in pages, and only at its end can it be read.
            let Some(object) = object else { return self.touch_all() };
            self.touch(object.key());
            touch_each(touch, rollouts, flat::controller_of(object.meta(), "Rollout"));
            changed(object);
        };
        self.cache.keep(events, moved).await;
    }
}

impl<K: Child + Send + Sync + 'static> Owned<K> {
    /// What reads all that are known, for as long as it is kept.
    pub fn reader(&self) -> impl Fn() -> Vec<Arc<K>> + Send + Sync + 'static {
        let cache = Arc::clone(&self.cache);
        move || Owned::all(&cache)
    }
}

fn key(metadata: &ObjectMeta) -> Key {
    (metadata.namespace.clone().unwrap_or_default(), metadata.name.clone().unwrap_or_default())
}

fn owner(metadata: &ObjectMeta) -> Owner {
    let mut owners = metadata.owner_references.iter().flatten();
    match owners.find(|owner| owner.controller == Some(true)) {
        Some(owner) => Owner::Uid(owner.uid.clone()),
        None => Owner::Orphans(metadata.namespace.clone().unwrap_or_default()),
    }
}

impl Child for AnalysisRun {
    fn key(&self) -> Key {
        key(&self.metadata)
    }

    fn owner(&self) -> Owner {
        owner(&self.metadata)
    }

    fn resource_version(&self) -> Option<u64> {
        version_number(self.metadata.resource_version.as_deref())
    }
}

impl Child for Experiment {
    fn key(&self) -> Key {
        key(&self.metadata)
    }

    fn owner(&self) -> Owner {
        owner(&self.metadata)
    }

    fn resource_version(&self) -> Option<u64> {
        version_number(self.metadata.resource_version.as_deref())
    }
}
