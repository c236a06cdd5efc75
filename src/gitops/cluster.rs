//! The cluster that Applications are synced to: its kinds, what is there, and what an apply would make of it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use kube::api::{Api, DynamicObject};
use kube::core::{ApiResource, GroupVersionKind};
use kube::discovery::{Scope, pinned_kind};
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::{WatchStreamExt as _, reflector, watcher};
use kube::{Client, ResourceExt as _};
use serde_json::Value;
use sluice_core::gitops::chart::Cluster as Facts;
use sluice_core::gitops::key::Key;
use sluice_core::gitops::manifest::brought_by;
use sluice_core::gitops::tracking::TRACKING_ID;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;

use super::Touched;
use super::once::{Listing, Places};
use super::watched::{Concerned, Watching, is_filled, slim};
use super::writers::Writers;
use crate::controller::children::version_number;

/// The manager of what is applied: Argo CD's, so that fields that it has set go when Git does not have them any more.
pub const MANAGER: &str = "argocd-controller";
/// The kind whose controller writes into objects of others.
const ROLLOUTS: (&str, &str, &str) = ("argoproj.io", "v1alpha1", "Rollout");
/// Requests under way at the same time, of all Applications.
const REQUESTS: usize = 20;
/// How long what the cluster says of itself is not asked for again.
const FACTS_FOR: Duration = Duration::from_mins(10);
/// How long a kind that the cluster does not have is not asked for again.
const UNKNOWN_FOR: Duration = Duration::from_secs(5);
/// How long a cache is waited for that has to show an own write.
const LAG: Duration = Duration::from_secs(5);

/// The cluster.
pub struct Cluster {
    /// For watches, which try again by themselves.
    watches: Client,
    /// For everything else, which does not.
    pub(super) client: Client,
    namespace: Option<String>,
    pub(super) requests: Semaphore,
    kinds: Mutex<HashMap<(String, String), Known>>,
    writers: Mutex<Arc<Writers>>,
    facts: tokio::sync::Mutex<Option<(Instant, Facts)>>,
    touched: mpsc::UnboundedSender<Touched>,
    /// Where objects are listed once instead of being watched.
    places: Option<Arc<Places>>,
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
    /// What it is called.
    pub(super) resource: ApiResource,
    /// Whether its objects are in namespaces.
    pub is_namespaced: bool,
    objects: Store<DynamicObject>,
    from: From,
}

/// Where a kind's objects come from.
enum From {
    /// They are watched for as long as the kind is known.
    Watch { _watching: Watching },
    /// They are listed when somebody asks for all of them.
    List(Box<Listing>),
}

impl Cluster {
    /// Whose objects change is told by the text of their tracking annotation.
    pub fn new(
        watches: Client,
        client: Client,
        namespace: Option<String>,
        touched: mpsc::UnboundedSender<Touched>,
    ) -> Cluster {
        Cluster {
            watches,
            client,
            namespace,
            requests: Semaphore::new(REQUESTS),
            kinds: Mutex::default(),
            writers: Mutex::default(),
            facts: tokio::sync::Mutex::default(),
            touched,
            places: None,
        }
    }

    /// One that watches nothing: objects are read one by one, and listed where all of a kind are asked for.
    pub fn once(client: Client, places: Arc<Places>) -> Cluster {
        let (touched, _) = mpsc::unbounded_channel();
        Cluster { places: Some(places), ..Cluster::new(client.clone(), client, None, touched) }
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
            |(resource, is_namespaced)| {
                Known::Kind(Arc::new(match &self.places {
                    Some(places) => self.list(resource, is_namespaced, places),
                    None => self.watch(resource, is_namespaced),
                }))
            },
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
        let events = watcher(api, watcher::Config::default()).default_backoff();
        let is_whole = (resource.group.as_str(), resource.kind.as_str()) == (ROLLOUTS.0, ROLLOUTS.2);
        let events = events.modify(move |object| slim(object, is_whole)).reflect(writer);
        let kind = resource.kind.clone();
        let mut concerned = Concerned::new(self.touched.clone(), objects.clone());
        let watching = tokio::spawn(events.for_each(move |event| {
            match event {
                Ok(event) => concerned.hear(&event),
                Err(error) => tracing::warn!(kind, %error, "cannot watch objects of Applications"),
            }
            async {}
        }));
        Kind { resource, is_namespaced, objects, from: From::Watch { _watching: Watching(watching) } }
    }

    fn list(&self, resource: ApiResource, is_namespaced: bool, places: &Arc<Places>) -> Kind {
        let writer = reflector::store::Writer::<DynamicObject>::new(resource.clone());
        let objects = writer.as_reader();
        let from = From::List(Box::new(Listing::new(self.client.clone(), Arc::clone(places), writer)));
        Kind { resource, is_namespaced, objects, from }
    }

    /// An object, from the cache where it is tracked and of the version that is watched, or else as the API server has it.
    pub async fn object(&self, kind: &Kind, key: &Key, version: &str) -> Result<Option<Value>, String> {
        if let From::List(_) = kind.from {
            return self.read(kind, key, version).await;
        }
        kind.filled().await?;
        let Some(cached) = kind.cached(key) else { return Ok(None) };
        if cached.annotations().contains_key(TRACKING_ID) && kind.resource.version == version {
            return Ok(kind.whole(&cached));
        }
        self.read(kind, key, version).await
    }

    /// An object, as the API server has it.
    pub async fn read(&self, kind: &Kind, key: &Key, version: &str) -> Result<Option<Value>, String> {
        let _request = self.requests.acquire().await;
        let found = self.api(kind, key, version).get_opt(&key.name).await;
        let found = found.map_err(|error| format!("cannot read {key}: {error}"))?;
        Ok(found.and_then(|object| serde_json::to_value(object).ok()))
    }

