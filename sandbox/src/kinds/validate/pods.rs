//! Pods and pod templates.

use serde_json::{Map, Value, json};

use super::common::{at_least, one_of};
use super::containers::{self, Surroundings};
use super::metadata::labels;
use super::names::{self, report};
use super::{difference, scheduling, security, volumes};
use crate::read::{at, is_true, items, number, text};
use crate::refusal::Cause;

/// The spec of a pod or of a template. `claims` are volumes that come from elsewhere, as those of a `StatefulSet`.
pub(super) fn spec<'a>(out: &mut Vec<Cause>, field: &str, spec: &'a Value, claims: impl Iterator<Item = &'a str>) {
    let mut volumes = volumes::check(out, &format!("{field}.volumes"), items(spec, "volumes"));
    volumes.extend(claims);
    let around = Surroundings { volumes, host_network: is_true(spec, "hostNetwork") };
    containers::check(out, field, spec, &around);
    one_of(out, spec, field, "restartPolicy", &["Always", "OnFailure", "Never"]);
    one_of(out, spec, field, "dnsPolicy", &["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"]);
    labels(out, &format!("{field}.nodeSelector"), at(spec, "nodeSelector"));
    security::of_pod(out, &format!("{field}.securityContext"), at(spec, "securityContext"));
    scheduling::affinity(out, &format!("{field}.affinity"), at(spec, "affinity"));
    for (index, gate) in items(spec, "readinessGates").iter().enumerate() {
        let condition = text(gate, "conditionType");
        let field = format!("{field}.readinessGates[{index}].conditionType");
        report(out, &field, condition, names::qualified(condition));
    }
    scheduling::spread(out, &format!("{field}.topologySpreadConstraints"), items(spec, "topologySpreadConstraints"));
    for (name, rule) in
        [("serviceAccountName", names::dns_subdomain as fn(&str) -> names::Wrong), ("nodeName", names::dns_subdomain)]
    {
        named(out, field, spec, name, rule);
    }
    if let Some(seconds) = number(spec, "activeDeadlineSeconds").filter(|s| !(1..=i64::from(i32::MAX)).contains(s)) {
        let detail = "must be between 1 and 2147483647, inclusive";
        out.push(Cause::invalid(format!("{field}.activeDeadlineSeconds"), &json!(seconds), detail));
    }
    named(out, field, spec, "hostname", names::dns_label);
    named(out, field, spec, "subdomain", names::dns_label);
    scheduling::tolerations(out, &format!("{field}.tolerations"), items(spec, "tolerations"));
    host_aliases(out, &format!("{field}.hostAliases"), items(spec, "hostAliases"));
    named(out, field, spec, "priorityClassName", names::dns_subdomain);
}

fn named(out: &mut Vec<Cause>, base: &str, spec: &Value, name: &str, rule: fn(&str) -> names::Wrong) {
    let value = text(spec, name);
    if !value.is_empty() {
        report(out, &format!("{base}.{name}"), value, rule(value));
    }
}

fn host_aliases(out: &mut Vec<Cause>, field: &str, aliases: &[Value]) {
    for (index, alias) in aliases.iter().enumerate() {
        let field = format!("{field}[{index}]");
        report(out, &format!("{field}.ip"), text(alias, "ip"), names::ip_address(text(alias, "ip")));
        for (index, name) in items(alias, "hostnames").iter().enumerate() {
            let name = name.as_str().unwrap_or_default();
            report(out, &format!("{field}.hostnames[{index}]"), name, names::dns_subdomain(name));
        }
    }
}

/// A pod; with `old`, an update of it.
pub(super) fn pod(out: &mut Vec<Cause>, pod: &Value, old: Option<&Value>) {
    let new = at(pod, "spec");
    let old = old.map(|old| at(old, "spec"));
    // Most updates are of the status, and of pods that were valid.
    if old == Some(new) {
        return;
    }
    spec(out, "spec", new, std::iter::empty());
    if let Some(old) = old {
        update(out, new, old);
    }
}

const UPDATE: &str = "pod updates may not change fields other than `spec.containers[*].image`,\
    `spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),\
    `spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

/// An update of a pod, most of which is fixed once it is there.
fn update(out: &mut Vec<Cause>, new: &Value, old: &Value) {
    for list in ["containers", "initContainers"] {
        if items(new, list).len() != items(old, list).len() {
            out.push(Cause::forbidden(format!("spec.{list}"), "pod updates may not add or remove containers"));
            return;
        }
        for (index, container) in items(new, list).iter().enumerate() {
            containers::image(out, &format!("spec.{list}[{index}]"), container);
        }
    }
    if !deadline(out, new, old) {
        return;
    }
    let dropped = |toleration: &&Value| !items(new, "tolerations").contains(toleration);
    if items(old, "tolerations").iter().any(|toleration| dropped(&toleration)) {
        let detail = "existing toleration can not be modified except its tolerationSeconds";
        out.push(Cause::forbidden("spec.tolerations", detail));
        return;
    }
    let difference = difference::of_pod_specs(old, &with_what_may_change(new, old));
    if !difference.is_empty() {
        out.push(Cause::forbidden("spec", &format!("{UPDATE}\n{difference}")));
    }
}

/// A deadline can be set, and moved nearer.
fn deadline(out: &mut Vec<Cause>, new: &Value, old: &Value) -> bool {
    const FIELD: &str = "spec.activeDeadlineSeconds";
    let before = out.len();
    match (number(new, "activeDeadlineSeconds"), number(old, "activeDeadlineSeconds")) {
        (None, Some(_)) => {
            let detail = "must not update from a positive integer to nil value";
            out.push(Cause::invalid(FIELD, &Value::Null, detail));
        }
        (Some(new), Some(old)) if new > old => {
            out.push(Cause::invalid(FIELD, &json!(new), "must be less than or equal to previous value"));
        }
        _ => at_least(out, new, "spec", "activeDeadlineSeconds", 1, "must be between 1 and 2147483647, inclusive"),
    }
    out.len() == before
}

/// The new spec, with the old one's values of what may change.
fn with_what_may_change(new: &Value, old: &Value) -> Value {
    let mut spec = new.clone();
    let Some(fields) = spec.as_object_mut() else { return spec };
    for name in ["activeDeadlineSeconds", "tolerations", "ephemeralContainers", "schedulingGates"] {
        restore(fields, old, name);
    }
    if number(old, GRACE).is_some_and(|seconds| seconds < 0) && number(new, GRACE) == Some(1) {
        restore(fields, old, GRACE);
    }
    for list in ["containers", "initContainers"] {
        let containers = fields.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten();
        for (container, old) in containers.zip(items(old, list)) {
            if let Some(container) = container.as_object_mut() {
                restore(container, old, "image");
            }
        }
    }
    spec
}

const GRACE: &str = "terminationGracePeriodSeconds";

fn restore(into: &mut Map<String, Value>, old: &Value, name: &str) {
    match old.get(name) {
        Some(value) => into.insert(name.to_owned(), value.clone()),
        None => into.remove(name),
    };
}
