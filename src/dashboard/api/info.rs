//! A rollout as the HTTP API has it. Fields that are empty, zero or false are left out, as its clients know it. (Argo Rollouts,
//! `pkg/apiclient/rollout/rollout.proto`.)

use std::collections::HashMap;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use sluice_core::api::{Experiment, ReplicaSet, Rollout};
use sluice_core::info::analysis_run::is_owned;
use sluice_core::info::badge::Badge;
use sluice_core::info::family::Family;
use sluice_core::info::phase;
use sluice_core::info::pod::PodInfo as ShownPod;
use sluice_core::info::replica_set::{ReplicaSetInfo as ShownSet, SCALE_DOWN_DEADLINE, is_owned as is_pod_of};
use sluice_core::info::rollout::{Counts, number};
use sluice_core::info::strategy::{Strategy, roles};
use sluice_core::revision::owns;

use super::run::{self, AnalysisRunInfo};

pub(super) fn is_zero<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A rollout.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RolloutInfo {
    object_meta: Value,
    #[serde(skip_serializing_if = "is_zero")]
    status: String,
    #[serde(skip_serializing_if = "is_zero")]
    message: String,
    #[serde(skip_serializing_if = "is_zero")]
    icon: String,
    #[serde(skip_serializing_if = "is_zero")]
    strategy: String,
    #[serde(skip_serializing_if = "is_zero")]
    step: String,
    #[serde(skip_serializing_if = "is_zero")]
    set_weight: String,
    #[serde(skip_serializing_if = "is_zero")]
    actual_weight: String,
    #[serde(skip_serializing_if = "is_zero")]
    ready: i32,
    #[serde(skip_serializing_if = "is_zero")]
    current: i32,
    #[serde(skip_serializing_if = "is_zero")]
    desired: i32,
    #[serde(skip_serializing_if = "is_zero")]
    updated: i32,
    #[serde(skip_serializing_if = "is_zero")]
    available: i32,
    #[serde(skip_serializing_if = "is_zero")]
    restarted_at: String,
    #[serde(skip_serializing_if = "is_zero")]
    generation: String,
    #[serde(skip_serializing_if = "is_zero")]
    replica_sets: Vec<ReplicaSetInfo>,
    #[serde(skip_serializing_if = "is_zero")]
    experiments: Vec<ExperimentInfo>,
    #[serde(skip_serializing_if = "is_zero")]
    analysis_runs: Vec<AnalysisRunInfo>,
    #[serde(skip_serializing_if = "is_zero")]
    containers: Vec<ContainerInfo>,
    #[serde(skip_serializing_if = "is_zero")]
    steps: Vec<Value>,
    #[serde(skip_serializing_if = "is_zero")]
    init_containers: Vec<ContainerInfo>,
}

/// A container of the pod template.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct ContainerInfo {
    name: String,
    #[serde(skip_serializing_if = "is_zero")]
    image: String,
}

/// A ReplicaSet.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "it is the form that clients know")]
pub struct ReplicaSetInfo {
    object_meta: Value,
    #[serde(skip_serializing_if = "is_zero")]
    status: String,
    #[serde(skip_serializing_if = "is_zero")]
    icon: String,
    #[serde(skip_serializing_if = "is_zero")]
    revision: i64,
    #[serde(skip_serializing_if = "is_zero")]
    stable: bool,
    #[serde(skip_serializing_if = "is_zero")]
    canary: bool,
    #[serde(skip_serializing_if = "is_zero")]
    active: bool,
    #[serde(skip_serializing_if = "is_zero")]
    preview: bool,
    #[serde(skip_serializing_if = "is_zero")]
    replicas: i32,
    #[serde(skip_serializing_if = "is_zero")]
    available: i32,
    #[serde(skip_serializing_if = "is_zero")]
    template: String,
    #[serde(skip_serializing_if = "is_zero")]
    scale_down_deadline: String,
    #[serde(skip_serializing_if = "is_zero")]
    images: Vec<String>,
    #[serde(skip_serializing_if = "is_zero")]
    pods: Vec<PodInfo>,
}

