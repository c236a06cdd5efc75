//! Probes and lifecycle hooks: what runs in or against a container.

use serde_json::{Value, json};

use super::common::{POSITIVE, at_least, not_negative, one_of, port, port_or_name};
use crate::read::{at, is_empty, number, text};
use crate::refusal::Cause;

/// The ways to ask a container, in the order in which the API server looks.
const HANDLERS: [&str; 4] = ["exec", "httpGet", "tcpSocket", "grpc"];

/// A probe; `kind` is its field.
pub(super) fn probe(out: &mut Vec<Cause>, container: &str, kind: &str, probe: &Value) {
    if probe.is_null() {
        return;
    }
    let field = format!("{container}.{kind}");
    handlers(out, &field, probe, &HANDLERS);
    let numbers = ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"];
    for name in numbers {
        not_negative(out, probe, &field, name);
    }
    at_least(out, probe, &field, "terminationGracePeriodSeconds", 1, POSITIVE);
    if kind == "readinessProbe" {
        if let Some(seconds) = number(probe, "terminationGracePeriodSeconds") {
            let field = format!("{field}.terminationGracePeriodSeconds");
            out.push(Cause::invalid(field, &json!(seconds), "must not be set for readinessProbes"));
        }
    } else if let Some(threshold) = number(probe, "successThreshold").filter(|threshold| *threshold != 1) {
        out.push(Cause::invalid(format!("{field}.successThreshold"), &json!(threshold), "must be 1"));
    }
}

/// Hooks at the start and at the end of a container.
pub(super) fn lifecycle(out: &mut Vec<Cause>, field: &str, lifecycle: &Value) {
    for hook in ["postStart", "preStop"] {
        let handler = at(lifecycle, hook);
        if !handler.is_null() {
            handlers(out, &format!("{field}.{hook}"), handler, &["exec", "httpGet", "tcpSocket", "sleep"]);
        }
    }
}

fn handlers(out: &mut Vec<Cause>, field: &str, holder: &Value, known: &[&str]) {
    let mut given = known.iter().filter(|name| !at(holder, name).is_null());
    let Some(first) = given.next() else {
        out.push(Cause::required(field, "must specify a handler type"));
        return;
    };
    // HTTP stands before TCP in the answer, whatever the order in the object.
    handler(out, &format!("{field}.{first}"), first, at(holder, first));
    for other in given {
        out.push(Cause::forbidden(format!("{field}.{other}"), "may not specify more than 1 handler type"));
    }
}

fn handler(out: &mut Vec<Cause>, field: &str, name: &str, handler: &Value) {
    match name {
        "exec" if is_empty(handler, "command") => out.push(Cause::required(format!("{field}.command"), "")),
        "httpGet" => {
            if text(handler, "path").is_empty() {
                out.push(Cause::required(format!("{field}.path"), ""));
            }
            port_or_name(out, &format!("{field}.port"), at(handler, "port"));
            one_of(out, handler, field, "scheme", &["HTTP", "HTTPS"]);
        }
        "tcpSocket" => port_or_name(out, &format!("{field}.port"), at(handler, "port")),
        "grpc" => port(out, &format!("{field}.port"), number(handler, "port").unwrap_or_default()),
        _ => {}
    }
}
