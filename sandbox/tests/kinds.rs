//! Compares what the sandbox knows of the built-in kinds with what a real API server answered.
//!
//! The answers are in `recorded/kinds-*.jsonl`; `record-kinds/record` makes them anew. Each line is an object that was sent,
//! with the stored object where it was an update, and what came back.

#![allow(clippy::unwrap_used)] // A recording that cannot be read fails the test.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use sluice_sandbox::kinds::{self, Generation, KINDS, StatusRule, facts};

/// What is known to differ, with the reason. A case that does not differ any more must leave this list.
const DIFFERENT: &[(&str, &str)] = &[
    ("a CRD with a default of the wrong type", "values are checked by the schema's own module"),
    ("a CRD with a bad pattern", "the text is that of Go's regular expressions"),
    ("a registry Secret with bad JSON", "the text is that of Go's JSON decoder"),
    ("a namespace on a cluster-scoped kind", "admission taints a new Node; this would come back with every update"),
    ("a Node with capacity", "as above"),
    ("a claim", "admission adds a finalizer to a new claim; it would come back after its removal"),
    ("a CronJob with a bad time zone", "time zones are not known here"),
    ("a Job whose template changes", "the real message shows the template as a Go structure"),
    ("a claim that changes", "the real message goes on with the lines of both specs that differ"),
    ("a bad service account name", "refused before, by admission, which looks for the account"),
];

/// Cases whose causes come in the order of a Go map, which is any.
const ANY_ORDER: &[&str] =
    &["a ConfigMap with a bad key", "a pod with requests above limits", "a quota with half a pod"];

fn recorded() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recorded");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.file_name().unwrap().to_str().unwrap().starts_with("kinds-"));
    files.sort();
    assert!(!files.is_empty());
    let texts = files.iter().map(|path| fs::read_to_string(path).unwrap());
    texts.flat_map(|text| text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<_>>()).collect()
}

fn group_of(object: &Value) -> &str {
    object["apiVersion"].as_str().unwrap().split_once('/').map_or("", |(group, _)| group)
}

/// What the store does before and after: metadata, and who writes status.
fn prepare(case: &Value) -> Value {
    let mut object = case["object"].clone();
    let (group, kind) = (group_of(&object).to_owned(), object["kind"].as_str().unwrap().to_owned());
    let facts = facts(&group, &kind).unwrap_or_else(|| panic!("{group} {kind} is not in KINDS"));
    let metadata = object["metadata"].as_object_mut().unwrap();
    if metadata.get("name").is_none_or(Value::is_null)
        && let Some(prefix) = metadata.get("generateName").and_then(Value::as_str)
    {
        metadata.insert("name".to_owned(), json!(format!("{prefix}xxxxx")));
    }
    if facts.namespaced {
        metadata.insert("namespace".to_owned(), json!("default"));
    } else {
        metadata.remove("namespace");
    }
    let old = &case["old"];
    if old.is_null() {
        for field in
            ["uid", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"]
        {
            metadata.remove(field);
        }
        metadata.insert("uid".to_owned(), json!("00000000-0000-0000-0000-000000000000"));
        if facts.status == StatusRule::Subresource {
            object.as_object_mut().unwrap().remove("status");
        }
    } else {
        for field in ["uid", "creationTimestamp", "generation"] {
            if let Some(value) = old["metadata"].get(field) {
                metadata.insert(field.to_owned(), value.clone());
            }
        }
        kinds::carry_over(&group, &kind, &mut object, old);
    }
    kinds::default(&group, &kind, &mut object);
    object
}

fn without_server_fields(object: &Value) -> Value {
    let mut object = object.clone();
    let metadata = object["metadata"].as_object_mut().unwrap();
    for field in ["uid", "creationTimestamp", "generation"] {
        metadata.remove(field);
    }
    object
}

/// The causes as texts, each once: the real server repeats them on updates.
fn distinct(causes: impl IntoIterator<Item = String>, name: &str) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut causes: Vec<String> = causes.into_iter().filter(|cause| seen.insert(cause.clone())).collect();
    if ANY_ORDER.contains(&name) {
        causes.sort();
    }
    causes
}

/// How our answer differs from the recorded one.
fn difference(case: &Value) -> Option<String> {
    let name = case["case"].as_str().unwrap();
    let object = prepare(case);
    let (group, kind) = (group_of(&object), object["kind"].as_str().unwrap());
    let old = Some(&case["old"]).filter(|old| !old.is_null());
    let causes = kinds::validate(group, kind, &object, old);
    let line =
        |cause: &Value| format!("{}: {}: {}", cause["field"].as_str().unwrap(), cause["reason"], cause["message"]);
    let ours = distinct(causes.iter().map(|cause| line(&cause.to_json())), name);
    let theirs = distinct(case["causes"].as_array().into_iter().flatten().map(line), name);
    if ours != theirs {
        return Some(format!("ours:\n  {}\ntheirs:\n  {}", ours.join("\n  "), theirs.join("\n  ")));
    }
    let answer = case.get("answer")?;
    let (ours, theirs) = (without_server_fields(&object), without_server_fields(answer));
    (ours != theirs).then(|| format!("ours:   {ours}\ntheirs: {theirs}"))
}

