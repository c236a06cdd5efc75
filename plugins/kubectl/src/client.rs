//! The API calls that the commands share.

use std::fmt::Debug;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams, Patch, PatchParams, PostParams};
use kube::{Client, Error, Resource};
use serde::de::DeserializeOwned;
use serde_json::Value;
use sluice_core::api::{AnalysisRun, Experiment, ReplicaSet, Rollout, labels};
use sluice_core::revision::owns;
use sluice_core::selector;

use crate::cli::Program;
use crate::problem::Problem;

/// The name that writes are recorded under in `metadata.managedFields`.
const FIELD_MANAGER: &str = "kubectl-sluice";

/// A connection and what was said on the command line about where to work.
pub struct Session {
    /// The connection.
    pub client: Client,
    /// The namespace.
    pub namespace: String,
    /// How the plugin was called, for advice.
    pub program: Program,
}

/// A rollout and what belongs to it.
#[derive(Clone, Debug)]
pub struct Family {
    /// The rollout.
    pub rollout: Rollout,
    /// ReplicaSets of its namespace that match its labels.
    pub replica_sets: Vec<ReplicaSet>,
    /// Pods of its namespace that match its labels.
    pub pods: Vec<Pod>,
    /// Analysis runs of its namespace; `None` where they cannot be read.
    pub runs: Option<Vec<AnalysisRun>>,
    /// Experiments of its namespace; `None` where they cannot be read.
    pub experiments: Option<Vec<Experiment>>,
}

/// An experiment and what belongs to it.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The experiment.
    pub experiment: Experiment,
    /// ReplicaSets of its namespace.
    pub replica_sets: Vec<ReplicaSet>,
    /// Their pods.
    pub pods: Vec<Pod>,
    /// Analysis runs of its namespace.
    pub runs: Vec<AnalysisRun>,
}

impl Session {
    /// The rollouts of the namespace.
    pub fn rollouts(&self) -> Api<Rollout> {
        self.api()
    }

    /// The ReplicaSets of the namespace.
    pub fn replica_sets(&self) -> Api<ReplicaSet> {
        self.api()
    }

    /// The objects of a kind in the namespace.
    pub fn api<K>(&self) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Reads one rollout.
    pub async fn rollout(&self, name: &str) -> Result<Rollout, Problem> {
        let read = self.rollouts().get(name).await;
        read.map_err(|error| self.explain(&error, &format!("read rollout '{name}'")))
    }

    /// The objects of a kind, or `None` where they may not be read or there is no such kind.
    async fn all_if_known<K>(&self) -> Option<Vec<K>>
    where
        K: Resource<Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned,
        K::DynamicType: Default,
    {
        self.api().list(&ListParams::default()).await.ok().map(|list| list.items)
    }

    /// The ReplicaSets that a rollout owns.
    pub async fn owned(&self, rollout: &Rollout) -> Result<Vec<ReplicaSet>, Problem> {
        let listed = self.replica_sets().list(&ListParams::default().labels(&members(rollout))).await;
        let list = listed.map_err(|error| self.explain(&error, "list ReplicaSets"))?;
        Ok(list.items.into_iter().filter(|rs| owns(rollout, rs)).collect())
    }

    /// A rollout with all that belongs to it.
    pub async fn family(&self, name: &str) -> Result<Family, Problem> {
        let rollout = self.rollout(name).await?;
        let params = ListParams::default().labels(&members(&rollout));
        let (replica_sets, pods) = (self.replica_sets(), self.api::<Pod>());
        let (replica_sets, pods, runs, experiments) = tokio::join!(
            replica_sets.list(&params),
            pods.list(&params),
            self.all_if_known::<AnalysisRun>(),
            self.all_if_known::<Experiment>(),
        );
        let replica_sets = replica_sets.map_err(|error| self.explain(&error, "list ReplicaSets"))?.items;
        let pods = pods.map_err(|error| self.explain(&error, "list pods"))?.items;
        Ok(Family { rollout, replica_sets, pods, runs, experiments })
    }

    /// An experiment with all that belongs to it.
    pub async fn trial(&self, name: &str) -> Result<Trial, Problem> {
        let experiment = self.api::<Experiment>().get(name).await;
        let experiment = experiment.map_err(|error| Problem::of_call(&error, &format!("read experiment '{name}'")))?;
        let params = ListParams::default().labels(labels::POD_TEMPLATE_HASH);
        let (replica_sets, pods, runs) = (self.replica_sets(), self.api::<Pod>(), self.api::<AnalysisRun>());
        let all = ListParams::default();
        let (replica_sets, pods, runs) = tokio::join!(replica_sets.list(&params), pods.list(&params), runs.list(&all));
        let problem = |what: &'static str| move |error: Error| Problem::of_call(&error, what);
        Ok(Trial {
            experiment,
            replica_sets: replica_sets.map_err(problem("list ReplicaSets"))?.items,
            pods: pods.map_err(problem("list pods"))?.items,
            runs: runs.map_err(problem("list analysis runs"))?.items,
        })
    }

    /// Merges `patch` into an object of any kind of ours.
    pub async fn merge<K>(&self, name: &str, patch: &Value) -> Result<(), Error>
    where
        K: Resource<Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned,
        K::DynamicType: Default,
    {
        self.api::<K>().patch(name, &writing(), &Patch::Merge(patch)).await.map(|_| ())
    }

    /// Merges `patch`, which holds a `status`, into a rollout.
    ///
    /// Where the CRD has no status subresource, the server answers 404 for it and the main resource takes `unified`: the
    /// status together with what the command changes in the spec. Returns whether that happened.
    pub async fn patch_status(&self, name: &str, patch: &Value, unified: &Value) -> Result<bool, Error> {
        let params = writing();
        match self.rollouts().patch_status(name, &params, &Patch::Merge(patch)).await {
            Ok(_) => Ok(false),
            Err(Error::Api(status)) if status.code == 404 => {
                self.rollouts().patch(name, &params, &Patch::Merge(unified)).await.map(|_| true)
            }
            Err(error) => Err(error),
        }
    }

    /// Merges `patch` into a rollout, its status apart.
    pub async fn patch(&self, name: &str, patch: &Value) -> Result<(), Error> {
        self.merge::<Rollout>(name, patch).await
    }

    /// What a failed call means, with advice for a rollout that is not there.
    pub fn explain(&self, error: &Error, attempted: &str) -> Problem {
        let problem = Problem::of_call(error, attempted);
        let missing = matches!(error, Error::Api(status) if status.code == 404);
        if missing && problem.next_step().is_none() {
            let Session { program, namespace, .. } = self;
            return problem.advise(format!("See which there are: {program} list rollouts -n {namespace}"));
        }
        problem
    }
}

/// A label selector for the ReplicaSets and pods of a rollout. Owner references decide; this keeps the lists short.
pub fn members(rollout: &Rollout) -> String {
    let own = rollout.spec.selector.as_ref().map(selector::to_line).filter(|line| !line.is_empty());
    own.map_or_else(|| labels::POD_TEMPLATE_HASH.to_owned(), |line| format!("{line},{}", labels::POD_TEMPLATE_HASH))
}

/// Writes are recorded under the plugin's name.
pub fn writing() -> PatchParams {
    PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() }
}

/// Creations are too.
pub fn creating() -> PostParams {
    PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() }
}
