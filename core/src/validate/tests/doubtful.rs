//! What Argo Rollouts runs and nobody means: warnings, with which a rollout goes on.

use super::*;

#[test]
fn a_warning_holds_nothing_up() {
    let rollout = with("/spec/strategy/canary", json!({"minPodsPerReplicaSet": 1}));
    warns(&rollout, &["spec.strategy.canary.minPodsPerReplicaSet: has no effect without traffic routing"]);
    assert_eq!(first_problem(&rollout), None);
}

#[test]
fn a_canary_is_told_what_has_no_effect() {
    let routed = |changes: Value| {
        let mut canary = json!({"trafficRouting": {"plugins": {"a/b": {}}}});
        for (key, value) in changes.as_object().into_iter().flatten() {
            canary[key] = value.clone();
        }
        with("/spec/strategy/canary", canary)
    };
    let cases = vec![
        (routed(json!({"trafficRouting": {}})), "trafficRouting: names no router, so nothing carries the weights"),
        (routed(json!({"scaleDownDelaySeconds": -5})), "scaleDownDelaySeconds: -5 is negative"),
        (
            routed(json!({"minPodsPerReplicaSet": 2})),
            "minPodsPerReplicaSet: 2 is more than the 1 of spec.replicas, which is the most that it asks for",
        ),
        (
            routed(json!({"replicaProgressThreshold": {"type": "Pods", "value": 2}})),
            "replicaProgressThreshold.value: 2 is more than the 1 of spec.replicas",
        ),
        (
            routed(json!({"steps": [{"setCanaryScale": {"weight": 5, "replicas": 1}}]})),
            "steps[0].setCanaryScale: should have exactly one of replicas, weight and matchTrafficWeight",
        ),
        (
            routed(json!({"steps": [{"setCanaryScale": {"weight": 500}}]})),
            "steps[0].setCanaryScale.weight: 500 is no share of spec.replicas between 0 and 100",
        ),
        (
            routed(
                json!({"steps": [{"pause": {}}], "analysis": {"startingStep": 1, "templates": [{"templateName": "t"}]}}),
            ),
            "analysis.startingStep: there is no step 1, so this analysis never starts; the first step is 0",
        ),
        (
            routed(json!({"steps": [{"analysis": {}}]})),
            "steps[0].analysis.templates: names no template, so there is nothing to measure",
        ),
    ];
    for (rollout, expected) in cases {
        warns(&rollout, &[&format!("spec.strategy.canary.{expected}")]);
    }
}

#[test]
fn a_blue_green_is_told_what_has_no_effect() {
    let rollout = with(
        "/spec/strategy",
        json!({"blueGreen": {
            "activeService": "web", "autoPromotionEnabled": false, "autoPromotionSeconds": 5, "previewReplicaCount": 3,
        }}),
    );
    let field = "spec.strategy.blueGreen";
    warns(
        &rollout,
        &[
            &format!(
                "{field}.autoPromotionSeconds: has no effect, because autoPromotionEnabled is false and a person promotes"
            ),
            &format!("{field}.previewReplicaCount: 3 is more than the 1 of spec.replicas"),
        ],
    );
}

#[test]
fn a_window_that_is_never_open_is_named() {
    let expected = "spec.rollbackWindow.revisions: without a number above 0 the window has no effect";
    for window in [json!({}), json!({"revisions": 0}), json!({"revisions": -1})] {
        warns(&with("/spec/rollbackWindow", window), &[expected]);
    }
}

#[test]
fn a_workload_is_scaled_down_in_a_way_that_exists() {
    let reference = |kind: &str, scale_down: &str| {
        let reference = json!({"apiVersion": "apps/v1", "kind": kind, "name": "web", "scaleDown": scale_down});
        let mut rollout = with("/spec/workloadRef", reference);
        rollout.spec.template = None;
        rollout
    };
    let field = "spec.workloadRef.scaleDown";
    let known = "there are \"never\", \"onsuccess\" and \"progressively\"";
    warns(&reference("Deployment", "onSuccess"), &[&format!("{field}: \"onSuccess\" means never; {known}")]);
    warns(&reference("ReplicaSet", "onsuccess"), &[&format!("{field}: only a Deployment is scaled down")]);
}

#[test]
fn an_argument_is_told_what_it_will_be() {
    let args = json!([
        {"name": "hash", "valueFrom": {"podTemplateHashValue": "Newest"}},
        {"name": "hash", "value": "x"},
    ]);
    let canary = json!({"steps": [{"analysis": {"templates": [{"templateName": "t"}], "args": args}}]});
    let field = "spec.strategy.canary.steps[0].analysis.args";
    warns(
        &with("/spec/strategy/canary", canary),
        &[
            &format!(
                "{field}[0].valueFrom.podTemplateHashValue: \"Newest\" means Latest; there are \"Stable\" and \"Latest\""
            ),
            &format!("{field}[1].name: \"hash\" has a value already"),
        ],
    );
}