    /// Why an object is none of the controller's business.
    pub fn is_beyond(&self, key: &Key) -> Option<String> {
        let own = self.namespace.as_ref().filter(|own| !key.namespace.is_empty() && **own != key.namespace)?;
        Some(format!("the controller acts in namespace {own} alone (--namespaced)"))
    }

    /// The cluster, as charts are told of it. It is asked again after some minutes.
    pub async fn facts(&self) -> Result<Facts, String> {
        let mut known = self.facts.lock().await;
        if let Some((_, facts)) = known.as_ref().filter(|(at, _)| at.elapsed() < FACTS_FOR) {
            return Ok(facts.clone());
        }
        let before = known.as_ref().map(|(_, facts)| facts.apis.clone()).unwrap_or_default();
        let asked = facts(&self.client, &before).await;
        let facts = asked.map_err(|why| format!("cannot ask for the APIs of the cluster: {why}"))?;
        *known = Some((Instant::now(), facts.clone()));
        Ok(facts)
    }

    /// The Rollouts that may write into objects.
    pub async fn writers(&self) -> Result<Arc<Writers>, String> {
        let Some(kind) = self.kind(ROLLOUTS.0, ROLLOUTS.1, ROLLOUTS.2).await? else { return Ok(Arc::default()) };
        kind.filled().await?;
        let mut writers = self.writers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(anew) = writers.anew(&kind.objects.state(), |rollout| kind.whole(rollout)) {
            *writers = Arc::new(anew);
        }
        Ok(Arc::clone(&writers))
    }

    fn forget_absence(&self, group: &str, kind: &str) {
        let key = (group.to_owned(), kind.to_owned());
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(kinds.get(&key), Some(Known::Not(_))) {
            kinds.remove(&key);
        }
    }

    /// Waits until a kind is served that a definition brings.
    pub(super) async fn await_kind(&self, definition: &Value) {
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
            found.extend(kind.tracked(owner));
        }
        Ok(found)
    }

    /// Everything of the kinds that are watched whose tracking annotation begins like this.
    pub fn watched(&self, owner: &str) -> Vec<(String, Value)> {
        let kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kinds.values().filter_map(|known| if let Known::Kind(kind) = known { Some(kind) } else { None });
        known.flat_map(|kind| kind.tracked(owner)).collect()
    }

    pub(super) fn api(&self, kind: &Kind, key: &Key, version: &str) -> Api<DynamicObject> {
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
        if let From::List(listing) = &self.from {
            return listing.fill(&self.resource, self.is_namespaced).await;
        }
        if is_filled(&self.objects).await {
            return Ok(());
        }
        let (kind, plural) = (&self.resource.kind, plural(&self.resource));
        Err(format!("the objects of kind {kind} cannot be listed; may the controller list and watch {plural}?"))
    }

    /// Everything whose tracking annotation begins like this, with the version of the kind.
    fn tracked(&self, owner: &str) -> Vec<(String, Value)> {
        let is_of = |id: &String| id.starts_with(owner);
        let objects = self.objects.state().into_iter();
        let tracked = objects.filter(|object| object.annotations().get(TRACKING_ID).is_some_and(is_of));
        tracked.filter_map(|object| Some((self.resource.version.clone(), self.whole(&object)?))).collect()
    }

    /// An object with its kind, which the items of a list do not name.
    fn whole(&self, object: &DynamicObject) -> Option<Value> {
        let mut value = serde_json::to_value(object).ok()?;
        value["apiVersion"] = self.resource.api_version.clone().into();
        value["kind"] = self.resource.kind.clone().into();
        Some(value)
    }

    pub(super) fn cached(&self, key: &Key) -> Option<Arc<DynamicObject>> {
        let mut at = ObjectRef::new_with(&key.name, self.resource.clone());
        if self.is_namespaced {
            at = at.within(&key.namespace);
        }
        self.objects.get(&at)
    }

    /// Waits until the cache shows what was written, or something newer.
    pub(super) async fn shows(&self, key: &Key, written: &DynamicObject) {
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

pub(super) fn plural(resource: &ApiResource) -> String {
    if resource.group.is_empty() { resource.plural.clone() } else { format!("{}.{}", resource.plural, resource.group) }
}

/// What a cluster says of itself. Of an API whose server is away, what it said before is as good as known: a chart that renders less for
/// want of an answer would have the rest pruned.
async fn facts(client: &Client, before: &[String]) -> Result<Facts, kube::Error> {
    let version = client.apiserver_version().await?.git_version;
    let (mut lists, mut apis) = (Vec::new(), Vec::new());
    for version in client.list_core_api_versions().await?.versions {
        lists.push(client.list_core_api_resources(&version).await?);
    }
    for group in client.list_api_groups().await?.groups {
        for version in group.versions {
            match client.list_api_group_resources(&version.group_version).await {
                Ok(list) => lists.push(list),
                Err(kube::Error::Api(status)) if matches!(status.code, 404 | 503) => {
                    let begin = format!("{}/", version.group_version);
                    apis.extend(before.iter().filter(|api| api.starts_with(&begin)).cloned());
                    apis.push(version.group_version);
                }
                Err(error) => return Err(error),
            }
        }
    }
    for list in lists {
        let kinds = list.resources.iter().filter(|resource| !resource.name.contains('/'));
        apis.extend(kinds.map(|resource| format!("{}/{}", list.group_version, resource.kind)));
        apis.push(list.group_version);
    }
    apis.sort();
    apis.dedup();
    Ok(Facts { version, apis })
}

pub(super) fn said(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status.message.clone(),
        error => error.to_string(),
    }
}
