//! The types against manifests that use every field there is.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sluice_core::api::{AnalysisRun, AnalysisTemplate, Experiment, Rollout, crds, decode};

fn manifest(name: &str) -> Value {
    let path = format!("{}/tests/manifests/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
    serde_saphyr::from_str(&std::fs::read_to_string(path).expect("a manifest")).expect("YAML")
}

#[track_caller]
fn round_trips<T: Serialize + DeserializeOwned>(name: &str) {
    let manifest = manifest(name);
    let object: T = serde_json::from_value(manifest.clone()).expect("it decodes");
    let written = serde_json::to_value(&object).expect("it encodes");
    for part in ["spec", "status"] {
        assert_eq!(written.get(part), manifest.get(part), "{name}: {part}");
    }
}

#[test]
fn every_field_survives_being_read_and_written() {
    round_trips::<Rollout>("rollout-canary");
    round_trips::<Rollout>("rollout-blue-green");
    round_trips::<AnalysisTemplate>("analysis-template");
    round_trips::<AnalysisRun>("analysis-run");
    round_trips::<Experiment>("experiment");
}

/// Paths of every value in a document, lists as `[]`.
fn paths(path: &str, value: &Value, found: &mut Vec<(String, Vec<String>)>, at: &[String]) {
    found.push((path.to_owned(), at.to_vec()));
    let mut child = |step: String, label: String, value: &Value| {
        paths(&format!("{path}{label}"), value, found, &[at, &[step]].concat());
    };
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| child(key.clone(), format!(".{key}"), value)),
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(index, value)| child(index.to_string(), "[]".into(), value));
        }
        _ => {}
    }
}

#[test]
fn null_reads_like_an_absent_field() {
    for name in ["rollout-canary", "rollout-blue-green"] {
        let whole = manifest(name);
        let mut found = Vec::new();
        paths("", &whole, &mut found, &[]);
        for (path, at) in found.iter().filter(|(path, _)| path.starts_with(".spec.") || path.starts_with(".status.")) {
            // Values of maps, of lists and of what is required have no absent form; raw JSON keeps its nulls.
            let required = [
                ".matchLabels.",
                ".labels.",
                ".annotations.",
                ".headers.",
                "Annotations.",
                ".plugins.",
                ".config.",
                "[].status.",
            ];
            if path.ends_with("[]") || required.iter().any(|part| path.contains(part)) || path.contains(".template.") {
                continue;
            }
            let (mut with_null, mut without) = (whole.clone(), whole.clone());
            let (last, parents) = at.split_last().expect("a path");
            let steps: Vec<String> = parents.iter().map(|step| step.replace('/', "~1")).collect();
            let pointer = format!("/{}", steps.join("/"));
            with_null.pointer_mut(&pointer).expect("the parent")[last] = Value::Null;
            without.pointer_mut(&pointer).and_then(Value::as_object_mut).expect("the parent").remove(last);
            let (Ok(absent), null) =
                (serde_json::from_value::<Rollout>(without), serde_json::from_value::<Rollout>(with_null))
            else {
                continue;
            };
            assert!(null.is_ok_and(|null| null == absent), "null at {path} does not read like an absent field");
        }
    }
}

#[test]
fn the_schemas_know_every_field_of_the_manifests() {
    let definitions = crds::all();
    for (name, kind) in [
        ("rollout-canary", "Rollout"),
        ("rollout-blue-green", "Rollout"),
        ("analysis-template", "AnalysisTemplate"),
        ("analysis-run", "AnalysisRun"),
        ("experiment", "Experiment"),
    ] {
        let definition =
            definitions.iter().find(|definition| definition.spec.names.kind == kind).expect("a definition");
        let schema = definition.spec.versions[0].schema.as_ref().and_then(|schema| schema.open_api_v3_schema.as_ref());
        let schema = serde_json::to_value(schema).expect("JSON");
        let manifest = manifest(name);
        for part in ["spec", "status"].into_iter().filter(|part| manifest.get(part).is_some()) {
            assert_eq!(
                unknown(&format!("{name}.{part}"), &schema["properties"][part], &manifest[part]),
                Vec::<String>::new()
            );
        }
    }
}

/// Fields of a value that a structural schema would prune.
fn unknown(path: &str, schema: &Value, value: &Value) -> Vec<String> {
    if schema["x-kubernetes-preserve-unknown-fields"] == true || schema["x-kubernetes-int-or-string"] == true {
        return Vec::new();
    }
    match value {
        Value::Object(map) => map
            .iter()
            .flat_map(|(key, value)| {
                let inner = schema["properties"].get(key).or_else(|| schema.get("additionalProperties"));
                let path = format!("{path}.{key}");
                inner.map_or_else(|| vec![path.clone()], |inner| unknown(&path, inner, value))
            })
            .collect(),
        Value::Array(list) => {
            list.iter().flat_map(|value| unknown(&format!("{path}[]"), &schema["items"], value)).collect()
        }
        _ => Vec::new(),
    }
}

#[test]
fn a_part_that_does_not_decode_is_reported_and_the_rest_is_read() {
    let mut stored = manifest("rollout-canary");
    stored["spec"]["replicas"] = json!("three");
    stored["status"]["replicas"] = json!("many");
    let (rollout, problems) = decode::rollout(stored);
    let fields: Vec<&str> = problems.iter().map(|problem| problem.field.as_str()).collect();
    assert_eq!(fields, ["spec.replicas", "status.replicas"]);
    assert_eq!(rollout.spec.replicas, None);
    assert!(rollout.spec.strategy.canary.is_some());
    assert!(!rollout.status().stable_rs.is_empty());
}

#[test]
fn an_object_that_is_none_is_still_something_with_a_problem() {
    for stored in [json!(null), json!([]), json!({"metadata": 5}), json!({"spec": []})] {
        assert!(!decode::rollout(stored).1.is_empty());
    }
}
