//! Views of a rollout in its typical states, as users see them.

use k8s_openapi::api::core::v1::Pod;
use serde_json::{Value, json};
use sluice_core::api::{ReplicaSet, Rollout};

use super::colour::Colour;
use super::{Seen, list, short_duration, tree};

fn rollout(status: &Value) -> Rollout {
    let mut full = json!({
        "observedGeneration": "2", "stableRS": "687d76d795", "currentPodHash": "6cf78c66c5", "currentStepIndex": 1,
        "replicas": 2, "updatedReplicas": 1, "readyReplicas": 2, "availableReplicas": 2,
        "phase": "Paused", "message": "CanaryPauseStep",
        "pauseConditions": [{"reason": "CanaryPauseStep", "startTime": "2026-01-01T00:11:54Z"}], "controllerPause": true,
        "waitingOn": {"reason": "PauseStep", "message": "the pause step waits for a promotion"},
    });
    for (key, value) in status.as_object().expect("an object") {
        full[key] = value.clone();
    }
    serde_json::from_value(json!({
        "metadata": {"name": "rollouts-demo", "namespace": "demo", "generation": 2, "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"replicas": 1, "strategy": {"canary": {"steps": [{"setWeight": 50}, {"pause": {}}]}}},
        "status": full,
    }))
    .expect("a Rollout")
}

fn replica_set(hash: &str, revision: u8, colour: &str, created: &str, wanted: i32) -> ReplicaSet {
    serde_json::from_value(json!({
        "metadata": {
            "name": format!("rollouts-demo-{hash}"), "uid": hash, "creationTimestamp": created,
            "labels": {"rollouts-pod-template-hash": hash},
            "annotations": {"rollout.argoproj.io/revision": revision.to_string()},
        },
        "spec": {
            "replicas": wanted, "selector": {},
            "template": {"spec": {"containers": [{"name": "demo", "image": format!("argoproj/rollouts-demo:{colour}")}]}},
        },
        "status": {"replicas": wanted, "readyReplicas": wanted, "availableReplicas": wanted},
    }))
    .expect("a ReplicaSet")
}

fn pod(hash: &str, suffix: &str, created: &str, state: &Value) -> Pod {
    let ready = state.get("running").is_some();
    serde_json::from_value(json!({
        "metadata": {
            "name": format!("rollouts-demo-{hash}-{suffix}"), "creationTimestamp": created,
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "x", "uid": hash, "controller": true}],
        },
        "spec": {"containers": [{"name": "demo"}]},
        "status": {"phase": "Running", "containerStatuses": [
            {"name": "demo", "ready": ready, "restartCount": if ready { 0 } else { 3 }, "image": "", "imageID": "", "state": state},
        ]},
    }))
    .expect("a Pod")
}

fn seen(status: &Value) -> Seen {
    let running = json!({"running": {}});
    Seen {
        rollout: rollout(status),
        replica_sets: vec![
            replica_set("687d76d795", 1, "blue", "2026-01-01T00:02:51Z", 1),
            replica_set("6cf78c66c5", 2, "yellow", "2026-01-01T00:11:54Z", 1),
        ],
        pods: vec![
            pod("687d76d795", "9wvx2", "2026-01-01T00:02:51Z", &running),
            pod("6cf78c66c5", "lw7fh", "2026-01-01T00:11:54Z", &running),
        ],
        now: "2026-01-01T00:12:00Z".parse().expect("a timestamp"),
    }
}

#[test]
fn a_paused_canary_reads_as_in_the_guide() {
    let expected = "\
Name:            rollouts-demo
Namespace:       demo
Status:          ॥ Paused
Message:         CanaryPauseStep
Waiting:         the pause step waits for a promotion
Strategy:        Canary
  Step:          1/2
  SetWeight:     50
  ActualWeight:  50
Images:          argoproj/rollouts-demo:blue (stable)
                 argoproj/rollouts-demo:yellow (canary)
Replicas:
  Desired:       1
  Current:       2
  Updated:       1
  Ready:         2
  Available:     2

NAME                                       KIND        STATUS     AGE   INFO
⟳ rollouts-demo                            Rollout     ॥ Paused   12m
├──# revision:2
│  └──⧉ rollouts-demo-6cf78c66c5           ReplicaSet  ✔ Healthy  6s    canary
│     └──□ rollouts-demo-6cf78c66c5-lw7fh  Pod         ✔ Running  6s    ready:1/1
└──# revision:1
   └──⧉ rollouts-demo-687d76d795           ReplicaSet  ✔ Healthy  9m9s  stable
      └──□ rollouts-demo-687d76d795-9wvx2  Pod         ✔ Running  9m9s  ready:1/1
";
    assert_eq!(tree::render(&seen(&json!({})), Colour(false)), expected);
}

