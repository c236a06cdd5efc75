//! States in which people ask why, and the answers.

use super::*;
use crate::api::AnalysisRun;
use k8s_openapi::api::core::v1::Pod;
use serde_json::{Value, json};

const NOW: &str = "2026-01-01T00:05:00Z";

fn family(changes: &Value) -> Family {
    let mut rollout = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
        "metadata": {"name": "web", "namespace": "shop", "uid": "u", "generation": 2},
        "spec": {"replicas": 2, "strategy": {"canary": {"steps": [
            {"setWeight": 50}, {"pause": {}}, {"pause": {"duration": "5m"}}, {"analysis": {"templates": [{"templateName": "errors"}]}},
        ]}}},
        "status": {
            "observedGeneration": "2", "stableRS": "a", "currentPodHash": "b", "currentStepIndex": 1, "phase": "Progressing",
        },
    });
    json_patch::merge(&mut rollout, changes);
    let rs = |hash: &str, revision: &str| {
        json!({
            "metadata": {
                "name": format!("web-{hash}"), "uid": hash, "ownerReferences": owner("Rollout", "u"),
                "labels": {"rollouts-pod-template-hash": hash}, "annotations": {"rollout.argoproj.io/revision": revision},
            },
            "spec": {"replicas": 1},
        })
    };
    let replica_sets =
        [rs("a", "1"), rs("b", "2")].map(|rs| serde_json::from_value(rs).expect("a ReplicaSet")).to_vec();
    let rollout = serde_json::from_value(rollout).expect("a rollout");
    Family { rollout, replica_sets, pods: vec![], runs: None, experiments: None }
}

fn owner(kind: &str, uid: &str) -> Value {
    json!([{"apiVersion": "v1", "kind": kind, "name": "x", "uid": uid, "controller": true}])
}

fn explain(family: &Family) -> Explanation {
    Explanation::of(family, None, NOW.parse().expect("a time"), "kubectl sluice")
}

#[track_caller]
fn advises(changes: &Value, commands: &[&str]) -> Explanation {
    let explained = explain(&family(changes));
    let said: Vec<&str> = explained.next.iter().map(|advice| advice.command.as_str()).collect();
    assert_eq!(said, commands);
    explained
}

const PROMOTE: &str = "kubectl sluice promote web -n shop";
const FULL: &str = "kubectl sluice promote --full web -n shop";
const WATCH: &str = "kubectl sluice get rollout --watch web -n shop";
const ABORT: &str = "kubectl sluice abort web -n shop";

#[test]
fn a_pause_is_ended_by_a_promotion() {
    let pause = json!([{"reason": "CanaryPauseStep", "startTime": "2026-01-01T00:04:00Z"}]);
    let changes = json!({"status": {"phase": "Paused", "message": "CanaryPauseStep", "pauseConditions": pause}});
    let explained = advises(&changes, &[PROMOTE, FULL, ABORT]);
    assert_eq!(explained.step.expect("a step").text(), "step 2 of 4: wait until promoted");
    let mut timed = changes.clone();
    timed["status"]["currentStepIndex"] = json!(2);
    let explained = advises(&timed, &[PROMOTE, FULL, ABORT]);
    assert_eq!(explained.step.expect("a step").text(), "step 3 of 4: wait for 5m, 4m left");
    assert_eq!(explained.next[0].why, "go on now; without it the pause ends by itself");
    let by_hand = json!({"spec": {"paused": true}, "status": {"phase": "Paused", "stableRS": "b"}});
    let explained = advises(&by_hand, &[PROMOTE]);
    assert_eq!((explained.step, explained.is_updating), (None, false));
}

#[test]
fn what_it_waits_for_comes_with_its_object_and_its_time() {
    let condition = json!([{
        "type": "Waiting", "status": "True", "reason": "Verification", "message": "HTTPRoute/web: it has not heard",
        "lastUpdateTime": "2026-01-01T00:03:00Z", "lastTransitionTime": "2026-01-01T00:02:00Z",
    }]);
    let on = json!({"reason": "Verification", "object": "HTTPRoute/web", "message": "it has not heard"});
    let changes = json!({"status": {"waitingOn": on, "conditions": condition}});
    let explained = advises(&changes, &["kubectl describe httproute web -n shop", ABORT]);
    let waiting = explained.waiting.expect("it waits");
    assert_eq!((waiting.reason.as_str(), waiting.object.as_deref()), ("Verification", Some("HTTPRoute/web")));
    assert_eq!(waiting.since, "2026-01-01T00:02:00Z".parse().ok());
    // Where the definition drops the field, the condition says it.
    let explained = advises(&json!({"status": {"conditions": condition}}), &[ABORT, WATCH]);
    assert_eq!(explained.waiting.expect("it waits").message, "HTTPRoute/web: it has not heard");
}

