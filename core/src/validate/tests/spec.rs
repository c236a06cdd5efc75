use super::*;

#[test]
fn a_requirement_of_the_selector_is_one_that_kubernetes_knows() {
    let one = |operator: &str, values: Value| json!({"matchLabels": {"app": "web"}, "matchExpressions": [{"key": "app", "operator": operator, "values": values}]});
    let field = "spec.selector.matchExpressions[0]";
    refuses_each(&[
        (
            "/spec/selector",
            one("Like", json!([])),
            &format!("{field}.operator: Invalid value: \"Like\": not a valid selector operator"),
        ),
        (
            "/spec/selector",
            one("In", json!([])),
            &format!("{field}.values: Required value: must be specified when `operator` is 'In' or 'NotIn'"),
        ),
        (
            "/spec/selector",
            one("Exists", json!(["web"])),
            &format!("{field}.values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'"),
        ),
    ]);
}

#[test]
fn a_container_is_one_that_kubernetes_would_run() {
    let one = |changes: Value| {
        let mut container = json!({"name": "web", "image": "web:1"});
        for (key, value) in changes.as_object().into_iter().flatten() {
            container[key] = value.clone();
        }
        json!([container])
    };
    let containers = "/spec/template/spec/containers";
    let field = "spec.template.spec.containers[0]";
    let label = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end \
                 with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
                 '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
    for (changes, expected) in [
        (json!({"name": "Web"}), format!("name: Invalid value: \"Web\": {label}")),
        (json!({"name": ""}), "name: Required value".into()),
        (
            json!({"imagePullPolicy": "Sometimes"}),
            "imagePullPolicy: Unsupported value: \"Sometimes\": supported values: \"Always\", \"IfNotPresent\", \"Never\"".into(),
        ),
        (json!({"ports": [{}]}), "ports[0].containerPort: Required value".into()),
        (
            json!({"ports": [{"containerPort": 70_000}]}),
            "ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive".into(),
        ),
        (
            json!({"ports": [{"containerPort": 1, "name": "http"}, {"containerPort": 2, "name": "http"}]}),
            "ports[1].name: Duplicate value: \"http\"".into(),
        ),
        (json!({"env": [{"value": "x"}]}), "env[0].name: Required value".into()),
        (json!({"volumeMounts": [{"name": "data", "mountPath": "/"}]}), "volumeMounts[0].name: Not found: \"data\"".into()),
    ] {
        refuses(containers, one(changes), &format!("{field}.{expected}"));
    }
    let twice = json!([{"name": "web", "image": "web:1"}, {"name": "web", "image": "web:1"}]);
    refuses(containers, twice, "spec.template.spec.containers[1].name: Duplicate value: \"web\"");
}

#[test]
fn volumes_have_names_of_their_own() {
    let volumes = json!([{"name": "a"}, {"name": "a"}]);
    refuses("/spec/template/spec/volumes", volumes, "spec.template.spec.volumes[1].name: Duplicate value: \"a\"");
}

#[test]
fn a_quantity_that_cannot_be_read_is_none_of_ours() {
    let containers = json!([{"name": "web", "image": "web:1", "resources": {"requests": {"memory": "invalid"}}}]);
    assert_eq!(problems(&with("/spec/template/spec/containers", containers)), []);
}

fn referring(reference: Value) -> Rollout {
    let mut rollout = with("/spec/workloadRef", reference);
    rollout.spec.template = None;
    rollout
}

#[test]
fn a_workload_is_one_that_has_a_template() {
    let fine = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "scaleDown": "progressively"});
    assert_eq!(problems(&referring(fine.clone())), []);
    refuses(
        "/spec/workloadRef",
        fine,
        "spec.template: Internal error: template must be empty for workload reference rollout",
    );
    for (reference, expected) in [
        (
            json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web"}),
            "spec.workloadRef.kind: Unsupported value: \"StatefulSet\": supported values: \"Deployment\", \"ReplicaSet\", \"PodTemplate\"",
        ),
        (
            json!({"apiVersion": "v1", "kind": "Deployment", "name": "web"}),
            "spec.workloadRef.apiVersion: Unsupported value: \"v1\": supported values: \"apps/v1\"",
        ),
        (json!({"apiVersion": "v1", "kind": "PodTemplate"}), "spec.workloadRef.name: Required value"),
    ] {
        assert_eq!(first_problem(&referring(reference)).expect("a problem").to_string(), expected);
    }
}

#[test]
fn the_selector_may_come_from_the_workload() {
    let mut rollout = referring(json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}));
    rollout.spec.selector = None;
    assert_eq!(problems(&rollout), []);
}
