//! What a Job does next, as a function of what is.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::tally::{Tally, replaces_only_failed};
use crate::object;
use crate::read::{is_true, items, number, text};

/// How a Job ends: first it is decided, then its last pods go, then it has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// Whether it has done what it was for.
    pub success: bool,
    /// Why, for machines.
    pub reason: String,
    /// Why, for people.
    pub message: String,
}

impl End {
    fn new(success: bool, reason: &str, message: &str) -> End {
        End { success, reason: reason.to_owned(), message: message.to_owned() }
    }

    /// The condition that says that it is decided.
    pub fn interim(&self) -> &'static str {
        if self.success { "SuccessCriteriaMet" } else { "FailureTarget" }
    }

    /// The condition that says that it is over.
    pub fn last(&self) -> &'static str {
        if self.success { "Complete" } else { "Failed" }
    }

    /// The end that is decided already.
    fn decided(job: &Value) -> Option<End> {
        let condition = |kind| object::condition(job, kind).filter(|condition| condition["status"] == "True");
        let success = condition("SuccessCriteriaMet").map(|condition| (true, condition));
        let (success, condition) = success.or_else(|| Some((false, condition("FailureTarget")?)))?;
        Some(End::new(success, text(condition, "reason"), text(condition, "message")))
    }
}

/// What is to be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// Active pods that are too many.
    pub surplus: usize,
    /// Pods that are missing.
    pub missing: usize,
    /// Pods are missing, but some have failed, and it is too early for the next.
    pub backs_off: bool,
    /// The Job ends.
    pub end: Option<End>,
    /// Its pods are managed, and so it is told whether it is suspended.
    pub managed: bool,
    /// When to look again.
    pub wake: Option<Timestamp>,
}

/// Whether a Job has ended.
pub fn has_ended(job: &Value) -> bool {
    let holds = |condition: &Value| {
        matches!(text(condition, "type"), "Complete" | "Failed") && text(condition, "status") == "True"
    };
    items(job, "status.conditions").iter().any(holds)
}

/// Whether a Job rests.
pub fn is_suspended(job: &Value) -> bool {
    is_true(job, "spec.suspend")
}

/// Decides. `ready_at` is when the Job may create pods again after some have failed.
pub fn decide(job: &Value, tally: &Tally, ready_at: Option<Timestamp>, now: Timestamp) -> Decision {
    let active = tally.active.len();
    let succeeded = count(job, "status.succeeded") + tally.succeeded.len();
    let deadline = deadline(job, now);
    let end = End::decided(job).or_else(|| failure(job, tally, deadline, now));
    if end.is_some() {
        return Decision { surplus: active, end, ..Decision::default() };
    }
    let mut decision = Decision { wake: deadline, managed: !object::is_deleting(job), ..Decision::default() };
    if decision.managed && is_suspended(job) {
        decision.surplus = active;
    } else if decision.managed {
        let wanted = wanted(job, active, succeeded);
        let leaving = if replaces_only_failed(job) { tally.terminating } else { 0 };
        decision.surplus = active.saturating_sub(wanted);
        decision.missing = wanted.saturating_sub(active + leaving);
        if let Some(at) = ready_at.filter(|at| decision.missing > 0 && *at > now) {
            decision.missing = 0;
            decision.backs_off = true;
            decision.wake = decision.wake.into_iter().chain([at]).min();
        }
    }
    let done = match number(job, "spec.completions") {
        // A work queue is done when one has succeeded and the others have ended.
        None => succeeded > 0,
        Some(completions) => succeeded >= usize::try_from(completions).unwrap_or(0),
    };
    if done && active == decision.surplus && decision.missing == 0 && !decision.backs_off {
        decision.end = Some(End::new(true, "CompletionsReached", "Reached expected number of succeeded pods"));
        decision.wake = None;
    }
    decision
}

/// How many pods should be active.
fn wanted(job: &Value, active: usize, succeeded: usize) -> usize {
    let parallelism = count(job, "spec.parallelism");
    match number(job, "spec.completions") {
        None if succeeded > 0 => active,
        None => parallelism,
        Some(completions) => usize::try_from(completions).unwrap_or(0).saturating_sub(succeeded).min(parallelism),
    }
}

fn failure(job: &Value, tally: &Tally, deadline: Option<Timestamp>, now: Timestamp) -> Option<End> {
    let limit = number(job, "spec.backoffLimit").unwrap_or(i64::MAX);
    let failed = count(job, "status.failed") + tally.failed.len();
    let in_place = text(job, "spec.template.spec.restartPolicy") == "OnFailure";
    if i64::try_from(failed).is_ok_and(|failed| failed > limit) || in_place && tally.restarts >= limit.max(1) {
        return Some(End::new(false, "BackoffLimitExceeded", "Job has reached the specified backoff limit"));
    }
    let past = deadline.is_some_and(|at| at <= now);
    past.then(|| End::new(false, "DeadlineExceeded", "Job was active longer than specified deadline"))
}

/// When the Job will have been active for too long.
fn deadline(job: &Value, now: Timestamp) -> Option<Timestamp> {
    let seconds = number(job, "spec.activeDeadlineSeconds").filter(|_| !is_suspended(job))?;
    let start = object::moment(&job["status"]["startTime"]).unwrap_or(now);
    start.saturating_add(SignedDuration::from_secs(seconds)).ok()
}

/// A number of pods.
pub fn count(job: &Value, path: &str) -> usize {
    number(job, path).and_then(|number| usize::try_from(number).ok()).unwrap_or(0)
}
