//! The cluster that Applications are synced to: its kinds, what is there, and what an apply would make of it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams, Preconditions, PropagationPolicy};
use kube::core::{ApiResource, GroupVersionKind};
use kube::discovery::{Scope, pinned_kind};
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::watcher::Event;
use kube::runtime::{WatchStreamExt as _, reflector, watcher};
use kube::{Client, ResourceExt as _};
use serde_json::{Value, json};
use sluice_core::api::NamespaceMetadata;
use sluice_core::gitops::key::Key;
use sluice_core::gitops::manifest::{Manifest, brought_by};
use sluice_core::gitops::tracking::TRACKING_ID;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;

use super::migrate;
use crate::controller::children::version_number;

/// The manager of what is applied: Argo CD's, so that fields that it has set go when Git does not have them any more.
pub const MANAGER: &str = "argocd-controller";
/// Requests under way at the same time, of all Applications.
const REQUESTS: usize = 20;
/// How long a kind that the cluster does not have is not asked for again.
const UNKNOWN_FOR: Duration = Duration::from_secs(5);
/// How long a cache is waited for that has to show an own write.
const LAG: Duration = Duration::from_secs(5);

/// The cluster.
pub struct Cluster {
    /// For watches, which try again by themselves.
    watches: Client,
    /// For everything else, which does not.
    client: Client,
    namespace: Option<String>,
    requests: Semaphore,
    kinds: Mutex<HashMap<(String, String), Known>>,
    touched: mpsc::UnboundedSender<String>,
}

#[derive(Clone)]
enum Known {
    /// It is watched.
    Kind(Arc<Kind>),
    /// It was not there then.
    Not(Instant),
}

/// A kind, and the objects of it.
pub struct Kind {
    resource: ApiResource,
    /// Whether its objects are in namespaces.
    pub is_namespaced: bool,
    objects: Store<DynamicObject>,
    _watching: Watching,
}

/// Tells whose objects have changed, once the cache has them.
struct Concerned {
    touched: mpsc::UnboundedSender<String>,
    objects: Store<DynamicObject>,
    waiting: Vec<String>,
}

impl Concerned {
    fn hear(&mut self, event: &Event<DynamicObject>) {
        let owner = |object: &DynamicObject| object.annotations().get(TRACKING_ID).cloned();
        let now: Vec<String> = match event {
            Event::Apply(object) | Event::Delete(object) => owner(object).into_iter().collect(),
            // Some may have gone unseen.
            Event::Init => {
                self.waiting = self.objects.state().iter().filter_map(|object| owner(object)).collect();
                return;
            }
            Event::InitApply(object) => return self.waiting.extend(owner(object)),
            Event::InitDone => std::mem::take(&mut self.waiting),
        };
        for owner in now {
            // Nobody listens any more at the end.
            let _ = self.touched.send(owner);
        }
    }
}

/// Ends a watch with its kind.
struct Watching(tokio::task::JoinHandle<()>);

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What an apply would make of an object.
pub enum Predicted {
    /// This.
    Object(Value),
    /// Nothing, as there is no such namespace or kind yet.
    NoPlace(String),
    /// Nothing: the API server does not take it.
    Refused(String),
}

impl Cluster {
    /// Whose objects change is told by the text of their tracking annotation.
    pub fn new(
        watches: Client,
        client: Client,
        namespace: Option<String>,
        touched: mpsc::UnboundedSender<String>,
    ) -> Cluster {
        Cluster { watches, client, namespace, requests: Semaphore::new(REQUESTS), kinds: Mutex::default(), touched }
    }

