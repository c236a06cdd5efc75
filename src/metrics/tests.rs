//! The text that Prometheus gets.

use k8s_openapi::api::core::v1::ObjectReference;
use kube::runtime::{reflector, watcher::Event};
use serde_json::json;
use sluice_core::event::Note;

use super::*;

#[test]
fn the_names_are_those_that_dashboards_ask_for() {
    let metrics = Metrics::new();
    let (rollouts, mut writer) = reflector::store();
    let rollout = json!({
        "metadata": {"name": "web", "namespace": "shop", "uid": "u"},
        "spec": {"replicas": 3, "strategy": {"canary": {}}},
        "status": {"replicas": 4, "updatedReplicas": 1, "availableReplicas": 3},
    });
    writer.apply_watcher_event(&Event::Apply(serde_json::from_value(rollout).expect("a Rollout")));
    metrics.describe(rollouts, || vec![Arc::new(analysis_run())], || vec![Arc::new(experiment())]);
    metrics.run_reconciled("shop", "web-2", 0.1);
    metrics.run_failed("shop", "web-2");
    metrics.reconciled("shop", "web", 0.1);
    metrics.failed("shop", "web");
    metrics.requested("rollouts", "Patch", 200);
    metrics.violation(Invariant::Capacity);
    metrics.reviewed("Rollout", false);
    metrics.told(&Telling {
        about: ObjectReference {
            namespace: Some("shop".into()),
            name: Some("web".into()),
            ..ObjectReference::default()
        },
        note: Note::resumed(),
        occasion: String::new(),
    });
    let finished = Finished { how: "Promoted".into(), total_seconds: 90, manual_pause_seconds: 30 };
    metrics.finished("shop", "web", &finished);
    let text = metrics.render().expect("text");
    for line in [
        r#"rollout_info{namespace="shop",name="web",strategy="canary",traffic_router="",phase="Progressing"} 1"#,
        r#"rollout_info_replicas_available{namespace="shop",name="web"} 3"#,
        r#"rollout_info_replicas_unavailable{namespace="shop",name="web"} 1"#,
        r#"rollout_info_replicas_desired{namespace="shop",name="web"} 3"#,
        r#"rollout_info_replicas_updated{namespace="shop",name="web"} 1"#,
        r#"rollout_reconcile_count{namespace="shop",name="web"} 1"#,
        r#"rollout_reconcile_error{namespace="shop",name="web"} 1"#,
        r#"analysis_run_info{namespace="shop",name="web-2",phase="Running"} 1"#,
        r#"analysis_run_phase{namespace="shop",name="web-2",phase="Running"} 1"#,
        r#"analysis_run_metric_type{namespace="shop",name="web-2",metric="errors",type="Prometheus"} 1"#,
        r#"analysis_run_metric_phase{namespace="shop",name="web-2",metric="errors",type="Prometheus",dry_run="true",phase="Running"} 1"#,
        r#"analysis_run_metric_phase{namespace="shop",name="web-2",metric="later",type="Job",dry_run="false",phase="Pending"} 1"#,
        r#"sluice_analysis_metric_value{namespace="shop",rollout="web",metric="errors"} 0.25"#,
        r#"analysis_run_reconcile_count{namespace="shop",name="web-2"} 1"#,
        r#"analysis_run_reconcile_error{namespace="shop",name="web-2"} 1"#,
        r#"experiment_info{namespace="shop",name="web-2-1",phase="Running"} 1"#,
        r#"experiment_phase{namespace="shop",name="web-2-1",phase="Running"} 1"#,
        r#"rollout_events_total{namespace="shop",name="web",type="Normal",reason="RolloutResumed"} 1"#,
        r#"controller_clientset_k8s_request_total{kind="rollouts",verb="Patch",status_code="200"} 1"#,
        r#"sluice_guard_violations_total{invariant="S1-capacity"} 1"#,
        r#"sluice_admission_reviews_total{kind="Rollout",allowed="false"} 1"#,
        r#"rollout_duration_seconds_sum{namespace="shop",name="web",completion_status="Promoted"} 90"#,
        r#"rollout_progression_duration_seconds_sum{namespace="shop",name="web",completion_status="Promoted"} 60"#,
        r#"argo_rollouts_controller_info{version="0.1.0"} 1"#,
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}

/// A run of the rollout `web` that has measured once.
fn experiment() -> Experiment {
    let experiment = json!({
        "metadata": {"name": "web-2-1", "namespace": "shop"},
        "spec": {"templates": []},
        "status": {"phase": "Running"},
    });
    serde_json::from_value(experiment).expect("an Experiment")
}

fn analysis_run() -> AnalysisRun {
    let owner =
        json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "web", "uid": "u", "controller": true});
    serde_json::from_value(json!({
        "metadata": {"name": "web-2", "namespace": "shop", "ownerReferences": [owner]},
        "spec": {"metrics": [
            {"name": "errors", "provider": {"prometheus": {"query": "up"}}},
            {"name": "later", "provider": {"job": {"spec": {}}}},
        ]},
        "status": {"phase": "Running", "metricResults": [{
            "name": "errors", "phase": "Running", "dryRun": true,
            "measurements": [{"phase": "Successful", "value": "[0.25]", "finishedAt": "2026-01-01T00:00:00Z"}],
        }]},
    }))
    .expect("a run")
}

#[test]
fn what_is_deleted_leaves_no_series() {
    let metrics = Metrics::new();
    metrics.reconciled("shop", "web", 0.1);
    metrics.failed("shop", "web");
    metrics.forget("shop", "web");
    metrics.run_reconciled("shop", "web-2", 0.1);
    metrics.run_failed("shop", "web-2");
    metrics.forget_run("shop", "web-2");
    assert!(!metrics.render().expect("text").contains("shop"));
}
