//! Events. Those of `events.k8s.io` obey rules that those of the core group, which came first, do not.

use serde_json::{Value, json};

use super::common::{IMMUTABLE, immutable};
use super::names::{self, report};
use crate::read::{at, is_empty, number, text};
use crate::refusal::Cause;

/// The names that the two groups give to the same fields.
struct Fields {
    object: &'static str,
    controller: &'static str,
}

/// An Event of the core group.
pub(super) fn core(out: &mut Vec<Cause>, object: &Value, old: Option<&Value>) {
    const FIELDS: Fields = Fields { object: "involvedObject", controller: "reportingComponent" };
    namespace(out, object, &FIELDS);
    // A time of the new kind promises the rest of the new kind.
    if old.is_none() && !is_empty(object, "eventTime") {
        reporter(out, object, &FIELDS);
    }
}

/// An Event of `events.k8s.io`.
pub(super) fn new(out: &mut Vec<Cause>, object: &Value, old: Option<&Value>) {
    const FIELDS: Fields = Fields { object: "regarding", controller: "reportingController" };
    if let Some(old) = old {
        return compare(out, object, old);
    }
    if is_empty(object, "eventTime") {
        out.push(Cause::required("eventTime", ""));
    }
    if !at(object, "series").is_null() {
        series(out, at(object, "series"));
    }
    reporter(out, object, &FIELDS);
    if is_empty(object, "reason") {
        out.push(Cause::required("reason", ""));
    }
    limited(out, object, "reason", "reason", 128);
    let kind = text(object, "type");
    if !matches!(kind, "Normal" | "Warning") {
        out.push(Cause::invalid("type", &json!(""), &format!("has invalid value: {kind}")));
    }
    limited(out, object, "note", "message", 1024);
    for (name, shown) in [
        ("deprecatedFirstTimestamp", "firstTimestamp"),
        ("deprecatedLastTimestamp", "lastTimestamp"),
        ("deprecatedCount", "count"),
    ] {
        if !is_empty(object, name) && at(object, name) != 0 {
            out.push(Cause::invalid(shown, &json!(""), "needs to be unset"));
        }
    }
    if !is_empty(object, "deprecatedSource") {
        out.push(Cause::invalid("source", &json!(""), "needs to be unset"));
    }
}

fn namespace(out: &mut Vec<Cause>, object: &Value, fields: &Fields) {
    let about = at(object, fields.object);
    let (namespace, own) = (text(about, "namespace"), text(object, "metadata.namespace"));
    let field = format!("{}.namespace", fields.object);
    let about_cluster = namespace.is_empty() && (own == "default" || own == "kube-system" || own.is_empty());
    if !about_cluster && namespace != own {
        out.push(Cause::invalid(field, at(about, "namespace"), "does not match event.namespace"));
    }
}

fn reporter(out: &mut Vec<Cause>, object: &Value, fields: &Fields) {
    let controller = text(object, fields.controller);
    if controller.is_empty() {
        out.push(Cause::required(fields.controller, ""));
    }
    report(out, fields.controller, controller, names::qualified(controller));
    for name in ["reportingInstance", "action"] {
        if is_empty(object, name) {
            out.push(Cause::required(name, ""));
        }
        limited(out, object, name, name, 128);
    }
}

fn limited(out: &mut Vec<Cause>, object: &Value, name: &str, shown: &str, limit: usize) {
    if text(object, name).len() > limit {
        out.push(Cause::invalid(shown, &json!(""), &format!("can have at most {limit} characters")));
    }
}

fn series(out: &mut Vec<Cause>, series: &Value) {
    if number(series, "count").unwrap_or_default() < 2 {
        out.push(Cause::invalid("series.count", &json!(""), "should be at least 2"));
    }
    if is_empty(series, "lastObservedTime") {
        out.push(Cause::required("series.lastObservedTime", ""));
    }
}

/// What an update may not change: everything but the series.
fn compare(out: &mut Vec<Cause>, object: &Value, old: &Value) {
    for name in ["regarding", "reason", "action", "related", "reportingController", "reportingInstance", "eventTime"] {
        let (new, old) = (at(object, name), at(old, name));
        if !(new.is_null() && old.is_null()) {
            immutable(out, name, new, old);
        }
    }
    if at(object, "note") != at(old, "note") {
        out.push(Cause::invalid("message", at(object, "note"), IMMUTABLE));
    }
    if at(object, "type") != at(old, "type") {
        out.push(Cause::invalid("type", at(object, "type"), IMMUTABLE));
    }
}