/// A pod.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PodInfo {
    object_meta: Value,
    status: String,
    icon: String,
    ready: String,
    #[serde(skip_serializing_if = "is_zero")]
    restarts: i32,
}

/// An experiment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExperimentInfo {
    object_meta: Value,
    icon: String,
    #[serde(skip_serializing_if = "is_zero")]
    revision: i64,
    status: String,
    #[serde(skip_serializing_if = "is_zero")]
    message: String,
    #[serde(skip_serializing_if = "is_zero")]
    replica_sets: Vec<ReplicaSetInfo>,
    #[serde(skip_serializing_if = "is_zero")]
    analysis_runs: Vec<AnalysisRunInfo>,
}

impl RolloutInfo {
    /// Its name.
    pub fn name(&self) -> &str {
        self.object_meta["name"].as_str().unwrap_or_default()
    }

    /// A rollout with its `ReplicaSets` and their pods, as lists have it.
    pub fn listed(
        rollout: &Rollout,
        sets: Vec<&ReplicaSet>,
        pods: &HashMap<String, Vec<Pod>>,
        now: Timestamp,
    ) -> RolloutInfo {
        let owned = in_revisions(sets);
        let none = Vec::new();
        let of = |rs: &ReplicaSet| rs.metadata.uid.as_ref().and_then(|uid| pods.get(uid)).unwrap_or(&none).as_slice();
        RolloutInfo {
            replica_sets: owned.iter().map(|rs| replica_set(rs, &roles(rollout, rs), of(rs), now)).collect(),
            ..RolloutInfo::with(rollout, &owned)
        }
    }

    fn with(rollout: &Rollout, owned: &[&ReplicaSet]) -> RolloutInfo {
        let (phase, message) = phase::shown(rollout);
        let badge = Badge::phase(&phase);
        let counts = Counts::of(rollout);
        let strategy = Strategy::of(rollout, owned);
        let (step, set_weight, actual_weight) = match &strategy {
            Strategy::Canary { step, set_weight, actual_weight } => (
                step.map(|(index, count)| format!("{index}/{count}")).unwrap_or_default(),
                set_weight.to_string(),
                actual_weight.to_string(),
            ),
            Strategy::BlueGreen | Strategy::Unknown => Default::default(),
        };
        let status = rollout.status();
        let restarted = status.restarted_at.as_ref().map_or_else(|| "Never".to_owned(), |time| at(time.0));
        let steps = rollout.spec.strategy.canary.as_ref().and_then(|canary| canary.steps.as_deref());
        let steps = steps.unwrap_or_default().iter().filter_map(|step| serde_json::to_value(step).ok());
        RolloutInfo {
            object_meta: identity(&rollout.metadata),
            status: badge.word,
            message,
            icon: badge.tone.symbol().to_owned(),
            strategy: strategy.name().to_owned(),
            step,
            set_weight,
            actual_weight,
            ready: counts.ready,
            current: counts.current,
            desired: counts.desired,
            updated: counts.updated,
            available: counts.available,
            restarted_at: restarted,
            generation: status.observed_generation.clone(),
            containers: containers(rollout, "containers"),
            steps: steps.collect(),
            init_containers: containers(rollout, "initContainers"),
            ..RolloutInfo::default()
        }
    }

