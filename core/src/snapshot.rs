//! Everything a decision may look at, time included.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde_json::Value;

use crate::analysis::templates::Templates;
use crate::api::{AnalysisRun, Experiment, ReplicaSet, Rollout, labels};
use crate::effect::{Effect, EffectKey, Target};
use crate::planted::{self, Bug};
use crate::revision::owns;
use crate::sight::Sight;
use crate::step_plugin::StepPlugins;
use crate::traffic::{RouteWrite, Routed};
use crate::workload::Workload;

/// One rollout and its surroundings at one moment. Nothing else exists for the planner.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The time of the observation.
    pub now: Timestamp,
    /// The Rollout as the cache holds it.
    pub rollout: Rollout,
    /// Parts of the stored Rollout, pod template aside, that did not decode and are therefore absent here, in words.
    pub decode_problems: Vec<String>,
    /// ReplicaSets of its namespace that it owns or that nobody owns; in any order.
    pub replica_sets: Vec<ReplicaSet>,
    /// Pods of those ReplicaSets.
    pub pods: Vec<Pod>,
    /// Services that the manifest names, as far as they exist, and those that say that this Rollout manages them.
    pub services: Vec<Service>,
    /// The traffic routers that the manifest names, as far as there are any for them.
    pub routers: Vec<Routed>,
    /// Those that it named when their objects were written last, where they are others.
    pub former: Vec<Routed>,
    /// The workload that `spec.workloadRef` names.
    pub workload: Sight<Box<Workload>>,
    /// Its analysis runs, and the templates that it names for more.
    pub analyses: Analyses,
    /// Its experiments.
    pub experiments: Vec<Experiment>,
    /// What is known of the plugins that steps name.
    pub step_plugins: StepPlugins,
    /// Writes that the API server refused lately.
    pub refusals: Vec<Refusal>,
    /// Whether the installed CRD keeps `status.waitingOn`, an addition of Sluice.
    pub stores_waiting_on: bool,
}

/// The analysis runs of a rollout, and what others are made of.
#[derive(Clone, Debug, Default)]
pub struct Analyses {
    /// Those that it owns.
    pub runs: Vec<AnalysisRun>,
    /// The templates that it names, and those that they name.
    pub templates: Templates,
}

impl Analyses {
    /// The run of this name.
    pub fn run(&self, name: &str) -> Option<&AnalysisRun> {
        self.runs.iter().find(|run| run.metadata.name.as_deref() == Some(name))
    }
}

/// What a decision needs to know of a pod.
#[derive(Clone, Debug)]
pub struct Pod {
    /// Its identity.
    pub target: Target,
    /// `metadata.uid` of the ReplicaSet that controls it.
    pub replica_set_uid: String,
    /// When it was created.
    pub created: Timestamp,
    /// Whether its deletion has begun.
    pub deleting: bool,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
}

/// What a decision needs to know of a Service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its identity.
    pub target: Target,
    /// `spec.selector`.
    pub selector: BTreeMap<String, String>,
    /// The name of the Rollout that manages it, by its own account.
    pub managed_by: Option<String>,
    /// Whether it has any annotation.
    pub has_annotations: bool,
    /// `metadata.uid` of the object that controls it.
    pub controller: Option<String>,
    /// Its ready endpoints by their revision, by its `EndpointSlices`; `None` where nobody looks at those.
    pub endpoints: Option<BTreeMap<String, i32>>,
}

impl Service {
    /// The revision that it selects, where it selects one.
    pub fn hash(&self) -> Option<&str> {
        self.selector.get(labels::POD_TEMPLATE_HASH).map(String::as_str)
    }

    /// The revision that its requests go to: the one that it selects, once its endpoints have followed.
    pub fn leads_to(&self) -> Option<&str> {
        let selected = self.hash()?;
        if planted::is(Bug::TrustsSelectors) {
            return Some(selected);
        }
        let endpoints = self.endpoints.iter().flatten().filter(|(hash, ready)| **ready > 0 && !hash.is_empty());
        let other = endpoints.map(|(hash, _)| hash.as_str()).find(|hash| *hash != selected);
        Some(other.unwrap_or(selected))
    }

    /// How many of `pods` of a revision its requests can go to.
    pub fn serves(&self, hash: &str, pods: i32) -> i32 {
        let ready = self.endpoints.as_ref().map(|endpoints| endpoints.get(hash).copied().unwrap_or(0));
        ready.map_or(pods, |ready| pods.min(ready))
    }
}

/// A write that did not succeed, as an observation.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// The effect.
    pub key: EffectKey,
    /// Why, in the API server's words.
    pub error: String,
    /// Whether the name was taken by an object that is not ours.
    pub name_taken: bool,
    /// It is not tried again before.
    pub retry_at: Timestamp,
    /// The very write to a traffic router's object that is held back; another one to the same object is not.
    pub only: Option<Box<RouteWrite>>,
}

impl Snapshot {
    /// `spec.replicas`, 1 where the manifest is silent.
    pub fn replicas(&self) -> i32 {
        self.rollout.spec.replicas.unwrap_or(1)
    }

    /// The workload that the manifest refers to, where it is there.
    pub fn workload(&self) -> Option<&Workload> {
        match &self.workload {
            Sight::Found(workload) if self.rollout.spec.workload_ref.is_some() => Some(workload),
            _ => None,
        }
    }

    /// The template of its pods: that of the workload it refers to, or its own.
    pub fn template(&self) -> Option<&Value> {
        self.workload().map(|workload| &workload.template).or(self.rollout.spec.template.as_ref())
    }

    /// Which pods are its: by its own selector, or where it has none that of the workload it refers to.
    pub fn selector(&self) -> Option<&LabelSelector> {
        self.rollout.spec.selector.as_ref().or_else(|| self.workload()?.selector.as_ref())
    }

    /// The ReplicaSets that it owns.
    pub fn owned(&self) -> impl Iterator<Item = &ReplicaSet> {
        self.replica_sets.iter().filter(|rs| owns(&self.rollout, rs))
    }

    /// The Service of this name.
    pub fn service(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.target.name == name)
    }

    /// The experiment of this name.
    pub fn experiment(&self, name: &str) -> Option<&Experiment> {
        self.experiments.iter().find(|experiment| experiment.metadata.name.as_deref() == Some(name))
    }

    /// How many of `pods` of a revision requests can go to by a Service; all of them where there is none between.
    pub fn served(&self, service: &str, hash: &str, pods: i32) -> i32 {
        self.service(service).map_or(pods, |service| service.serves(hash, pods))
    }

    /// The refusal that holds a planned effect back now.
    pub fn refusal_of(&self, effect: &Effect) -> Option<&Refusal> {
        let same = |refusal: &&Refusal| match (effect, &refusal.only) {
            (Effect::Route(change), Some(only)) => change.write == **only,
            _ => true,
        };
        self.refusal(&effect.key()).filter(same)
    }

    /// The refusal that holds effects of a key back now.
    pub fn refusal(&self, key: &EffectKey) -> Option<&Refusal> {
        self.refusals.iter().find(|refusal| refusal.key == *key && refusal.retry_at > self.now)
    }
}
