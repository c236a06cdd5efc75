//! Effects become requests. Nothing is decided here: an effect applies to what was observed, or not at all.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Pod, Service};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use kube::api::{
    Api, ApiResource, DeleteParams, DynamicObject, EvictParams, Patch, PatchParams, PostParams, Preconditions,
};
use kube::core::{GroupVersionKind, NamespaceResourceScope, PartialObjectMeta};
use serde::de::DeserializeOwned;
use serde_json::Value;
use sluice_core::api::{ReplicaSet, Rollout, labels};
use sluice_core::effect::{Effect, Target};
use sluice_core::planted::{self, Bug};
use sluice_core::traffic::{RouteAction, RouteWrite};
use sluice_core::workload::WorkloadKind;

use super::child;
use super::children::version_number;
use super::context::Context;

/// What became of a write.
#[derive(Debug)]
pub enum Outcome {
    /// It took effect.
    Done,
    /// The world is not the one it was planned for: plan again.
    Conflict(String),
    /// The API server refused it, or could not be reached; the next plan knows.
    Refused {
        /// Why.
        error: String,
        /// A ReplicaSet of that name exists and is not ours.
        name_taken: bool,
    },
}

/// Where a rollout's objects are.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The namespace.
    pub namespace: &'a str,
    /// The Rollout's uid.
    pub uid: &'a str,
}

/// Executes one effect.
pub async fn execute(cx: &Context, place: Place<'_>, effect: &Effect) -> Outcome {
    let result = match effect {
        Effect::CreateReplicaSet(rs) => return create(cx, place, rs).await,
        Effect::PatchReplicaSet(patch) => patch_replica_set(cx, place, &patch.target, patch.operations()).await,
        Effect::OwnReplicaSet(own) => patch_replica_set(cx, place, &own.target, own.operations()).await,
        Effect::DeleteReplicaSet(target) => delete(cx, place, target).await,
        Effect::EvictPod(target) => evict(cx, place, target).await,
        Effect::PatchPod(patch) => {
            let api: Api<PartialObjectMeta<Pod>> = Api::namespaced(cx.writes.clone(), place.namespace);
            json_patch(&api, &patch.target.name, patch.operations()).await.map(|written| {
                let version = version_number(written.metadata.resource_version.as_deref());
                cx.pods_mut().await_newer((place.namespace.to_owned(), patch.target.name.clone()), version);
            })
        }
        Effect::PatchService(patch) => {
            let api: Api<PartialObjectMeta<Service>> = Api::namespaced(cx.writes.clone(), place.namespace);
            json_patch(&api, &patch.target.name, patch.operations()).await.map(|written| {
                let version = version_number(written.metadata.resource_version.as_deref());
                cx.services_mut().await_version((place.namespace.to_owned(), patch.target.name.clone()), version);
            })
        }
        Effect::CreateService(service) => return create_service(cx, place, service).await,
        Effect::DeleteService(target) => {
            let api: Api<Service> = Api::namespaced(cx.writes.clone(), place.namespace);
            let preconditions = Preconditions { uid: Some(target.uid.clone()), resource_version: None };
            let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::background() };
            api.delete(&target.name, &params).await.map(|_| ())
        }
        Effect::Child(write) => return child::write(cx, place, write).await,
        Effect::Route(change) => route(cx, &change.write).await,
        Effect::ScaleWorkload(scale) => {
            let api: Api<PartialObjectMeta<Deployment>> = Api::namespaced(cx.writes.clone(), place.namespace);
            json_patch(&api, &scale.target.name, scale.operations()).await.map(|written| {
                let version = version_number(written.metadata.resource_version.as_deref());
                let key = (place.namespace.to_owned(), scale.target.name.clone());
                cx.objects.await_newer(WorkloadKind::Deployment.object_kind(), key, version);
            })
        }
        Effect::PatchRollout(patch) => {
            let api: Api<Rollout> = Api::namespaced(cx.writes.clone(), place.namespace);
            json_patch(&api, &patch.target.name, patch.operations()).await.map(|written| {
                let version = version_number(written.metadata.resource_version.as_deref());
                cx.with_memory(place.uid, |memory| memory.awaited = version);
            })
        }
    };
    let Err(error) = result else { return Outcome::Done };
    if is_unanswered(&error) || matches!(classify(&error), Outcome::Conflict(_)) {
        catch_up(cx, place, effect).await;
    }
    classify(&error)
}

