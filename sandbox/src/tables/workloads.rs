//! Controllers of pods.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::cells::{containers, count, labels, name, selector};
use super::duration::age;
use crate::read::{at, number};

/// The cells of a ReplicaSet.
pub(super) fn replica_set(object: &Value, now: Timestamp) -> Vec<Value> {
    let mut cells = vec![
        name(object),
        count(object, "spec.replicas"),
        count(object, "status.replicas"),
        count(object, "status.readyReplicas"),
        age(object, now),
    ];
    cells.extend(containers(at(object, "spec.template.spec")));
    cells.push(selector(at(object, "spec.selector")));
    cells
}

/// The cells of a `ReplicationController`, whose selector is a map.
pub(super) fn replication_controller(object: &Value, now: Timestamp) -> Vec<Value> {
    let mut cells = replica_set(object, now);
    cells.pop();
    cells.push(labels(at(object, "spec.selector")));
    cells
}

/// The cells of a Deployment.
pub(super) fn deployment(object: &Value, now: Timestamp) -> Vec<Value> {
    let mut cells = vec![
        name(object),
        ready(object),
        count(object, "status.updatedReplicas"),
        count(object, "status.availableReplicas"),
        age(object, now),
    ];
    cells.extend(containers(at(object, "spec.template.spec")));
    cells.push(selector(at(object, "spec.selector")));
    cells
}

/// The cells of a `StatefulSet`.
pub(super) fn stateful_set(object: &Value, now: Timestamp) -> Vec<Value> {
    let mut cells = vec![name(object), ready(object), age(object, now)];
    cells.extend(containers(at(object, "spec.template.spec")));
    cells
}

/// The cells of a `DaemonSet`.
pub(super) fn daemon_set(object: &Value, now: Timestamp) -> Vec<Value> {
    let mut cells = vec![
        name(object),
        count(object, "status.desiredNumberScheduled"),
        count(object, "status.currentNumberScheduled"),
        count(object, "status.numberReady"),
        count(object, "status.updatedNumberScheduled"),
        count(object, "status.numberAvailable"),
        labels(at(object, "spec.template.spec.nodeSelector")),
        age(object, now),
    ];
    cells.extend(containers(at(object, "spec.template.spec")));
    cells.push(selector(at(object, "spec.selector")));
    cells
}

/// The cells of a `PodTemplate`.
pub(super) fn pod_template(object: &Value, _: Timestamp) -> Vec<Value> {
    let mut cells = vec![name(object)];
    cells.extend(containers(at(object, "template.spec")));
    cells.push(labels(at(object, "template.metadata.labels")));
    cells
}

fn ready(object: &Value) -> Value {
    let of = |path: &str| number(object, path).unwrap_or_default();
    json!(format!("{}/{}", of("status.readyReplicas"), of("spec.replicas")))
}
