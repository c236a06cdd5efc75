//! What somebody may do: asked of the API server with their own token, or about a person whom it knows by none. What they may see is
//! remembered for a little while.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec, SubjectAccessReview,
    SubjectAccessReviewSpec, SubjectAccessReviewStatus,
};
use kube::api::{Api, PostParams};
use kube::{Client, Error};
use serde_json::{Value, json};

use super::person::Person;
use crate::clock::Clock;

/// How long an answer counts. A right that is taken away is gone after that.
const COUNTS: SignedDuration = SignedDuration::from_secs(30);
/// How many answers are remembered of one person.
const MOST: usize = 4_000;

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
    /// Its API group, and its name there, as roles write them.
    pub fn resource(self) -> (&'static str, &'static str) {
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

/// Something that somebody wants to do, in the words of roles. What is empty is not there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Asked {
    /// `list` and the like.
    pub verb: &'static str,
    /// The API group.
    pub group: String,
    /// The resource.
    pub resource: String,
    /// The part of it.
    pub subresource: String,
    /// Where; nowhere is everywhere.
    pub namespace: String,
    /// Which one; none is all.
    pub name: String,
}

impl Asked {
    /// To see all objects of a kind in a namespace; without one, in all of them.
    pub fn to_list(kind: Kind, namespace: &str) -> Asked {
        let (group, resource) = kind.resource();
        Asked {
            verb: "list",
            group: group.to_owned(),
            resource: resource.to_owned(),
            subresource: String::new(),
            namespace: namespace.to_owned(),
            name: String::new(),
        }
    }

    /// Whether the answer may be that of a little while ago. What changes something is asked about each time.
    fn only_looks(&self) -> bool {
        ["get", "list", "watch"].contains(&self.verb)
    }

    fn attributes(&self) -> ResourceAttributes {
        let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        ResourceAttributes {
            verb: Some(self.verb.to_owned()),
            group: given(&self.group),
            resource: given(&self.resource),
            subresource: given(&self.subresource),
            namespace: given(&self.namespace),
            name: given(&self.name),
            ..ResourceAttributes::default()
        }
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Asked { verb, group, resource, subresource, namespace, name } = self;
        write!(f, "{verb} {resource}")?;
        for (before, part) in [("/", subresource), (" ", name)] {
            if !part.is_empty() {
                write!(f, "{before}{part}")?;
            }
        }
        write!(f, " in API group {group:?}")?;
        if namespace.is_empty() { f.write_str(" in the whole cluster") } else { write!(f, " in namespace {namespace}") }
    }
}

/// What one person may do, as far as it was asked.
pub struct Reviews {
    client: Client,
    /// Somebody whom the API server knows by no token of theirs; nobody is the owner of the client.
    about: Option<Person>,
    clock: Clock,
    answers: Mutex<HashMap<Asked, (bool, Timestamp)>>,
}

impl Reviews {
    /// What the owner of this client may do.
    pub fn new(client: Client, clock: Clock) -> Reviews {
        Reviews { client, about: None, clock, answers: Mutex::default() }
    }

    /// What a person may do; the owner of this client may ask that about others.
    pub fn of_person(client: Client, person: Person, clock: Clock) -> Reviews {
        Reviews { about: Some(person), ..Reviews::new(client, clock) }
    }

    /// Who it is about.
    pub fn about(&self) -> &str {
        self.about.as_ref().map_or("the owner of the token", |person| &person.name)
    }

    /// What an API server would say to a person who asks who they are.
    pub fn introduction(&self) -> Value {
        let groups = self.about.as_ref().map(|person| &person.groups);
        json!({
            "kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1", "metadata": {},
            "status": {"userInfo": {"username": self.about(), "groups": groups}},
        })
    }

    /// Whether something is allowed; an error where the API server does not know the token, or cannot be asked.
    pub async fn allows(&self, asked: Asked) -> Result<bool, Error> {
        let now = self.clock.now();
        if let Some(allowed) = self.remembered(&asked, now) {
            return Ok(allowed);
        }
        let status = match &self.about {
            None => self.ask_about_owner(&asked).await?,
            Some(person) => self.ask_about(person, &asked).await?,
        };
        let allowed = status.is_some_and(|status| status.allowed && status.denied != Some(true));
        if asked.only_looks() {
            let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
            if answers.len() >= MOST {
                answers.retain(|_, (_, at)| now.duration_since(*at) < COUNTS);
            }
            if answers.len() >= MOST {
                answers.clear();
            }
            answers.insert(asked, (allowed, self.clock.now()));
        }
        Ok(allowed)
    }

    async fn ask_about_owner(&self, asked: &Asked) -> Result<Option<SubjectAccessReviewStatus>, Error> {
        let spec = SelfSubjectAccessReviewSpec {
            resource_attributes: Some(asked.attributes()),
            ..SelfSubjectAccessReviewSpec::default()
        };
        let review = SelfSubjectAccessReview { spec, ..SelfSubjectAccessReview::default() };
        let api: Api<SelfSubjectAccessReview> = Api::all(self.client.clone());
        Ok(api.create(&PostParams::default(), &review).await?.status)
    }

    async fn ask_about(&self, person: &Person, asked: &Asked) -> Result<Option<SubjectAccessReviewStatus>, Error> {
        let spec = SubjectAccessReviewSpec {
            resource_attributes: Some(asked.attributes()),
            user: Some(person.name.clone()),
            groups: Some(person.groups.clone()),
            ..SubjectAccessReviewSpec::default()
        };
        let review = SubjectAccessReview { spec, ..SubjectAccessReview::default() };
        let api: Api<SubjectAccessReview> = Api::all(self.client.clone());
        // What is refused there is refused to the process, not to the person.
        let ours = |error: Error| match error {
            Error::Api(status) => {
                let why =
                    format!("the dashboard may not ask what people may do (deploy/dashboard-review.yaml): {status}");
                Error::Service(why.into())
            }
            error => error,
        };
        Ok(api.create(&PostParams::default(), &review).await.map_err(ours)?.status)
    }

    fn remembered(&self, asked: &Asked, now: Timestamp) -> Option<bool> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.get(asked).filter(|(_, at)| now.duration_since(*at) < COUNTS).map(|(allowed, _)| *allowed)
    }
}
