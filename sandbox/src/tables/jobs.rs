//! Jobs and `CronJob`s.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::cells::{NONE, containers, name, selector, text_or_none};
use super::duration::{age, human_duration, since, time};
use crate::read::{at, is_true, items, number, text};

/// The cells of a Job.
pub(super) fn job(object: &Value, now: Timestamp) -> Vec<Value> {
    let mut cells = vec![
        name(object),
        json!(status(object)),
        json!(completions(object)),
        json!(duration(object, now)),
        age(object, now),
    ];
    cells.extend(containers(at(object, "spec.template.spec")));
    cells.push(selector(at(object, "spec.selector")));
    cells
}

fn status(job: &Value) -> &'static str {
    let has = |kind: &str| {
        items(job, "status.conditions").iter().any(|c| text(c, "type") == kind && text(c, "status") == "True")
    };
    if let Some(ended) = ["Complete", "Failed"].into_iter().find(|kind| has(kind)) {
        return ended;
    }
    if !text(job, "metadata.deletionTimestamp").is_empty() {
        return "Terminating";
    }
    ["Suspended", "FailureTarget", "SuccessCriteriaMet"].into_iter().find(|kind| has(kind)).unwrap_or("Running")
}

/// How many are done of how many; a work queue ends with the first that succeeds.
fn completions(job: &Value) -> String {
    let done = number(job, "status.succeeded").unwrap_or_default();
    let parallelism = number(job, "spec.parallelism").unwrap_or_default();
    match number(job, "spec.completions") {
        Some(completions) => format!("{done}/{completions}"),
        None if parallelism > 1 => format!("{done}/1 of {parallelism}"),
        None => format!("{done}/1"),
    }
}

fn duration(job: &Value, now: Timestamp) -> String {
    let end = time(job, "status.completionTime").unwrap_or(now);
    time(job, "status.startTime").map(|start| human_duration(end.duration_since(start))).unwrap_or_default()
}

/// The cells of a `CronJob`.
pub(super) fn cron_job(object: &Value, now: Timestamp) -> Vec<Value> {
    let last = since(time(object, "status.lastScheduleTime"), now).unwrap_or_else(|| NONE.to_owned());
    let mut cells = vec![
        name(object),
        json!(text(object, "spec.schedule")),
        text_or_none(object, "spec.timeZone"),
        json!(if is_true(object, "spec.suspend") { "True" } else { "False" }),
        json!(items(object, "status.active").len()),
        json!(last),
        age(object, now),
    ];
    cells.extend(containers(at(object, "spec.jobTemplate.spec.template.spec")));
    cells.push(selector(at(object, "spec.jobTemplate.spec.selector")));
    cells
}