    /// A kind, in the version that a manifest is written in or any other; none where the cluster does not have it.
    pub async fn kind(&self, group: &str, version: &str, kind: &str) -> Result<Option<Arc<Kind>>, String> {
        let key = (group.to_owned(), kind.to_owned());
        let known = self.kinds.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        match known {
            Some(Known::Kind(kind)) => return Ok(Some(kind)),
            Some(Known::Not(at)) if at.elapsed() < UNKNOWN_FOR => return Ok(None),
            _ => {}
        }
        let gvk = GroupVersionKind::gvk(group, version, kind);
        let found = match pinned_kind(&self.client, &gvk).await {
            Ok((resource, capabilities)) => Some((resource, capabilities.scope == Scope::Namespaced)),
            Err(kube::Error::Api(status)) if status.code == 404 => None,
            Err(kube::Error::Discovery(_)) => None,
            Err(error) => return Err(format!("cannot ask for the kind {kind} of {group}/{version}: {error}")),
        };
        let known = found.map_or_else(
            || Known::Not(Instant::now()),
            |(resource, is_namespaced)| Known::Kind(Arc::new(self.watch(resource, is_namespaced))),
        );
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        // Somebody else may have been faster.
        if let Some(Known::Kind(kind)) = kinds.get(&key) {
            return Ok(Some(Arc::clone(kind)));
        }
        kinds.insert(key, known.clone());
        Ok(match known {
            Known::Kind(kind) => Some(kind),
            Known::Not(_) => None,
        })
    }

    fn watch(&self, resource: ApiResource, is_namespaced: bool) -> Kind {
        let api: Api<DynamicObject> = match &self.namespace {
            Some(namespace) if is_namespaced => Api::namespaced_with(self.watches.clone(), namespace, &resource),
            _ => Api::all_with(self.watches.clone(), &resource),
        };
        let writer = reflector::store::Writer::<DynamicObject>::new(resource.clone());
        let objects = writer.as_reader();
        let events = watcher(api, watcher::Config::default()).default_backoff().modify(slim).reflect(writer);
        let kind = resource.kind.clone();
        let mut concerned = Concerned { touched: self.touched.clone(), objects: objects.clone(), waiting: Vec::new() };
        let watching = tokio::spawn(events.for_each(move |event| {
            match event {
                Ok(event) => concerned.hear(&event),
                Err(error) => tracing::warn!(kind, %error, "cannot watch objects of Applications"),
            }
            async {}
        }));
        Kind { resource, is_namespaced, objects, _watching: Watching(watching) }
    }

    /// An object, from the cache where it is tracked and of the version that is watched, or else as the API server has it.
    pub async fn object(&self, kind: &Kind, key: &Key, version: &str) -> Result<Option<Value>, String> {
        kind.filled().await?;
        let Some(cached) = kind.cached(key) else { return Ok(None) };
        if cached.annotations().contains_key(TRACKING_ID) && kind.resource.version == version {
            return Ok(kind.whole(&cached));
        }
        let _request = self.requests.acquire().await;
        let found = self.api(kind, key, version).get_opt(&key.name).await;
        let found = found.map_err(|error| format!("cannot read {key}: {error}"))?;
        Ok(found.and_then(|object| serde_json::to_value(object).ok()))
    }

    /// Asks what an apply would make of an object.
    pub async fn predict(&self, kind: &Kind, manifest: &Manifest) -> Predicted {
        let _request = self.requests.acquire().await;
        let params = PatchParams { dry_run: true, ..PatchParams::apply(MANAGER).force() };
        let api = self.api(kind, &manifest.key, &manifest.version);
        match api.patch(&manifest.key.name, &params, &Patch::Apply(&manifest.value)).await {
            Ok(object) => Predicted::Object(serde_json::to_value(object).unwrap_or_default()),
            Err(kube::Error::Api(status)) if status.code == 404 => Predicted::NoPlace(status.message.clone()),
            Err(error) => Predicted::Refused(masked(manifest, said(&error))),
        }
    }

    /// Applies a manifest, and waits until the cache shows it.
    pub async fn apply(&self, manifest: &Manifest) -> Result<String, String> {
        let key = &manifest.key;
        let Some(kind) = self.kind(&key.group, &manifest.version, &key.kind).await? else {
            return Err(format!("the cluster has no kind {} of {}/{}", key.kind, key.group, manifest.version));
        };
        let request = self.requests.acquire().await;
        let params = PatchParams::apply(MANAGER).force();
        let api = self.api(&kind, key, &manifest.version);
        let before = kind.cached(key);
        let refused = |error: kube::Error| masked(manifest, said(&error));
        self.take_over(&api, before.as_deref()).await.map_err(refused)?;
        let object = api.patch(&key.name, &params, &Patch::Apply(&manifest.value)).await.map_err(refused)?;
        drop(request);
        kind.shows(key, &object).await;
        self.await_kind(&manifest.value).await;
        let name = format!("{}/{}", plural(&kind.resource), key.name);
        let same = before.as_ref().is_some_and(|before| before.resource_version() == object.resource_version());
        Ok(match (before.is_some(), same) {
            (false, _) => format!("{name} created"),
            (true, true) => format!("{name} unchanged"),
            (true, false) => format!("{name} configured"),
        })
    }

