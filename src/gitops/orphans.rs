//! What there is in namespaces whose projects ask for orphans: lists of metadata alone, shared by all Applications of a namespace, and
//! made anew once a poll. Nothing is watched for it.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::{StreamExt as _, stream};
use kube::Client;
use kube::api::{Api, DynamicObject, ListParams};
use kube::core::{ApiResource, GroupVersionKind};
use sluice_core::gitops::key::split_version;
use sluice_core::gitops::orphans::{Candidate, is_kind};
use tokio::time::Instant;

use super::cluster::{Cluster, plural};

/// How long the kinds of the cluster are not asked for again.
const KINDS_FOR: Duration = Duration::from_mins(10);
/// The same, where they could not be asked for.
const FAILED_FOR: Duration = Duration::from_secs(30);
/// How long what is in a namespace is remembered that nobody asks for.
const UNUSED: Duration = Duration::from_hours(1);
/// Objects of a page.
const PAGE: u32 = 500;
/// The most pages of a kind in a namespace; what is beyond is not looked at.
const PAGES: usize = 20;
/// Lists that are under way at the same time.
const AT_ONCE: usize = 4;

/// What there is in namespaces.
pub struct Orphans {
    client: Client,
    /// How long a look serves all.
    fresh: Duration,
    kinds: tokio::sync::Mutex<Option<Kinds>>,
    namespaces: Mutex<HashMap<String, (Instant, Arc<Place>)>>,
    /// What has been told of once.
    told: Mutex<HashSet<String>>,
}

type Place = tokio::sync::Mutex<Option<Looked>>;

/// When the kinds were asked for, and what they are, or why that is not known.
type Kinds = (Instant, Result<Vec<ApiResource>, String>);

/// A look at a namespace.
struct Looked {
    at: Instant,
    by_kind: HashMap<String, Vec<Candidate>>,
    all: Arc<Vec<Candidate>>,
}

impl Orphans {
    /// Looks at a namespace no more often than once a poll.
    pub fn new(client: Client, poll: Duration) -> Orphans {
        Orphans {
            client,
            // A little less, or the look of the next poll would come a moment too early for a new one.
            fresh: poll * 9 / 10,
            kinds: tokio::sync::Mutex::default(),
            namespaces: Mutex::default(),
            told: Mutex::default(),
        }
    }

    /// What there is in a namespace that may be an orphan.
    ///
    /// # Errors
    /// That the kinds of the cluster are not known.
    pub async fn of(&self, cluster: &Cluster, namespace: &str) -> Result<Arc<Vec<Candidate>>, String> {
        let place = self.place(namespace);
        let mut looked = place.lock().await;
        if let Some(looked) = looked.as_ref().filter(|looked| looked.at.elapsed() < self.fresh) {
            return Ok(Arc::clone(&looked.all));
        }
        let kinds = match self.kinds().await {
            Ok(kinds) => kinds,
            // What was seen before is better than nothing, which would take back what was told.
            Err(why) => return looked.as_ref().map(|looked| Arc::clone(&looked.all)).ok_or(why),
        };
        let mut before = looked.take().map(|looked| looked.by_kind).unwrap_or_default();
        let at = Instant::now();
        let lists = stream::iter(kinds).map(|kind| async move {
            let _request = cluster.requests.acquire().await;
            let found = self.list(&kind, namespace).await;
            (plural(&kind), found)
        });
        let lists: Vec<_> = lists.buffer_unordered(AT_ONCE).collect().await;
        let mut by_kind = HashMap::new();
        for (kind, found) in lists {
            // What cannot be listed now is as it was.
            if let Some(found) = found.or_else(|| before.remove(&kind)) {
                by_kind.insert(kind, found);
            }
        }
        let all: Arc<Vec<Candidate>> = Arc::new(by_kind.values().flatten().cloned().collect());
        *looked = Some(Looked { at, by_kind, all: Arc::clone(&all) });
        Ok(all)
    }