/// Whether a write may have taken effect although it failed.
pub fn is_unanswered(error: &kube::Error) -> bool {
    !matches!(error, kube::Error::Api(status) if status.code < 500)
}

/// After a write that conflicted, or of which the answer was lost, the observed object is not the stored one. Another plan made
/// on it would count what is not there; so the next one waits for the version that is stored.
async fn catch_up(cx: &Context, place: Place<'_>, effect: &Effect) {
    let target = match effect {
        Effect::PatchReplicaSet(patch) => &patch.target,
        Effect::OwnReplicaSet(own) => &own.target,
        Effect::DeleteReplicaSet(target) => target,
        Effect::PatchRollout(patch) => return catch_up_rollout(cx, place, &patch.target.name).await,
        Effect::PatchService(patch) => return catch_up_service(cx, place, &patch.target.name).await,
        Effect::ScaleWorkload(scale) => {
            let version = stored_version::<Deployment>(cx, place, &scale.target.name).await;
            let key = (place.namespace.to_owned(), scale.target.name.clone());
            return cx.objects.await_newer(WorkloadKind::Deployment.object_kind(), key, version);
        }
        Effect::Route(change) => return catch_up_routed(cx, &change.write).await,
        // What these would do again is refused or changes nothing.
        Effect::CreateReplicaSet(_)
        | Effect::CreateService(_)
        | Effect::DeleteService(_)
        | Effect::EvictPod(_)
        | Effect::PatchPod(_)
        | Effect::Child(_) => return,
    };
    let key = (place.namespace.to_owned(), target.name.clone());
    let version = stored_version::<ReplicaSet>(cx, place, &target.name).await;
    cx.replica_sets_mut().await_newer(key, version);
}

/// The same for a Service.
async fn catch_up_service(cx: &Context, place: Place<'_>, name: &str) {
    let version = stored_version::<Service>(cx, place, name).await;
    cx.services_mut().await_newer((place.namespace.to_owned(), name.to_owned()), version);
}

/// The same for the Rollout.
pub async fn catch_up_rollout(cx: &Context, place: Place<'_>, name: &str) {
    if let Some(version) = stored_version::<Rollout>(cx, place, name).await {
        cx.with_memory(place.uid, |memory| memory.awaited = Some(version));
    }
}

