//! The pods of a Job, counted.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::KEEPER;
use crate::object;
use crate::read::{items, number, text};
use crate::workloads::pods;

/// What the pods are at the moment.
#[derive(Debug, Default)]
pub struct Tally {
    /// Those that run, or will.
    pub active: Vec<Arc<Value>>,
    /// Those that were told to end and have not.
    pub terminating: usize,
    /// Those that have succeeded and were not counted yet.
    pub succeeded: Vec<Arc<Value>>,
    /// Those that have failed and were not counted yet.
    pub failed: Vec<Arc<Value>>,
    /// Restarts of containers in pods that may still succeed.
    pub restarts: i64,
}

impl Tally {
    /// Counts the pods of a Job.
    pub fn of(job: &Value, pods: &[Arc<Value>]) -> Tally {
        let mut tally = Tally::default();
        for pod in pods {
            let ended = pods::has_ended(pod);
            if pods::is_active(pod) {
                tally.active.push(Arc::clone(pod));
            } else if !ended {
                tally.terminating += 1;
            }
            if !ended {
                tally.restarts += restarts(pod);
            }
            if !KEEPER.holds(pod) {
                continue;
            }
            if pod["status"]["phase"] == "Succeeded" {
                tally.succeeded.push(Arc::clone(pod));
            } else if ended || object::is_deleting(pod) && !replaces_only_failed(job) {
                tally.failed.push(Arc::clone(pod));
            }
        }
        tally
    }

    /// How many of the active ones are ready.
    pub fn ready(&self) -> usize {
        self.active.iter().filter(|pod| pods::is_ready(pod)).count()
    }
}

/// Whether a pod counts as failed only when it has ended, rather than when it is told to.
pub fn replaces_only_failed(job: &Value) -> bool {
    text(job, "spec.podReplacementPolicy") == "Failed"
}

fn restarts(pod: &Value) -> i64 {
    let of = |list: &str| items(pod, list).iter().filter_map(|status| number(status, "restartCount")).sum::<i64>();
    of("status.initContainerStatuses") + of("status.containerStatuses")
}

/// When a pod ended: with the last of its containers, or else when it was told to.
pub fn ended_at(pod: &Value) -> Option<Timestamp> {
    let statuses = items(pod, "status.containerStatuses");
    let ends: Option<Vec<Timestamp>> =
        statuses.iter().map(|status| object::moment(&status["state"]["terminated"]["finishedAt"])).collect();
    let last = ends.and_then(|ends| ends.into_iter().max());
    let unready = || {
        let ready = object::condition(pod, "Ready").filter(|ready| ready["status"] == "False")?;
        object::moment(&ready["lastTransitionTime"])
    };
    let told = || {
        let grace = number(pod, "metadata.deletionGracePeriodSeconds").unwrap_or(0);
        let at = object::moment(&pod["metadata"]["deletionTimestamp"])?;
        at.checked_sub(SignedDuration::from_secs(grace)).ok()
    };
    last.or_else(unready).or_else(told).or_else(|| object::moment(&pod["metadata"]["creationTimestamp"]))
}
