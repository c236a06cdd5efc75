//! What people ask of a rollout, carried out: reading it with what belongs to it, and writing what [`sluice_core::act`] makes of it.
//!
//! The kubectl plugin, its live view and the dashboard go through here, each with its own user's client: what somebody may do is for
//! the API server to say.

mod act;
pub mod application;
mod refusal;
mod template;
#[cfg(test)]
mod tests;

use std::fmt::Debug;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams, Patch, PatchParams, PostParams};
use kube::{Client, Error, Resource};
use serde::de::DeserializeOwned;
use serde_json::Value;
use sluice_core::act::change::{Change, under_uid, under_version};
use sluice_core::act::image::{self, Assignment};
use sluice_core::act::promote::{Extent, promote};
use sluice_core::act::{request, undo};
use sluice_core::api::{AnalysisRun, Experiment, ReplicaSet, Rollout, labels};
use sluice_core::info::family::{Family, Trial};
use sluice_core::revision::owns;
use sluice_core::selector;

pub use self::act::Outcome;
pub use self::refusal::Refusal;
use self::template::Template;

/// How often to start over when the rollout changed between reading and writing.
const ATTEMPTS: usize = 5;

/// The rollouts of a namespace, as somebody with this client sees and steers them.
#[derive(Clone)]
pub struct Rollouts {
    /// The connection, which says who asks.
    pub client: Client,
    /// The namespace.
    pub namespace: String,
    /// The name that writes are recorded under in `metadata.managedFields`.
    pub manager: &'static str,
}

/// What is to be written into a rollout as it is, or why nothing is.
type Make<'a> = &'a (dyn Fn(&Rollout) -> Result<Change, Refusal> + Send + Sync);

/// Whether a rollout, and the workload that it refers to, by its generation, are still what they are to be.
type Check<'a> = &'a (dyn Fn(&Rollout, Option<i64>) -> Result<(), Refusal> + Send + Sync);

/// Why a change was not written.
enum Missed {
    /// Nothing of it was.
    All(Error),
    /// The status was, the spec was not.
    Spec(Error),
}

/// What going back came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undone {
    /// The manifest asked for that revision already.
    AlreadyThere(i64),
    /// The manifest asks for an earlier revision now.
    Done,
}

impl Rollouts {
    /// The objects of a kind in the namespace.
    pub fn api<K>(&self) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Reads one rollout.
    pub async fn rollout(&self, name: &str) -> Result<Rollout, Refusal> {
        self.api().get(name).await.map_err(Refusal::to(format!("read rollout '{name}'")))
    }

    /// The ReplicaSets that a rollout owns.
    pub async fn owned(&self, rollout: &Rollout) -> Result<Vec<ReplicaSet>, Refusal> {
        let params = ListParams::default().labels(&members(rollout));
        let listed = self.api::<ReplicaSet>().list(&params).await.map_err(Refusal::to("list ReplicaSets"))?;
        Ok(listed.items.into_iter().filter(|rs| owns(rollout, rs)).collect())
    }

    /// A rollout with all that belongs to it.
    pub async fn family(&self, name: &str) -> Result<Family, Refusal> {
        let (family, of_pods) = self.family_in_sight(name).await?;
        of_pods.map_or(Ok(family), Err)
    }

    /// A rollout with what belongs to it, and why its pods are not among it where who asks may not list them.
    pub async fn family_in_sight(&self, name: &str) -> Result<(Family, Option<Refusal>), Refusal> {
        let rollout = self.rollout(name).await?;
        let params = ListParams::default().labels(&members(&rollout));
        let (replica_sets, pods) = (self.api::<ReplicaSet>(), self.api::<Pod>());
        let (replica_sets, pods, runs, experiments) = tokio::join!(
            replica_sets.list(&params),
            pods.list(&params),
            self.all_if_known::<AnalysisRun>("list analysis runs"),
            self.all_if_known::<Experiment>("list experiments"),
        );
        let (runs, experiments) = (runs?, experiments?);
        let replica_sets = replica_sets.map_err(Refusal::to("list ReplicaSets"))?.items;
        let (pods, of_pods) = match pods {
            Ok(pods) => (pods.items, None),
            Err(error) if has_code(&error, &[403]) => (Vec::new(), Some(Refusal::to("list pods")(error))),
            Err(error) => return Err(Refusal::to("list pods")(error)),
        };
        Ok((Family { rollout, replica_sets, pods, runs, experiments }, of_pods))
    }

    /// The objects of a kind, or `None` where they may not be read or there is no such kind.
    async fn all_if_known<K>(&self, attempted: &str) -> Result<Option<Vec<K>>, Refusal>
    where
        K: Resource<Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned,
        K::DynamicType: Default,
    {
        match self.api().list(&ListParams::default()).await {
            Ok(list) => Ok(Some(list.items)),
            Err(error) if has_code(&error, &[403, 404]) => Ok(None),
            // One that cannot be read says nothing of the rollout.
            Err(Error::SerdeError(_)) => Ok(None),
            Err(error) => Err(Refusal::to(attempted)(error)),
        }
    }