/// The version of an object that the API server has. Without an answer there is none to wait for: the next attempt fails in the
/// same way, and asks again.
async fn stored_version<K>(cx: &Context, place: Place<'_>, name: &str) -> Option<u64>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + DeserializeOwned + std::fmt::Debug,
{
    let api: Api<K> = Api::namespaced(cx.writes.clone(), place.namespace);
    match api.get_metadata(name).await {
        Ok(stored) => version_number(stored.metadata.resource_version.as_deref()),
        Err(error) => {
            tracing::warn!(namespace = place.namespace, kind = %K::kind(&()), name, %error, "cannot see what is stored");
            None
        }
    }
}

/// Sorts an error: a failed precondition asks for a new plan, anything else is an observation.
pub fn classify(error: &kube::Error) -> Outcome {
    match error {
        kube::Error::Api(status) if is_failed_precondition(status) => Outcome::Conflict(status.message.clone()),
        kube::Error::Api(status) => Outcome::Refused { error: status.message.clone(), name_taken: false },
        other => Outcome::Refused { error: other.to_string(), name_taken: false },
    }
}

/// A JSON Patch whose `test` failed comes back as 422 Invalid without details; one that the object's rules refuse has them.
fn is_failed_precondition(status: &kube::core::Status) -> bool {
    let causes = status.details.as_ref().is_some_and(|details| !details.causes.is_empty());
    (status.code == 422 && !causes) || status.code == 409 || status.code == 404
}

async fn create(cx: &Context, place: Place<'_>, rs: &ReplicaSet) -> Outcome {
    let api: Api<ReplicaSet> = Api::namespaced(cx.writes.clone(), place.namespace);
    let error = match api.create(&PostParams::default(), rs).await {
        Ok(created) => {
            await_replica_set(cx, place, &created);
            return Outcome::Done;
        }
        Err(error) => error,
    };
    let exists = matches!(&error, kube::Error::Api(status) if status.is_already_exists());
    if !exists && !is_unanswered(&error) {
        return classify(&error);
    }
    // An earlier attempt may have taken effect although its answer was lost. Whose it is decides.
    match api.get_metadata(rs.name()).await {
        Ok(existing) => {
            let owners = existing.metadata.owner_references.unwrap_or_default();
            let ours = owners.iter().any(|owner| owner.controller == Some(true) && owner.uid == place.uid);
            if ours && !planted::is(Bug::KnowsNotItsOwn) {
                if !existing.metadata.labels.unwrap_or_default().contains_key(labels::POD_TEMPLATE_HASH) {
                    // No watch delivers it: waiting for it would be for ever.
                    let error = format!(
                        "the ReplicaSet {} of this Rollout has lost its label {}; put it back, or delete the ReplicaSet",
                        rs.name(),
                        labels::POD_TEMPLATE_HASH
                    );
                    return Outcome::Refused { error, name_taken: false };
                }
                let key = (place.namespace.to_owned(), rs.name().to_owned());
                let version = version_number(existing.metadata.resource_version.as_deref());
                cx.replica_sets_mut().await_version(key, version);
                return Outcome::Conflict(format!("ReplicaSet {} exists already", rs.name()));
            }
            let error = format!("a ReplicaSet named {} exists and belongs to somebody else", rs.name());
            Outcome::Refused { error, name_taken: true }
        }
        Err(_) => classify(&error),
    }
}

/// Creates the Service of an experiment's template.
async fn create_service(cx: &Context, place: Place<'_>, service: &Value) -> Outcome {
    let service: Service = match serde_json::from_value(service.clone()) {
        Ok(service) => service,
        Err(error) => return Outcome::Refused { error: error.to_string(), name_taken: false },
    };
    let name = service.metadata.name.clone().unwrap_or_default();
    let api: Api<Service> = Api::namespaced(cx.writes.clone(), place.namespace);
    match api.create(&PostParams::default(), &service).await {
        Ok(created) => {
            let version = version_number(created.metadata.resource_version.as_deref());
            cx.services_mut().await_version((place.namespace.to_owned(), name), version);
            Outcome::Done
        }
        Err(error) => {
            // Whose one is that exists, the next plan sees.
            if let Ok(Some(stored)) = api.get_metadata_opt(&name).await {
                let version = version_number(stored.metadata.resource_version.as_deref());
                cx.services_mut().await_version((place.namespace.to_owned(), name), version);
            }
            classify(&error)
        }
    }
}

async fn patch_replica_set(
    cx: &Context,
    place: Place<'_>,
    target: &Target,
    operations: Vec<Value>,
) -> Result<(), kube::Error> {
    let api: Api<ReplicaSet> = Api::namespaced(cx.writes.clone(), place.namespace);
    let written = json_patch(&api, &target.name, operations).await?;
    await_replica_set(cx, place, &written);
    Ok(())
}

async fn delete(cx: &Context, place: Place<'_>, target: &Target) -> Result<(), kube::Error> {
    let api: Api<ReplicaSet> = Api::namespaced(cx.writes.clone(), place.namespace);
    let params = DeleteParams { preconditions: Some(preconditions(target)), ..DeleteParams::background() };
    let answer = api.delete(&target.name, &params).await?;
    if let either::Either::Left(deleting) = answer {
        // The watch will deliver the deletion, or the mark of it, under a version at least as high.
        await_replica_set(cx, place, &deleting);
    }
    Ok(())
}

async fn evict(cx: &Context, place: Place<'_>, target: &Target) -> Result<(), kube::Error> {
    let api: Api<Pod> = Api::namespaced(cx.writes.clone(), place.namespace);
    let preconditions = Preconditions { uid: Some(target.uid.clone()), resource_version: None };
    let delete_options = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
    let params = EvictParams { delete_options: Some(delete_options), ..EvictParams::default() };
    api.evict(&target.name, &params).await.map(|_| ())
}

/// Writes an object that a traffic router reads, of whatever kind it is.
pub async fn route(cx: &Context, write: &RouteWrite) -> Result<(), kube::Error> {
    let api = routed_objects(cx, write);
    let key = (write.namespace.clone(), write.name.clone());
    match &write.action {
        // It is done when it is on its way: what comes of it is the next observation.
        RouteAction::Tell(tell) => cx.plugins.tell(&write.name, tell),
        RouteAction::Create(object) => {
            let object: DynamicObject = serde_json::from_value(object.clone()).map_err(kube::Error::SerdeError)?;
            let created = api.create(&PostParams::default(), &object).await?;
            cx.objects.await_version(write.kind, key, version_of(&created.metadata));
        }
        RouteAction::Patch(operations) => {
            let written = json_patch(&api, &write.name, operations.clone()).await?;
            cx.objects.await_newer(write.kind, key, version_of(&written.metadata));
        }
        RouteAction::Delete(uid) => {
            let preconditions = Preconditions { uid: Some(uid.clone()), resource_version: None };
            let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::background() };
            if let either::Either::Left(deleting) = api.delete(&write.name, &params).await? {
                cx.objects.await_newer(write.kind, key, version_of(&deleting.metadata));
            }
        }
    }
    Ok(())
}

