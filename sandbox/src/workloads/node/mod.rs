//! Nodes: pods are scheduled, start, become ready, crash and end, as their annotations say.
//!
//! The annotations are those of the node stand-in of `tests/cluster`, so that a manifest behaves the same on both.

pub mod behaviour;
pub mod command;
pub mod container;
mod scheduler;
pub mod status;

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use self::behaviour::Behaviour;
use self::container::Container;
use super::pods;
use crate::object;
use crate::state::State;
use crate::write::{self, Call, DeleteOptions};

/// What containers do besides looking alive.
pub trait Runtime: Send {
    /// A container of the pod begins to run. Its ports should answer before this returns.
    fn start(&mut self, pod: &Value, container: &str);
    /// It has stopped.
    fn stop(&mut self, pod: &Value, container: &str);
}

/// Containers that only look alive.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lifeless;

impl Runtime for Lifeless {
    fn start(&mut self, _: &Value, _: &str) {}
    fn stop(&mut self, _: &Value, _: &str) {}
}

/// How long a pod takes to end of its grace period, unless it says otherwise.
const GRACE: i64 = 30;

/// The nodes, with the pods that they run.
pub struct Nodes {
    runtime: Box<dyn Runtime>,
    lives: HashMap<(String, String), Life>,
    /// The next free address.
    addresses: u32,
}

/// A pod on its node.
struct Life {
    uid: String,
    address: String,
    behaviour: Behaviour,
    containers: Vec<Container>,
    terminating: Option<Timestamp>,
}

impl Default for Nodes {
    fn default() -> Nodes {
        Nodes::new(Box::new(Lifeless))
    }
}

impl Nodes {
    /// Nodes whose containers do what `runtime` does.
    pub fn new(runtime: Box<dyn Runtime>) -> Nodes {
        Nodes { runtime, lives: HashMap::new(), addresses: 0 }
    }

    /// Looks at one pod.
    pub fn look(&mut self, state: &mut State, namespace: &str, name: &str) -> Option<Timestamp> {
        let key = (namespace.to_owned(), name.to_owned());
        let pod = state.store.get("pods", namespace, name).cloned();
        if let Some(mut life) = self.lives.remove(&key) {
            match &pod {
                Some(pod) if object::uid(pod) == life.uid => {
                    self.lives.insert(key.clone(), life);
                }
                _ => life.halt(state.now, self.runtime.as_mut()),
            }
        }
        let mut pod = pod?;
        if pod["spec"]["nodeName"].as_str().is_none_or(str::is_empty) {
            if object::is_deleting(&pod) || gated(&pod) {
                return None;
            }
            pod = scheduler::place(state, &pod)?;
        }
        if !self.lives.contains_key(&key) {
            if pods::has_ended(&pod) && !object::is_deleting(&pod) {
                return None;
            }
            let address = self.next_address();
            self.lives.insert(key.clone(), Life::new(&pod, address, state.now));
        }
        let life = self.lives.get_mut(&key)?;
        let next = life.advance(&pod, state.now, self.runtime.as_mut());
        report(state, life, &pod);
        next
    }

    fn next_address(&mut self) -> String {
        self.addresses += 1;
        let [_, second, third, fourth] = (FIRST_POD_ADDRESS + self.addresses).to_be_bytes();
        format!("10.{second}.{third}.{fourth}")
    }
}

/// `10.200.16.0`; behind it there is room for three million pods.
const FIRST_POD_ADDRESS: u32 = 200 << 16 | 16 << 8;

/// A pod with scheduling gates waits for them to be opened, and one with another scheduler for that.
fn gated(pod: &Value) -> bool {
    let scheduler = pod["spec"]["schedulerName"].as_str().unwrap_or("default-scheduler");
    scheduler != "default-scheduler" || pod["spec"]["schedulingGates"].as_array().is_some_and(|gates| !gates.is_empty())
}

impl Life {
    fn new(pod: &Value, address: String, now: Timestamp) -> Life {
        let behaviour = Behaviour::of(pod);
        let policy = pod["spec"]["restartPolicy"].as_str().unwrap_or("Always").to_owned();
        let specs = pod["spec"]["containers"].as_array().into_iter().flatten();
        let runs = command::is_run(pod);
        let run = |spec| runs.then(|| behaviour.run().map_or_else(|| command::read(pod, spec), Ok));
        let containers = specs.map(|spec| Container::new(spec, &policy, run(spec), now)).collect();
        Life { uid: object::uid(pod).to_owned(), address, behaviour, containers, terminating: None }
    }

    /// Brings the containers up to now, and returns when something will happen next.
    fn advance(&mut self, pod: &Value, now: Timestamp, runtime: &mut dyn Runtime) -> Option<Timestamp> {
        let before: Vec<bool> = self.containers.iter().map(Container::is_running).collect();
        let mut next = None;
        if pods::has_ended(pod) {
            self.halt_containers(now);
        }
        let mut over = false;
        if object::is_deleting(pod) {
            let since = *self.terminating.get_or_insert(now);
            let grace = pod["metadata"]["deletionGracePeriodSeconds"].as_i64().unwrap_or(GRACE);
            let delay = self.behaviour.termination_delay.min(SignedDuration::from_secs(grace));
            let end = since.saturating_add(delay).unwrap_or(now);
            over = now >= end;
            if over {
                self.halt_containers(now);
            } else {
                next = Some(end);
            }
        }
        if !over {
            for container in &mut self.containers {
                next = next.into_iter().chain(container.advance(&self.behaviour, now)).min();
            }
        }
        for (container, was) in self.containers.iter().zip(before) {
            match (was, container.is_running()) {
                (false, true) => runtime.start(&self.addressed(pod), &container.name),
                (true, false) => runtime.stop(pod, &container.name),
                _ => {}
            }
        }
        next
    }

    fn addressed(&self, pod: &Value) -> Value {
        let mut pod = pod.clone();
        pod["status"]["podIP"] = json!(self.address);
        pod
    }

    fn halt_containers(&mut self, now: Timestamp) {
        for container in &mut self.containers {
            container.halt(now);
        }
    }

    /// The pod is gone, and whatever still runs of it ends.
    fn halt(&mut self, now: Timestamp, runtime: &mut dyn Runtime) {
        for container in &mut self.containers {
            if container.is_running() {
                runtime.stop(&json!({ "metadata": { "uid": self.uid } }), &container.name);
            }
            container.halt(now);
        }
    }
}

/// Writes the status if it has changed, and removes a pod that has ended.
fn report(state: &mut State, life: &Life, pod: &Value) {
    let resource = state.registry.known("pods");
    let (namespace, name) = (object::namespace(pod), object::name(pod));
    let number = pod["spec"]["nodeName"].as_str().and_then(|node| node.rsplit('-').next()?.parse::<u8>().ok());
    let host = format!("10.200.0.{}", number.unwrap_or(0).saturating_add(10));
    let status = status::of(pod, &life.containers, &life.behaviour, &host, &life.address, state.now);
    let ended = matches!(status["phase"].as_str(), Some("Succeeded" | "Failed"));
    if status != pod["status"] {
        let call = Call::new(&resource, namespace, "node-stand-in").status();
        // Gone in the meantime is fine: there is nothing left to report on.
        let _ = write::update(state, &call, name, |current| {
            let mut new = current.clone();
            new["status"] = status;
            Ok(new)
        });
    }
    if object::is_deleting(pod) && ended {
        let options = DeleteOptions { grace: Some(0), uid: Some(life.uid.clone()), ..DeleteOptions::default() };
        let _ = write::delete(state, &Call::new(&resource, namespace, "node-stand-in"), name, &options);
    }
}
