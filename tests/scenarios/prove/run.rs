//! One run of a scenario, with at most one fault, and what it left behind.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, LazyLock, Once};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use regex::Regex;
use serde_json::{Value, json};
use sluice_core::api::labels;
use sluice_sandbox::Sandbox;
use sluice_sandbox::line::{Fault, Line, Write};
use sluice_sandbox::object;
use sluice_sandbox::store::Change;

use super::{Named, invariants};
use crate::sandboxed::{Sandboxed, Trouble};
use crate::scenario::Scenario;

/// How long a scenario's end may go on moving: the progress deadline is ten minutes.
const SETTLES: Duration = Duration::from_mins(11);
/// How long nothing may be written after that.
const QUIET: Duration = Duration::from_mins(2);

/// What a run left behind.
pub struct Run {
    /// What has panicked: the scenario, where it failed.
    pub panics: Vec<String>,
    /// The state at its end, without what differs from run to run.
    pub end: Value,
    /// The ReplicaSets, analysis runs and experiments that were ever created.
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
    let trouble = fault.map_or(Trouble::None, |(write, fault)| Trouble::At(write, fault));
    run_with(name, trouble, |told, _| scenario(told))
}

/// Runs what happens in a scenario, on a line that has this trouble.
pub fn run_with(name: &str, trouble: Trouble, act: impl FnOnce(Scenario, Line) -> LocalBoxFuture<'static, ()>) -> Run {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(async {
        // Who does not know that a write took effect does not tell of it.
        let untold = !matches!(trouble, Trouble::None | Trouble::At(_, Fault::Lag | Fault::CutWatches));
        let cluster = Arc::new(Sandboxed::start_with(trouble).await);
        let (sandbox, line) = (cluster.sandbox.clone(), cluster.line.clone());
        let begin = sandbox.with(|state| state.store.oldest());
        let told = Scenario::begin(cluster.clone(), name).await;
        let namespace = told.namespace.clone();
        let told = Scenario { events_may_be_lost: untold, ..told };
        listen_to_panics();
        // A failure has been heard.
        let _ = AssertUnwindSafe(act(told, line.clone())).catch_unwind().await;
        tokio::time::sleep(SETTLES).await;
        let settled = line.writes().len();
        tokio::time::sleep(QUIET).await;
        let writes = line.writes();
        let panics = PANICS.take().unwrap_or_default();
        let changes = sandbox.with(|state| {
            assert_eq!(state.store.oldest(), begin, "the run is longer than the memory of the store");
            state.store.since(0).cloned().collect::<Vec<_>>()
        });
        let mut violations = invariants::broken(&changes, &namespace);
        // The guard is the second wall: a plan that needs it is wrong, also where nothing comes of it.
        let counted = cluster.metrics.render().expect("text");
        let held = counted.lines().filter_map(|line| line.strip_prefix("sluice_guard_violations_total"));
        violations.extend(held.map(|which| format!("the guard held back what breaks {which}")));
        if writes.len() > settled {
            violations.push(format!("S14 quiet: {} writes after everything had settled", writes.len() - settled));
        }
        Run {
            panics,
            end: end(&sandbox, &namespace),
            children: children(&changes, &namespace),
            writes: writes.into_iter().filter(|write| !write.path.contains("/events")).collect(),
            violations,
            fault_done: line.is_fault_done(),
        }
    })
}

thread_local! {
    /// What has panicked in this thread, while a run listens: the scenario, the controller or the sandbox.
    static PANICS: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

/// Collects panics as findings, instead of printing them.
fn listen_to_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let loud = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            PANICS.with_borrow_mut(|heard| match heard {
                Some(heard) => heard.push(panic.to_string().chars().take(400).collect()),
                None => loud(panic),
            });
        }));
    });
    PANICS.set(Some(Vec::new()));
}

/// What a controller creates and a fault must not make it create twice.
const CREATED: [&str; 3] = ["replicasets.apps", "analysisruns.argoproj.io", "experiments.argoproj.io"];

/// The names of everything that was ever created, each as often as it was.
fn children(changes: &[Change], namespace: &str) -> BTreeSet<String> {
    let is_created = |change: &&Change| change.before.is_none() && CREATED.contains(&&*change.resource);
    let created = changes.iter().filter(is_created);
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

/// Rollouts, Deployments and what they own, and how many pods each has, without times, uids and versions.
fn end(sandbox: &Sandbox, namespace: &str) -> Value {
    sandbox.with(|state| {
        let mut end = json!({});
        for resource in ["rollouts.argoproj.io", "deployments.apps"].into_iter().chain(CREATED) {
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

/// What differs from run to run. How often a Deployment was scaled is its generation, and the Rollout's record of it.
const DIFFERENT: [&str; 8] = [
    "uid",
    "resourceVersion",
    "managedFields",
    "generation",
    "observedGeneration",
    "duration",
    "workloadObservedGeneration",
    labels::WORKLOAD_GENERATION,
];

/// Removes what differs from run to run.
fn strip(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for field in DIFFERENT {
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
        Value::String(text) => *text = without_uids(text),
        _ => {}
    }
}

/// A text without the uids in it, and without the random ends of names that are made of them: a Job is named after its run.
fn without_uids(text: &str) -> String {
    static UID: LazyLock<Regex> = LazyLock::new(|| {
        let uid = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}";
        Regex::new(&format!(r"{uid}([a-z.-]*\.\d+)?(?:-[a-z0-9]{{5}}\b)?")).expect("an expression")
    });
    UID.replace_all(text, "<uid>$1").into_owned()
}

#[test]
fn names_that_are_made_of_uids_are_the_same_in_every_run() {
    let text = "pod 8a8bd2c3-4de4-4f6c-8625-09d74382a664.smoke-test.12-x7k2p of 8a8bd2c3-4de4-4f6c-8625-09d74382a664";
    assert_eq!(without_uids(text), "pod <uid>.smoke-test.12 of <uid>");
    assert_eq!(without_uids("web-859687bffd-2-1"), "web-859687bffd-2-1");
}
