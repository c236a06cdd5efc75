//! Writes to the `AnalysisRun`s and Experiments that somebody owns.

use kube::Resource;
use kube::api::{Api, DeleteParams, PostParams, Preconditions};
use kube::core::NamespaceResourceScope;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sluice_core::api::{AnalysisRun, Experiment};
use sluice_core::effect::{Child, ChildKind, ChildWrite, Target, termination};

use super::children::version_number;
use super::context::Context;
use super::execute::{Outcome, Place, classify, is_unanswered, json_patch};

/// A kind that somebody owns.
trait Owned:
    Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Serialize + DeserializeOwned + std::fmt::Debug
{
    const KIND: ChildKind;
}

impl Owned for AnalysisRun {
    const KIND: ChildKind = ChildKind::AnalysisRun;
}

impl Owned for Experiment {
    const KIND: ChildKind = ChildKind::Experiment;
}

/// Carries out a write.
pub async fn write(cx: &Context, place: Place<'_>, write: &ChildWrite) -> Outcome {
    match write {
        ChildWrite::Create(child) => match child.as_ref() {
            Child::AnalysisRun(run) => create(cx, place, run).await,
            Child::Experiment(experiment) => create(cx, place, experiment).await,
        },
        ChildWrite::Terminate(ChildKind::AnalysisRun, target) => terminate::<AnalysisRun>(cx, place, target).await,
        ChildWrite::Terminate(ChildKind::Experiment, target) => terminate::<Experiment>(cx, place, target).await,
        ChildWrite::Delete(ChildKind::AnalysisRun, target) => delete::<AnalysisRun>(cx, place, target).await,
        ChildWrite::Delete(ChildKind::Experiment, target) => delete::<Experiment>(cx, place, target).await,
    }
}

/// Notes that an object has this version, which no plan may be older than.
fn await_version<K: Owned>(cx: &Context, place: Place<'_>, name: &str, version: Option<&str>, is_new: bool) {
    let (key, version) = ((place.namespace.to_owned(), name.to_owned()), version_number(version));
    match (K::KIND, is_new) {
        (ChildKind::AnalysisRun, true) => cx.runs.await_version(key, version),
        (ChildKind::AnalysisRun, false) => cx.runs.await_newer(key, version),
        (ChildKind::Experiment, true) => cx.experiments.await_version(key, version),
        (ChildKind::Experiment, false) => cx.experiments.await_newer(key, version),
    }
}

async fn create<K: Owned>(cx: &Context, place: Place<'_>, child: &K) -> Outcome {
    let api: Api<K> = Api::namespaced(cx.writes.clone(), place.namespace);
    let name = child.meta().name.as_deref().unwrap_or_default();
    let error = match api.create(&PostParams::default(), child).await {
        Ok(created) => {
            await_version::<K>(cx, place, name, created.meta().resource_version.as_deref(), true);
            return Outcome::Done;
        }
        Err(error) => error,
    };
    let exists = matches!(&error, kube::Error::Api(status) if status.is_already_exists());
    if !exists && !is_unanswered(&error) {
        return classify(&error);
    }
    // An earlier attempt may have taken effect although its answer was lost. Whose it is decides.
    match api.get_metadata(name).await {
        Ok(existing) => {
            let kind = K::KIND.as_str();
            let owners = existing.metadata.owner_references.unwrap_or_default();
            if owners.iter().any(|owner| owner.controller == Some(true) && owner.uid == place.uid) {
                await_version::<K>(cx, place, name, existing.metadata.resource_version.as_deref(), true);
                return Outcome::Conflict(format!("{kind} {name} exists already"));
            }
            let error = format!("the {kind} {name} exists and belongs to somebody else");
            Outcome::Refused { error, name_taken: true }
        }
        Err(_) => classify(&error),
    }
}

async fn terminate<K: Owned>(cx: &Context, place: Place<'_>, target: &Target) -> Outcome {
    let api: Api<K> = Api::namespaced(cx.writes.clone(), place.namespace);
    match json_patch(&api, &target.name, termination(target)).await {
        Ok(written) => {
            await_version::<K>(cx, place, &target.name, written.meta().resource_version.as_deref(), false);
            Outcome::Done
        }
        Err(error) => classify(&error),
    }
}

async fn delete<K: Owned>(cx: &Context, place: Place<'_>, target: &Target) -> Outcome {
    let api: Api<K> = Api::namespaced(cx.writes.clone(), place.namespace);
    let preconditions = Preconditions { uid: Some(target.uid.clone()), resource_version: None };
    let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::background() };
    match api.delete(&target.name, &params).await {
        Ok(either::Either::Left(deleting)) => {
            await_version::<K>(cx, place, &target.name, deleting.meta().resource_version.as_deref(), false);
            Outcome::Done
        }
        Ok(either::Either::Right(_)) => Outcome::Done,
        Err(error) => classify(&error),
    }
}
