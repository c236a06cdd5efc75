//! What has to be read to show an object: itself, and what belongs to it.

use k8s_openapi::api::core::v1::Pod;

use crate::api::{AnalysisRun, Experiment, ReplicaSet, Rollout};

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
