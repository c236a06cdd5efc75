//! Jobs: pods that run until enough of them have succeeded, or too many have failed.
//!
//! A pod stays, whoever deletes it, until it is counted: its finalizer goes once the status has its uid, and the uid goes once the
//! number has it.

mod back_off;
mod decide;
mod status;
mod tally;
mod unsupported;

use std::collections::HashMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use self::back_off::BackOff;
use self::decide::{Decision, decide, has_ended, is_suspended};
use self::status::Counted;
use self::tally::Tally;
use super::keeper::{Keeper, MANAGER};
use super::{events, pods};
use crate::object;
use crate::read::{items, number, text};
use crate::state::State;
use crate::write::{self, Call, DeleteOptions, Propagation};

const KEEPER: Keeper = Keeper { component: "job-controller", finalizer: Some("batch.kubernetes.io/job-tracking") };
/// The label of pods with the name of their Job.
pub const NAME_LABEL: &str = "batch.kubernetes.io/job-name";
/// Who manages a Job, unless it says otherwise.
const CONTROLLER: &str = "kubernetes.io/job-controller";
/// Pods that are created in one look; theirs lead to the next.
const MOST_AT_ONCE: usize = 500;
const LONGEST_RETRY: i64 = 60;

/// What is remembered of Jobs, by namespace and name.
#[derive(Debug, Default)]
pub struct Jobs(HashMap<(String, String), Memory>);

#[derive(Debug, Default)]
struct Memory {
    uid: String,
    back_off: BackOff,
    /// How often in a row the API server has refused a pod, and when to try again.
    refusals: u32,
    retry_at: Option<Timestamp>,
}

/// Whether a pod waits for a Job to count it.
pub fn is_held(pod: &Value) -> bool {
    KEEPER.holds(pod)
}

/// Looks at one.
pub fn look(state: &mut State, jobs: &mut Jobs, namespace: &str, name: &str) -> Option<Timestamp> {
    let key = (namespace.to_owned(), name.to_owned());
    let job = state.store.get("jobs.batch", namespace, name).cloned();
    let_orphans_go(state, namespace, name, job.as_deref());
    let Some(job) = job else {
        jobs.0.remove(&key);
        return None;
    };
    if has_ended(&job) {
        jobs.0.remove(&key);
        return remove_in_time(state, &job);
    }
    if !["", CONTROLLER].contains(&text(&job, "spec.managedBy")) {
        return None;
    }
    if let Some(what) = unsupported::of(&job) {
        unsupported::tell(state, &job, what, KEEPER.component);
        return None;
    }
    let memory = jobs.0.entry(key).or_default();
    if memory.uid != object::uid(&job) {
        *memory = Memory { uid: object::uid(&job).to_owned(), ..Memory::default() };
    }
    let job = begun(&job, state.now);
    sync(state, memory, &job)
}

/// The Job, which is active from now on, unless it is suspended.
fn begun(job: &Value, now: Timestamp) -> Value {
    let mut job = job.clone();
    if !is_suspended(&job) && job["status"]["startTime"].is_null() {
        write::map(&mut job, "status").insert("startTime".to_owned(), object::time(now).into());
    }
    job
}

/// Does what there is to do for a Job, and returns when to look again.
fn sync(state: &mut State, memory: &mut Memory, job: &Value) -> Option<Timestamp> {
    let members = KEEPER.members(state, job);
    let tally = Tally::of(job, &members);
    let back_off = memory.back_off.after(&tally);
    let mut decision = decide(job, &tally, back_off.ends(), state.now);
    if decision.backs_off && tally.ready() > 0 {
        // The real controller takes no pod for active then, and the API server refuses a status in which more are ready: until the
        // next pod comes nothing is written, and nothing counted.
        return decision.wake;
    }
    memory.back_off = back_off;
    delete(state, job, &tally, &decision);
    let wanted = decision.missing;
    decision.missing = create(state, memory, job, wanted);

    let held: Vec<Arc<Value>> = members.iter().filter(|pod| KEEPER.holds(pod)).cloned().collect();
    let end = decision.end.as_ref();
    let counted = Counted::of(&tally, &held, end);
    let counting = status::counting(job, &tally, &counted, &decision, state.now);
    report(state, &counting);
    let released = |pod: &Arc<Value>| {
        let is_among = |pods: &[Arc<Value>]| pods.iter().any(|other| Arc::ptr_eq(other, pod));
        is_among(&counted.succeeded) || is_among(&counted.failed)
    };
    for pod in &held {
        if end.is_some() || object::is_deleting(job) || released(pod) {
            KEEPER.let_go(state, pod);
        }
    }
    let after = status::counted(counting, &counted, end, state.now);
    report(state, &after);
    tell(state, job, &after, &decision);
    let retry = memory.retry_at.filter(|_| decision.missing < wanted);
    decision.wake.into_iter().chain(retry).min()
}

