//! Jobs and `CronJob`s.

use serde_json::{Value, json};

use super::common::{immutable, not_negative, one_of, selector};
use super::metadata::invalid_text;
use super::workloads::{bare_template, selector_text, selects};
use crate::read::{at, is_empty, is_true, text};
use crate::refusal::Cause;

/// The longest name of a `CronJob`, which its Jobs extend.
const NAME_LIMIT: usize = 52;

/// A Job; with `old`, an update of it.
pub(super) fn job(out: &mut Vec<Cause>, object: &Value, old: Option<&Value>) {
    let spec = at(object, "spec");
    if let Some(old) = old {
        update(out, object, at(old, "spec"));
    }
    let own = at(spec, "selector");
    if own.is_null() {
        out.push(Cause::required("spec.selector", ""));
    } else {
        selector(out, "spec.selector", own);
    }
    if !is_true(spec, "manualSelector") && old.is_none() {
        generated_selector(out, object);
    }
    if !own.is_null() && !selects(own, at(spec, "template.metadata.labels")) {
        let labels = at(spec, "template.metadata.labels");
        let detail = "`selector` does not match template `labels`";
        out.push(Cause::invalid("spec.template.metadata.labels", labels, detail));
    }
    job_spec(out, "spec", spec);
}

/// A selector that the API server has not made.
fn generated_selector(out: &mut Vec<Cause>, object: &Value) {
    let uid = at(object, "metadata.uid");
    let generated = json!({ "matchLabels": { "batch.kubernetes.io/controller-uid": uid } });
    let own = at(object, "spec.selector");
    if !own.is_null() && *own != generated {
        out.push(invalid_text("spec.selector", &selector_text(own), "`selector` not auto-generated"));
    }
}

fn job_spec(out: &mut Vec<Cause>, field: &str, spec: &Value) {
    for name in ["parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished"] {
        not_negative(out, spec, field, name);
    }
    one_of(out, spec, field, "completionMode", &["NonIndexed", "Indexed"]);
    let mode = text(spec, "completionMode");
    if mode == "Indexed" && at(spec, "completions").is_null() {
        let detail = "when completion mode is Indexed";
        out.push(Cause::required(format!("{field}.completions"), detail));
    }
    let template = format!("{field}.template");
    bare_template(out, &template, at(spec, "template"), std::iter::empty());
    let policy = text(spec, "template.spec.restartPolicy");
    let field = format!("{template}.spec.restartPolicy");
    match policy {
        "OnFailure" | "Never" => {}
        "" | "Always" => out.push(Cause::required(field, "valid values: \"OnFailure\", \"Never\"")),
        other => out.push(Cause::not_supported(field, &json!(other), &["OnFailure", "Never"])),
    }
}

/// What stays as it is once a Job is there. A suspended one that has not begun may move to other nodes, which is not told
/// apart here.
fn update(out: &mut Vec<Cause>, object: &Value, old: &Value) {
    let spec = at(object, "spec");
    if text(spec, "completionMode") != "Indexed" {
        immutable(out, "spec.completions", at(spec, "completions"), at(old, "completions"));
    }
    let (new, before) = (at(spec, "selector"), at(old, "selector"));
    if new != before {
        out.push(invalid_text("spec.selector", &selector_text(new), "field is immutable"));
    }
    immutable(out, "spec.template", at(spec, "template"), at(old, "template"));
    immutable(out, "spec.completionMode", at(spec, "completionMode"), at(old, "completionMode"));
}

/// A `CronJob`.
pub(super) fn cron_job(out: &mut Vec<Cause>, object: &Value) {
    let name = text(object, "metadata.name");
    if name.len() > NAME_LIMIT {
        let detail = format!("must be no more than {NAME_LIMIT} characters");
        out.push(Cause::invalid("metadata.name", &json!(name), &detail));
    }
    let spec = at(object, "spec");
    if is_empty(spec, "schedule") {
        out.push(Cause::required("spec.schedule", ""));
    }
    not_negative(out, spec, "spec", "startingDeadlineSeconds");
    one_of(out, spec, "spec", "concurrencyPolicy", &["Allow", "Forbid", "Replace"]);
    job_spec(out, "spec.jobTemplate.spec", at(spec, "jobTemplate.spec"));
    not_negative(out, spec, "spec", "successfulJobsHistoryLimit");
    not_negative(out, spec, "spec", "failedJobsHistoryLimit");
}
