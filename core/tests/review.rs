//! Reviews of whole objects, and laws of the reviewer: it never panics, and what is unknown is never an error.

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use sluice_core::validate::references::Objects;
use sluice_core::validate::{Problem, Severity, is_known, review};

fn manifest(name: &str) -> Value {
    let path = format!("{}/tests/manifests/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
    serde_saphyr::from_str(&std::fs::read_to_string(path).expect("a manifest")).expect("YAML")
}

fn alone(object: &Value) -> Vec<String> {
    review(object, &Objects::default()).iter().map(|problem| format!("{:?}: {problem}", problem.severity)).collect()
}

fn web(spec: &Value) -> Value {
    let mut rollout = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "web"},
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "web", "image": "web:1"}]},
            },
            "strategy": {"canary": {}},
        },
    });
    json_patch::merge(&mut rollout["spec"], spec);
    rollout
}

#[test]
fn a_plain_rollout_is_fine() {
    assert_eq!(alone(&web(&json!({}))), Vec::<String>::new());
}

#[test]
fn nothing_is_wrong_or_missing_in_the_examples_for_routers() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/routers");
    let mut reviewed = 0;
    for entry in std::fs::read_dir(folder).expect("the examples") {
        let path = entry.expect("an entry").path();
        let text = std::fs::read_to_string(&path).expect("an example");
        let objects: Vec<Value> = serde_saphyr::from_multiple(&text).expect("YAML");
        let around = Objects::new(&objects, true);
        for object in objects.iter().filter(|object| is_known(object)) {
            assert_eq!(review(object, &around), [], "{}", path.display());
            reviewed += 1;
        }
    }
    assert!(reviewed > 0);
}

#[test]
fn fields_rules_and_references_are_told_in_this_order() {
    let canary = json!({"maxsurge": 1, "steps": [{"setWeight": 101}, {"analysis": {"templates": [{"templateName": "errors"}]}}]});
    assert_eq!(
        alone(&web(&json!({"strategy": {"canary": canary}}))),
        [
            "Error: spec.strategy.canary.maxsurge: unknown field; did you mean `maxSurge`?",
            "Error: spec.strategy.canary.steps[0].setWeight: Invalid value: 101: SetWeight needs to be between 0 and 100",
            "Warning: spec.strategy.canary.steps[1].analysis.templates[0].templateName: AnalysisTemplate \"errors\" is not in these files",
        ]
    );
}

#[test]
fn rules_wait_until_every_value_can_be_read() {
    let found = alone(&web(&json!({"replicas": "many", "strategy": {"canary": {"steps": [{"setWeight": 101}]}}})));
    assert_eq!(found, ["Error: spec.replicas: Invalid value: \"many\": must be an integer"]);
}

#[test]
fn what_passes_the_schema_and_cannot_be_read_is_told() {
    let found = alone(&web(&json!({"minReadySeconds": 5_000_000_000_i64})));
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("Error: cannot be read: spec.minReadySeconds: invalid value"), "{found:?}");
}

#[test]
fn what_this_version_does_not_act_on_is_a_warning() {
    let found = alone(&web(&json!({"initialDeploy": "analysis"})));
    let held = "spec.initialDeploy: analysis is not supported by this version of Sluice; the rollout is held as it is";
    assert_eq!(found, [format!("Warning: {held}")]);
}

#[test]
fn an_object_has_a_name_and_a_version_that_is_served() {
    let mut rollout = web(&json!({}));
    rollout["apiVersion"] = json!("argoproj.io/v1");
    rollout["metadata"] = json!({});
    let version = "apiVersion: Unsupported value: \"argoproj.io/v1\": supported values: \"argoproj.io/v1alpha1\"";
    assert_eq!(alone(&rollout), [format!("Error: {version}"), "Error: metadata.name: Required value".to_owned()]);
}

