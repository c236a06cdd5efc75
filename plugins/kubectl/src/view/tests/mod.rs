//! Whole pages, as people see them in the states that matter.

mod analysis;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use serde_json::{Value, json};
use sluice_core::api::{ReplicaSet, Rollout};

use super::list::{self, Columns};
use super::page;
use super::paint::Paint;
use super::table::Layout;
use sluice_core::info::family::Family;
use sluice_core::info::rollout::RolloutInfo;

/// Five minutes after everything was created, but for what says otherwise.
fn now() -> Timestamp {
    "2026-01-01T00:05:00Z".parse().expect("a time")
}

fn rollout(changes: &Value) -> Rollout {
    let mut rollout = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
        "metadata": {
            "name": "web", "namespace": "shop", "uid": "u", "generation": 2, "creationTimestamp": "2026-01-01T00:00:00Z",
        },
        "spec": {
            "replicas": 2,
            "template": {"spec": {"containers": [{"name": "web", "image": "web:2"}]}},
            "strategy": {"canary": {"steps": [{"setWeight": 50}, {"pause": {}}]}},
        },
        "status": {
            "observedGeneration": "2", "currentPodHash": "b", "stableRS": "a", "currentStepIndex": 1,
            "replicas": 2, "updatedReplicas": 1, "readyReplicas": 2, "availableReplicas": 2,
        },
    });
    json_patch::merge(&mut rollout, changes);
    serde_json::from_value(rollout).expect("a rollout")
}

