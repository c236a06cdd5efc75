//! Writes to the cluster: applying, replacing and deleting objects; and what an apply would make of one.

use std::time::Duration;

use k8s_openapi::api::core::v1::Namespace;
use kube::ResourceExt as _;
use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams, PostParams, Preconditions, PropagationPolicy};
use serde_json::{Value, json};
use sluice_core::api::NamespaceMetadata;
use sluice_core::gitops::key::Key;
use sluice_core::gitops::manifest::Manifest;
use sluice_core::gitops::snapshot::How;
use sluice_core::gitops::tracking::TRACKING_ID;
use tokio::time::Instant;

use super::cluster::{Cluster, Kind, MANAGER, plural, said};
use super::migrate;

/// How long an object that goes to be made anew may take.
const GONE: Duration = Duration::from_mins(1);

/// What an apply would make of an object.
pub enum Predicted {
    /// This.
    Object(Value),
    /// Nothing, as there is no such namespace or kind yet.
    NoPlace(String),
    /// Nothing: the API server does not take it.
    Refused(String),
    /// Nothing: the object may not become that.
    Invalid(String),
}

impl Cluster {
    /// Asks what an apply would make of an object.
    pub async fn predict(&self, kind: &Kind, manifest: &Manifest) -> Predicted {
        let _request = self.requests.acquire().await;
        let params = PatchParams { dry_run: true, ..PatchParams::apply(MANAGER).force() };
        let api = self.api(kind, &manifest.key, &manifest.version);
        match api.patch(&manifest.key.name, &params, &Patch::Apply(&manifest.value)).await {
            Ok(object) => Predicted::Object(serde_json::to_value(object).unwrap_or_default()),
            Err(kube::Error::Api(status)) if status.code == 404 => Predicted::NoPlace(status.message.clone()),
            Err(kube::Error::Api(status)) if status.code == 422 => {
                Predicted::Invalid(masked(manifest, status.message.clone()))
            }
            Err(error) => Predicted::Refused(masked(manifest, said(&error))),
        }
    }

    /// Applies a manifest, and waits until the cache shows it. Says what was done; nothing was where the manifest is of another version
    /// of the object.
    pub async fn apply(&self, manifest: &Manifest, how: How) -> Result<Option<String>, String> {
        let key = &manifest.key;
        let Some(kind) = self.kind(&key.group, &manifest.version, &key.kind).await? else {
            return Err(format!("the cluster has no kind {} of {}/{}", key.kind, key.group, manifest.version));
        };
        let request = self.requests.acquire().await;
        let api = self.api(&kind, key, &manifest.version);
        let before = kind.cached(key);
        let refused = |error: kube::Error| masked(manifest, said(&error));
        let (object, word) = match self.write(&api, manifest, how, before.as_deref()).await {
            Err(kube::Error::Api(status)) if status.code == 422 && how.forces && before.is_some() => {
                let object = self.make_anew(&api, manifest).await.map_err(refused)?;
                (object.ok_or_else(|| masked(manifest, status.message.clone()))?, "replaced")
            }
            Err(kube::Error::Api(status)) if status.code == 409 && manifest.seen.is_some() => return Ok(None),
            written => written.map_err(refused)?,
        };
        drop(request);
        kind.shows(key, &object).await;
        self.await_kind(&manifest.value).await;
        Ok(Some(format!("{}/{} {word}", plural(&kind.resource), key.name)))
    }

    async fn write(
        &self,
        api: &Api<DynamicObject>,
        manifest: &Manifest,
        how: How,
        before: Option<&DynamicObject>,
    ) -> Result<(DynamicObject, &'static str), kube::Error> {
        let name = &manifest.key.name;
        if how.replaces
            && let Some(live) = api.get_metadata_opt(name).await?
        {
            let mut whole = manifest.value.clone();
            whole["metadata"]["resourceVersion"] = json!(manifest.seen.clone().or(live.metadata.resource_version));
            let params = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
            let whole: DynamicObject = serde_json::from_value(whole).map_err(kube::Error::SerdeError)?;
            return Ok((api.replace(name, &params, &whole).await?, "replaced"));
        }
        if !how.leaves_fields {
            self.take_over(api, before).await?;
        }
        let params = PatchParams::apply(MANAGER).force();
        let mut value = manifest.value.clone();
        if let Some(seen) = &manifest.seen {
            value["metadata"]["resourceVersion"] = json!(seen);
        }
        let object = api.patch(name, &params, &Patch::Apply(&value)).await?;
        let is_same = before.is_some_and(|before| before.resource_version() == object.resource_version());
        let word = match before {
            None => "created",
            Some(_) if is_same => "unchanged",
            Some(_) => "configured",
        };
        Ok((object, word))
    }

    /// Deletes an object and makes it anew, if it is not another Application's.
    async fn make_anew(
        &self,
        api: &Api<DynamicObject>,
        manifest: &Manifest,
    ) -> Result<Option<DynamicObject>, kube::Error> {
        let name = &manifest.key.name;
        let Some(live) = api.get_metadata_opt(name).await? else { return Ok(None) };
        let own = manifest.value["metadata"]["annotations"][TRACKING_ID].as_str();
        if live.annotations().get(TRACKING_ID).is_some_and(|id| Some(id.as_str()) != own) {
            return Ok(None);
        }
        let preconditions = Some(Preconditions { uid: live.uid(), resource_version: None });
        let params = DeleteParams { preconditions, ..DeleteParams::background() };
        api.delete(name, &params).await?;
        let end = Instant::now() + GONE;
        while api.get_metadata_opt(name).await?.is_some_and(|left| left.uid() == live.uid()) {
            if Instant::now() > end {
                return Ok(None);
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let params = PatchParams::apply(MANAGER).force();
        api.patch(name, &params, &Patch::Apply(&manifest.value)).await.map(Some)
    }

    /// Takes a finalizer away from an object, if it is there and has it.
    pub async fn let_go(&self, key: &Key, version: &str, uid: &str, finalizer: &str) -> Result<(), String> {
        let Some(kind) = self.kind(&key.group, version, &key.kind).await? else { return Ok(()) };
        let _request = self.requests.acquire().await;
        let api = self.api(&kind, key, version);
        let live = api.get_metadata_opt(&key.name).await.map_err(|error| said(&error))?;
        let Some(live) = live.filter(|live| live.uid().as_deref() == Some(uid)) else { return Ok(()) };
        let left: Vec<&String> = live.finalizers().iter().filter(|name| *name != finalizer).collect();
        let change = json!({ "metadata": { "finalizers": left, "resourceVersion": live.resource_version() } });
        match api.patch(&key.name, &PatchParams::default(), &Patch::Merge(change)).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if status.code == 404 || status.code == 409 => Ok(()),
            Err(error) => Err(format!("cannot take the finalizer {finalizer} from {key}: {}", said(&error))),
        }
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
