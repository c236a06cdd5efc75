//! What somebody may see: asked of the API server with their own token, and remembered for a little while.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec};
use kube::api::{Api, PostParams};
use kube::{Client, Error};

use crate::clock::Clock;

/// How long an answer counts. A right that is taken away is gone after that.
const COUNTS: SignedDuration = SignedDuration::from_secs(30);
/// How many answers are remembered of one person.
const MOST: usize = 10_000;

/// A kind of object that pages show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Rollouts.
    Rollouts,
    /// `ReplicaSets`.
    ReplicaSets,
    /// Pods.
    Pods,
    /// Analysis runs.
    AnalysisRuns,
    /// Experiments.
    Experiments,
    /// Applications.
    Applications,
}

impl Kind {
    /// Its API group and its name there.
    fn resource(self) -> (&'static str, &'static str) {
        match self {
            Kind::Rollouts => ("argoproj.io", "rollouts"),
            Kind::ReplicaSets => ("apps", "replicasets"),
            Kind::Pods => ("", "pods"),
            Kind::AnalysisRuns => ("argoproj.io", "analysisruns"),
            Kind::Experiments => ("argoproj.io", "experiments"),
            Kind::Applications => ("argoproj.io", "applications"),
        }
    }
}

/// Something that somebody wants to do.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Asked {
    kind: Kind,
    namespace: String,
}

impl Asked {
    /// To see all objects of a kind in a namespace; without one, in all of them.
    pub fn to_list(kind: Kind, namespace: &str) -> Asked {
        Asked { kind, namespace: namespace.to_owned() }
    }

    fn attributes(&self) -> ResourceAttributes {
        let (group, resource) = self.kind.resource();
        ResourceAttributes {
            group: Some(group.to_owned()),
            resource: Some(resource.to_owned()),
            verb: Some("list".to_owned()),
            namespace: Some(self.namespace.clone()).filter(|namespace| !namespace.is_empty()),
            ..ResourceAttributes::default()
        }
    }
}

/// What one person may do, as far as it was asked.
pub struct Reviews {
    client: Client,
    clock: Clock,
    answers: Mutex<HashMap<Asked, (bool, Timestamp)>>,
}

impl Reviews {
    /// Asks with this client.
    pub fn new(client: Client, clock: Clock) -> Reviews {
        Reviews { client, clock, answers: Mutex::default() }
    }

    /// Whether something is allowed; an error where the API server does not know the token, or cannot be asked.
    pub async fn allows(&self, asked: Asked) -> Result<bool, Error> {
        let now = self.clock.now();
        if let Some(allowed) = self.remembered(&asked, now) {
            return Ok(allowed);
        }
        let spec = SelfSubjectAccessReviewSpec {
            resource_attributes: Some(asked.attributes()),
            ..SelfSubjectAccessReviewSpec::default()
        };
        let review = SelfSubjectAccessReview { spec, ..SelfSubjectAccessReview::default() };
        let api: Api<SelfSubjectAccessReview> = Api::all(self.client.clone());
        let answer = api.create(&PostParams::default(), &review).await?;
        let allowed = answer.status.is_some_and(|status| status.allowed);
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.len() >= MOST {
            answers.clear();
        }
        answers.insert(asked, (allowed, now));
        Ok(allowed)
    }

    fn remembered(&self, asked: &Asked, now: Timestamp) -> Option<bool> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.get(asked).filter(|(_, at)| now.duration_since(*at) < COUNTS).map(|(allowed, _)| *allowed)
    }
}
