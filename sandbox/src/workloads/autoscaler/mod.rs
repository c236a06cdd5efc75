//! `HorizontalPodAutoscaler`s: sizes that follow metrics.
//!
//! `decide` is the decision, a pure function that asks `metrics` for what each metric wants and `pace` for how fast that may be;
//! `target` and `readings` are what it looks at, and `report` is what it says.

mod decide;
mod metrics;
mod pace;
mod readings;
mod report;
mod target;

use std::collections::HashMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use self::decide::{Asked, NoPods, decide};
use self::pace::History;
use self::report::Condition;
use self::target::Target;
use super::events;
use crate::object;
use crate::read::{at, items, text};
use crate::state::State;
use crate::write::{self, Call};

const RESOURCE: &str = "horizontalpodautoscalers.autoscaling";
/// Who writes.
const MANAGER: &str = "kube-controller-manager";
const CONTROLLER: &str = "horizontal-pod-autoscaler";

/// How often a cluster's autoscalers look at their metrics, unless it is told otherwise.
pub const USUAL_PERIOD: SignedDuration = SignedDuration::from_secs(15);

/// Less than this would be all that the sandbox does.
const SHORTEST_PERIOD: SignedDuration = SignedDuration::from_millis(10);

/// What the autoscalers remember, by namespace and name.
#[derive(Debug, Default)]
pub struct Autoscalers(HashMap<(String, String), Memory>);

#[derive(Debug)]
struct Memory {
    /// Of the autoscaler that this is about.
    uid: String,
    /// When it looks next.
    due: Timestamp,
    history: History,
}

/// Looks at one. It looks at its metrics a period after it came, and then once in each period, whatever changes.
pub fn look(state: &mut State, autoscalers: &mut Autoscalers, namespace: &str, name: &str) -> Option<Timestamp> {
    let key = (namespace.to_owned(), name.to_owned());
    let Some(autoscaler) = state.store.get(RESOURCE, namespace, name).map(Arc::clone) else {
        autoscalers.0.remove(&key);
        return None;
    };
    let next = state.now.saturating_add(state.autoscaler_period.max(SHORTEST_PERIOD)).unwrap_or(Timestamp::MAX);
    let fresh = || Memory { uid: object::uid(&autoscaler).to_owned(), due: next, history: History::default() };
    let memory = autoscalers.0.entry(key).or_insert_with(fresh);
    if memory.uid != object::uid(&autoscaler) {
        *memory = fresh();
    }
    if memory.due <= state.now {
        memory.due = next;
        let mut new = (*autoscaler).clone();
        scale(state, &mut memory.history, &mut new);
        write_status(state, new);
    }
    Some(memory.due)
}

/// Looks at the metrics, gives the target its size, and says so in the autoscaler.
fn scale(state: &mut State, history: &mut History, autoscaler: &mut Value) {
    let now = state.now;
    let target = match Target::of(state, autoscaler) {
        Ok(target) => target,
        Err(why) => {
            tell(state, autoscaler, "Warning", "FailedGetScale", &why);
            let message = format!("the HPA controller was unable to get the target's current scale: {why}");
            return report::set(autoscaler, &Condition::unable("FailedGetScale", message), now);
        }
    };
    let message = "the HPA controller was able to get the target's current scale";
    report::set(autoscaler, &Condition::able("SucceededGetScale", message), now);
    let current = target.size.wanted;
    history.begin(now, current);
    let asked = ask(state, autoscaler, &target);
    let verdict = decide(at(autoscaler, "spec"), target.size, asked, history, now);
    for (reason, message) in &verdict.warnings {
        tell(state, autoscaler, "Warning", reason, message);
    }
    for condition in &verdict.conditions {
        report::set(autoscaler, condition, now);
    }
    let before = autoscaler["status"]["desiredReplicas"].as_i64().unwrap_or(0);
    let Some(replicas) = verdict.replicas.filter(|replicas| *replicas != current) else {
        return report::sizes(autoscaler, current, verdict.replicas.unwrap_or(before), verdict.metrics);
    };
    let change = format!("New size: {replicas}; reason: {}", verdict.why);
    if let Err(refusal) = target.resize(state, replicas) {
        tell(state, autoscaler, "Warning", "FailedRescale", &format!("{change}; error: {}", refusal.message));
        let message = format!("the HPA controller was unable to update the target scale: {}", refusal.message);
        report::set(autoscaler, &Condition::unable("FailedUpdateScale", message), now);
        return report::sizes(autoscaler, current, before, verdict.metrics);
    }
    history.note(now, current, replicas);
    tell(state, autoscaler, "Normal", "SuccessfulRescale", &change);
    let message = format!("the HPA controller was able to update the target scale to {replicas}");
    report::set(autoscaler, &Condition::able("SucceededRescale", message), now);
    report::sizes(autoscaler, current, replicas, verdict.metrics);
    autoscaler["status"]["lastScaleTime"] = object::time(now).into();
}

/// What the metrics ask for.
fn ask(state: &State, autoscaler: &Value, target: &Target) -> Asked {
    let namespace = object::namespace(autoscaler);
    if target.selector.is_empty() {
        return Err(NoPods::Unselected);
    }
    let rivals = rivals(state, autoscaler, target);
    if rivals.len() > 1 {
        let (selector, rivals) = (&target.selector, rivals.join(" "));
        return Err(NoPods::Contested(format!(
            "pods by selector {selector} are controlled by multiple HPAs: [{rivals}]"
        )));
    }
    let each = items(autoscaler, "spec.metrics").iter().map(|metric| match text(metric, "type") {
        "External" => metrics::external(metric, &readings::read(state, namespace, metric, target), target.size),
        _ => Err(metrics::unserved(metric, namespace)),
    });
    Ok(each.collect())
}

/// The autoscalers that select pods of this target, itself included.
fn rivals(state: &State, autoscaler: &Value, target: &Target) -> Vec<String> {
    let namespace = object::namespace(autoscaler);
    let pods = readings::pods_of(state, namespace, target);
    let all = state.store.list(RESOURCE, Some(namespace));
    let selecting = all.filter(|other| {
        Target::of(state, other)
            .is_ok_and(|other| !other.selector.is_empty() && pods.iter().any(|pod| other.selects(pod)))
    });
    selecting.map(|other| format!("{namespace}/{}", object::name(other))).collect()
}

fn tell(state: &mut State, autoscaler: &Value, severity: &str, reason: &str, message: &str) {
    events::tell_again(state, autoscaler, CONTROLLER, severity, reason, message);
}

/// Writes the status, if it has changed.
fn write_status(state: &mut State, new: Value) {
    let resource = state.registry.known(RESOURCE);
    let namespace = object::namespace(&new).to_owned();
    let call = Call::new(&resource, &namespace, MANAGER).status();
    let name = object::name(&new).to_owned();
    // Nobody else had a turn since it was read.
    let _ = write::update(state, &call, &name, |_| Ok(new));
}