#[test]
fn an_abort_says_why_and_how_to_go_on_or_back() {
    let condition = json!([{
        "type": "Progressing", "status": "False", "reason": "RolloutAborted",
        "message": "Rollout aborted update to revision 2: the metric is bad",
        "lastUpdateTime": "2026-01-01T00:03:00Z", "lastTransitionTime": "2026-01-01T00:02:00Z",
    }]);
    let run = json!({"name": "web-b-2", "status": "Failed", "message": "errors: 7 is too many"});
    let changes = json!({"status": {
        "phase": "Degraded", "abort": true, "abortedAt": "2026-01-01T00:02:00Z", "conditions": condition,
        "canary": {"currentStepAnalysisRunStatus": run},
    }});
    let commands = [
        "kubectl sluice get analysisrun web-b-2 -n shop",
        "kubectl sluice retry rollout web -n shop",
        "kubectl sluice undo --to-revision=1 web -n shop",
    ];
    let explained = advises(&changes, &commands);
    let aborted = explained.aborted.expect("an abort");
    assert_eq!(aborted.why, "Rollout aborted update to revision 2: the metric is bad");
    assert_eq!(explained.runs[0].message, "errors: 7 is too many");
}

#[test]
fn an_abort_without_a_reason_is_not_given_one() {
    let why = |changes: &Value| explain(&family(changes)).aborted.expect("an abort").why;
    let asked = "somebody asked for it, and no controller has acted on that yet";
    assert_eq!(why(&json!({"status": {"abort": true}})), asked);
    let acted = json!({"status": {"abort": true, "abortedAt": "2026-01-01T00:02:00Z"}});
    assert_eq!(why(&acted), "the status does not say why");
}

#[test]
fn the_last_decision_stays_when_the_events_are_gone() {
    let condition = json!([{
        "type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated", "message": "it moves",
        "lastUpdateTime": "2026-01-01T00:03:00Z", "lastTransitionTime": "2026-01-01T00:02:00Z",
    }]);
    let decision = explain(&family(&json!({"status": {"conditions": condition}}))).decision.expect("a decision");
    assert_eq!((decision.reason.as_str(), decision.message.as_str()), ("ReplicaSetUpdated", "it moves"));
    assert_eq!(decision.at, "2026-01-01T00:03:00Z".parse().expect("a time"));
}

#[test]
fn a_retry_that_nobody_has_looked_at_is_no_abort() {
    let changes = json!({"status": {
        "phase": "Degraded", "message": "RolloutAborted: why", "abortedAt": "2026-01-01T00:02:00Z",
    }});
    let explained = explain(&family(&changes));
    assert_eq!((explained.aborted, explained.phase.as_str()), (None, "Progressing"));
}

#[test]
fn events_that_are_usual_of_pods_are_left_out() {
    let mut family = family(&json!({}));
    let pod = json!({"metadata": {"name": "web-b-1", "uid": "p", "ownerReferences": owner("ReplicaSet", "b")}});
    family.pods = vec![serde_json::from_value(pod).expect("a pod")];
    let event = |kind: &str, uid: &str, severity: &str, reason: &str, version: &str| -> Event {
        serde_json::from_value(json!({
            "metadata": {"resourceVersion": version}, "type": severity, "reason": reason, "lastTimestamp": NOW,
            "involvedObject": {"kind": kind, "name": "x", "uid": uid},
        }))
        .expect("an event")
    };
    let events = [
        event("Rollout", "u", "Normal", "Second", "10"),
        event("Rollout", "u", "Normal", "First", "9"),
        event("Pod", "p", "Normal", "Scheduled", "11"),
        event("Pod", "p", "Warning", "BackOff", "12"),
    ];
    let explained = Explanation::of(&family, Some(&events), NOW.parse().expect("a time"), "kubectl sluice");
    let reasons: Vec<String> = explained.events.expect("events").into_iter().map(|event| event.reason).collect();
    assert_eq!(reasons, ["First", "Second", "BackOff"]);
}

