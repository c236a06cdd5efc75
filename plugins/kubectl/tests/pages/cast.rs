//! The objects that the pages are about.

use serde_json::{Value, json};

use crate::stage::{Stage, THEN, owner};

const OURS: &str = "argoproj.io/v1alpha1";

fn template(image: &str) -> Value {
    json!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": image}]}})
}

fn condition(kind: &str, status: &str, reason: &str, message: &str) -> Value {
    json!({
        "type": kind, "status": status, "reason": reason, "message": message, "lastUpdateTime": THEN, "lastTransitionTime": THEN,
    })
}

async fn rollout(stage: &Stage, name: &str, steps: Value, status: Value) -> String {
    let rollout = json!({
        "metadata": {"name": name, "annotations": {"kubernetes.io/change-cause": "a faster search"}},
        "spec": {
            "replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": template(&format!("{name}:2")),
            "strategy": {"canary": {"steps": steps}},
        },
        "status": status,
    });
    stage.put(OURS, "Rollout", rollout).await
}

async fn replica_set(stage: &Stage, of: (&str, &str), hash: &str, revision: i32, ready: i32) -> String {
    let (name, uid) = of;
    let labels = json!({"app": "web", "rollouts-pod-template-hash": hash});
    let mut template = template(&format!("{name}:{revision}"));
    template["metadata"]["labels"] = labels.clone();
    let rs = json!({
        "metadata": {
            "name": format!("{name}-{hash}"), "labels": labels, "ownerReferences": owner("Rollout", name, uid),
            "annotations": {"rollout.argoproj.io/revision": revision.to_string()},
        },
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template},
        "status": {"replicas": 1, "readyReplicas": ready, "availableReplicas": ready, "observedGeneration": 1},
    });
    stage.put("apps/v1", "ReplicaSet", rs).await
}

async fn pod(stage: &Stage, of: (&str, &str), hash: &str, container: Value) {
    let (rs, uid) = of;
    let is_ready = container["ready"] == true;
    let mut status = json!({"name": "web", "image": "web:2", "imageID": "", "restartCount": 0});
    json_patch::merge(&mut status, &container);
    let pod = json!({
        "metadata": {
            "name": format!("{rs}-x"), "labels": {"app": "web", "rollouts-pod-template-hash": hash},
            "ownerReferences": owner("ReplicaSet", rs, uid),
        },
        "spec": {"containers": [{"name": "web", "image": "web:2"}]},
        "status": {
            "phase": "Running", "containerStatuses": [status],
            "conditions": [{"type": "Ready", "status": if is_ready { "True" } else { "False" }}],
        },
    });
    stage.put("v1", "Pod", pod).await;
}

async fn event(stage: &Stage, of: (&str, &str, &str), severity: &str, reason: &str, message: &str) {
    let (kind, name, uid) = of;
    let event = json!({
        "metadata": {"name": format!("{name}.{}", reason.to_lowercase())}, "type": severity, "reason": reason, "message": message,
        "involvedObject": {"kind": kind, "name": name, "uid": uid, "namespace": "shop"}, "lastTimestamp": THEN, "count": 2,
    });
    stage.put("v1", "Event", event).await;
}

/// A canary that waits for a promotion.
pub async fn pausing(stage: &Stage) {
    let status = json!({
        "observedGeneration": "1", "stableRS": "old", "currentPodHash": "new", "currentStepIndex": 1, "phase": "Paused",
        "message": "CanaryPauseStep", "controllerPause": true, "pauseConditions": [{"reason": "CanaryPauseStep", "startTime": THEN}],
        "replicas": 2, "updatedReplicas": 1, "readyReplicas": 2, "availableReplicas": 2,
        "waitingOn": {"reason": "Promotion", "message": "the pause step waits for a promotion"},
        "conditions": [
            condition("Waiting", "True", "Promotion", "the pause step waits for a promotion"),
            condition("Available", "True", "AvailableReason", "Rollout has minimum availability"),
        ],
    });
    let uid = rollout(stage, "web", json!([{"setWeight": 50}, {"pause": {}}]), status).await;
    for (hash, revision) in [("old", 1), ("new", 2)] {
        let rs = replica_set(stage, ("web", &uid), hash, revision, 1).await;
        pod(
            stage,
            (&format!("web-{hash}"), &rs),
            hash,
            json!({"ready": true, "started": true, "state": {"running": {}}}),
        )
        .await;
    }
    let of = ("Rollout", "web", uid.as_str());
    event(stage, of, "Normal", "RolloutUpdated", "Rollout updated to revision 2").await;
}

/// One whose new pods crash.
pub async fn crashing(stage: &Stage) {
    let status = json!({
        "observedGeneration": "1", "stableRS": "was", "currentPodHash": "bad", "currentStepIndex": 0, "phase": "Progressing",
        "message": "updated replicas are still becoming available", "replicas": 2, "updatedReplicas": 1, "readyReplicas": 1,
        "availableReplicas": 1, "waitingOn": {"reason": "Pods", "object": "ReplicaSet/api-bad", "message": "0 of 1 pods are available"},
    });
    let uid = rollout(stage, "api", json!([{"setWeight": 50}, {"pause": {"duration": "10m"}}]), status).await;
    replica_set(stage, ("api", &uid), "was", 1, 1).await;
    let rs = replica_set(stage, ("api", &uid), "bad", 2, 0).await;
    let crash = json!({
        "ready": false, "restartCount": 4, "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s"}},
        "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}},
    });
    pod(stage, ("api-bad", &rs), "bad", crash).await;
    event(stage, ("Pod", "api-bad-x", ""), "Warning", "BackOff", "Back-off restarting failed container").await;
}