    /// An experiment with all that belongs to it.
    pub async fn trial(&self, name: &str) -> Result<Trial, Refusal> {
        let experiment = self.api::<Experiment>().get(name).await;
        let experiment = experiment.map_err(Refusal::to(format!("read experiment '{name}'")))?;
        let params = ListParams::default().labels(labels::POD_TEMPLATE_HASH);
        let (replica_sets, pods, runs) = (self.api::<ReplicaSet>(), self.api::<Pod>(), self.api::<AnalysisRun>());
        let all = ListParams::default();
        let (replica_sets, pods, runs) = tokio::join!(replica_sets.list(&params), pods.list(&params), runs.list(&all));
        Ok(Trial {
            experiment,
            replica_sets: replica_sets.map_err(Refusal::to("list ReplicaSets"))?.items,
            pods: pods.map_err(Refusal::to("list pods"))?.items,
            runs: runs.map_err(Refusal::to("list analysis runs"))?.items,
        })
    }

    /// Gives an update up: all traffic goes back to the stable revision.
    pub async fn abort(&self, name: &str) -> Result<(), Refusal> {
        let patch = request::abort();
        self.patch_status(name, &patch, &patch).await.map_err(Refusal::to(format!("abort rollout '{name}'")))?;
        Ok(())
    }

    /// Begins an aborted update again.
    pub async fn retry(&self, name: &str) -> Result<(), Refusal> {
        let patch = request::retry();
        self.patch_status(name, &patch, &patch).await.map_err(Refusal::to(format!("retry rollout '{name}'")))?;
        Ok(())
    }

    /// Holds a rollout where it is, until it is promoted or its manifest says otherwise.
    pub async fn pause(&self, name: &str) -> Result<(), Refusal> {
        let merged = self.merge::<Rollout>(name, &request::pause()).await;
        merged.map_err(Refusal::to(format!("pause rollout '{name}'")))
    }

    /// Has pods replaced, one after the other, that were started before a moment `delay` from now.
    pub async fn restart(&self, name: &str, now: Timestamp, delay: SignedDuration) -> Result<(), Refusal> {
        let merged = self.merge::<Rollout>(name, &request::restart(now, delay)).await;
        merged.map_err(Refusal::to(format!("restart rollout '{name}'")))
    }

    /// Lets a rollout go on, as far as `extent` says. Returns whether there was anything to write for that.
    pub async fn promote(&self, name: &str, extent: Extent) -> Result<bool, Refusal> {
        let attempted = format!("promote rollout '{name}'");
        self.change(name, &attempted, &|rollout| promote(rollout, extent).map_err(Refusal::unfit(&attempted))).await
    }

    /// Changes images in the pod template, which begins an update. Returns whether that changed anything.
    pub async fn set_image(&self, name: &str, assignments: &[Assignment]) -> Result<bool, Refusal> {
        self.set_image_if(&|_, _| Ok(()), name, assignments).await
    }

    async fn set_image_if(&self, check: Check<'_>, name: &str, assignments: &[Assignment]) -> Result<bool, Refusal> {
        let attempted = format!("set the image of rollout '{name}'");
        let mut refused: Option<json_patch::Patch> = None;
        loop {
            let rollout = self.rollout(name).await?;
            let workload = Template::of(&rollout, self);
            let (template, generation) = workload.read().await?;
            check(&rollout, generation)?;
            let patch = image::set(&template, workload.home.path(), assignments).map_err(Refusal::unfit(&attempted))?;
            if patch.0.is_empty() {
                return Ok(false);
            }
            match workload.patch(patch.clone()).await {
                Ok(()) => return Ok(true),
                // The containers may have changed since they were read. If the same patch comes out again, it was refused for
                // what it says.
                Err(Error::Api(status)) if status.is_invalid() && refused.as_ref() != Some(&patch) => {
                    refused = Some(patch);
                }
                Err(error) => return Err(Refusal::to(attempted)(error)),
            }
        }
    }

    /// Puts the pod template of an earlier revision back into the manifest; 0 is the one before the newest.
    pub async fn undo(&self, name: &str, revision: i64) -> Result<Undone, Refusal> {
        self.undo_if(&|_, _| Ok(()), name, revision).await
    }

    async fn undo_if(&self, check: Check<'_>, name: &str, revision: i64) -> Result<Undone, Refusal> {
        let attempted = format!("undo rollout '{name}'");
        let mut refused: Option<json_patch::Patch> = None;
        loop {
            let rollout = self.rollout(name).await?;
            let workload = Template::of(&rollout, self);
            let (old, generation) = workload.read().await?;
            check(&rollout, generation)?;
            let owned = self.owned(&rollout).await?;
            let template = match undo::undo(&rollout, &owned, revision).map_err(Refusal::unfit(&attempted))? {
                undo::Undo::AlreadyThere(revision) => return Ok(Undone::AlreadyThere(revision)),
                undo::Undo::Template(template) => template,
            };
            let patch = undo::patch(workload.home.path(), &old, &template).map_err(Refusal::unfit(&attempted))?;
            match workload.patch(patch.clone()).await {
                Ok(()) => return Ok(Undone::Done),
                // As above.
                Err(Error::Api(status)) if status.is_invalid() && refused.as_ref() != Some(&patch) => {
                    refused = Some(patch);
                }
                Err(error) => return Err(Refusal::to(attempted)(error)),
            }
        }
    }