#[test]
fn a_metric_against_the_update_is_told_with_value_condition_and_query() {
    let named = json!({"currentStepAnalysisRunStatus": {"name": "web-b-2-3", "status": "Failed"}});
    let mut family = family(&json!({"status": {"currentStepIndex": 3, "phase": "Progressing", "canary": named}}));
    let measured = |phase: &str, value: &str| json!({"phase": phase, "value": value});
    let run = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisRun",
        "metadata": {
            "name": "web-b-2-3", "ownerReferences": owner("Rollout", "u"), "labels": {"rollouts-pod-template-hash": "b"},
        },
        "spec": {"metrics": [
            {"name": "fast", "successCondition": "result < 1", "provider": {}},
            {"name": "errors", "successCondition": "result[0] < 0.05", "provider": {}},
            {"name": "aside", "provider": {}},
        ]},
        "status": {"phase": "Failed", "metricResults": [
            {"name": "fast", "phase": "Successful", "measurements": [measured("Successful", "0.2")]},
            {
                "name": "errors", "phase": "Failed", "message": "failed (2) > failureLimit (1)",
                "metadata": {"ResolvedPrometheusQuery": "sum(rate(errors[1m]))"},
                "measurements": [measured("Failed", "[0.3]"), measured("Successful", "[0.01]")],
            },
            {"name": "aside", "phase": "Failed", "dryRun": true},
        ]},
    });
    let run: AnalysisRun = serde_json::from_value(run).expect("a run");
    // One of an attempt before this one, which was against it as well.
    let mut before = run.clone();
    before.metadata.name = Some("web-b-2-3.1".to_owned());
    family.runs = Some(vec![before, run]);
    let explained = explain(&family);
    assert_eq!(explained.step.as_ref().expect("a step").text(), "step 4 of 4: run the analysis errors");
    assert_eq!(
        explained.metrics,
        [Verdict {
            run: "web-b-2-3".into(),
            metric: "errors".into(),
            phase: "Failed".into(),
            value: Some("[0.3]".into()),
            conditions: vec!["succeeds if result[0] < 0.05".into()],
            query: Some("sum(rate(errors[1m]))".into()),
            message: "failed (2) > failureLimit (1)".into(),
            is_against: true,
        }]
    );
    assert_eq!(explained.next[0].command, "kubectl sluice get analysisrun web-b-2-3 -n shop");
    assert!(explained.runs.is_empty(), "its metric says it");
    assert_eq!(explained.unread, ["experiments"]);
}

#[test]
fn an_experiment_of_an_update_that_was_given_up_is_still_told() {
    let mut family = family(&json!({"status": {"abort": true, "phase": "Degraded"}}));
    let revision = json!({"rollout.argoproj.io/revision": "2"});
    let experiment = |name: &str, revision: &Value, created: &str| {
        serde_json::from_value(json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Experiment", "spec": {"templates": []},
            "metadata": {
                "name": name, "uid": name, "creationTimestamp": created, "ownerReferences": owner("Rollout", "u"),
                "labels": {"rollouts-pod-template-hash": "b"}, "annotations": revision,
            },
        }))
        .expect("an experiment")
    };
    let run = |of: &str| {
        serde_json::from_value(json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisRun", "spec": {"metrics": []},
            "metadata": {"name": format!("{of}-run"), "ownerReferences": owner("Experiment", of)},
            "status": {"phase": "Failed", "message": "it is bad"},
        }))
        .expect("a run")
    };
    family.rollout.metadata.annotations = serde_json::from_value(revision.clone()).expect("annotations");
    let earlier = json!({"rollout.argoproj.io/revision": "1"});
    family.experiments = Some(vec![
        experiment("first", &revision, "2026-01-01T00:01:00Z"),
        experiment("last", &revision, "2026-01-01T00:02:00Z"),
        experiment("other", &earlier, "2026-01-01T00:03:00Z"),
    ]);
    family.runs = Some(["first", "last", "other"].map(run).to_vec());
    let explained = explain(&family);
    let runs: Vec<&str> = explained.runs.iter().map(|run| run.run.as_str()).collect();
    assert_eq!(runs, ["last-run"]);
    assert!(explained.unread.is_empty());
}

#[test]
fn a_pod_that_crashes_is_named_with_where_to_read_on() {
    let mut family = family(&json!({}));
    family.pods = (0..7).map(|n| pod(&format!("web-b-{n}"), n == 0)).collect();
    let explained = explain(&family);
    assert_eq!((explained.pods.len(), explained.more_pods), (5, 1));
    assert_eq!(explained.pods[0].roles, ["canary"]);
    assert_eq!(explained.pods[0].why, ["container web: CrashLoopBackOff; ended last with exit code 1 (Error)"]);
    let commands: Vec<&str> = explained.next.iter().map(|advice| advice.command.as_str()).collect();
    let logs = "kubectl logs web-b-1 -c web --previous -n shop";
    assert_eq!(commands, [logs, "kubectl describe pod web-b-1 -n shop", ABORT]);
}

