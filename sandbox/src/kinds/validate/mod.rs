//! Validation: what the API server refuses beyond what a schema can say, in its words.
//!
//! Objects come here decoded and defaulted, so that their types are right. The causes are in the API server's order, except
//! that it walks maps in any order, and repeats what is wrong with an update.

mod autoscaling;
mod cluster;
mod common;
mod config;
mod containers;
mod controllers;
mod definitions;
mod difference;
mod environment;
mod events;
mod jobs;
mod metadata;
mod names;
mod networking;
mod pods;
mod policy;
mod probes;
mod resources;
mod scheduling;
mod security;
mod services;
mod structural;
mod volumes;
mod workloads;

use serde_json::Value;

use super::registry::{NameRule, facts};
use crate::read::{at, items};
use crate::refusal::Cause;

/// What is wrong with an object of a built-in kind; with `old`, with an update of the stored object to it.
pub fn validate(group: &str, kind: &str, object: &Value, old: Option<&Value>) -> Vec<Cause> {
    let (namespaced, rule) =
        facts(group, kind).map_or((true, NameRule::Subdomain), |facts| (facts.namespaced, facts.name));
    let mut out = metadata::check(namespaced, rule, object, old, true);
    match (group, kind) {
        ("", "Pod") => pods::pod(&mut out, object, old),
        ("", "Namespace") => metadata::namespace_finalizers(&mut out, items(object, "spec.finalizers")),
        ("", "ConfigMap") => config::config_map(&mut out, object, old),
        ("", "Secret") => config::secret(&mut out, object, old),
        ("", "Service") => services::service(&mut out, object, old),
        ("", "Event") => events::core(&mut out, object, old),
        ("", "ResourceQuota") => policy::quota(&mut out, object, old),
        ("", "LimitRange") => policy::limit_range(&mut out, object),
        ("", "Endpoints") => networking::endpoints(&mut out, object),
        ("", "Node") => cluster::node(&mut out, object),
        ("", "PersistentVolumeClaim") => cluster::claim(&mut out, object, old),
        ("", "PodTemplate") => {
            workloads::bare_template(&mut out, "template", at(object, "template"), std::iter::empty());
        }
        ("", "ReplicationController") => controllers::replication_controller(&mut out, object),
        ("events.k8s.io", "Event") => events::new(&mut out, object, old),
        ("apps", "ReplicaSet") => workloads::replica_set(&mut out, object, old),
        ("apps", "Deployment") => workloads::deployment(&mut out, object, old),
        ("apps", "StatefulSet") => controllers::stateful_set(&mut out, object, old),
        ("apps", "DaemonSet") => controllers::daemon_set(&mut out, object, old),
        ("batch", "Job") => jobs::job(&mut out, object, old),
        ("batch", "CronJob") => jobs::cron_job(&mut out, object),
        ("autoscaling", "HorizontalPodAutoscaler") => autoscaling::autoscaler(&mut out, object),
        ("networking.k8s.io", "Ingress") => networking::ingress(&mut out, object),
        ("networking.k8s.io", "NetworkPolicy") => networking::network_policy(&mut out, object),
        ("discovery.k8s.io", "EndpointSlice") => networking::endpoint_slice(&mut out, object, old),
        ("rbac.authorization.k8s.io", "Role" | "ClusterRole") => cluster::role(&mut out, object, namespaced),
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => {
            cluster::binding(&mut out, object, old, namespaced);
        }
        ("policy", "PodDisruptionBudget") => policy::disruption_budget(&mut out, object),
        ("coordination.k8s.io", "Lease") => config::lease(&mut out, object),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => definitions::definition(&mut out, object, old),
        _ => {}
    }
    out
}

/// What is wrong with the metadata of a custom resource; with `old`, with an update of it.
pub fn validate_metadata(namespaced: bool, object: &Value, old: Option<&Value>) -> Vec<Cause> {
    metadata::check(namespaced, NameRule::Subdomain, object, old, false)
}
