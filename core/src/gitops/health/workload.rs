//! Workloads, and what sizes them.

use serde_json::Value;

use super::{DEGRADED, HEALTHY, PROGRESSING, SUSPENDED, Verdict, condition, healthy, is_unseen, list, number, text};

const UNSEEN: &str = "Waiting for rollout to finish: observed generation less than desired generation";

fn waiting(what: &str) -> Verdict {
    (PROGRESSING, format!("Waiting for rollout to finish: {what}"))
}

pub(super) fn deployment(it: &Value) -> Verdict {
    if it["spec"]["paused"] == true {
        return (SUSPENDED, "Deployment is paused".to_owned());
    }
    if is_unseen(it) {
        return (PROGRESSING, UNSEEN.to_owned());
    }
    if condition(it, "Progressing").is_some_and(|it| it["reason"] == "ProgressDeadlineExceeded") {
        return (DEGRADED, format!("Deployment {:?} exceeded its progress deadline", text(it, "/metadata/name")));
    }
    let wanted = it.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1);
    let count = |name: &str| number(it, &format!("/status/{name}"));
    let (updated, all, available) = (count("updatedReplicas"), count("replicas"), count("availableReplicas"));
    if updated < wanted {
        return waiting(&format!("{updated} out of {wanted} new replicas have been updated..."));
    }
    if all > updated {
        return waiting(&format!("{} old replicas are pending termination...", all - updated));
    }
    if available < updated {
        return waiting(&format!("{available} of {updated} updated replicas are available..."));
    }
    healthy()
}

pub(super) fn stateful_set(it: &Value) -> Verdict {
    if number(it, "/status/observedGeneration") == 0 || is_unseen(it) {
        return (PROGRESSING, "Waiting for statefulset spec update to be observed...".to_owned());
    }
    let wanted = it.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1);
    let count = |name: &str| number(it, &format!("/status/{name}"));
    let (ready, updated) = (count("readyReplicas"), count("updatedReplicas"));
    if ready < wanted {
        return (PROGRESSING, format!("Waiting for {} pods to be ready...", wanted - ready));
    }
    let partition = it.pointer("/spec/updateStrategy/rollingUpdate/partition").and_then(Value::as_i64);
    match (text(it, "/spec/updateStrategy/type"), partition) {
        ("OnDelete", _) => return (HEALTHY, format!("statefulset has {ready} ready pods")),
        (_, Some(partition)) => {
            if updated < wanted - partition {
                let of = wanted - partition;
                let what =
                    format!("partitioned roll out to finish: {updated} out of {of} new pods have been updated...");
                return (PROGRESSING, format!("Waiting for {what}"));
            }
            return (HEALTHY, format!("partitioned roll out complete: {updated} new pods have been updated..."));
        }
        _ => {}
    }
    if it["status"]["updateRevision"] != it["status"]["currentRevision"] {
        let what = format!("waiting for statefulset rolling update to complete {updated} pods at revision");
        return (PROGRESSING, format!("{what} {}...", text(it, "/status/updateRevision")));
    }
    healthy()
}

pub(super) fn daemon_set(it: &Value) -> Verdict {
    if is_unseen(it) {
        return (PROGRESSING, UNSEEN.to_owned());
    }
    let count = |name: &str| number(it, &format!("/status/{name}"));
    let (updated, wanted, available) =
        (count("updatedNumberScheduled"), count("desiredNumberScheduled"), count("numberAvailable"));
    if text(it, "/spec/updateStrategy/type") == "OnDelete" {
        return (HEALTHY, format!("daemon set {updated} out of {wanted} new pods have been updated"));
    }
    let name = text(it, "/metadata/name");
    if updated < wanted {
        return waiting(&format!("daemon set {name:?}: {updated} out of {wanted} new pods have been updated..."));
    }
    if available < wanted {
        return waiting(&format!("daemon set {name:?}: {available} of {wanted} updated pods are available..."));
    }
    healthy()
}

pub(super) fn replica_set(it: &Value) -> Verdict {
    if is_unseen(it) {
        return (PROGRESSING, UNSEEN.to_owned());
    }
    if let Some(failure) = condition(it, "ReplicaFailure").filter(|failure| failure["status"] == "True") {
        return (DEGRADED, text(failure, "/message").to_owned());
    }
    let wanted = it.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1);
    let available = number(it, "/status/availableReplicas");
    if available < wanted {
        return waiting(&format!("{available} out of {wanted} new replicas are available..."));
    }
    healthy()
}

pub(super) fn autoscaler(it: &Value) -> Verdict {
    const BAD: [(&str, &[&str]); 2] = [
        ("AbleToScale", &["FailedGetScale", "FailedUpdateScale"]),
        (
            "ScalingActive",
            &[
                "FailedGetResourceMetric",
                "FailedGetObjectMetric",
                "FailedGetPodsMetric",
                "FailedGetExternalMetric",
                "FailedComputeMetricsReplicas",
                "InvalidSelector",
            ],
        ),
    ];
    let all = list(it, "/status/conditions");
    let is_bad = |one: &&Value| {
        BAD.iter().any(|(name, why)| one["type"] == *name && why.iter().any(|why| one["reason"] == *why))
    };
    if let Some(bad) = all.iter().find(is_bad) {
        return (DEGRADED, text(bad, "/message").to_owned());
    }
    let is_good =
        |one: &&Value| (one["type"] == "AbleToScale" || one["type"] == "ScalingLimited") && one["status"] == "True";
    match all.iter().find(is_good) {
        Some(good) => (HEALTHY, text(good, "/message").to_owned()),
        None => (PROGRESSING, "Waiting to Autoscale".to_owned()),
    }
}
