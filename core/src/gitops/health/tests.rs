use serde_json::{Value, json};

use super::{DEGRADED, HEALTHY, MISSING, PROGRESSING, Rules, SUSPENDED, UNKNOWN, of, worst};

fn object(api_version: &str, kind: &str, rest: &Value) -> Value {
    let mut object = json!({
        "apiVersion": api_version, "kind": kind, "metadata": { "name": "web", "generation": 2 }, "spec": {},
        "status": { "observedGeneration": 2 },
    });
    json_patch::merge(&mut object, rest);
    object
}

fn check(api_version: &str, kind: &str, cases: &[(Value, &str, &str)]) {
    for (rest, status, message) in cases {
        let health = of(&object(api_version, kind, rest), &Rules::default()).expect("a rule");
        assert_eq!((health.status.as_str(), health.message.as_str()), (*status, *message), "{kind} {rest}");
    }
}

#[test]
fn a_deployment_is_healthy_when_all_of_its_pods_are_new_and_available() {
    let counts = |wanted: i64, all: i64, updated: i64, available: i64| {
        let status = json!({ "replicas": all, "updatedReplicas": updated, "availableReplicas": available });
        json!({ "spec": { "replicas": wanted }, "status": status })
    };
    let late = json!({ "status": { "conditions": [{ "type": "Progressing", "reason": "ProgressDeadlineExceeded" }] } });
    let waiting = |what: &str| format!("Waiting for rollout to finish: {what}");
    check(
        "apps/v1",
        "Deployment",
        &[
            (counts(2, 2, 2, 2), HEALTHY, ""),
            (counts(2, 2, 1, 2), PROGRESSING, &waiting("1 out of 2 new replicas have been updated...")),
            (counts(2, 3, 2, 3), PROGRESSING, &waiting("1 old replicas are pending termination...")),
            (counts(2, 2, 2, 1), PROGRESSING, &waiting("1 of 2 updated replicas are available...")),
            (json!({ "spec": { "paused": true } }), SUSPENDED, "Deployment is paused"),
            (
                json!({ "metadata": { "generation": 3 } }),
                PROGRESSING,
                &waiting("observed generation less than desired generation"),
            ),
            (late, DEGRADED, "Deployment \"web\" exceeded its progress deadline"),
            (json!({ "metadata": { "deletionTimestamp": "2026-01-01T00:00:00Z" } }), PROGRESSING, "Pending deletion"),
        ],
    );
}

#[test]
fn a_rollout_is_what_it_says() {
    let phase = |phase: &str| json!({ "status": { "phase": phase, "message": "why", "observedGeneration": "2" } });
    let unseen = "Waiting for rollout spec update to be observed";
    check(
        "argoproj.io/v1alpha1",
        "Rollout",
        &[
            (phase("Healthy"), HEALTHY, "why"),
            (phase("Paused"), SUSPENDED, "why"),
            (phase("Degraded"), DEGRADED, "why"),
            (phase("Progressing"), PROGRESSING, "why"),
            (json!({ "status": { "phase": "Healthy", "observedGeneration": "1" } }), PROGRESSING, unseen),
            (json!({ "status": null }), PROGRESSING, unseen),
        ],
    );
}

#[test]
fn a_pod_is_degraded_when_it_cannot_start_or_has_failed() {
    let waits = |reason: &str, message: &str| {
        let state = json!({ "waiting": { "reason": reason, "message": message } });
        json!({ "status": { "phase": "Pending", "containerStatuses": [{ "name": "web", "state": state }] } })
    };
    let ended = json!([{ "name": "web", "state": { "terminated": { "exitCode": 3 } } }]);
    check(
        "v1",
        "Pod",
        &[
            (waits("ContainerCreating", ""), PROGRESSING, ""),
            (waits("ImagePullBackOff", "no such image"), DEGRADED, "no such image"),
            (waits("ErrImagePull", ""), DEGRADED, "ErrImagePull"),
            (
                json!({ "status": { "phase": "Failed", "containerStatuses": ended } }),
                DEGRADED,
                "container \"web\" failed with exit code 3",
            ),
            (
                json!({ "status": { "phase": "Running", "conditions": [{ "type": "Ready", "status": "True" }] } }),
                HEALTHY,
                "",
            ),
            (json!({ "status": { "phase": "Running" } }), PROGRESSING, ""),
            (json!({ "spec": { "restartPolicy": "Never" }, "status": { "phase": "Running" } }), PROGRESSING, ""),
            (json!({ "status": { "phase": "Succeeded" } }), HEALTHY, ""),
            (json!({ "status": { "phase": "Odd" } }), UNKNOWN, ""),
        ],
    );
}