    /// Takes fields over that were applied by the client.
    async fn take_over(&self, api: &Api<DynamicObject>, cached: Option<&DynamicObject>) -> Result<(), kube::Error> {
        let Some(cached) = cached.filter(|cached| cached.metadata.managed_fields.is_some()) else { return Ok(()) };
        let name = cached.name_any();
        let Some(live) = api.get_opt(&name).await? else { return Ok(()) };
        let version = live.resource_version();
        let Some(managers) = migrate::managers(&serde_json::to_value(live).unwrap_or_default()) else { return Ok(()) };
        let change = json!({ "metadata": { "managedFields": managers, "resourceVersion": version } });
        api.patch(&name, &PatchParams::default(), &Patch::Merge(change)).await.map(|_| ())
    }

    /// Why an object is none of the controller's business.
    pub fn is_beyond(&self, key: &Key) -> Option<String> {
        let own = self.namespace.as_ref().filter(|own| !key.namespace.is_empty() && **own != key.namespace)?;
        Some(format!("the controller acts in namespace {own} alone (--namespaced)"))
    }

    fn forget_absence(&self, group: &str, kind: &str) {
        let key = (group.to_owned(), kind.to_owned());
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(kinds.get(&key), Some(Known::Not(_))) {
            kinds.remove(&key);
        }
    }

    /// Waits until a kind is served that a definition brings.
    async fn await_kind(&self, definition: &Value) {
        let Some((group, kind)) = brought_by(definition) else { return };
        let version = definition["spec"]["versions"][0]["name"].as_str().unwrap_or_default();
        let end = Instant::now() + LAG;
        while Instant::now() < end {
            // That it was not there a moment ago says nothing now.
            self.forget_absence(&group, &kind);
            if let Ok(Some(_)) = self.kind(&group, version, &kind).await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Deletes an object, if it is still as it was seen, by uid and version; `None` where it is not.
    pub async fn delete(
        &self,
        key: &Key,
        version: &str,
        seen: (&str, &str),
        propagation: &str,
    ) -> Result<Option<String>, String> {
        let pruned = || Ok(Some("pruned".to_owned()));
        let Some(kind) = self.kind(&key.group, version, &key.kind).await? else { return pruned() };
        let _request = self.requests.acquire().await;
        let propagation = match propagation {
            "Background" => PropagationPolicy::Background,
            "Orphan" => PropagationPolicy::Orphan,
            _ => PropagationPolicy::Foreground,
        };
        let (uid, resource_version) = (Some(seen.0.to_owned()), Some(seen.1.to_owned()));
        let preconditions = Some(Preconditions { uid, resource_version });
        let params = DeleteParams { preconditions, propagation_policy: Some(propagation), ..DeleteParams::default() };
        match self.api(&kind, key, version).delete(&key.name, &params).await {
            Ok(_) => pruned(),
            Err(kube::Error::Api(status)) if status.code == 404 => pruned(),
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(None),
            Err(error) => Err(said(&error)),
        }
    }

    /// Makes sure that a namespace is there.
    pub async fn namespace(&self, name: &str, metadata: &NamespaceMetadata) -> Result<String, String> {
        let _request = self.requests.acquire().await;
        let api: Api<Namespace> = Api::all(self.client.clone());
        let NamespaceMetadata { labels, annotations } = metadata;
        if labels.is_empty()
            && annotations.is_empty()
            && api.get_metadata_opt(name).await.map_err(|it| said(&it))?.is_some()
        {
            return Ok(format!("namespace/{name} unchanged"));
        }
        let manifest = json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name, "labels": labels, "annotations": annotations },
        });
        let applied = api.patch(name, &PatchParams::apply(MANAGER).force(), &Patch::Apply(manifest)).await;
        applied.map(|_| format!("namespace/{name} created")).map_err(|error| said(&error))
    }

    /// Everything of some kinds whose tracking annotation begins like this.
    pub async fn tracked(
        &self,
        kinds: &BTreeMap<(String, String), String>,
        owner: &str,
    ) -> Result<Vec<(String, Value)>, String> {
        let mut found = Vec::new();
        for ((group, kind), version) in kinds {
            let Some(kind) = self.kind(group, version, kind).await? else { continue };
            kind.filled().await?;
            let tracked = kind
                .objects
                .state()
                .into_iter()
                .filter(|object| object.annotations().get(TRACKING_ID).is_some_and(|id| id.starts_with(owner)));
            found.extend(tracked.filter_map(|object| Some((kind.resource.version.clone(), kind.whole(&object)?))));
        }
        Ok(found)
    }

    fn api(&self, kind: &Kind, key: &Key, version: &str) -> Api<DynamicObject> {
        let gvk = GroupVersionKind::gvk(&kind.resource.group, version, &kind.resource.kind);
        let resource = ApiResource::from_gvk_with_plural(&gvk, &kind.resource.plural);
        if kind.is_namespaced {
            Api::namespaced_with(self.client.clone(), &key.namespace, &resource)
        } else {
            Api::all_with(self.client.clone(), &resource)
        }
    }
}