/// One that was given up because of a metric.
pub async fn aborted(stage: &Stage) {
    let message =
        "Rollout aborted update to revision 2: Metric \"errors\" assessed Failed due to failed (2) > failureLimit (1)";
    let status = json!({
        "observedGeneration": "1", "stableRS": "good", "currentPodHash": "poor", "currentStepIndex": 0, "phase": "Degraded",
        "message": format!("RolloutAborted: {message}"), "abort": true, "abortedAt": THEN,
        "replicas": 2, "readyReplicas": 2, "availableReplicas": 2,
        "canary": {"currentStepAnalysisRunStatus": {"name": "cart-poor-2-1", "status": "Failed"}},
        "conditions": [condition("Progressing", "False", "RolloutAborted", message)],
    });
    let steps = json!([{"setWeight": 50}, {"analysis": {"templates": [{"templateName": "errors"}]}}]);
    let uid = rollout(stage, "cart", steps, status).await;
    replica_set(stage, ("cart", &uid), "good", 1, 1).await;
    replica_set(stage, ("cart", &uid), "poor", 2, 1).await;
    let run = json!({
        "metadata": {
            "name": "cart-poor-2-1", "ownerReferences": owner("Rollout", "cart", &uid),
            "labels": {"rollouts-pod-template-hash": "poor"}, "annotations": {"rollout.argoproj.io/revision": "2"},
        },
        "spec": {"metrics": [{
            "name": "errors", "successCondition": "result[0] < 0.05", "failureLimit": 1,
            "provider": {"prometheus": {"address": "http://prometheus", "query": "sum(rate(errors[1m]))"}},
        }]},
        "status": {
            "phase": "Failed", "message": "Metric \"errors\" assessed Failed due to failed (2) > failureLimit (1)",
            "metricResults": [{
                "name": "errors", "phase": "Failed", "failed": 2, "count": 2,
                "metadata": {"ResolvedPrometheusQuery": "sum(rate(errors[1m]))"},
                "measurements": [
                    {"phase": "Failed", "value": "[0.31]", "startedAt": THEN, "finishedAt": THEN},
                    {"phase": "Failed", "value": "[0.42]", "startedAt": THEN, "finishedAt": THEN},
                ],
            }],
        },
    });
    stage.put(OURS, "AnalysisRun", run).await;
}

/// An experiment, and a rollout in another namespace that is as it should be.
pub async fn aside(stage: &Stage) {
    let experiment = json!({
        "metadata": {"name": "compare"},
        "spec": {"duration": "1h", "templates": [{
            "name": "old", "selector": {"matchLabels": {"app": "compare"}},
            "template": {"metadata": {"labels": {"app": "compare"}}, "spec": {"containers": [{"name": "web", "image": "web:1"}]}},
        }]},
        "status": {"phase": "Pending"},
    });
    stage.put(OURS, "Experiment", experiment).await;
    let healthy = json!({
        "metadata": {
            "name": "mail", "namespace": "other",
            "annotations": {"argocd.argoproj.io/tracking-id": "post:argoproj.io/Rollout:other/mail"},
        },
        "spec": {
            "replicas": 1, "selector": {"matchLabels": {"app": "mail"}}, "template": template("mail:1"),
            "strategy": {"blueGreen": {"activeService": "mail"}},
        },
        "status": {
            "observedGeneration": "1", "stableRS": "m", "currentPodHash": "m", "phase": "Healthy", "replicas": 1, "updatedReplicas": 1,
            "readyReplicas": 1, "availableReplicas": 1,
        },
    });
    let stored = stage.put_by("argocd-controller", OURS, "Rollout", healthy).await;
    let (uid, created) = (stored.uid.expect("a uid"), stored.creation_timestamp.expect("a time"));
    let labels = json!({"app": "mail", "rollouts-pod-template-hash": "m"});
    let mut template = template("mail:1");
    template["metadata"]["labels"] = labels.clone();
    let rs = json!({
        "metadata": {
            "name": "mail-m", "namespace": "other", "labels": labels, "ownerReferences": owner("Rollout", "mail", &uid),
            "annotations": {"rollout.argoproj.io/revision": "1"},
        },
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template},
    });
    stage.put("apps/v1", "ReplicaSet", rs).await;
    synced(stage, &json!(created)).await;
}

/// The Application that has brought a rollout, with a sync that has begun then and is still under way.
async fn synced(stage: &Stage, began: &Value) {
    let source = json!({"repoURL": "https://git.example.com/post.git", "path": "deploy"});
    let application = json!({
        "metadata": {"name": "post", "namespace": "argo-rollouts"},
        "spec": {"project": "default", "source": source, "destination": {"name": "in-cluster", "namespace": "other"}},
        "status": {"resources": [{"group": "argoproj.io", "kind": "Rollout", "namespace": "other", "name": "mail"}], "operationState": {
            "operation": {"initiatedBy": {"username": "ann"}}, "phase": "Running", "startedAt": began,
            "syncResult": {"revision": "4f2d1c0b9a8877665544332211ffeeddccbbaa00", "source": source},
        }},
    });
    stage.put(OURS, "Application", application).await;
}
