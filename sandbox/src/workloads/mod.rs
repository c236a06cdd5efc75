//! The workloads: controllers and nodes, as they are behind a real API server.
//!
//! One task does all of it, one object at a time, in an order that does not depend on chance. A change marks what it
//! concerns; each marked thing is looked at as a whole (level-triggered), and what has to happen later has an alarm.

pub mod autoscaler;
pub mod budget;
pub mod cluster;
pub mod definition;
pub mod deployment;
pub mod endpoints;
pub mod events;
pub mod garbage;
pub mod gateways;
pub mod job;
pub mod keeper;
mod marks;
pub mod namespace;
pub mod node;
pub mod pods;
pub mod quota;
pub mod replica_set;

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use self::garbage::Dependents;
use self::node::Nodes;
use crate::object;
use crate::state::{Sandbox, State};
use crate::store::Change;

/// More looks than anything needs without a pause.
const MOST_LOOKS: usize = 10_000_000;
/// Looks between which nobody else gets at the state.
const MOST_LOOKS_AT_ONCE: usize = 100;

/// Something to look at. The order is that of the work.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Task {
    /// A CustomResourceDefinition.
    Definition(String),
    /// A namespace.
    Namespace(String),
    /// Dependents of the owner with this uid.
    Dependents(String),
    /// A Deployment.
    Deployment(String, String),
    /// A ReplicaSet.
    ReplicaSet(String, String),
    /// A Job.
    Job(String, String),
    /// A pod, on its node.
    Pod(String, String),
    /// The EndpointSlices of a Service.
    Endpoints(String, String),
    /// A `GatewayClass`.
    GatewayClass(String),
    /// A Gateway of the Gateway API.
    Gateway(String, String),
    /// An `HTTPRoute`.
    HttpRoute(String, String),
    /// A PodDisruptionBudget.
    Budget(String, String),
    /// A ResourceQuota.
    Quota(String, String),
    /// A `HorizontalPodAutoscaler`.
    Autoscaler(String, String),
    /// An event, which does not stay.
    Event(String, String),
}

/// What the controllers remember between two looks.
#[derive(Default)]
pub struct Workloads {
    position: u64,
    marked: BTreeSet<Task>,
    /// What is left to look at before that.
    round: BTreeSet<Task>,
    /// Looks since there was last nothing to do.
    looks: usize,
    alarms: BTreeSet<(Timestamp, Task)>,
    dependents: Dependents,
    nodes: Nodes,
    failures: replica_set::Failures,
    jobs: job::Jobs,
    triggers: endpoints::Triggers,
    autoscalers: autoscaler::Autoscalers,
    gateways: gateways::Gateways,
}

/// Runs the workloads for as long as the sandbox is there.
pub async fn run(sandbox: Sandbox, runtime: Box<dyn node::Runtime>) {
    let mut workloads = Workloads { nodes: Nodes::new(runtime), ..Workloads::default() };
    let mut changes = sandbox.changes();
    loop {
        changes.catch_up();
        let next = sandbox.with(|state| workloads.settle(state));
        tokio::task::yield_now().await;
        let alarm = async {
            match next {
                Some(at) => tokio::time::sleep_until(sandbox.time().instant(at)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = changes.changed() => {}
            () = alarm => {}
        }
    }
}

impl Workloads {
    /// Does what there is to do now, and returns when there will be more. That is at once where it is so much that requests
    /// should be answered in between.
    ///
    /// # Panics
    ///
    /// When the controllers work against each other for ever, which is a bug of the sandbox.
    pub fn settle(&mut self, state: &mut State) -> Option<Timestamp> {
        for _ in 0..MOST_LOOKS_AT_ONCE {
            self.take_changes(state);
            while let Some(alarm) = self.alarms.first().filter(|(at, _)| *at <= state.now).cloned() {
                self.alarms.remove(&alarm);
                self.marked.insert(alarm.1);
            }
            if self.round.is_empty() {
                // What is looked at now may be marked again by many; it has its turn once they all have had theirs.
                self.round = std::mem::take(&mut self.marked);
            }
            let Some(task) = self.round.pop_first() else {
                self.looks = 0;
                return self.alarms.first().map(|(at, _)| *at);
            };
            self.looks += 1;
            assert!(self.looks < MOST_LOOKS, "the sandbox's controllers never settle: {task:?} again");
            if let Some(at) = self.look(state, &task) {
                self.alarms.insert((at, task));
            }
        }
        Some(state.now)
    }

    fn take_changes(&mut self, state: &State) {
        if self.position < state.store.oldest() {
            // Too far behind, as at the start: look at everything.
            let all: Vec<(crate::store::ResourceKey, Arc<Value>)> =
                state.store.all().map(|(resource, object)| (Arc::clone(resource), Arc::clone(object))).collect();
            for (resource, after) in all {
                let version = object::version(&after);
                self.mark(
                    state,
                    &Change { version, resource, before: None, after, deleted: false, by: "".into(), at: state.now },
                );
            }
            self.position = state.store.version();
            return;
        }
        let changes: Vec<Change> = state.store.since(self.position).cloned().collect();
        for change in changes {
            self.position = change.version;
            self.mark(state, &change);
        }
    }

    /// Looks at one thing, and returns when to look again although nothing changed.
    fn look(&mut self, state: &mut State, task: &Task) -> Option<Timestamp> {
        match task {
            Task::Definition(name) => definition::look(state, name),
            Task::Namespace(name) => namespace::look(state, name),
            Task::Dependents(uid) => garbage::look(state, &self.dependents, uid),
            Task::Deployment(namespace, name) => return deployment::look(state, namespace, name),
            Task::ReplicaSet(namespace, name) => {
                return replica_set::look(state, &mut self.failures, namespace, name);
            }
            Task::Job(namespace, name) => return job::look(state, &mut self.jobs, namespace, name),
            Task::Pod(namespace, name) => return self.nodes.look(state, namespace, name),
            Task::Endpoints(namespace, name) => endpoints::look(state, &mut self.triggers, namespace, name),
            Task::GatewayClass(_) | Task::Gateway(..) | Task::HttpRoute(..) => {
                return gateways::look(state, &mut self.gateways, task);
            }
            Task::Budget(namespace, name) => return budget::look(state, namespace, name),
            Task::Quota(namespace, name) => quota::look(state, namespace, name),
            Task::Autoscaler(namespace, name) => {
                return autoscaler::look(state, &mut self.autoscalers, namespace, name);
            }
            Task::Event(namespace, name) => return events::look(state, namespace, name),
        }
        None
    }
}
