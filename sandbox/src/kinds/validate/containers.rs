//! Containers of a pod.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::common::{PROTOCOLS, one_of, port};
use super::names::{self, report};
use super::{environment, probes, resources, security};
use crate::read::{at, is_empty, items, number, text};
use crate::refusal::Cause;

/// What containers may refer to.
pub(super) struct Surroundings<'a> {
    /// Names of volumes, and of claim templates.
    pub(super) volumes: BTreeSet<&'a str>,
    pub(super) host_network: bool,
}

/// All containers of a pod; `field` is that of the spec.
pub(super) fn check(out: &mut Vec<Cause>, field: &str, spec: &Value, around: &Surroundings<'_>) {
    let list = format!("{field}.containers");
    if is_empty(spec, "containers") {
        out.push(Cause::required(&list, ""));
    }
    let mut taken = BTreeSet::new();
    let mut host_ports = BTreeSet::new();
    for (index, container) in items(spec, "containers").iter().enumerate() {
        let field = format!("{list}[{index}]");
        common(out, &field, container, around, &mut taken);
        probes::lifecycle(out, &format!("{field}.lifecycle"), at(container, "lifecycle"));
        for kind in ["livenessProbe", "readinessProbe", "startupProbe"] {
            probes::probe(out, &field, kind, at(container, kind));
        }
        host_port_conflicts(out, &field, container, &mut host_ports);
    }
    for (index, container) in items(spec, "initContainers").iter().enumerate() {
        let field = format!("{field}.initContainers[{index}]");
        common(out, &field, container, around, &mut taken);
        init_only(out, &field, container);
    }
}

/// The name, once per pod.
fn name<'a>(out: &mut Vec<Cause>, field: &str, container: &'a Value, taken: &mut BTreeSet<&'a str>) {
    let value = text(container, "name");
    let field = format!("{field}.name");
    if value.is_empty() {
        out.push(Cause::required(field, ""));
        return;
    }
    report(out, &field, value, names::dns_label(value));
    if !taken.insert(value) {
        out.push(Cause::duplicate(field, &json!(value)));
    }
}

fn common<'a>(
    out: &mut Vec<Cause>,
    field: &str,
    container: &'a Value,
    around: &Surroundings<'_>,
    taken: &mut BTreeSet<&'a str>,
) {
    name(out, field, container, taken);
    image(out, field, container);
    one_of(out, container, field, "terminationMessagePolicy", &["File", "FallbackToLogsOnError"]);
    ports(out, field, container, around.host_network);
    environment::check(out, field, container);
    mounts(out, field, container, &around.volumes);
    one_of(out, container, field, "imagePullPolicy", &["Always", "IfNotPresent", "Never"]);
    resources::of_container(out, &format!("{field}.resources"), at(container, "resources"));
    security::of_container(out, &format!("{field}.securityContext"), at(container, "securityContext"));
}

/// The image: anything that is not blank, as only the node knows what it can pull.
pub(super) fn image(out: &mut Vec<Cause>, field: &str, container: &Value) {
    let image = text(container, "image");
    let field = format!("{field}.image");
    if image.is_empty() {
        out.push(Cause::required(field, ""));
    } else if image.trim() != image {
        out.push(Cause::invalid(field, &json!(image), "must not have leading or trailing whitespace"));
    }
}

fn ports(out: &mut Vec<Cause>, field: &str, container: &Value, host_network: bool) {
    let mut taken = BTreeSet::new();
    for (index, entry) in items(container, "ports").iter().enumerate() {
        let field = format!("{field}.ports[{index}]");
        let name = text(entry, "name");
        if !name.is_empty() {
            let wrong = names::port_name(name);
            let is_right = wrong.is_empty();
            report(out, &format!("{field}.name"), name, wrong);
            if is_right && !taken.insert(name) {
                out.push(Cause::duplicate(format!("{field}.name"), &json!(name)));
            }
        }
        let inside = number(entry, "containerPort").unwrap_or_default();
        if inside == 0 {
            out.push(Cause::required(format!("{field}.containerPort"), ""));
        } else {
            port(out, &format!("{field}.containerPort"), inside);
        }
        let outside = number(entry, "hostPort").unwrap_or_default();
        if outside != 0 {
            let field = format!("{field}.hostPort");
            port(out, &field, outside);
            if host_network && outside != inside {
                let detail = "must match `containerPort` when `hostNetwork` is true";
                out.push(Cause::invalid(field, &json!(outside), detail));
            }
        }
        let protocol = text(entry, "protocol");
        if protocol.is_empty() {
            out.push(Cause::required(format!("{field}.protocol"), ""));
        }
        one_of(out, entry, &field, "protocol", &PROTOCOLS);
    }
}

fn host_port_conflicts(out: &mut Vec<Cause>, field: &str, container: &Value, taken: &mut BTreeSet<String>) {
    for (index, entry) in items(container, "ports").iter().enumerate() {
        let port = number(entry, "hostPort").unwrap_or_default();
        let whole = format!("{}/{}/{port}", text(entry, "protocol"), text(entry, "hostIP"));
        if port != 0 && !taken.insert(whole.clone()) {
            out.push(Cause::duplicate(format!("{field}.ports[{index}].hostPort"), &json!(whole)));
        }
    }
}

fn mounts(out: &mut Vec<Cause>, field: &str, container: &Value, volumes: &BTreeSet<&str>) {
    let mut taken = BTreeSet::new();
    for (index, mount) in items(container, "volumeMounts").iter().enumerate() {
        // The rules on sub paths name the list, not the item.
        let list = format!("{field}.volumeMounts");
        let field = format!("{list}[{index}]");
        let (name, path) = (text(mount, "name"), text(mount, "mountPath"));
        if name.is_empty() {
            out.push(Cause::required(format!("{field}.name"), ""));
        }
        if !volumes.contains(name) {
            let message = format!("Not found: {name:?}");
            out.push(Cause { reason: "FieldValueNotFound", message, field: format!("{field}.name") });
        }
        if path.is_empty() {
            out.push(Cause::required(format!("{field}.mountPath"), ""));
        }
        if !taken.insert(path) {
            out.push(Cause::invalid(format!("{field}.mountPath"), &json!(path), "must be unique"));
        }
        for sub_path in ["subPath", "subPathExpr"] {
            descending_path(out, &format!("{list}.{sub_path}"), text(mount, sub_path));
        }
    }
}

/// A path that stays below where it starts.
pub(super) fn descending_path(out: &mut Vec<Cause>, field: &str, path: &str) {
    if path.starts_with('/') {
        out.push(Cause::invalid(field, &json!(path), "must be a relative path"));
    }
    no_back_steps(out, field, path);
}

/// A path without `..`.
pub(super) fn no_back_steps(out: &mut Vec<Cause>, field: &str, path: &str) {
    if path.split('/').any(|step| step == "..") {
        out.push(Cause::invalid(field, &json!(path), "must not contain '..'"));
    }
}

/// Init containers that are not sidecars end before there is anything to probe.
fn init_only(out: &mut Vec<Cause>, field: &str, container: &Value) {
    let is_sidecar = text(container, "restartPolicy") == "Always";
    if is_sidecar {
        probes::lifecycle(out, &format!("{field}.lifecycle"), at(container, "lifecycle"));
    }
    for name in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] {
        if is_sidecar && name != "lifecycle" {
            probes::probe(out, field, name, at(container, name));
        } else if !is_sidecar && !at(container, name).is_null() {
            let detail = "may not be set for init containers without restartPolicy=Always";
            out.push(Cause::forbidden(format!("{field}.{name}"), detail));
        }
    }
}
