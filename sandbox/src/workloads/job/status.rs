//! The status of a Job.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::decide::{Decision, End, count, is_suspended};
use super::tally::Tally;
use crate::object;
use crate::write;

/// The pods that are counted now.
#[derive(Debug, Default)]
pub struct Counted {
    /// As succeeded.
    pub succeeded: Vec<Arc<Value>>,
    /// As failed.
    pub failed: Vec<Arc<Value>>,
}

impl Counted {
    /// Those that have ended. Of a Job that fails, whatever has not succeeded has failed.
    pub fn of(tally: &Tally, held: &[Arc<Value>], end: Option<&End>) -> Counted {
        let succeeded = tally.succeeded.clone();
        let failed = if end.is_some_and(|end| !end.success) {
            held.iter().filter(|pod| pod["status"]["phase"] != "Succeeded").cloned().collect()
        } else {
            tally.failed.clone()
        };
        Counted { succeeded, failed }
    }
}

/// The Job while pods are being counted: it names them, so that none is counted twice.
pub fn counting(job: &Value, tally: &Tally, counted: &Counted, decision: &Decision, now: Timestamp) -> Value {
    let mut job = job.clone();
    let ready = if decision.surplus >= tally.active.len() { 0 } else { tally.ready() };
    let staying = tally.active.len().saturating_sub(decision.surplus) + decision.missing;
    let active = if decision.backs_off { 0 } else { staying };
    let uids = |pods: &[Arc<Value>]| pods.iter().map(|pod| Value::from(object::uid(pod))).collect::<Vec<Value>>();
    let mut uncounted = json!({});
    for (field, pods) in [("succeeded", &counted.succeeded), ("failed", &counted.failed)] {
        if !pods.is_empty() {
            uncounted[field] = uids(pods).into();
        }
    }
    let status = write::map(&mut job, "status");
    status.insert("ready".to_owned(), json!(ready));
    status.insert("terminating".to_owned(), json!(tally.terminating + decision.surplus));
    status.insert("uncountedTerminatedPods".to_owned(), uncounted);
    put_count(&mut job, "active", active);
    match &decision.end {
        Some(end) => set(&mut job, end.interim(), "True", &end.reason, &end.message, now),
        None if decision.managed && is_suspended(&job) => {
            set(&mut job, "Suspended", "True", "JobSuspended", "Job suspended", now);
        }
        None if decision.managed && holds(&job, "Suspended") => {
            set(&mut job, "Suspended", "False", "JobResumed", "Job resumed", now);
            job["status"]["startTime"] = json!(object::time(now));
        }
        None => {}
    }
    job
}

/// The Job once they are counted: with no pod left, it has ended.
pub fn counted(mut job: Value, counted: &Counted, end: Option<&End>, now: Timestamp) -> Value {
    for (field, pods) in [("succeeded", &counted.succeeded), ("failed", &counted.failed)] {
        let total = count(&job, &format!("status.{field}")) + pods.len();
        put_count(&mut job, field, total);
    }
    write::map(&mut job, "status").insert("uncountedTerminatedPods".to_owned(), json!({}));
    if let Some(end) = end.filter(|_| count(&job, "status.terminating") == 0) {
        set(&mut job, end.last(), "True", &end.reason, &end.message, now);
        if end.success {
            job["status"]["completionTime"] = json!(object::time(now));
        }
    }
    job
}

/// A number that is left out where it is zero.
fn put_count(job: &mut Value, field: &str, number: usize) {
    let status = write::map(job, "status");
    if number == 0 {
        status.remove(field);
    } else {
        status.insert(field.to_owned(), json!(number));
    }
}

/// Whether a condition is true.
pub fn holds(job: &Value, kind: &str) -> bool {
    object::condition(job, kind).is_some_and(|condition| condition["status"] == "True")
}

/// Sets a condition; one that says the same already stays as it is.
fn set(job: &mut Value, kind: &str, status: &str, reason: &str, message: &str, now: Timestamp) {
    if object::condition(job, kind).is_some_and(|condition| condition["status"] == status) {
        return;
    }
    let condition = json!({
        "type": kind, "status": status, "reason": reason, "message": message, "lastProbeTime": object::time(now),
    });
    object::set_condition(job, condition, now);
}
