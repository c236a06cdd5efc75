//! What there is, and what has changed: the objects by resource, and a window of the latest changes for watches.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

/// The name of a resource with its group, such as `replicasets.apps`.
pub type ResourceKey = Arc<str>;

/// Namespace and name; objects of the cluster have an empty namespace.
pub type ObjectKey = (String, String);

/// One change.
#[derive(Clone, Debug)]
pub struct Change {
    /// The version that it made.
    pub version: u64,
    /// Of which resource.
    pub resource: ResourceKey,
    /// The object before, if there was one.
    pub before: Option<Arc<Value>>,
    /// The object after; where it was deleted, its last state under the version of the deletion.
    pub after: Arc<Value>,
    /// Whether it was deleted.
    pub deleted: bool,
    /// Who made it.
    pub by: Arc<str>,
    /// When.
    pub at: Timestamp,
}

/// Who writes, and when.
#[derive(Clone, Debug)]
pub struct Mark {
    /// Who.
    pub by: Arc<str>,
    /// When.
    pub at: Timestamp,
}

/// All objects.
#[derive(Debug)]
pub struct Store {
    objects: HashMap<ResourceKey, BTreeMap<ObjectKey, Arc<Value>>>,
    changes: VecDeque<Change>,
    version: u64,
    /// Changes up to this version are no longer kept.
    forgotten: u64,
    window: usize,
}

impl Store {
    /// An empty store that keeps this many changes.
    pub fn new(window: usize) -> Store {
        Store { objects: HashMap::new(), changes: VecDeque::new(), version: 2, forgotten: 2, window }
    }

    /// The version of the latest change.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The oldest version that a watch can start from.
    pub fn oldest(&self) -> u64 {
        self.forgotten
    }

    /// An object.
    pub fn get(&self, resource: &str, namespace: &str, name: &str) -> Option<&Arc<Value>> {
        self.objects.get(resource)?.get(&(namespace.to_owned(), name.to_owned()))
    }

    /// The objects of a resource by namespace and name; all namespaces where it is `None`.
    pub fn list(&self, resource: &str, namespace: Option<&str>) -> impl Iterator<Item = &Arc<Value>> {
        let objects = self.objects.get(resource);
        let from = namespace.map(|namespace| (namespace.to_owned(), String::new())).unwrap_or_default();
        let namespace = namespace.map(str::to_owned);
        objects
            .into_iter()
            .flat_map(move |objects| objects.range(from.clone()..))
            .take_while(move |((of, _), _)| namespace.as_ref().is_none_or(|namespace| namespace == of))
            .map(|(_, object)| object)
    }

    /// As `list`, as it was in a version that is still remembered.
    pub fn list_at(&self, resource: &str, namespace: Option<&str>, version: u64) -> Vec<Arc<Value>> {
        let now = self.list(resource, namespace).map(|object| (key(object), Arc::clone(object)));
        let mut then: BTreeMap<ObjectKey, Arc<Value>> = now.collect();
        let since: Vec<&Change> = self.since(version).filter(|change| *change.resource == *resource).collect();
        for change in since.into_iter().rev() {
            let key = key(&change.after);
            if namespace.is_some_and(|namespace| namespace != key.0) {
                continue;
            }
            match &change.before {
                Some(before) => then.insert(key, Arc::clone(before)),
                None => then.remove(&key),
            };
        }
        then.into_values().collect()
    }

    /// Every object, resource by resource in the order of their names.
    pub fn all(&self) -> impl Iterator<Item = (&ResourceKey, &Arc<Value>)> {
        let mut resources: Vec<_> = self.objects.iter().collect();
        resources.sort_by_key(|(resource, _)| Arc::clone(resource));
        resources.into_iter().flat_map(|(resource, objects)| objects.values().map(move |object| (resource, object)))
    }

    /// Writes an object under a new version, and returns it.
    pub fn put(&mut self, resource: &ResourceKey, object: Value, mark: Mark) -> Arc<Value> {
        let object = self.stamped(object);
        let before = self.objects.entry(Arc::clone(resource)).or_default().insert(key(&object), Arc::clone(&object));
        self.record(resource, before, &object, false, mark);
        object
    }

    /// Removes an object, and returns its last state.
    pub fn remove(&mut self, resource: &ResourceKey, namespace: &str, name: &str, mark: Mark) -> Option<Arc<Value>> {
        let key = (namespace.to_owned(), name.to_owned());
        let before = self.objects.get_mut(resource)?.remove(&key)?;
        let last = self.stamped((*before).clone());
        self.record(resource, Some(before), &last, true, mark);
        Some(last)
    }

    /// The changes after a version, oldest first.
    pub fn since(&self, version: u64) -> impl Iterator<Item = &Change> {
        let first = self.changes.partition_point(|change| change.version <= version);
        self.changes.range(first..)
    }

    fn stamped(&mut self, mut object: Value) -> Arc<Value> {
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        Arc::new(object)
    }

    fn record(
        &mut self,
        resource: &ResourceKey,
        before: Option<Arc<Value>>,
        after: &Arc<Value>,
        deleted: bool,
        mark: Mark,
    ) {
        let (resource, after) = (Arc::clone(resource), Arc::clone(after));
        let Mark { by, at } = mark;
        self.changes.push_back(Change { version: self.version, resource, before, after, deleted, by, at });
        if self.changes.len() > self.window
            && let Some(oldest) = self.changes.pop_front()
        {
            self.forgotten = oldest.version;
        }
    }
}

fn key(object: &Value) -> ObjectKey {
    (crate::object::namespace(object).to_owned(), crate::object::name(object).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark() -> Mark {
        Mark { by: "test".into(), at: Timestamp::UNIX_EPOCH }
    }

    fn pod(namespace: &str, name: &str) -> Value {
        json!({ "metadata": { "namespace": namespace, "name": name } })
    }

    #[test]
    fn every_write_has_a_version_of_its_own() {
        let (mut store, pods) = (Store::new(10), ResourceKey::from("pods"));
        let one = store.put(&pods, pod("a", "x"), mark());
        let two = store.put(&pods, pod("a", "x"), mark());
        assert!(crate::object::version(&two) > crate::object::version(&one));
        let gone = store.remove(&pods, "a", "x", mark()).expect("it was there");
        assert!(crate::object::version(&gone) > crate::object::version(&two));
        assert_eq!(store.since(0).map(|change| change.deleted).collect::<Vec<_>>(), [false, false, true]);
    }

    #[test]
    fn a_list_of_a_namespace_has_no_neighbours() {
        let (mut store, pods) = (Store::new(10), ResourceKey::from("pods"));
        for (namespace, name) in [("a", "x"), ("ab", "x"), ("b", "y")] {
            store.put(&pods, pod(namespace, name), mark());
        }
        assert_eq!(store.list("pods", Some("a")).count(), 1);
        assert_eq!(store.list("pods", None).count(), 3);
        assert_eq!(store.list("services", None).count(), 0);
    }

    #[test]
    fn what_falls_out_of_the_window_is_forgotten() {
        let (mut store, pods) = (Store::new(2), ResourceKey::from("pods"));
        let versions: Vec<u64> =
            (0..3).map(|n| crate::object::version(&store.put(&pods, pod("a", &n.to_string()), mark()))).collect();
        assert_eq!(store.oldest(), versions[0]);
        assert_eq!(store.since(store.oldest()).count(), 2);
    }
}