#[test]
fn a_crashing_pod_and_a_drained_revision_show() {
    let mut seen =
        seen(&json!({"phase": "Progressing", "message": "more replicas need to be updated", "pauseConditions": null}));
    seen.rollout.status.as_mut().expect("a status").controller_pause = false;
    seen.pods[1] =
        pod("6cf78c66c5", "lw7fh", "2026-01-01T00:11:54Z", &json!({"waiting": {"reason": "CrashLoopBackOff"}}));
    seen.replica_sets[1].status.as_mut().expect("a status").available_replicas = 0;
    seen.replica_sets.push(replica_set("5d5c6b6c55", 0, "red", "2025-12-31T00:12:00Z", 0));
    let text = tree::render(&seen, Colour(false));
    assert!(text.contains("ReplicaSet  ◌ Progressing       6s    canary"), "{text}");
    assert!(text.contains("Pod         ⚠ CrashLoopBackOff  6s    ready:0/1,restarts:3"), "{text}");
    assert!(text.contains("ReplicaSet  • ScaledDown        24h"), "{text}");
    assert!(text.contains("ActualWeight:  0"), "{text}");
}

#[test]
fn an_aborted_rollout_is_degraded_and_says_why() {
    let message = "RolloutAborted: Rollout aborted update to revision 2";
    let status = json!({"phase": "Degraded", "message": message, "abort": true, "pauseConditions": null, "controllerPause": false});
    let text = tree::render(&seen(&status), Colour(false));
    assert!(text.contains(&format!("Status:          ✖ Degraded\nMessage:         {message}\n")), "{text}");
    assert!(text.contains("SetWeight:     0\n"), "{text}");
}

#[test]
fn a_delayed_scale_down_shows_what_is_left_of_it() {
    let mut seen = seen(&json!({"stableRS": "6cf78c66c5", "phase": "Healthy", "message": ""}));
    let annotations = seen.replica_sets[0].metadata.annotations.get_or_insert_default();
    annotations.insert("scale-down-deadline".into(), "2026-01-01T00:12:20Z".into());
    let text = tree::render(&seen, Colour(false));
    assert!(text.contains("9m9s  delay:20s"), "{text}");
    assert!(!text.contains("Waiting:"), "{text}");
}

#[test]
fn colour_changes_no_column() {
    let plain = tree::render(&seen(&json!({})), Colour(false));
    let coloured = tree::render(&seen(&json!({})), Colour(true));
    let mut stripped = String::new();
    let mut escaped = false;
    for c in coloured.chars() {
        match c {
            '\u{1b}' => escaped = true,
            'm' if escaped => escaped = false,
            _ if escaped => {}
            c => stripped.push(c),
        }
    }
    assert_ne!(coloured, plain);
    assert_eq!(stripped, plain);
}

#[test]
fn a_manifest_not_yet_observed_is_progressing() {
    let text = tree::render(&seen(&json!({"observedGeneration": "1"})), Colour(false));
    assert!(text.contains("◌ Progressing\nMessage:         waiting for rollout spec update to be observed"), "{text}");
}

#[test]
fn a_list_has_a_line_each() {
    let text = list::render(&[rollout(&json!({}))], true);
    let expected = "\
NAMESPACE  NAME           STRATEGY  STATUS  STEP  SET-WEIGHT  READY  DESIRED  UP-TO-DATE  AVAILABLE
demo       rollouts-demo  Canary    Paused  1/2   50          2/2    1        1           2
";
    assert_eq!(text, expected);
}

#[test]
fn times_are_as_short_as_kubectls() {
    let cases =
        [(5, "5s"), (119, "119s"), (125, "2m5s"), (600, "10m"), (10_800, "3h"), (90_000, "25h"), (700_000, "8d")];
    for (seconds, text) in cases {
        assert_eq!(short_duration(seconds), text);
    }
}