fn routed_objects(cx: &Context, write: &RouteWrite) -> Api<DynamicObject> {
    let mut resource = ApiResource::from_gvk(&GroupVersionKind::gvk(write.kind.group, &write.version, write.kind.kind));
    write.kind.plural.clone_into(&mut resource.plural);
    Api::namespaced_with(cx.writes.clone(), &write.namespace, &resource)
}

/// After a write that conflicted, or of which the answer was lost: see [`catch_up`].
async fn catch_up_routed(cx: &Context, write: &RouteWrite) {
    match routed_objects(cx, write).get_metadata_opt(&write.name).await {
        Ok(stored) => {
            let key = (write.namespace.clone(), write.name.clone());
            cx.objects.await_version(write.kind, key, stored.and_then(|stored| version_of(&stored.metadata)));
        }
        Err(error) => {
            tracing::warn!(namespace = write.namespace, kind = write.kind.kind, name = write.name, %error, "cannot see what is stored");
        }
    }
}

fn version_of(metadata: &ObjectMeta) -> Option<u64> {
    version_number(metadata.resource_version.as_deref())
}

fn preconditions(target: &Target) -> Preconditions {
    Preconditions { uid: Some(target.uid.clone()), resource_version: Some(target.resource_version.clone()) }
}

/// Sends a JSON Patch.
pub async fn json_patch<K>(api: &Api<K>, name: &str, operations: Vec<Value>) -> Result<K, kube::Error>
where
    K: Clone + DeserializeOwned + std::fmt::Debug,
{
    let patch: json_patch::Patch = serde_json::from_value(Value::Array(operations)).map_err(kube::Error::SerdeError)?;
    api.patch(name, &PatchParams::default(), &Patch::Json::<()>(patch)).await
}

fn await_replica_set(cx: &Context, place: Place<'_>, written: &ReplicaSet) {
    let key = (place.namespace.to_owned(), written.name().to_owned());
    let version = version_number(written.metadata.resource_version.as_deref());
    cx.replica_sets_mut().await_version(key, version);
}