    /// A rollout with what belongs to it.
    pub fn of(family: &Family, now: Timestamp) -> RolloutInfo {
        let rollout = &family.rollout;
        let uid = rollout.metadata.uid.as_deref().unwrap_or_default();
        let owned = in_revisions(family.replica_sets.iter().filter(|rs| owns(rollout, rs)).collect());
        let runs = family.runs.as_deref().unwrap_or_default();
        let experiments = family.experiments.iter().flatten().filter(|one| is_owned(&one.metadata, uid));
        RolloutInfo {
            replica_sets: owned.iter().map(|rs| replica_set(rs, &roles(rollout, rs), &family.pods, now)).collect(),
            experiments: experiments.map(|one| experiment(one, family, now)).collect(),
            analysis_runs: run::of_owner(uid, runs),
            ..RolloutInfo::with(rollout, &owned)
        }
    }
}

/// The newest revision first.
fn in_revisions(mut sets: Vec<&ReplicaSet>) -> Vec<&ReplicaSet> {
    sets.sort_by_key(|rs| (std::cmp::Reverse(rs.revision()), rs.name().to_owned()));
    sets
}

/// A time as Go writes one, which is how clients read this one.
fn at(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S +0000 UTC").to_string()
}

/// What tells an object from others.
pub(super) fn identity(metadata: &ObjectMeta) -> Value {
    let mut meta = serde_json::to_value(metadata).unwrap_or_else(|_| json!({}));
    if let Some(fields) = meta.as_object_mut() {
        fields.remove("managedFields");
    }
    meta
}

fn containers(rollout: &Rollout, list: &str) -> Vec<ContainerInfo> {
    let template = rollout.spec.template.as_ref();
    let containers = template.and_then(|template| template["spec"][list].as_array()).into_iter().flatten();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    containers.map(|one| ContainerInfo { name: text(&one["name"]), image: text(&one["image"]) }).collect()
}

fn replica_set(rs: &ReplicaSet, roles: &[&str], pods: &[Pod], now: Timestamp) -> ReplicaSetInfo {
    let shown = ShownSet::of(rs, Vec::new(), pods, now);
    let mut own: Vec<&Pod> = pods.iter().filter(|pod| is_pod_of(pod, rs)).collect();
    own.sort_by_key(|pod| (pod.metadata.creation_timestamp.as_ref().map(|time| time.0), pod.metadata.name.clone()));
    let plays = |role: &str| roles.contains(&role);
    ReplicaSetInfo {
        object_meta: identity(&rs.metadata),
        icon: shown.status.tone.symbol().to_owned(),
        status: shown.status.word,
        revision: rs.revision(),
        stable: plays("stable"),
        canary: plays("canary"),
        active: plays("active"),
        preview: plays("preview"),
        replicas: rs.observed().replicas,
        available: rs.observed().available_replicas,
        template: rs.hash().map(|hash| hash.as_str().to_owned()).unwrap_or_default(),
        scale_down_deadline: rs.annotation(SCALE_DOWN_DEADLINE).unwrap_or_default().to_owned(),
        images: shown.images,
        pods: own.into_iter().map(|one| pod(one, now)).collect(),
    }
}

fn pod(pod: &Pod, now: Timestamp) -> PodInfo {
    let shown = ShownPod::of(pod, now);
    PodInfo {
        object_meta: identity(&pod.metadata),
        icon: shown.status.tone.symbol().to_owned(),
        status: shown.status.word,
        ready: shown.ready,
        restarts: shown.restarts,
    }
}

fn experiment(one: &Experiment, family: &Family, now: Timestamp) -> ExperimentInfo {
    let uid = one.metadata.uid.as_deref().unwrap_or_default();
    let status = one.status.clone().unwrap_or_default();
    let badge = Badge::analysis(&status.phase);
    let own = family.replica_sets.iter().filter(|rs| rs.controller_uid() == Some(uid));
    ExperimentInfo {
        object_meta: identity(&one.metadata),
        icon: badge.tone.symbol().to_owned(),
        status: badge.word,
        revision: number(&one.metadata),
        message: status.message,
        replica_sets: own.map(|rs| replica_set(rs, &[], &family.pods, now)).collect(),
        analysis_runs: run::of_owner(uid, family.runs.as_deref().unwrap_or_default()),
    }
}
