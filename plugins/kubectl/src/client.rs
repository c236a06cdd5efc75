//! The API calls that the commands share.

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::Event;
use kube::api::{Api, ListParams, PatchParams, PostParams};
use kube::{Client, Error, Resource};
use sluice::steer::{Refusal, Rollouts};
use sluice_core::api::Rollout;
use sluice_core::info::family::{Family, Trial};

use crate::cli::Program;
use crate::problem::Problem;
use crate::term;

/// The name that writes are recorded under in `metadata.managedFields`.
const FIELD_MANAGER: &str = "kubectl-sluice";

/// Events are read so many at a time,
const PAGE: u32 = 500;
/// and no more of them than so many times that.
const MOST_PAGES: usize = 40;

/// A connection and what was said on the command line about where to work.
pub struct Session {
    /// The connection.
    pub client: Client,
    /// The namespace.
    pub namespace: String,
    /// How the plugin was called, for advice.
    pub program: Program,
    /// Flags of the connection that were given, for advice, too.
    pub flags: String,
}

impl Session {
    /// The same in another namespace, if one is named.
    pub fn within(&self, namespace: Option<String>) -> Session {
        let namespace = namespace.unwrap_or_else(|| self.namespace.clone());
        Session { client: self.client.clone(), namespace, program: self.program, flags: self.flags.clone() }
    }

    /// A command of the plugin about what is in the namespace, as one types it to get to the same API server.
    pub fn command(&self, words: &str) -> String {
        format!("{} {words} -n {}{}", self.program, self.namespace, self.flags)
    }

    /// What people ask of the rollouts of the namespace.
    pub fn steer(&self) -> Rollouts {
        Rollouts { client: self.client.clone(), namespace: self.namespace.clone(), manager: FIELD_MANAGER }
    }

    /// The rollouts of the namespace.
    pub fn rollouts(&self) -> Api<Rollout> {
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
        self.steer().rollout(name).await.map_err(|refusal| self.because(refusal))
    }

    /// A rollout with all that belongs to it.
    pub async fn family(&self, name: &str) -> Result<Family, Problem> {
        self.steer().family(name).await.map_err(|refusal| self.because(refusal))
    }

    /// A rollout with what belongs to it, and why its pods are not among it where they may not be seen.
    pub async fn family_in_sight(&self, name: &str) -> Result<(Family, Option<Problem>), Problem> {
        let seen = self.steer().family_in_sight(name).await;
        let (family, refusal) = seen.map_err(|refusal| self.because(refusal))?;
        Ok((family, refusal.map(|refusal| self.because(refusal))))
    }

    /// An experiment with all that belongs to it.
    pub async fn trial(&self, name: &str) -> Result<Trial, Problem> {
        self.steer().trial(name).await.map_err(|refusal| match refusal {
            Refusal::Call { attempted, error } => Problem::of_call(&error, &attempted),
            Refusal::Unfit { .. } | Refusal::GoneOn { .. } | Refusal::Half { .. } => Problem::new(refusal.to_string()),
        })
    }

    /// The events of the namespace, as many as one may want to read.
    pub async fn events(&self) -> Result<Vec<Event>, Problem> {
        let api = self.api::<Event>();
        let mut params = ListParams::default().limit(PAGE);
        let mut events = Vec::new();
        for _ in 0..MOST_PAGES {
            let listed = api.list(&params).await.map_err(|error| Problem::of_call(&error, "list events"))?;
            events.extend(listed.items);
            let Some(token) = listed.metadata.continue_.filter(|token| !token.is_empty()) else { return Ok(events) };
            params = params.continue_token(&token);
        }
        let (count, namespace) = (events.len(), &self.namespace);
        term::note(&format!("there are more than {count} events in namespace {namespace}: the rest was not read"));
        Ok(events)
    }

    /// What a refusal means, with advice for a rollout that is not there.
    pub fn because(&self, refusal: Refusal) -> Problem {
        match refusal {
            Refusal::Call { attempted, error } => self.explain(&error, &attempted),
            Refusal::Unfit { .. } | Refusal::GoneOn { .. } | Refusal::Half { .. } => Problem::new(refusal.to_string()),
        }
    }

    /// What a failed call means, with advice for a rollout that is not there.
    pub fn explain(&self, error: &Error, attempted: &str) -> Problem {
        let problem = Problem::of_call(error, attempted);
        let missing = matches!(error, Error::Api(status) if status.code == 404);
        if missing && problem.next_step().is_none() {
            return problem.advise(format!("See which there are: {}", self.command("list rollouts")));
        }
        problem
    }
}

/// Writes are recorded under the plugin's name.
pub fn writing() -> PatchParams {
    PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() }
}

/// Creations are too.
pub fn creating() -> PostParams {
    PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() }
}