#[test]
fn objects_are_defaulted_and_refused_as_by_a_real_api_server() {
    let cases: Vec<Value> = recorded().into_iter().filter(|line| line.get("case").is_some()).collect();
    let known: BTreeMap<&str, &str> = DIFFERENT.iter().copied().collect();
    let mut wrong = Vec::new();
    for case in &cases {
        let name = case["case"].as_str().unwrap();
        match (difference(case), known.get(name)) {
            (Some(difference), None) => wrong.push(format!("# {name}\n{difference}")),
            (None, Some(_)) => wrong.push(format!("# {name}: does not differ any more")),
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases differ:\n\n{}", wrong.len(), cases.len(), wrong.join("\n\n"));
    assert!(cases.len() > 300, "only {} cases", cases.len());
}

#[test]
fn the_registry_says_what_a_real_api_server_does_with_status_and_generation() {
    let lines: Vec<Value> = recorded().into_iter().filter(|line| line.get("facts").is_some()).collect();
    for line in &lines {
        let (group, kind) = (group_of(line), line["kind"].as_str().unwrap());
        let facts = facts(group, kind).unwrap_or_else(|| panic!("{group} {kind} is not in KINDS"));
        let generation = |step: &str| line[step]["generation"].as_i64();
        let counted = match (generation("created"), generation("changed"), generation("annotated")) {
            (None, None, None) => Generation::None,
            (Some(1), Some(2), Some(1)) => Generation::Spec,
            (Some(1), Some(2), Some(2)) => Generation::SpecAndAnnotations,
            other => panic!("{kind}: generations {other:?}"),
        };
        assert_eq!(facts.generation, counted, "{group} {kind}");
        assert_eq!(facts.unconditional_update, line["unconditional"]["code"] == 200, "{group} {kind}");
        assert_eq!(facts.status != StatusRule::None, line["subresource"] == true, "{group} {kind}");
    }
    for line in &lines {
        let (group, kind) = (group_of(line), line["kind"].as_str().unwrap());
        if let Some(given) = line["created"]["given"].as_object() {
            let kept = given.iter().all(|(field, value)| line["created"]["status"].get(field) == Some(value));
            let status = facts(group, kind).unwrap().status;
            assert_eq!(status == StatusRule::SubresourceKeptOnCreate, kept, "{group} {kind}");
        }
    }
    let proven: BTreeSet<_> = lines.iter().map(|line| (group_of(line), line["kind"].as_str().unwrap())).collect();
    for facts in KINDS {
        assert!(proven.contains(&(facts.group, facts.kind)), "nothing recorded of {} {}", facts.group, facts.kind);
    }
}

#[test]
fn a_namespace_on_its_way_out_does_not_get_its_finalizer_back() {
    let mut namespace = json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": { "name": "n", "deletionTimestamp": "2026-01-01T00:00:00Z" },
        "spec": { "finalizers": [] },
    });
    kinds::default("", "Namespace", &mut namespace);
    assert_eq!(namespace["spec"]["finalizers"], json!([]));
}

#[test]
fn defaults_are_harmless_to_repeat() {
    for case in recorded().iter().filter(|line| line.get("answer").is_some()) {
        let once = prepare(case);
        let mut twice = once.clone();
        kinds::default(group_of(&once), once["kind"].as_str().unwrap(), &mut twice);
        assert_eq!(once, twice, "{}", case["case"]);
    }
}

#[test]
fn what_a_real_api_server_has_stored_is_valid() {
    for case in recorded().iter().filter(|line| line.get("answer").is_some()) {
        let object = &case["answer"];
        let (group, kind) = (group_of(object), object["kind"].as_str().unwrap());
        assert_eq!(kinds::validate(group, kind, object, Some(object)), [], "{}", case["case"]);
    }
}

#[test]
fn custom_resources_obey_the_rules_of_metadata() {
    let check = |namespaced, metadata: Value| {
        let causes = kinds::validate_metadata(namespaced, &json!({ "metadata": metadata }), None);
        causes.into_iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect::<Vec<_>>()
    };
    assert!(check(true, json!({ "name": "a.b", "namespace": "n", "labels": { "x/y": "z" } })).is_empty());
    assert_eq!(
        check(false, json!({ "name": "a", "namespace": "n" })),
        ["metadata.namespace: Forbidden: not allowed on this type"]
    );
    assert_eq!(check(true, json!({})), ["metadata.name: Required value: name or generateName is required"]);
}
