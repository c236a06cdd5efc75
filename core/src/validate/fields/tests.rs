use serde_json::{Value, json};

use crate::validate::problem::Problems;

fn with(pointer: &str, value: Value) -> Value {
    let mut rollout = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
        "metadata": {"name": "web"},
        "spec": {
            "template": {"spec": {"containers": [{"name": "web", "image": "web:1"}]}},
            "strategy": {"canary": {"steps": [{"setWeight": 5}]}},
        },
    });
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
    rollout.pointer_mut(parent).expect("the parent exists")[key] = value;
    rollout
}

fn problems(kind: &str, object: &Value) -> Vec<String> {
    let mut found = Problems::default();
    super::check(kind, object, &mut found);
    found.into_vec().iter().map(|problem| format!("{:?}: {problem}", problem.severity)).collect()
}

#[track_caller]
fn says(pointer: &str, value: Value, expected: &str) {
    assert_eq!(problems("Rollout", &with(pointer, value)), [expected]);
}

#[test]
fn a_slip_of_the_pen_is_answered_with_the_name_that_was_meant() {
    for (pointer, expected) in [
        ("/spec/strategy/canary/maxsurge", "spec.strategy.canary.maxsurge: unknown field; did you mean `maxSurge`?"),
        ("/spec/strategy/canary/maxSruge", "spec.strategy.canary.maxSruge: unknown field; did you mean `maxSurge`?"),
        ("/spec/replica", "spec.replica: unknown field; did you mean `replicas`?"),
        ("/spec/strategy/bluegreen", "spec.strategy.bluegreen: unknown field; did you mean `blueGreen`?"),
        ("/metadata/lables", "metadata.lables: unknown field; did you mean `labels`?"),
        ("/specs", "specs: unknown field; did you mean `spec`?"),
    ] {
        says(pointer, json!(null), &format!("Error: {expected}"));
    }
}

#[test]
fn a_field_in_the_wrong_place_is_sent_to_the_right_one() {
    for (pointer, expected) in [
        ("/spec/maxSurge", "spec.maxSurge: unknown field; that field belongs under spec.strategy.canary"),
        ("/spec/strategy/steps", "spec.strategy.steps: unknown field; that field belongs under spec.strategy.canary"),
        ("/spec/activeService", "spec.activeService: unknown field; that field belongs under spec.strategy.blueGreen"),
        ("/spec/containers", "spec.containers: unknown field; that field belongs under spec.template.spec"),
        ("/replicas", "replicas: unknown field; that field belongs under spec"),
        (
            "/spec/strategy/canary/setWeight",
            "spec.strategy.canary.setWeight: unknown field; that field belongs under spec.strategy.canary.steps[]",
        ),
        ("/spec/gizmo", "spec.gizmo: unknown field"),
    ] {
        says(pointer, json!(null), &format!("Error: {expected}"));
    }
}

#[test]
fn a_pod_may_have_a_field_of_another_release_but_hardly_a_misspelt_one() {
    let pod = "/spec/template/spec";
    says(
        &format!("{pod}/containers/0/imagePulPolicy"),
        json!("Always"),
        "Error: spec.template.spec.containers[0].imagePulPolicy: unknown field; did you mean `imagePullPolicy`?",
    );
    says(
        &format!("{pod}/fieldOfTomorrow"),
        json!(1),
        "Warning: spec.template.spec.fieldOfTomorrow: is no field of pods in Kubernetes 1.34",
    );
    says(
        &format!("{pod}/image"),
        json!("web:1"),
        "Warning: spec.template.spec.image: is no field of pods in Kubernetes 1.34; that field belongs under spec.template.spec.containers[]",
    );
}

#[test]
fn the_metadata_of_pods_is_labels_and_annotations() {
    let metadata = json!({"name": "web", "creationTimestamp": null, "labels": {"app": "web"}});
    says(
        "/spec/template/metadata",
        metadata,
        "Warning: spec.template.metadata.name: has no effect: of the metadata of pods, only labels and annotations count",
    );
}

#[test]
fn a_value_has_the_type_of_its_field() {
    let pod = "/spec/template/spec/containers/0";
    for (pointer, value, expected) in [
        ("/spec/replicas", json!("3"), "spec.replicas: Invalid value: \"3\": must be an integer"),
        ("/spec/paused", json!("yes"), "spec.paused: Invalid value: \"yes\": must be true or false"),
        ("/spec/strategy", json!([]), "spec.strategy: Invalid value: []: must be a map"),
        ("/spec/strategy/canary/steps", json!({}), "spec.strategy.canary.steps: Invalid value: {}: must be a list"),
        (
            "/spec/strategy/canary/maxSurge",
            json!(true),
            "spec.strategy.canary.maxSurge: Invalid value: true: must be an integer or a string",
        ),
        (
            "/spec/strategy/canary/stableService",
            json!(5),
            "spec.strategy.canary.stableService: Invalid value: 5: must be a string",
        ),
        (
            "/spec/template/metadata",
            json!({"labels": {"app/x": 5}}),
            "spec.template.metadata.labels[app/x]: Invalid value: 5: must be a string",
        ),
        (
            &format!("{pod}/resources"),
            json!({"limits": {"memory": "much"}}),
            "spec.template.spec.containers[0].resources.limits.memory: Invalid value: \"much\": must be a quantity such as 500m or 64Mi",
        ),
        (
            &format!("{pod}/env"),
            json!([{"name": "PORT", "value": 80}]),
            "spec.template.spec.containers[0].env[0].value: Invalid value: 80: must be a string",
        ),
    ] {
        says(pointer, value, &format!("Error: {expected}"));
    }
}

#[test]
fn what_is_required_is_there() {
    says(
        "/spec/strategy/canary/steps",
        json!([{"plugin": {}}]),
        "Error: spec.strategy.canary.steps[0].plugin.name: Required value",
    );
    assert_eq!(problems("AnalysisTemplate", &json!({"kind": "AnalysisTemplate"})), ["Error: spec: Required value"]);
}

#[test]
fn every_kind_is_checked() {
    let metric = json!({"name": "a", "provider": {"prometheus": {"adress": "x"}}, "sucessCondition": "true"});
    let expected = [
        "Error: spec.metrics[0].provider.prometheus.adress: unknown field; did you mean `address`?",
        "Error: spec.metrics[0].sucessCondition: unknown field; did you mean `successCondition`?",
    ];
    for kind in ["AnalysisTemplate", "ClusterAnalysisTemplate", "AnalysisRun"] {
        assert_eq!(problems(kind, &json!({"spec": {"metrics": [metric]}})), expected, "{kind}");
    }
    let experiment = json!({"spec": {"templates": [{"name": "a", "template": {"spec": {"continers": []}}}]}});
    let expected = ["Error: spec.templates[0].template.spec.continers: unknown field; did you mean `containers`?"];
    assert_eq!(problems("Experiment", &experiment), expected);
}

#[test]
fn a_status_and_nulls_are_passed_over() {
    let mut rollout = with("/spec/replicas", json!(null));
    rollout["status"] = json!({"fieldOfAnotherRelease": 1});
    assert_eq!(problems("Rollout", &rollout), Vec::<String>::new());
}

#[test]
fn a_name_without_end_is_not_compared() {
    let name = "x".repeat(100_000);
    assert_eq!(problems("Rollout", &with(&format!("/spec/{name}"), json!(1))).len(), 1);
}
