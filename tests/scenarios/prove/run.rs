//! One run of a scenario, with at most one fault, and what it left behind.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use serde_json::{Value, json};
use sluice_sandbox::Sandbox;
use sluice_sandbox::line::{Fault, Write};
use sluice_sandbox::object;
use sluice_sandbox::store::Change;

use super::{Named, invariants};
use crate::sandboxed::Sandboxed;
use crate::scenario::Scenario;

/// How long a scenario's end may go on moving: the progress deadline is ten minutes.
const SETTLES: Duration = Duration::from_mins(11);
/// How long nothing may be written after that.
const QUIET: Duration = Duration::from_mins(2);

/// What a run left behind.
pub struct Run {
    /// Why the scenario itself failed.
    pub failure: Option<String>,
    /// The state at its end, without what differs from run to run.
    pub end: Value,
    /// The ReplicaSets that were ever created.
    pub children: BTreeSet<String>,
    /// The controller's writes that took effect, events apart.
    pub writes: Vec<Write>,
    /// Invariants that did not hold.
    pub violations: Vec<String>,
    /// Whether the fault was reached.
    pub fault_done: bool,
}

/// Runs a scenario.
pub fn run((name, scenario): Named, fault: Option<(Write, Fault)>) -> Run {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(async {
        let disturbed = fault.is_some();
        let cluster = Arc::new(Sandboxed::start_with(fault).await);
        let (sandbox, line) = (cluster.sandbox.clone(), cluster.line.clone());
        let told = Scenario::begin(cluster.clone(), name).await;
        let namespace = told.namespace.clone();
        let told = Scenario { events_may_be_lost: disturbed, ..told };
        silence_expected_panics();
        EXPECTED.set(true);
        let failure = AssertUnwindSafe(scenario(told)).catch_unwind().await.err();
        EXPECTED.set(false);
        let failure = failure.map(|panic| format!("the scenario failed: {}", words(panic.as_ref())));
        tokio::time::sleep(SETTLES).await;
        let settled = line.writes().len();
        tokio::time::sleep(QUIET).await;
        let writes = line.writes();
        let changes = sandbox.with(|state| state.store.since(0).cloned().collect::<Vec<_>>());
        let mut violations = invariants::broken(&changes, &namespace);
        // The guard is the second wall: a plan that needs it is wrong, also where nothing comes of it.
        let counted = cluster.metrics.render().expect("text");
        let held = counted.lines().filter_map(|line| line.strip_prefix("sluice_guard_violations_total"));
        violations.extend(held.map(|which| format!("the guard held back what breaks {which}")));
        if writes.len() > settled {
            violations.push(format!("S14 quiet: {} writes after everything had settled", writes.len() - settled));
        }
        Run {
            failure,
            end: end(&sandbox, &namespace),
            children: children(&changes, &namespace),
            writes: writes.into_iter().filter(|write| !write.path.contains("/events")).collect(),
            violations,
            fault_done: line.is_fault_done(),
        }
    })
}

thread_local! {
    /// Whether a panic in this thread is a finding, which is told elsewhere.
    static EXPECTED: Cell<bool> = const { Cell::new(false) };
}

fn silence_expected_panics() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let loud = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !EXPECTED.get() {
                loud(panic);
            }
        }));
    });
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    text.unwrap_or_default().chars().take(400).collect()
}

/// The names of all ReplicaSets that were ever created, each as often as it was.
fn children(changes: &[Change], namespace: &str) -> BTreeSet<String> {
    let created = changes.iter().filter(|change| change.before.is_none() && &*change.resource == "replicasets.apps");
    let mine = created.filter(|change| object::namespace(&change.after) == namespace);
    let mut names = BTreeSet::new();
    for change in mine {
        let mut name = object::name(&change.after).to_owned();
        while !names.insert(name.clone()) {
            name.push_str(" again");
        }
    }
    names
}

/// Rollouts and ReplicaSets, and how many pods each has, without times, uids and versions.
fn end(sandbox: &Sandbox, namespace: &str) -> Value {
    sandbox.with(|state| {
        let mut end = json!({});
        for resource in ["rollouts.argoproj.io", "replicasets.apps"] {
            for found in state.store.list(resource, Some(namespace)) {
                let mut shown = (**found).clone();
                let pods = state.store.list("pods", Some(namespace));
                let pods = pods.filter(|pod| object::controller_uid(pod) == Some(object::uid(found))).count();
                strip(&mut shown);
                shown["pods"] = json!(pods);
                end[format!("{resource}/{}", object::name(found))] = shown;
            }
        }
        end
    })
}

/// Removes what differs from run to run.
fn strip(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for field in ["uid", "resourceVersion", "managedFields", "generation", "observedGeneration", "duration"] {
                fields.remove(field);
            }
            fields.values_mut().for_each(strip);
        }
        Value::Array(items) => {
            items.iter_mut().for_each(strip);
            // The order of conditions is that in which they came.
            if items.iter().all(|item| item["type"].is_string()) {
                items.sort_by_key(|item| item["type"].as_str().unwrap_or_default().to_owned());
            }
        }
        Value::String(text) if text.parse::<jiff::Timestamp>().is_ok() => "<time>".clone_into(text),
        _ => {}
    }
}