    fn place(&self, namespace: &str) -> Arc<Place> {
        let mut namespaces = self.namespaces.lock().unwrap_or_else(PoisonError::into_inner);
        namespaces.retain(|_, (used, _)| used.elapsed() < UNUSED);
        let (used, place) = namespaces.entry(namespace.to_owned()).or_insert_with(|| (Instant::now(), Arc::default()));
        *used = Instant::now();
        Arc::clone(place)
    }

    /// The objects of a kind; nothing where that is not known at the moment.
    async fn list(&self, kind: &ApiResource, namespace: &str) -> Option<Vec<Candidate>> {
        let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), namespace, kind);
        let (mut found, mut params) = (Vec::new(), ListParams::default().limit(PAGE));
        for _ in 0..PAGES {
            let page = match api.list_metadata(&params).await {
                Ok(page) => page,
                // It is left out: who may not see objects is not told of them.
                Err(kube::Error::Api(status)) if matches!(status.code, 403..=405) => {
                    self.tell(&plural(kind), namespace, &status.message);
                    return Some(Vec::new());
                }
                Err(error) => {
                    tracing::warn!(kind = plural(kind), namespace, %error, "cannot look for orphaned resources");
                    return None;
                }
            };
            found.extend(page.items.iter().filter_map(|it| Candidate::of(&kind.group, &kind.kind, &it.metadata)));
            match page.metadata.continue_.filter(|next| !next.is_empty()) {
                Some(next) => params = params.continue_token(&next),
                None => return Some(found),
            }
        }
        self.tell(&plural(kind), namespace, &format!("there are more than {}", PAGES * PAGE as usize));
        Some(found)
    }

    fn tell(&self, kind: &str, namespace: &str, why: &str) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.insert(kind.to_owned()) {
            tracing::warn!(
                kind,
                namespace,
                why,
                "orphaned resources of this kind are left out; may the controller list them?"
            );
        }
    }

    /// The kinds of objects in namespaces that can be listed and deleted: what cannot be deleted was not made by anybody.
    async fn kinds(&self) -> Result<Vec<ApiResource>, String> {
        let mut known = self.kinds.lock().await;
        let lasts = |kinds: &Result<_, String>| if kinds.is_ok() { KINDS_FOR } else { FAILED_FOR };
        if let Some((_, kinds)) = known.as_ref().filter(|(at, kinds)| at.elapsed() < lasts(kinds)) {
            return kinds.clone();
        }
        let before = known.take().and_then(|(_, kinds)| kinds.ok());
        let found = match self.kinds_now(before.as_deref().unwrap_or_default()).await {
            Ok(kinds) => Ok(kinds),
            Err(error) => {
                tracing::warn!(%error, "cannot ask for the kinds of the cluster");
                before.ok_or_else(|| format!("cannot ask for the kinds of the cluster: {error}"))
            }
        };
        *known = Some((Instant::now(), found.clone()));
        found
    }

    async fn kinds_now(&self, before: &[ApiResource]) -> Result<Vec<ApiResource>, kube::Error> {
        let (mut lists, mut kinds) = (vec![self.client.list_core_api_resources("v1").await?], Vec::new());
        for group in self.client.list_api_groups().await?.groups {
            let Some(version) = group.preferred_version.as_ref().or(group.versions.first()) else { continue };
            match self.client.list_api_group_resources(&version.group_version).await {
                Ok(list) => lists.push(list),
                // Its server is away; its kinds are what they were.
                Err(kube::Error::Api(status)) if matches!(status.code, 404 | 503) => {
                    kinds.extend(before.iter().filter(|kind| kind.group == group.name).cloned());
                }
                Err(error) => return Err(error),
            }
        }
        for list in lists {
            let (group, version) = split_version(&list.group_version);
            for resource in list.resources {
                let can = |verb: &str| resource.verbs.iter().any(|known| known == verb);
                let is_part = resource.name.contains('/');
                if resource.namespaced && !is_part && can("list") && can("delete") && is_kind(group, &resource.kind) {
                    let gvk = GroupVersionKind::gvk(group, version, &resource.kind);
                    kinds.push(ApiResource::from_gvk_with_plural(&gvk, &resource.name));
                }
            }
        }
        Ok(kinds)
    }
}
