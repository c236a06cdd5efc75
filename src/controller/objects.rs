//! Objects of kinds that only some manifests name: workloads that a template is taken from, and what traffic routers read. A kind is
//! watched from the moment in which the first Rollout that is acted on needs it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use futures::TryStreamExt as _;
use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt as _};
use kube::Client;
use kube::api::{DynamicObject, TypeMeta};
use kube::core::{ApiResource, GroupVersionKind};
use kube::runtime::reflector::Store;
use kube::runtime::watcher;
use kube::runtime::{WatchStreamExt as _, watcher as watch_objects};
use serde_json::Value;
use sluice_core::api::labels;
use sluice_core::object_kind::ObjectKind;
use sluice_core::selector;
use sluice_core::sight::Sight;
use sluice_core::traffic::{self, Pick, Query, Seen};
use tokio::sync::mpsc;

use super::analysis::TEMPLATES;
use super::caches::{Scope, Touch, map_event, touch_each};
use super::children::{Child, Key, Owner, version_number};
use super::context::Context;
use super::lazy::{Lazy, NO_ANSWER, PATIENCE, Sighted, State};
use super::names::Named;
use super::object::Observed;

/// Time until it is looked again whether the API server has a kind.
const AGAIN: Duration = Duration::from_secs(5);
/// An annotation that says the object once more, for kubectl alone.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// An object as text: most are named by nobody, and a parsed one is several times as large.
#[derive(Clone, Debug)]
pub struct Stored {
    namespace: String,
    name: String,
    version: Option<u64>,
    labels: BTreeMap<String, String>,
    /// Under which keys something is remembered on it.
    remembers: Vec<String>,
    text: Box<str>,
}

impl Child for Stored {
    fn key(&self) -> Key {
        (self.namespace.clone(), self.name.clone())
    }

    fn owner(&self) -> Owner {
        Owner::Orphans(self.namespace.clone())
    }

    fn resource_version(&self) -> Option<u64> {
        self.version
    }
}

impl Stored {
    /// What is kept of an object. In a list of a kind that is part of Kubernetes no object says what it is.
    fn of(mut object: DynamicObject, resource: &ApiResource) -> Stored {
        object
            .types
            .get_or_insert_with(|| TypeMeta { api_version: resource.api_version.clone(), kind: resource.kind.clone() });
        object.metadata.managed_fields = None;
        if let Some(annotations) = &mut object.metadata.annotations {
            annotations.remove(LAST_APPLIED);
        }
        let metadata = &object.metadata;
        Stored {
            namespace: metadata.namespace.clone().unwrap_or_default(),
            name: metadata.name.clone().unwrap_or_default(),
            version: version_number(metadata.resource_version.as_deref()),
            labels: metadata.labels.clone().unwrap_or_default(),
            remembers: metadata
                .annotations
                .as_ref()
                .and_then(|all| all.get(labels::ROUTED))
                .map_or(Vec::new(), |text| traffic::remembered_keys(text)),
            text: serde_json::to_string(&object).unwrap_or_default().into(),
        }
    }

    fn read(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }
}

/// The objects of one kind.
#[derive(Debug, Default)]
struct Cache {
    objects: Lazy<Stored>,
    /// The version that is watched: of those that are understood, the first one that the API server has.
    served: OnceLock<&'static [&'static str]>,
}

/// The caches, by kind.
#[derive(Debug)]
pub struct Objects {
    caches: RwLock<HashMap<ObjectKind, Arc<Cache>>>,
    /// Kinds that somebody needs for the first time.
    asked: mpsc::UnboundedSender<ObjectKind>,
}

impl Objects {
    /// No caches, and the kinds that are asked for from now on.
    pub fn new() -> (Objects, mpsc::UnboundedReceiver<ObjectKind>) {
        let (asked, asking) = mpsc::unbounded_channel();
        (Objects { caches: RwLock::default(), asked }, asking)
    }

    fn of(&self, kind: ObjectKind) -> Arc<Cache> {
        let known = self.caches.read().unwrap_or_else(PoisonError::into_inner).get(&kind).map(Arc::clone);
        known.unwrap_or_else(|| {
            let mut caches = self.caches.write().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(caches.entry(kind).or_insert_with(|| {
                // The receiver is only gone while the program stops.
                let _ = self.asked.send(kind);
                Arc::default()
            }))
        })
    }

    /// What is known of one object; `None` while its cache is empty, or older than an own write.
    pub fn sight(&self, kind: ObjectKind, key: &Key) -> Option<Sight<Value>> {
        let cache = self.of(kind);
        match cache.objects.read() {
            Sighted::NotYet => None,
            Sighted::Absent(why) => Some(Sight::Absent(why)),
            Sighted::Refused(why) => Some(Sight::Unreadable(why)),
            Sighted::Index(index) if index.is_stale(&key.0, |name| name == key.1) => None,
            Sighted::Index(index) => Some(index.get(key).map_or(Sight::Missing, |stored| Sight::Found(stored.read()))),
        }
    }

