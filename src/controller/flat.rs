//! Objects whose status is no subresource: `AnalysisRun`s and Experiments. A write of it is one to the object, and raises its generation.

use std::time::Duration;

use futures::{Stream, TryStreamExt as _};
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use kube::core::{ApiResource, NamespaceResourceScope};
use kube::runtime::watcher::Event;
use kube::runtime::{WatchStreamExt as _, watcher};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use sluice_core::effect::merge::merge_patch;
use sluice_core::event::Note;

use super::caches::Scope;
use super::children::{Key, version_number};
use super::context::Context;
use super::execute::{Outcome, classify};
use super::tell::Telling;

/// How long to wait for a cache that lags behind an own write; its next event comes first, as a rule.
pub const CACHE_LAG: Duration = Duration::from_millis(100);
/// Time until a write that failed is made again.
pub const BACK_OFF: Duration = Duration::from_secs(5);

/// What became of a status.
pub enum Written {
    /// It read the same.
    Nothing,
    /// It was written, in this version of the object.
    Version(Option<u64>),
    /// It was not; the API has this version of the object, and it is time to look again after that long.
    Later(Option<u64>, Duration),
}

/// Writes a status if it reads otherwise.
pub async fn write_status<K, S>(cx: &Context, key: &Key, observed: &ObjectMeta, before: &S, after: &S) -> Written
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + DeserializeOwned + std::fmt::Debug,
    S: Serialize,
{
    let before = serde_json::to_value(before).unwrap_or_default();
    let after = serde_json::to_value(after).unwrap_or_default();
    let Some(patch) = merge_patch(&before, &after) else { return Written::Nothing };
    let version = observed.resource_version.clone().unwrap_or_default();
    let body = json!({ "metadata": { "resourceVersion": version }, "status": patch });
    let api: Api<K> = Api::namespaced(cx.writes.clone(), &key.0);
    let error = match api.patch(&key.1, &PatchParams::default(), &Patch::Merge(body)).await {
        Ok(written) => return Written::Version(version_number(written.meta().resource_version.as_deref())),
        Err(error) => error,
    };
    // Another plan made on what was observed would do the same again, or take back what others wrote.
    let stored = api.get_metadata_opt(&key.1).await.ok().flatten();
    let stored = stored.and_then(|stored| version_number(stored.metadata.resource_version.as_deref()));
    let wait = match classify(&error) {
        Outcome::Conflict(_) | Outcome::Done => CACHE_LAG,
        Outcome::Refused { error, .. } => {
            let (kind, namespace, name) = (K::kind(&()), &key.0, &key.1);
            tracing::warn!(%kind, namespace, name, error, "cannot write a status");
            BACK_OFF
        }
    };
    Written::Later(stored, wait)
}

/// Tells of an object.
pub fn tell(cx: &Context, kind: &str, metadata: &ObjectMeta, notes: impl IntoIterator<Item = Note>) {
    let about = ObjectReference {
        api_version: Some(sluice_core::api::API_VERSION.into()),
        kind: Some(kind.into()),
        namespace: metadata.namespace.clone(),
        name: metadata.name.clone(),
        uid: metadata.uid.clone(),
        resource_version: metadata.resource_version.clone(),
        field_path: None,
    };
    let occasion = metadata.resource_version.clone().unwrap_or_default();
    for note in notes {
        // The queue is only gone while the program stops.
        let _ = cx.telling.send(Telling { about: about.clone(), note, occasion: occasion.clone() });
    }
}

/// `--instance-id` divides these objects as it does Rollouts.
pub fn is_mine(instance_id: &str, metadata: &ObjectMeta) -> bool {
    let label = metadata.labels.as_ref().and_then(|labels| labels.get(sluice_core::api::labels::INSTANCE_ID));
    label.map_or("", String::as_str) == instance_id
}

/// The object of a kind that controls another, by namespace and name.
pub fn controller_of(metadata: &ObjectMeta, kind: &str) -> Option<Key> {
    let mut owners = metadata.owner_references.iter().flatten();
    let owner = owners.find(|owner| owner.controller == Some(true) && owner.kind == kind)?;
    Some((metadata.namespace.clone()?, owner.name.clone()))
}

/// What happens to the objects of a kind. One that cannot be read is as good as not there.
pub fn events<K>(scope: &Scope) -> impl Stream<Item = Result<Event<K>, watcher::Error>>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + std::fmt::Debug,
{
    let objects: Api<DynamicObject> = scope.dynamic(&ApiResource::erase::<K>(&()));
    let events = watcher(objects, watcher::Config::default()).default_backoff();
    events.try_filter_map(|event| std::future::ready(Ok(decode(event))))
}

fn decode<K>(event: Event<DynamicObject>) -> Option<Event<K>>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + std::fmt::Debug,
{
    let read = |object: DynamicObject| {
        let (namespace, name) = (object.metadata.namespace.clone(), object.metadata.name.clone());
        let mut read = match object.try_parse::<K>() {
            Ok(read) => read,
            Err(error) => {
                tracing::warn!(kind = %K::kind(&()), namespace, name, %error, "an object cannot be read");
                return None;
            }
        };
        // Nobody plans on field ownership, and it is the larger half of many objects.
        read.meta_mut().managed_fields = None;
        Some(read)
    };
    Some(match event {
        Event::Apply(object) => Event::Apply(read(object)?),
        Event::Delete(object) => Event::Delete(read(object)?),
        Event::InitApply(object) => Event::InitApply(read(object)?),
        Event::Init => Event::Init,
        Event::InitDone => Event::InitDone,
    })
}