impl Kind {
    /// Waits until the cache has been filled.
    async fn filled(&self) -> Result<(), String> {
        let wait = tokio::time::timeout(Duration::from_secs(30), self.objects.wait_until_ready()).await;
        match wait {
            Ok(Ok(())) => Ok(()),
            _ => Err(format!(
                "the objects of kind {} cannot be listed; may the controller list and watch {}?",
                self.resource.kind,
                plural(&self.resource)
            )),
        }
    }

    /// An object with its kind, which the items of a list do not name.
    fn whole(&self, object: &DynamicObject) -> Option<Value> {
        let mut value = serde_json::to_value(object).ok()?;
        value["apiVersion"] = self.resource.api_version.clone().into();
        value["kind"] = self.resource.kind.clone().into();
        Some(value)
    }

    fn cached(&self, key: &Key) -> Option<Arc<DynamicObject>> {
        let mut at = ObjectRef::new_with(&key.name, self.resource.clone());
        if self.is_namespaced {
            at = at.within(&key.namespace);
        }
        self.objects.get(&at)
    }

    /// Waits until the cache shows what was written, or something newer.
    async fn shows(&self, key: &Key, written: &DynamicObject) {
        let version = |object: &DynamicObject| version_number(object.metadata.resource_version.as_deref());
        let wanted = version(written);
        let end = Instant::now() + LAG;
        while Instant::now() < end {
            if self.cached(key).is_some_and(|cached| version(&cached) >= wanted) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn plural(resource: &ApiResource) -> String {
    if resource.group.is_empty() { resource.plural.clone() } else { format!("{}.{}", resource.plural, resource.group) }
}

/// Of objects that are nobody's, their metadata is enough.
fn slim(object: &mut DynamicObject) {
    // Who owns fields is of interest only where somebody has applied by the client.
    object.metadata.managed_fields.take_if(|entries| {
        let of_client = |entry: &ManagedFieldsEntry| {
            let [manager, operation, part] =
                [&entry.manager, &entry.operation, &entry.subresource].map(Option::as_deref);
            migrate::is_of_client(manager, operation, part)
        };
        !entries.iter().any(of_client)
    });
    if !object.annotations().contains_key(TRACKING_ID) {
        object.data = Value::Null;
        object.metadata.annotations = None;
    }
}

/// A message without what a Secret holds: the API server repeats values that it cannot read.
fn masked(manifest: &Manifest, message: String) -> String {
    if manifest.key.group_kind() != ("", "Secret") {
        return message;
    }
    let parts = ["data", "stringData"].into_iter().filter_map(|field| manifest.value[field].as_object());
    let mut values: Vec<String> = parts
        .flat_map(serde_json::Map::values)
        .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        .filter(|value| !value.is_empty())
        .collect();
    values.sort_by_key(|value| std::cmp::Reverse(value.len()));
    values.iter().fold(message, |message, value| message.replace(value.as_str(), "***"))
}

fn said(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status.message.clone(),
        error => error.to_string(),
    }
}
