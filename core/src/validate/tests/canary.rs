use super::*;

#[test]
fn anti_affinity_is_of_one_kind_with_a_weight_in_range() {
    let preferred = |weight: i32| json!({"weight": weight});
    let detail = "AntiAffinity must have exactly one strategy listed";
    canary_is_refused(&[
        (json!({"antiAffinity": {}}), &format!("antiAffinity: Invalid value: {{}}: {detail}")),
        (
            json!({"antiAffinity": {
                "preferredDuringSchedulingIgnoredDuringExecution": preferred(1),
                "requiredDuringSchedulingIgnoredDuringExecution": {},
            }}),
            &format!(
                "antiAffinity: Invalid value: {{\"preferredDuringSchedulingIgnoredDuringExecution\":{{\"weight\":1}},\
                 \"requiredDuringSchedulingIgnoredDuringExecution\":{{}}}}: {detail}"
            ),
        ),
        (
            json!({"antiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred(101)}}),
            "antiAffinity.preferredDuringSchedulingIgnoredDuringExecution.weight: Invalid value: 101: AntiAffinity weight must be between 1-100",
        ),
    ]);
    canary_is_fine(json!({"antiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {}}}));
}

#[test]
fn a_threshold_is_something_that_can_be_reached() {
    let threshold = |type_: &str, value: i32| json!({"replicaProgressThreshold": {"type": type_, "value": value}});
    canary_is_refused(&[
        (
            threshold("Share", 5),
            "replicaProgressThreshold.type: Unsupported value: \"Share\": supported values: \"Percent\", \"Pods\"",
        ),
        (threshold("Percent", 101), "replicaProgressThreshold.value: Invalid value: 101: must be between 0 and 100"),
        (
            threshold("Pods", -1),
            "replicaProgressThreshold.value: Invalid value: -1: must be greater than or equal to 0",
        ),
    ]);
    canary_is_fine(threshold("Percent", 80));
    canary_is_fine(threshold("Pods", 1));
}

#[test]
fn a_shrinking_stable_revision_has_no_delay() {
    canary_is_refused(&[(
        json!({"dynamicStableScale": true, "scaleDownDelaySeconds": 30, "trafficRouting": {"plugins": {"a/b": {}}}}),
        "dynamicStableScale: Invalid value: true: Canary dynamicStableScale cannot be used with scaleDownDelaySeconds",
    )]);
}

#[test]
fn an_argument_comes_from_metadata_that_exists_or_from_any_other_field() {
    let analysis = |path: &str| {
        let args = json!([{"name": "a", "valueFrom": {"fieldRef": {"fieldPath": path}}}]);
        json!({"analysis": {"templates": [{"templateName": "t"}], "args": args}, "steps": [{"pause": {}}]})
    };
    for path in
        ["metadata.labels['a b']", "metadata.name", "metadata.uid", "metadata.annotations['x/y']", "status.phase"]
    {
        canary_is_fine(analysis(path));
    }
    for path in
        ["metadata", "metadata.labels[a]", "metadata.labels['']", "metadata.ownerReferences", "metadata.name['x']"]
    {
        let expected = format!(
            "analysis.args[0].valueFrom.fieldRef.fieldPath: Invalid value: {path:?}: Analyses arguments must refer to valid object metadata supported by downwardAPI"
        );
        canary_is_refused(&[(analysis(path), &expected)]);
    }
    canary_is_refused(&[(analysis(""), "analysis.args[0].valueFrom.fieldRef.fieldPath: Required value")]);
}
