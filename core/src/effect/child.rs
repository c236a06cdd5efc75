//! Writes to the `AnalysisRun`s and Experiments that somebody owns.

use serde_json::json;

use super::Target;
use super::wire::Operations;
use crate::api::{AnalysisRun, Experiment};

/// A write to an AnalysisRun or an Experiment.
#[derive(Clone, Debug, PartialEq)]
pub enum ChildWrite {
    /// Create it. Its name is stored first by whoever asks for it, so that a second attempt finds the first.
    Create(Box<Child>),
    /// Ask it to end.
    Terminate(ChildKind, Target),
    /// Delete it.
    Delete(ChildKind, Target),
}

/// An AnalysisRun or an Experiment.
#[derive(Clone, Debug, PartialEq)]
pub enum Child {
    /// An AnalysisRun.
    AnalysisRun(AnalysisRun),
    /// An Experiment.
    Experiment(Experiment),
}

/// What kind of object it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChildKind {
    /// An AnalysisRun.
    AnalysisRun,
    /// An Experiment.
    Experiment,
}

impl ChildKind {
    /// Its name in a manifest.
    pub fn as_str(self) -> &'static str {
        match self {
            ChildKind::AnalysisRun => "AnalysisRun",
            ChildKind::Experiment => "Experiment",
        }
    }
}

impl Child {
    /// Its kind.
    pub fn kind(&self) -> ChildKind {
        match self {
            Child::AnalysisRun(_) => ChildKind::AnalysisRun,
            Child::Experiment(_) => ChildKind::Experiment,
        }
    }

    /// `metadata.name`.
    pub fn name(&self) -> &str {
        let metadata = match self {
            Child::AnalysisRun(run) => &run.metadata,
            Child::Experiment(experiment) => &experiment.metadata,
        };
        metadata.name.as_deref().unwrap_or_default()
    }
}

impl ChildWrite {
    /// What it does, the kind of object, and its name.
    pub fn parts(&self) -> (&'static str, ChildKind, &str) {
        match self {
            ChildWrite::Create(child) => ("create", child.kind(), child.name()),
            ChildWrite::Terminate(kind, target) => ("terminate", *kind, &target.name),
            ChildWrite::Delete(kind, target) => ("delete", *kind, &target.name),
        }
    }
}

/// The patch that asks one to end: it applies to the observed object, or not at all.
pub fn termination(target: &Target) -> Operations {
    vec![
        json!({ "op": "test", "path": "/metadata/uid", "value": target.uid }),
        json!({ "op": "add", "path": "/spec/terminate", "value": true }),
    ]
}