fn replica_set(hash: &str, revision: i64, wanted: i32, available: i32, created: &str) -> ReplicaSet {
    serde_json::from_value(json!({
        "metadata": {
            "name": format!("web-{hash}"), "uid": hash, "creationTimestamp": created,
            "labels": {"rollouts-pod-template-hash": hash},
            "annotations": {"rollout.argoproj.io/revision": revision.to_string()},
            "ownerReferences": [{"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "web", "uid": "u", "controller": true}],
        },
        "spec": {
            "replicas": wanted,
            "template": {"spec": {"containers": [{"name": "web", "image": format!("web:{revision}")}]}},
        },
        "status": {"replicas": wanted, "availableReplicas": available, "readyReplicas": available},
    }))
    .expect("a ReplicaSet")
}

fn pod(hash: &str, name: &str, crashes: bool) -> Pod {
    let crash_loop = json!({"waiting": {"reason": "CrashLoopBackOff"}});
    let state = if crashes { crash_loop } else { json!({"running": {}}) };
    serde_json::from_value(json!({
        "metadata": {
            "name": format!("web-{hash}-{name}"), "creationTimestamp": "2026-01-01T00:04:00Z",
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": hash, "controller": true}],
        },
        "spec": {"containers": [{"name": "web"}]},
        "status": {"phase": "Running", "containerStatuses": [{
            "name": "web", "image": "", "imageID": "", "ready": !crashes, "restartCount": i32::from(crashes) * 4, "state": state,
        }]},
    }))
    .expect("a pod")
}

#[track_caller]
fn reads(rollout: Rollout, replica_sets: Vec<ReplicaSet>, pods: Vec<Pod>, expected: &str) {
    let family = Family { rollout, replica_sets, pods, runs: None, experiments: None };
    let page = page::render(&RolloutInfo::of(&family, now()), false, Paint::Plain);
    assert_eq!(page, expected, "\n{page}");
}

const THEN: &str = "2026-01-01T00:00:00Z";
const LATER: &str = "2026-01-01T00:04:00Z";

#[test]
fn a_canary_that_pauses_says_what_it_waits_for() {
    let pause = json!({"reason": "CanaryPauseStep", "startTime": LATER});
    let status = json!({"status": {
        "phase": "Paused", "message": "CanaryPauseStep", "controllerPause": true, "pauseConditions": [pause],
        "waitingOn": {"reason": "Promotion", "message": "the pause step waits for a promotion"},
    }});
    let strays = [pod("other", "x", false)];
    let pods = [pod("b", "one", false), pod("a", "two", false)].into_iter().chain(strays).collect();
    reads(
        rollout(&status),
        vec![replica_set("a", 1, 1, 1, THEN), replica_set("b", 2, 1, 1, LATER)],
        pods,
        "\
Name:            web
Namespace:       shop
Status:          ॥ Paused
Message:         CanaryPauseStep
Waiting:         the pause step waits for a promotion
Strategy:        Canary
  Step:          1/2
  SetWeight:     50
  ActualWeight:  50
Images:          web:1 (stable)
                 web:2 (canary)
Replicas:
  Desired:       2
  Current:       2
  Updated:       1
  Ready:         2
  Available:     2

NAME                  KIND        STATUS     AGE  INFO
⟳ web                 Rollout     ॥ Paused   5m
├──# revision:2
│  └──⧉ web-b         ReplicaSet  ✔ Healthy  60s  canary
│     └──□ web-b-one  Pod         ✔ Running  60s  ready:1/1
└──# revision:1
   └──⧉ web-a         ReplicaSet  ✔ Healthy  5m   stable
      └──□ web-a-two  Pod         ✔ Running  60s  ready:1/1
",
    );
}

#[test]
fn a_healthy_rollout_keeps_its_old_revision_until_the_delay_is_over() {
    let status = json!({"status": {
        "phase": "Healthy", "stableRS": "b", "currentStepIndex": 2, "replicas": 3, "updatedReplicas": 2,
        "readyReplicas": 3, "availableReplicas": 3,
    }});
    let mut old = replica_set("a", 1, 1, 1, THEN);
    let annotations = old.metadata.annotations.get_or_insert_default();
    annotations.insert("scale-down-deadline".to_owned(), "2026-01-01T00:05:20Z".to_owned());
    reads(
        rollout(&status),
        vec![old, replica_set("b", 2, 2, 2, LATER), replica_set("c", 0, 0, 0, THEN)],
        vec![pod("b", "one", false)],
        "\
Name:            web
Namespace:       shop
Status:          ✔ Healthy
Strategy:        Canary
  Step:          2/2
  SetWeight:     100
  ActualWeight:  100
Images:          web:1
                 web:2 (stable)
Replicas:
  Desired:       2
  Current:       3
  Updated:       2
  Ready:         3
  Available:     3

NAME                  KIND        STATUS        AGE  INFO
⟳ web                 Rollout     ✔ Healthy     5m
├──# revision:2
│  └──⧉ web-b         ReplicaSet  ✔ Healthy     60s  stable
│     └──□ web-b-one  Pod         ✔ Running     60s  ready:1/1
├──# revision:1
│  └──⧉ web-a         ReplicaSet  ✔ Healthy     5m   delay:20s
└──# revision:0
   └──⧉ web-c         ReplicaSet  • ScaledDown  5m
",
    );
}

#[test]
fn an_aborted_update_has_no_weight() {
    let status = json!({"status": {
        "phase": "Degraded", "message": "RolloutAborted: Rollout aborted update to revision 2", "abort": true,
        "currentStepIndex": 0, "updatedReplicas": 0,
    }});
    reads(
        rollout(&status),
        vec![replica_set("a", 1, 2, 2, THEN), replica_set("b", 2, 0, 0, LATER)],
        vec![],
        "\
Name:            web
Namespace:       shop
Status:          ✖ Degraded
Message:         RolloutAborted: Rollout aborted update to revision 2
Strategy:        Canary
  Step:          0/2
  SetWeight:     0
  ActualWeight:  0
Images:          web:1 (stable)
Replicas:
  Desired:       2
  Current:       2
  Updated:       0
  Ready:         2
  Available:     2

NAME             KIND        STATUS        AGE  INFO
⟳ web            Rollout     ✖ Degraded    5m
├──# revision:2
│  └──⧉ web-b    ReplicaSet  • ScaledDown  60s  canary
└──# revision:1
   └──⧉ web-a    ReplicaSet  ✔ Healthy     5m   stable
",
    );
}

#[test]
fn a_canary_that_crashes_is_degraded_while_the_rollout_still_tries() {
    let status = json!({"status": {
        "phase": "Progressing", "message": "updated replicas are still becoming available", "currentStepIndex": 0,
        "readyReplicas": 1, "availableReplicas": 1,
    }});
    reads(
        rollout(&status),
        vec![replica_set("a", 1, 1, 1, THEN), replica_set("b", 2, 1, 0, LATER)],
        vec![pod("b", "one", true), pod("a", "two", false)],
        "\
Name:            web
Namespace:       shop
Status:          ◌ Progressing
Message:         updated replicas are still becoming available
Strategy:        Canary
  Step:          0/2
  SetWeight:     50
  ActualWeight:  0
Images:          web:1 (stable)
                 web:2 (canary)
Replicas:
  Desired:       2
  Current:       2
  Updated:       1
  Ready:         1
  Available:     1

NAME                  KIND        STATUS              AGE  INFO
⟳ web                 Rollout     ◌ Progressing       5m
├──# revision:2
│  └──⧉ web-b         ReplicaSet  ✖ Degraded          60s  canary
│     └──□ web-b-one  Pod         ✖ CrashLoopBackOff  60s  ready:0/1,restarts:4
└──# revision:1
   └──⧉ web-a         ReplicaSet  ✔ Healthy           5m   stable
      └──□ web-a-two  Pod         ✔ Running           60s  ready:1/1
",
    );
}

#[test]
fn a_rollout_at_zero_runs_nothing() {
    let status = json!({"spec": {"replicas": 0}, "status": {
        "phase": "Healthy", "stableRS": "b", "currentStepIndex": 2, "replicas": 0, "updatedReplicas": 0,
        "readyReplicas": 0, "availableReplicas": 0,
    }});
    reads(
        rollout(&status),
        vec![replica_set("b", 2, 0, 0, LATER)],
        vec![],
        "\
Name:            web
Namespace:       shop
Status:          ✔ Healthy
Strategy:        Canary
  Step:          2/2
  SetWeight:     100
  ActualWeight:  0
Images:          web:2
Replicas:
  Desired:       0
  Current:       0
  Updated:       0
  Ready:         0
  Available:     0

NAME             KIND        STATUS        AGE  INFO
⟳ web            Rollout     ✔ Healthy     5m
└──# revision:2
   └──⧉ web-b    ReplicaSet  • ScaledDown  60s  stable
",
    );
}

#[test]
fn a_manifest_not_yet_looked_at_is_progressing() {
    let fresh = rollout(&json!({"metadata": {"generation": 3}, "status": {"phase": "Healthy", "currentPodHash": "a"}}));
    let family = Family { rollout: fresh, replica_sets: vec![], pods: vec![], runs: None, experiments: None };
    let info = RolloutInfo::of(&family, now());
    assert_eq!(
        (info.status.text().as_str(), info.message.as_str()),
        ("◌ Progressing", "waiting for rollout spec update to be observed")
    );
}

#[test]
fn a_retry_is_not_taken_for_the_abort_before_it() {
    let message = "RolloutAborted: Rollout aborted update to revision 2";
    let retried = rollout(&json!({"status": {"phase": "Degraded", "message": message, "abort": false}}));
    assert_eq!(sluice_core::info::phase::shown(&retried).0, "Progressing");
}

#[test]
fn no_text_of_the_cluster_steers_the_terminal() {
    let hostile = "a\u{1b}[2J\u{7}\nb\u{202e}";
    let mut rollout = rollout(&json!({
        "metadata": {"labels": {}},
        "status": {"phase": hostile, "message": hostile, "waitingOn": {"reason": "x", "message": format!("{hostile} too")}},
    }));
    rollout.spec.template = Some(json!({"spec": {"containers": [{"name": "web", "image": hostile}]}}));
    let mut old = replica_set("a", 1, 1, 1, THEN);
    old.spec.template["spec"]["containers"][0]["image"] = hostile.into();
    let mut crashed = pod("a", "one", true);
    crashed.status.get_or_insert_default().reason = Some(hostile.to_owned());
    crashed.status.get_or_insert_default().container_statuses = None;
    let columns = Columns { wide: true, ..Columns::default() };
    let list = list::render(&[rollout.clone()], columns, "", now(), &mut Layout::default(), Paint::Plain);
    let family = Family { rollout, replica_sets: vec![old], pods: vec![crashed], runs: None, experiments: None };
    let page = page::render(&RolloutInfo::of(&family, now()), true, Paint::Plain);
    assert!(page.contains("Waiting:         a\\u{1b}[2J\\u{7} b\\u{202e} too\n"), "{page}");
    for text in [list, page] {
        assert!(text.contains("\\u{1b}[2J"), "{text}");
        assert!(!text.contains(|c: char| c != '\n' && c.is_control() || c == '\u{202e}'), "{text:?}");
    }
}

#[test]
fn an_image_of_several_containers_has_each_role_once() {
    let blue_green = json!({
        "spec": {"strategy": {"canary": null, "blueGreen": {"activeService": "web"}}},
        "status": {"phase": "Healthy", "stableRS": "b", "blueGreen": {"activeSelector": "b"}},
    });
    let mut both = replica_set("b", 2, 2, 2, LATER);
    both.spec.template =
        json!({"spec": {"containers": [{"name": "web", "image": "web:2"}, {"name": "log", "image": "web:2"}]}});
    let family =
        Family { rollout: rollout(&blue_green), replica_sets: vec![both], pods: vec![], runs: None, experiments: None };
    assert_eq!(RolloutInfo::of(&family, now()).images, [("web:2".to_owned(), vec!["stable", "active"])]);
}

#[test]
fn the_list_has_a_line_for_each_rollout() {
    let other = json!({
        "metadata": {"name": "api"},
        "spec": {"strategy": {"canary": null, "blueGreen": {"activeService": "web"}}},
        "status": {"phase": "Healthy"},
    });
    let rollouts = [rollout(&json!({"status": {"phase": "Paused"}})), rollout(&other)];
    let columns = Columns { namespace: true, ..Columns::default() };
    let table = list::render(&rollouts, columns, "", now(), &mut Layout::default(), Paint::Plain);
    assert_eq!(
        table,
        "\
NAMESPACE  NAME  STRATEGY   STATUS   STEP  SET-WEIGHT  READY  DESIRED  UP-TO-DATE  AVAILABLE
shop       api   BlueGreen  Healthy  -     -           2/2    2        1           2
shop       web   Canary     Paused   1/2   50          2/2    2        1           2
"
    );
}