#[test]
fn a_pause_is_not_sent_on_first_while_its_pods_crash() {
    let pause = json!([{"reason": "CanaryPauseStep", "startTime": "2026-01-01T00:04:00Z"}]);
    let mut family = family(&json!({"status": {"phase": "Paused", "pauseConditions": pause}}));
    family.pods = vec![pod("web-b-1", false)];
    let commands: Vec<String> = explain(&family).next.into_iter().map(|advice| advice.command).collect();
    let logs = "kubectl logs web-b-1 -c web --previous -n shop";
    assert_eq!(commands, [logs, "kubectl describe pod web-b-1 -n shop", ABORT, PROMOTE, FULL]);
}

#[test]
fn what_is_healthy_by_its_phase_alone_is_not_as_it_should_be() {
    let condition = json!([{
        "type": "Available", "status": "False", "reason": "AvailableReason", "message": "it is not",
        "lastUpdateTime": NOW, "lastTransitionTime": NOW,
    }]);
    let healthy = json!({"status": {"phase": "Healthy", "stableRS": "b", "conditions": condition}});
    advises(&healthy, &[WATCH]);
    let mut family = family(&json!({"status": {"phase": "Healthy", "stableRS": "b"}}));
    family.pods = vec![pod("web-b-1", false)];
    let commands: Vec<String> = explain(&family).next.into_iter().map(|advice| advice.command).collect();
    assert_eq!(commands, ["kubectl logs web-b-1 -c web --previous -n shop", "kubectl describe pod web-b-1 -n shop"]);
}

/// A pod of the canary; one that is not ready crashes.
fn pod(name: &str, ready: bool) -> Pod {
    let ended = json!({"terminated": {"exitCode": 1, "reason": "Error"}});
    let status = json!({
        "name": "web", "image": "web:2", "imageID": "", "ready": ready, "restartCount": 4,
        "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": ended,
    });
    let condition = json!([{"type": "Ready", "status": if ready { "True" } else { "False" }}]);
    serde_json::from_value(json!({
        "metadata": {"name": name, "ownerReferences": owner("ReplicaSet", "b")}, "spec": {"containers": [{"name": "web"}]},
        "status": {"phase": "Running", "conditions": condition, "containerStatuses": [status]},
    }))
    .expect("a pod")
}

#[test]
fn an_invalid_manifest_and_a_passed_deadline_hold_a_rollout() {
    let condition = |kind: &str, status: &str, reason: &str| {
        json!([{
            "type": kind, "status": status, "reason": reason, "message": "why\nit is",
            "lastUpdateTime": "2026-01-01T00:03:00Z", "lastTransitionTime": "2026-01-01T00:02:00Z",
        }])
    };
    let invalid =
        json!({"status": {"phase": "Degraded", "conditions": condition("InvalidSpec", "True", "InvalidSpec")}});
    let commands = ["kubectl edit rollout web -n shop", "kubectl sluice lint -f FILE -n shop"];
    let explained = advises(&invalid, &commands);
    assert_eq!(explained.holds[0].message, "why it is");
    let late = json!({"status": {
        "phase": "Degraded", "conditions": condition("Progressing", "False", "ProgressDeadlineExceeded"),
    }});
    let explained = advises(&late, &[ABORT, WATCH]);
    assert_eq!(explained.holds[0].reason, "ProgressDeadlineExceeded");
    let guarded = json!({"status": {"conditions": condition("InvariantViolated", "True", "S1-capacity")}});
    assert_eq!(explain(&family(&guarded)).holds[0].condition, "InvariantViolated");
}

#[test]
fn of_what_is_well_there_is_nothing_to_do_and_nobody_has_looked_at_a_change() {
    let healthy = json!({"status": {"phase": "Healthy", "stableRS": "b", "currentStepIndex": 4}});
    advises(&healthy, &[]);
    let changed = json!({"metadata": {"generation": 3}});
    let explained = advises(&changed, &["kubectl get leases --all-namespaces"]);
    assert!(!explained.is_observed);
    assert_eq!(explained.step, None, "the index is of the steps before");
}
