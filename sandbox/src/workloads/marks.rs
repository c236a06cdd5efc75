//! What a change concerns, and has to be looked at again.

use std::sync::Arc;

use serde_json::Value;

use super::{Task, Workloads, gateways, job};
use crate::state::State;
use crate::store::Change;
use crate::{object, selector};

impl Workloads {
    /// Marks what a change concerns.
    pub(super) fn mark(&mut self, state: &State, change: &Change) {
        let object = &change.after;
        let key = || (object::namespace(object).to_owned(), object::name(object).to_owned());
        let (namespace, name) = key();
        self.dependents.follow(change);
        if change.deleted || object::is_deleting(object) || object::owners(object).next().is_some() {
            self.marked.insert(Task::Dependents(object::uid(object).to_owned()));
        }
        for owner in change.before.iter().chain([object]).flat_map(|object| object::owners(object)) {
            let owner_name = owner["name"].as_str().unwrap_or_default().to_owned();
            match owner["kind"].as_str() {
                Some("ReplicaSet") => self.marked.insert(Task::ReplicaSet(namespace.clone(), owner_name)),
                Some("Job") => self.marked.insert(Task::Job(namespace.clone(), owner_name)),
                Some("Deployment") => self.marked.insert(Task::Deployment(namespace.clone(), owner_name)),
                Some("Service") => self.marked.insert(Task::Endpoints(namespace.clone(), owner_name)),
                _ => false,
            };
            if change.deleted {
                // It may have waited for its dependents.
                self.marked.insert(Task::Dependents(owner["uid"].as_str().unwrap_or_default().to_owned()));
            }
        }
        match &*change.resource {
            "customresourcedefinitions.apiextensions.k8s.io" => {
                self.marked.insert(Task::Definition(name.clone()));
            }
            "namespaces" => {
                self.marked.insert(Task::Namespace(name.clone()));
            }
            "deployments.apps" => {
                self.marked.insert(Task::Deployment(namespace.clone(), name.clone()));
            }
            "replicasets.apps" => {
                self.marked.insert(Task::ReplicaSet(namespace.clone(), name.clone()));
            }
            "jobs.batch" => {
                self.marked.insert(Task::Job(namespace.clone(), name.clone()));
            }
            "services" => {
                self.marked.insert(Task::Endpoints(namespace.clone(), name.clone()));
            }
            "poddisruptionbudgets.policy" => {
                self.marked.insert(Task::Budget(namespace.clone(), name.clone()));
            }
            "resourcequotas" => {
                self.marked.insert(Task::Quota(namespace.clone(), name.clone()));
            }
            "horizontalpodautoscalers.autoscaling" => {
                self.marked.insert(Task::Autoscaler(namespace.clone(), name.clone()));
            }
            "events" if change.before.is_none() => {
                self.marked.insert(Task::Event(namespace.clone(), name.clone()));
            }
            "pods" => self.mark_around_pod(state, change),
            "nodes" => self.mark_waiting_pods(state),
            _ => {}
        }
        self.mark_around_gateways(state, change);
        if change.deleted || change.before.is_none() {
            for quota in state.store.list("resourcequotas", Some(&namespace)) {
                self.marked.insert(Task::Quota(namespace.clone(), object::name(quota).to_owned()));
            }
        }
        if change.deleted && is_going(state, &change.resource) {
            self.marked.insert(Task::Definition(change.resource.to_string()));
        }
        if change.deleted && !namespace.is_empty() {
            self.marked.insert(Task::Namespace(namespace));
        }
    }

    /// A pod concerns its node, and whatever selects it.
    fn mark_around_pod(&mut self, state: &State, change: &Change) {
        let (namespace, name) = (object::namespace(&change.after), object::name(&change.after));
        self.marked.insert(Task::Pod(namespace.to_owned(), name.to_owned()));
        let labels: Vec<_> = change.before.iter().chain([&change.after]).map(|pod| object::labels(pod)).collect();
        for service in state.store.list("services", Some(namespace)) {
            let selector = object::texts(&service["spec"]["selector"]);
            if labels.iter().any(|labels| selector::are_among(&selector, labels)) {
                self.marked.insert(Task::Endpoints(namespace.to_owned(), object::name(service).to_owned()));
            }
        }
        for budget in state.store.list("poddisruptionbudgets.policy", Some(namespace)) {
            if labels.iter().any(|labels| object::selects(&budget["spec"]["selector"], labels)) {
                self.marked.insert(Task::Budget(namespace.to_owned(), object::name(budget).to_owned()));
            }
        }
        if change.deleted {
            // A Deployment that recreates waits for the last of its old pods.
            let owner = object::controller(&change.after).and_then(|owner| owner["name"].as_str()).unwrap_or_default();
            let set = state.store.get("replicasets.apps", namespace, owner);
            if let Some(deployment) = set.and_then(|set| object::controller(set)?["name"].as_str()) {
                self.marked.insert(Task::Deployment(namespace.to_owned(), deployment.to_owned()));
            }
        }
        if object::controller(&change.after).is_none() {
            if job::is_held(&change.after) {
                let job = labels.iter().find_map(|labels| labels.get(job::NAME_LABEL).cloned());
                self.marked.extend(job.map(|job| Task::Job(namespace.to_owned(), job)));
            }
            for job in state.store.list("jobs.batch", Some(namespace)) {
                if labels.iter().any(|labels| object::selects(&job["spec"]["selector"], labels)) {
                    self.marked.insert(Task::Job(namespace.to_owned(), object::name(job).to_owned()));
                }
            }
            for rs in state.store.list("replicasets.apps", Some(namespace)) {
                if labels.iter().any(|labels| object::selects(&rs["spec"]["selector"], labels)) {
                    self.marked.insert(Task::ReplicaSet(namespace.to_owned(), object::name(rs).to_owned()));
                }
            }
        }
    }

    /// What a route is told of depends on its Gateways and their classes, and on what it refers to; a Gateway counts its routes.
    fn mark_around_gateways(&mut self, state: &State, change: &Change) {
        let key = |object: &Arc<Value>| (object::namespace(object).to_owned(), object::name(object).to_owned());
        let (namespace, name) = key(&change.after);
        match &*change.resource {
            gateways::CLASSES => self.marked.insert(Task::GatewayClass(name)),
            gateways::GATEWAYS => self.marked.insert(Task::Gateway(namespace, name)),
            gateways::ROUTES => self.marked.insert(Task::HttpRoute(namespace, name)),
            "services" | "namespaces" | "referencegrants.gateway.networking.k8s.io" => false,
            _ => return,
        };
        for (namespace, name) in state.store.list(gateways::ROUTES, None).map(key) {
            self.marked.insert(Task::HttpRoute(namespace, name));
        }
        for (namespace, name) in state.store.list(gateways::GATEWAYS, None).map(key) {
            self.marked.insert(Task::Gateway(namespace, name));
        }
    }

    /// A pod without a node may go to one that is new or has other labels.
    fn mark_waiting_pods(&mut self, state: &State) {
        let waits = |pod: &&Arc<Value>| pod["spec"]["nodeName"].as_str().is_none_or(str::is_empty);
        for pod in state.store.list("pods", None).filter(waits) {
            self.marked.insert(Task::Pod(object::namespace(pod).to_owned(), object::name(pod).to_owned()));
        }
    }
}

/// A definition that waits for its objects.
fn is_going(state: &State, resource: &str) -> bool {
    let definition = state.store.get("customresourcedefinitions.apiextensions.k8s.io", "", resource);
    definition.is_some_and(|definition| object::is_deleting(definition))
}