    /// Writes what `make` makes of a rollout as it is. Returns whether that was anything.
    async fn change(&self, name: &str, attempted: &str, make: Make<'_>) -> Result<bool, Refusal> {
        let mut attempt = 1;
        loop {
            let rollout = self.api::<Rollout>().get(name).await.map_err(Refusal::to(attempted))?;
            let change = make(&rollout)?;
            if change == Change::default() {
                return Ok(false);
            }
            match self.write(name, &rollout, change).await {
                Ok(()) => return Ok(true),
                Err(Missed::All(Error::Api(refused))) if refused.is_conflict() && attempt < ATTEMPTS => attempt += 1,
                Err(Missed::All(error)) => return Err(Refusal::to(attempted)(error)),
                Err(Missed::Spec(error)) if is_another(&error) => {
                    return Err(Refusal::GoneOn { attempted: attempted.to_owned() });
                }
                Err(Missed::Spec(error)) => {
                    return Err(Refusal::Half { attempted: attempted.to_owned(), error: Box::new(error) });
                }
            }
        }
    }

    async fn write(&self, name: &str, rollout: &Rollout, change: Change) -> Result<(), Missed> {
        let unified = under_version(change.unified(), rollout);
        let Change { status: Some(status), spec } = change else {
            return self.merge::<Rollout>(name, &unified).await.map_err(Missed::All);
        };
        let written = self.patch_status(name, &under_version(status, rollout), &unified).await;
        let is_all = written.map_err(Missed::All)?;
        let Some(spec) = spec.filter(|_| !is_all) else { return Ok(()) };
        // The status that was just written has given it another version, and what it says now is our own doing.
        let spec = under_uid(spec, rollout);
        let mut attempt = 1;
        loop {
            match self.merge::<Rollout>(name, &spec).await {
                Err(Error::Api(refused)) if refused.is_conflict() && attempt < ATTEMPTS => attempt += 1,
                done => return done.map_err(Missed::Spec),
            }
        }
    }

    /// Merges `patch` into an object of any kind of ours.
    pub async fn merge<K>(&self, name: &str, patch: &Value) -> Result<(), Error>
    where
        K: Resource<Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned,
        K::DynamicType: Default,
    {
        self.api::<K>().patch(name, &self.writing(), &Patch::Merge(patch)).await.map(|_| ())
    }

    /// Merges `patch`, which holds a `status`, into a rollout.
    ///
    /// Where the CRD has no status subresource, the server answers 404 for it and the main resource takes `unified`: the
    /// status together with what is to change in the spec. Returns whether that happened.
    async fn patch_status(&self, name: &str, patch: &Value, unified: &Value) -> Result<bool, Error> {
        let (rollouts, params) = (self.api::<Rollout>(), self.writing());
        match rollouts.patch_status(name, &params, &Patch::Merge(patch)).await {
            Ok(_) => Ok(false),
            Err(Error::Api(status)) if status.code == 404 => {
                rollouts.patch(name, &params, &Patch::Merge(unified)).await.map(|_| true)
            }
            Err(error) => Err(error),
        }
    }

    /// Writes are recorded under the manager's name.
    pub fn writing(&self) -> PatchParams {
        PatchParams { field_manager: Some(self.manager.to_owned()), ..PatchParams::default() }
    }

    /// Creations are too.
    pub fn creating(&self) -> PostParams {
        PostParams { field_manager: Some(self.manager.to_owned()), ..PostParams::default() }
    }
}

/// Whether the rollout that was meant is gone, and perhaps another one has its name: a patch with another uid is invalid.
fn is_another(error: &Error) -> bool {
    let Error::Api(status) = error else { return false };
    let causes = status.details.iter().flat_map(|details| &details.causes);
    status.code == 404 || causes.map(|cause| cause.field.as_str()).any(|field| field == "metadata.uid")
}

/// Whether the API server has said no with one of these codes.
fn has_code(error: &Error, codes: &[u16]) -> bool {
    matches!(error, Error::Api(status) if codes.contains(&status.code))
}

/// A label selector for the ReplicaSets and pods of a rollout. Owner references decide; this keeps the lists short.
pub fn members(rollout: &Rollout) -> String {
    let own = rollout.spec.selector.as_ref().map(selector::to_line).filter(|line| !line.is_empty());
    own.map_or_else(|| labels::POD_TEMPLATE_HASH.to_owned(), |line| format!("{line},{}", labels::POD_TEMPLATE_HASH))
}