#[test]
fn other_kinds_are_what_their_status_says() {
    let conditions = |list: Value| json!({ "status": { "conditions": list } });
    let job = |kind: &str| conditions(json!([{ "type": kind, "status": "True", "message": "so it is" }]));
    check(
        "batch/v1",
        "Job",
        &[
            (job("Complete"), HEALTHY, ""),
            (job("Failed"), DEGRADED, "so it is"),
            (job("Suspended"), SUSPENDED, "Job is suspended"),
            (json!({}), PROGRESSING, "Job has not completed yet"),
        ],
    );
    let address = json!({ "status": { "loadBalancer": { "ingress": [{ "ip": "10.0.0.1" }] } } });
    check("networking.k8s.io/v1", "Ingress", &[(json!({}), PROGRESSING, ""), (address, HEALTHY, "")]);
    check(
        "v1",
        "Service",
        &[(json!({}), HEALTHY, ""), (json!({ "spec": { "type": "LoadBalancer" } }), PROGRESSING, "")],
    );
    let bound = |phase: &str| json!({ "status": { "phase": phase } });
    check(
        "v1",
        "PersistentVolumeClaim",
        &[(bound("Bound"), HEALTHY, ""), (bound("Pending"), PROGRESSING, ""), (bound("Lost"), DEGRADED, "")],
    );
    check(
        "argoproj.io/v1alpha1",
        "AnalysisRun",
        &[
            (bound("Running"), PROGRESSING, ""),
            (bound("Successful"), HEALTHY, ""),
            (bound("Error"), DEGRADED, ""),
            (bound("Inconclusive"), UNKNOWN, ""),
        ],
    );
    let health = |status: &str| json!({ "status": { "health": { "status": status } } });
    let child = |change: &Value| {
        let source = json!({ "repoURL": "https://git.example.com/a.git", "targetRevision": "v2" });
        let automated = json!({ "automated": {} });
        let sync =
            json!({ "status": "Synced", "revision": "c2", "comparedTo": { "source": source, "destination": {} } });
        let last = json!({ "phase": "Succeeded", "startedAt": "2026-01-01T00:00:00Z", "operation": {}, "syncResult": { "revision": "c2" } });
        let mut it = json!({
            "metadata": { "name": "child" },
            "spec": { "source": source, "destination": {}, "syncPolicy": automated },
            "status": { "health": { "status": "Healthy" }, "sync": sync, "operationState": last },
        });
        json_patch::merge(&mut it, change);
        it
    };
    let compared = json!({ "status": { "sync": { "comparedTo": { "source": { "targetRevision": "v1" } } } } });
    let new = json!({ "status": { "sync": { "status": "OutOfSync", "revision": "c3" } } });
    let failed = json!({ "status": { "sync": { "status": "OutOfSync" }, "operationState": { "phase": "Failed" } } });
    check(
        "argoproj.io/v1alpha1",
        "Application",
        &[
            (health("Degraded"), DEGRADED, ""),
            (json!({}), PROGRESSING, ""),
            (child(&json!({})), HEALTHY, ""),
            (child(&compared), PROGRESSING, "Waiting for its new source to be compared"),
            (child(&json!({ "operation": { "sync": {} } })), PROGRESSING, "Waiting for its sync"),
            (
                child(&json!({ "status": { "operationState": { "phase": "Running" } } })),
                PROGRESSING,
                "Waiting for its sync",
            ),
            (child(&new), PROGRESSING, "Waiting for its sync to begin"),
            (child(&failed), HEALTHY, ""),
        ],
    );
    let set = |status: Value| json!({ "spec": { "replicas": 2 }, "status": status });
    check(
        "apps/v1",
        "StatefulSet",
        &[
            (set(json!({ "readyReplicas": 2, "updateRevision": "a", "currentRevision": "a" })), HEALTHY, ""),
            (set(json!({ "readyReplicas": 1 })), PROGRESSING, "Waiting for 1 pods to be ready..."),
        ],
    );
    let scaler = |kind: &str, reason: &str, status: &str| {
        conditions(json!([{ "type": kind, "reason": reason, "status": status, "message": "so it is" }]))
    };
    check(
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        &[
            (scaler("AbleToScale", "ReadyForNewScale", "True"), HEALTHY, "so it is"),
            (scaler("ScalingActive", "FailedGetResourceMetric", "False"), DEGRADED, "so it is"),
            (json!({}), PROGRESSING, "Waiting to Autoscale"),
        ],
    );
    assert_eq!(of(&object("v1", "ConfigMap", &json!({})), &Rules::default()), None, "of which nothing can be told");
    let ignored = json!({ "metadata": { "annotations": { "argocd.argoproj.io/ignore-healthcheck": "true" } } });
    assert_eq!(of(&object("v1", "Service", &ignored), &Rules::default()), None);
}

#[test]
fn an_application_is_as_the_worst_of_its_objects() {
    let cases: [(&[Option<&str>], &str); 7] = [
        (&[], HEALTHY),
        (&[None, None], HEALTHY),
        (&[Some(HEALTHY), Some(PROGRESSING), Some(SUSPENDED)], PROGRESSING),
        (&[Some(HEALTHY), Some(DEGRADED), Some(UNKNOWN)], UNKNOWN),
        (&[Some(MISSING), Some(MISSING)], MISSING),
        (&[Some(MISSING), Some(HEALTHY)], HEALTHY),
        (&[Some(MISSING), None], HEALTHY),
    ];
    for (all, expected) in cases {
        assert_eq!(worst(all.iter().copied()), expected, "{all:?}");
    }
}