#[test]
fn kinds_of_other_groups_are_not_ours() {
    assert!(is_known(&web(&json!({}))));
    assert!(!is_known(&json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow"})));
    assert!(!is_known(&json!({"apiVersion": "other.io/v1", "kind": "Rollout"})));
}

#[test]
fn every_field_that_there_is_is_known() {
    for name in ["rollout-canary", "rollout-blue-green", "analysis-template", "analysis-run", "experiment"] {
        let unknown: Vec<Problem> = review(&manifest(name), &Objects::default())
            .into_iter()
            .filter(|problem| {
                ["unknown field", "is no field", "must be a"].iter().any(|what| problem.message.contains(what))
            })
            .filter(|problem| {
                !problem.field.contains("requests.memory") && !problem.field.ends_with("fieldOfTheFuture")
            })
            .collect();
        assert_eq!(unknown, [], "{name}");
    }
}

/// Any JSON, with names and texts that mean something here more often than not.
fn json() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        "spec",
        "strategy",
        "canary",
        "blueGreen",
        "steps",
        "setWeight",
        "pause",
        "analysis",
        "templates",
        "templateName",
        "trafficRouting",
        "istio",
        "virtualService",
        "nginx",
        "metrics",
        "provider",
        "count",
        "args",
        "name",
        "template",
        "containers",
        "metadata",
        "labels",
        "selector",
        "matchLabels",
        "experiment",
        "setHeaderRoute",
        "match",
        "replicas",
    ]);
    let text = prop_oneof![
        Just("web".to_owned()),
        Just("{{args.x}}".to_owned()),
        Just("metadata.labels['".to_owned()),
        any::<String>()
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-3_i64..200).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 60, 6, move |inner| {
        let key = prop_oneof![9 => names.clone().prop_map(str::to_owned), 1 => any::<String>()];
        prop_oneof![
            1 => prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            3 => prop::collection::vec((key, inner), 0..6).prop_map(|pairs| Value::Object(pairs.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// A manifest that says something of everything, with one value replaced by another.
fn damaged() -> impl Strategy<Value = Value> {
    let names = ["rollout-canary", "rollout-blue-green", "analysis-template", "analysis-run", "experiment"];
    (prop::sample::select(names.to_vec()), any::<prop::sample::Index>(), json()).prop_map(|(name, index, value)| {
        let mut manifest = manifest(name);
        let mut pointers = Vec::new();
        paths(&manifest, "", &mut pointers);
        if let Some(place) = manifest.pointer_mut(&pointers[index.index(pointers.len())]) {
            *place = value;
        }
        manifest
    })
}

fn paths(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    let escape = |key: &str| key.replace('~', "~0").replace('/', "~1");
    match value {
        Value::Object(map) => map.iter().for_each(|(key, inner)| paths(inner, &format!("{at}/{}", escape(key)), found)),
        Value::Array(list) => list.iter().enumerate().for_each(|(i, inner)| paths(inner, &format!("{at}/{i}"), found)),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_object_is_too_strange(kind in prop::sample::select(vec!["Rollout", "AnalysisTemplate", "AnalysisRun", "Experiment", "Gizmo"]), spec in json(), around in prop::collection::vec(json(), 0..3)) {
        let object = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": kind, "metadata": {"name": "web"}, "spec": spec});
        review(&object, &Objects::new(&around, true));
        review(&spec, &Objects::new(&around, false));
    }

    #[test]
    fn no_damage_is_too_strange(object in damaged(), around in prop::collection::vec(damaged(), 0..3)) {
        review(&object, &Objects::new(&around, true));
    }

    /// Knowing less makes no errors.
    #[test]
    fn what_is_out_of_sight_is_no_error(object in damaged()) {
        let errors = |is_complete: bool| {
            let found = review(&object, &Objects::new(&[], is_complete));
            found.into_iter().filter(|problem| problem.severity == Severity::Error).count()
        };
        prop_assert!(errors(false) <= errors(true));
    }
}