/// Deletes the active pods that are too many, first those that are missed least. Only those of a Job that fails have failed; the
/// others are not counted.
fn delete(state: &mut State, job: &Value, tally: &Tally, decision: &Decision) {
    let fails = decision.end.as_ref().is_some_and(|end| !end.success);
    let mut ranked: Vec<&Arc<Value>> = tally.active.iter().collect();
    ranked.sort_by_cached_key(|pod| pods::rank(pod));
    for pod in ranked.into_iter().take(decision.surplus) {
        if !fails {
            KEEPER.let_go(state, pod);
        }
        KEEPER.delete(state, job, pod);
    }
}

/// Creates so many pods, and returns how many there are.
fn create(state: &mut State, memory: &mut Memory, job: &Value, missing: usize) -> usize {
    if missing == 0 || memory.retry_at.is_some_and(|at| at > state.now) {
        return 0;
    }
    for made in 0..missing.min(MOST_AT_ONCE) {
        if KEEPER.create(state, job).is_err() {
            let wait = SignedDuration::from_secs((1_i64 << memory.refusals.min(6)).min(LONGEST_RETRY));
            memory.refusals = memory.refusals.saturating_add(1);
            memory.retry_at = state.now.saturating_add(wait).ok();
            return made;
        }
    }
    (memory.refusals, memory.retry_at) = (0, None);
    missing.min(MOST_AT_ONCE)
}

/// Writes the status, if it has changed.
fn report(state: &mut State, job: &Value) {
    let resource = state.registry.known("jobs.batch");
    let call = Call::new(&resource, object::namespace(job), MANAGER).status();
    let status = job["status"].clone();
    // Gone in the meantime is fine: there is nothing left to report on.
    let _ = write::update(state, &call, object::name(job), |current| {
        let mut new = current.clone();
        new["status"] = status;
        Ok(new)
    });
}

/// Tells of what has become of a Job.
fn tell(state: &mut State, before: &Value, after: &Value, decision: &Decision) {
    let component = KEEPER.component;
    if let Some(end) = decision.end.as_ref().filter(|_| has_ended(after)) {
        if end.success {
            events::tell(state, before, component, "Normal", "Completed", "Job completed");
        } else {
            events::tell(state, before, component, "Warning", &end.reason, &end.message);
        }
    }
    match (status::holds(before, "Suspended"), status::holds(after, "Suspended")) {
        (false, true) => events::tell(state, before, component, "Normal", "Suspended", "Job suspended"),
        (true, false) => events::tell(state, before, component, "Normal", "Resumed", "Job resumed"),
        _ => {}
    }
}

/// Pods of a Job that is gone have nobody who counts them.
fn let_orphans_go(state: &mut State, namespace: &str, name: &str, job: Option<&Value>) {
    let uid = job.map(object::uid);
    let is_orphan = |pod: &Value| match object::controller(pod) {
        Some(owner) => owner["kind"] == "Job" && owner["name"] == name && owner["uid"].as_str() != uid,
        None => job.is_none() && pod["metadata"]["labels"][NAME_LABEL] == name,
    };
    let held = state.store.list("pods", Some(namespace)).filter(|pod| KEEPER.holds(pod) && is_orphan(pod));
    for pod in held.cloned().collect::<Vec<_>>() {
        KEEPER.let_go(state, &pod);
    }
}

/// Deletes a Job that has ended, once its time is over.
fn remove_in_time(state: &mut State, job: &Value) -> Option<Timestamp> {
    let seconds = number(job, "spec.ttlSecondsAfterFinished").filter(|_| !object::is_deleting(job))?;
    let last = |condition: &&Value| matches!(text(condition, "type"), "Complete" | "Failed");
    let ended = object::moment(&items(job, "status.conditions").iter().find(last)?["lastTransitionTime"])?;
    let at = ended.saturating_add(SignedDuration::from_secs(seconds)).ok()?;
    if at > state.now {
        return Some(at);
    }
    let resource = state.registry.known("jobs.batch");
    let call = Call::new(&resource, object::namespace(job), MANAGER);
    let options = DeleteOptions {
        propagation: Some(Propagation::Foreground),
        uid: Some(object::uid(job).to_owned()),
        ..DeleteOptions::default()
    };
    // Gone in the meantime is what was wanted.
    let _ = write::delete(state, &call, object::name(job), &options);
    None
}
