use super::*;

fn walking(step: Value) -> Value {
    json!({"steps": [step]})
}

fn with_router(router: &str, step: Value) -> Value {
    let routing = match router {
        "smi" => json!({"smi": {}}),
        "nginx" => json!({"nginx": {"stableIngress": "web"}, "maxTrafficWeight": 1000}),
        other => panic!("{other}"),
    };
    json!({"stableService": "a", "canaryService": "b", "trafficRouting": routing, "steps": [step]})
}

#[test]
fn the_largest_weight_is_the_routers() {
    let detail = |max: i32| format!("SetWeight needs to be between 0 and {max}");
    canary_is_refused(&[
        (walking(json!({"setWeight": 101})), &format!("steps[0].setWeight: Invalid value: 101: {}", detail(100))),
        (
            with_router("nginx", json!({"setWeight": 1001})),
            &format!("steps[0].setWeight: Invalid value: 1001: {}", detail(1000)),
        ),
    ]);
    canary_is_fine(with_router("nginx", json!({"setWeight": 1000})));
}

#[test]
fn a_size_apart_from_the_weight_needs_a_router() {
    canary_is_refused(&[(
        walking(json!({"setCanaryScale": {"replicas": 1}})),
        "steps[0].setCanaryScale: Invalid value: {\"replicas\":1}: SetCanaryScale requires TrafficRouting to be set",
    )]);
    canary_is_fine(with_router("smi", json!({"setCanaryScale": {"replicas": 1}})));
}

#[test]
fn a_plugin_has_a_name() {
    canary_is_refused(&[(walking(json!({"plugin": {"name": ""}})), "steps[0].plugin.name: Required value")]);
}

fn experiment(changes: Value) -> Value {
    let mut experiment = json!({"templates": [{"name": "a", "specRef": "stable"}]});
    for (key, value) in changes.as_object().into_iter().flatten() {
        experiment[key] = value.clone();
    }
    json!({"experiment": experiment})
}

#[test]
fn the_pods_of_an_experiment_get_traffic_from_some_routers_only() {
    let weighted = experiment(json!({"templates": [{"name": "a", "specRef": "stable", "weight": 5}]}));
    let field = "steps[0].experiment.templates[0].weight: Invalid value: 5:";
    let enabled = "Experiment template weight cannot be set unless TrafficRouting is enabled";
    let some =
        "Experiment template weight is only available for TrafficRouting with SMI, ALB, Istio and Plugins at this time";
    canary_is_refused(&[
        (walking(weighted.clone()), &format!("{field} {enabled}")),
        (with_router("nginx", weighted.clone()), &format!("{field} {some}")),
    ]);
    canary_is_fine(with_router("smi", weighted));
    canary_is_fine(walking(experiment(json!({}))));
}

#[test]
fn an_experiment_is_one_that_can_run() {
    let template = |name: &str, spec_ref: &str| json!({"name": name, "specRef": spec_ref});
    let analysis = |path: &str| {
        let args = json!([{"name": "x", "valueFrom": {"fieldRef": {"fieldPath": path}}}]);
        json!({"name": "a", "templateName": "t", "args": args})
    };
    canary_is_refused(&[
        (
            walking(experiment(json!({"templates": []}))),
            "steps[0].experiment.templates: Required value: an experiment runs at least one template",
        ),
        (
            walking(experiment(json!({"templates": [template("a", "stable"), template("a", "canary")]}))),
            "steps[0].experiment.templates[1].name: Duplicate value: \"a\"",
        ),
        (
            walking(experiment(json!({"templates": [template("a", "old")]}))),
            "steps[0].experiment.templates[0].specRef: Unsupported value: \"old\": supported values: \"stable\", \"canary\"",
        ),
        (
            walking(experiment(json!({"duration": "5"}))),
            "steps[0].experiment.duration: Invalid value: \"5\": invalid duration \"5\": use a number with a unit, such as \"30s\", \"5m\" or \"1h30m\"",
        ),
        (
            walking(experiment(json!({"analyses": [analysis("metadata.finalizers")]}))),
            "steps[0].experiment.analyses[0].args[0].valueFrom.fieldRef.fieldPath: Invalid value: \"metadata.finalizers\": Analyses arguments must refer to valid object metadata supported by downwardAPI",
        ),
        (
            walking(experiment(json!({"analyses": [analysis("metadata.name"), analysis("metadata.name")]}))),
            "steps[0].experiment.analyses[1].name: Duplicate value: \"a\"",
        ),
    ]);
}