    /// The objects that a router asks for; `None` as above.
    pub fn find(&self, query: &Query) -> Option<Vec<Seen>> {
        let Query { kind, namespace, pick } = query;
        let cache = self.of(*kind);
        let seen = |name: &str, object| {
            let versions = cache.served.get().copied().unwrap_or(kind.versions);
            let (kind, namespace) = (ObjectKind { versions, ..*kind }, namespace.clone());
            Seen { kind, namespace, name: name.to_owned(), object }
        };
        let is_picked = |stored: &Stored| match pick {
            Pick::Named(name) => stored.name == *name,
            Pick::Labelled(labels) => selector::matches(labels, &stored.labels),
            Pick::Remembered(key) => stored.remembers.contains(key),
            Pick::Plugin(_) => false,
        };
        // What stands for objects of which there are none; that nothing is remembered is as it should be.
        let none = |object| match pick {
            Pick::Labelled(labels) => vec![seen(&selector::to_line(labels), object)],
            Pick::Named(_) | Pick::Remembered(_) | Pick::Plugin(_) => Vec::new(),
        };
        if let Pick::Named(name) = pick {
            return Some(vec![seen(name, self.sight(*kind, &(namespace.clone(), name.clone()))?)]);
        }
        let found = match cache.objects.read() {
            Sighted::NotYet => return None,
            Sighted::Absent(why) => none(Sight::Absent(why)),
            Sighted::Refused(why) => none(Sight::Unreadable(why)),
            Sighted::Index(index) => {
                let all = index.of(&Owner::Orphans(namespace.clone()));
                let picked: Vec<_> = all.iter().filter(|stored| is_picked(stored)).collect();
                if index.is_stale(namespace, |name| picked.iter().any(|stored| stored.name == name)) {
                    return None;
                }
                picked.into_iter().map(|stored| seen(&stored.name, Sight::Found(stored.read()))).collect()
            }
        };
        Some(if found.is_empty() { none(Sight::Missing) } else { found })
    }

    /// Notes that a write to an object returned this version.
    pub fn await_newer(&self, kind: ObjectKind, key: Key, version: Option<u64>) {
        self.of(kind).objects.await_newer(key, version);
    }

    /// Notes that an object was created in this version.
    pub fn await_version(&self, kind: ObjectKind, key: Key, version: Option<u64>) {
        self.of(kind).objects.await_version(key, version);
    }
}

/// Keeps each kind that is asked for, until the task is stopped.
pub async fn watch(
    mut asking: mpsc::UnboundedReceiver<ObjectKind>,
    scope: Scope,
    context: Arc<Context>,
    rollouts: Store<Observed>,
    touch: Touch,
) {
    let mut watches: FuturesUnordered<BoxFuture<'static, ()>> = FuturesUnordered::new();
    loop {
        tokio::select! {
            kind = asking.recv() => {
                let Some(kind) = kind else { return };
                let (scope, context) = (scope.clone(), Arc::clone(&context));
                watches.push(Box::pin(watch_kind(kind, scope, context, rollouts.clone(), touch.clone())));
            }
            Some(()) = watches.next() => {}
        }
    }
}

async fn watch_kind(kind: ObjectKind, scope: Scope, context: Arc<Context>, rollouts: Store<Observed>, touch: Touch) {
    let cache = context.objects.of(kind);
    let moved = |object: Option<&Arc<Stored>>| {
        let names = context.names();
        let concerned = match object {
            Some(_) if TEMPLATES.contains(&kind) => names.who_names_any(Named::Object(kind)),
            Some(object) => names.who_names(Named::Object(kind), &object.key()),
            None => names.who_names_any(Named::Object(kind)),
        };
        drop(names);
        touch_each(&touch, &rollouts, concerned);
    };
    let versions = loop {
        let asked = tokio::time::timeout(PATIENCE, served_version(&scope.client, kind)).await;
        match asked.unwrap_or_else(|_| Err(State::Refused(NO_ANSWER.to_owned()))) {
            Ok(versions) => break *cache.served.get_or_init(|| versions),
            Err(state) => {
                if cache.objects.enter(state) {
                    moved(None);
                }
                tokio::time::sleep(AGAIN).await;
            }
        }
    };
    let version = versions.first().copied().unwrap_or_default();
    let mut resource = ApiResource::from_gvk(&GroupVersionKind::gvk(kind.group, version, kind.kind));
    kind.plural.clone_into(&mut resource.plural);
    let events = watch_objects(scope.dynamic(&resource), watcher::Config::default()).default_backoff();
    cache.objects.keep(events.map_ok(|event| map_event(event, |object| Stored::of(object, &resource))), moved).await;
}

/// The version to ask for: the first one that is understood and served. Where there is no choice, nobody is asked.
async fn served_version(client: &Client, kind: ObjectKind) -> Result<&'static [&'static str], State> {
    if kind.versions.len() == 1 {
        return Ok(kind.versions);
    }
    for (index, version) in kind.versions.iter().enumerate() {
        match client.list_api_group_resources(&format!("{}/{version}", kind.group)).await {
            Ok(list) if list.resources.iter().any(|resource| resource.name == kind.plural) => {
                return Ok(&kind.versions[index..=index]);
            }
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            Err(error) => return Err(State::Refused(error.to_string())),
        }
    }
    let versions = kind.versions.join(", ");
    Err(State::Absent(format!("the API server has none of its versions ({versions}); install its CRDs")))
}
