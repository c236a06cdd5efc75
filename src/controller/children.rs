//! ReplicaSets and pods by owner, kept by watches. Reading them costs no request.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use kube::runtime::watcher::Event;
use sluice_core::api::ReplicaSet;
use sluice_core::snapshot::{Pod, Service};

/// Namespace and name.
pub type Key = (String, String);

/// The uid of an owner; ReplicaSets without a controller are kept under their namespace.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    /// The object with this uid.
    Uid(String),
    /// Nobody, in this namespace.
    Orphans(String),
    /// The Rollout of this namespace and name, by the object's own account.
    Manager(String, String),
}

/// An object that is indexed by its owner.
pub trait Child: Clone {
    /// Namespace and name.
    fn key(&self) -> Key;
    /// Its owner.
    fn owner(&self) -> Owner;
    /// `metadata.resourceVersion`.
    fn resource_version(&self) -> Option<u64>;
}

/// All objects of one kind, by owner, as fresh as the watch.
#[derive(Debug)]
pub struct Index<T> {
    objects: HashMap<Key, Arc<T>>,
    owned: HashMap<Owner, BTreeSet<Key>>,
    /// Writes whose result the watch has not delivered yet.
    awaited: BTreeMap<Key, u64>,
    /// Keys seen since a list began.
    listed: Option<HashSet<Key>>,
}

impl<T> Default for Index<T> {
    fn default() -> Index<T> {
        Index { objects: HashMap::new(), owned: HashMap::new(), awaited: BTreeMap::new(), listed: None }
    }
}

impl<T: Child> Index<T> {
    /// The children of an owner, by name.
    pub fn of(&self, owner: &Owner) -> Vec<Arc<T>> {
        let keys = self.owned.get(owner).into_iter().flatten();
        keys.filter_map(|key| self.objects.get(key)).map(Arc::clone).collect()
    }

    /// Every object, in no order.
    pub fn all(&self) -> impl Iterator<Item = &Arc<T>> {
        self.objects.values()
    }

    /// The object's owner, while it is known.
    pub fn get(&self, key: &Key) -> Option<&Arc<T>> {
        self.objects.get(key)
    }

    /// Notes that a write returned this version: whatever is older than it must not be planned on.
    pub fn await_version(&mut self, key: Key, version: Option<u64>) {
        let Some(version) = version else { return };
        if self.objects.get(&key).and_then(|seen| seen.resource_version()).is_none_or(|seen| seen < version) {
            self.awaited.insert(key, version);
        }
    }

    /// Notes that the API has this version of an object. One that is not cached is left alone: the watch may never deliver it.
    pub fn await_newer(&mut self, key: Key, version: Option<u64>) {
        if self.objects.contains_key(&key) {
            self.await_version(key, version);
        }
    }

    /// Whether a write to any of these objects, or to one not seen yet under the name prefix, is still to be delivered.
    pub fn is_stale(&self, namespace: &str, concerns: impl Fn(&str) -> bool) -> bool {
        self.awaited.keys().any(|(ns, name)| ns == namespace && concerns(name))
    }

    /// Whether an event only says again what is known, as a new list does.
    pub fn knows(&self, event: &Event<T>) -> bool {
        match event {
            Event::InitApply(object) | Event::Apply(object) => {
                let known = self.objects.get(&object.key()).map(|known| known.resource_version());
                known == Some(object.resource_version())
            }
            Event::Delete(_) | Event::Init | Event::InitDone => false,
        }
    }

    /// Takes a watch event and returns the objects it concerns: as they are, and as they were where their owner changed.
    pub fn apply(&mut self, event: Event<T>) -> Vec<Arc<T>> {
        match event {
            Event::Init => {
                self.listed = Some(HashSet::new());
                Vec::new()
            }
            Event::InitApply(object) => {
                if let Some(listed) = &mut self.listed {
                    listed.insert(object.key());
                }
                self.insert(object)
            }
            Event::Apply(object) => self.insert(object),
            Event::Delete(object) => self.remove(&object.key()),
            Event::InitDone => {
                let listed = self.listed.take().unwrap_or_default();
                let gone: Vec<Key> = self.objects.keys().filter(|key| !listed.contains(*key)).cloned().collect();
                // A list is at least as new as every write before it.
                self.awaited.retain(|key, _| listed.contains(key));
                gone.iter().flat_map(|key| self.remove(key)).collect()
            }
        }
    }

    fn insert(&mut self, object: T) -> Vec<Arc<T>> {
        let object = Arc::new(object);
        let (key, owner) = (object.key(), object.owner());
        let version = object.resource_version();
        if self.awaited.get(&key).is_some_and(|awaited| version.is_none_or(|version| version >= *awaited)) {
            self.awaited.remove(&key);
        }
        let mut concerned = vec![Arc::clone(&object)];
        if let Some(previous) = self.objects.insert(key.clone(), object) {
            let was = previous.owner();
            if was != owner {
                self.disown(&was, &key);
                concerned.push(previous);
            }
        }
        self.owned.entry(owner).or_default().insert(key);
        concerned
    }

    fn remove(&mut self, key: &Key) -> Vec<Arc<T>> {
        self.awaited.remove(key);
        let Some(object) = self.objects.remove(key) else { return Vec::new() };
        self.disown(&object.owner(), key);
        vec![object]
    }

    fn disown(&mut self, owner: &Owner, key: &Key) {
        if let Some(keys) = self.owned.get_mut(owner) {
            keys.remove(key);
            if keys.is_empty() {
                self.owned.remove(owner);
            }
        }
    }
}

impl Child for ReplicaSet {
    fn key(&self) -> Key {
        (self.metadata.namespace.clone().unwrap_or_default(), self.name().to_owned())
    }

    fn owner(&self) -> Owner {
        match self.controller_uid() {
            Some(uid) => Owner::Uid(uid.to_owned()),
            None => Owner::Orphans(self.metadata.namespace.clone().unwrap_or_default()),
        }
    }

    fn resource_version(&self) -> Option<u64> {
        version_number(self.metadata.resource_version.as_deref())
    }
}

/// A pod with the namespace it is indexed under.
#[derive(Clone, Debug)]
pub struct IndexedPod {
    /// Its namespace.
    pub namespace: String,
    /// The ReplicaSet that controls it.
    pub replica_set_name: String,
    /// What planning needs of it.
    pub pod: Pod,
}

impl Child for IndexedPod {
    fn key(&self) -> Key {
        (self.namespace.clone(), self.pod.target.name.clone())
    }

    fn owner(&self) -> Owner {
        Owner::Uid(self.pod.replica_set_uid.clone())
    }

    fn resource_version(&self) -> Option<u64> {
        version_number(Some(&self.pod.target.resource_version))
    }
}

/// A Service with the namespace it is indexed under.
#[derive(Clone, Debug)]
pub struct IndexedService {
    /// Its namespace.
    pub namespace: String,
    /// What planning needs of it.
    pub service: Service,
}

impl Child for IndexedService {
    fn key(&self) -> Key {
        (self.namespace.clone(), self.service.target.name.clone())
    }

    fn owner(&self) -> Owner {
        match &self.service.managed_by {
            Some(rollout) => Owner::Manager(self.namespace.clone(), rollout.clone()),
            None => Owner::Orphans(self.namespace.clone()),
        }
    }

    fn resource_version(&self) -> Option<u64> {
        version_number(Some(&self.service.target.resource_version))
    }
}

/// A resourceVersion as a number. They are opaque by contract, and comparable numbers in every API server that stores in
/// etcd; one that is not a number is never waited for.
pub fn version_number(version: Option<&str>) -> Option<u64> {
    version?.parse().ok()
}
