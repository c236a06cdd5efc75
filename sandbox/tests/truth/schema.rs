//! Pruning, defaults, validation and decoding, each against what the real API server was recorded to do.

use std::sync::Arc;

use serde_json::{Value, json};
use sluice_sandbox::schema::{self, Schema, Schemas};

use crate::recording::{Recorded, recording};

const CRDS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/// The requests for custom resources, each with the schema that was in force.
fn custom() -> Vec<(Recorded, Arc<Schema>)> {
    let mut schema = Arc::default();
    let mut requests = Vec::new();
    for recorded in recording("schema") {
        if recorded.path.starts_with(CRDS) {
            let version = &recorded.answer["spec"]["versions"][0];
            schema = Schema::of_crd_version(&version["schema"]["openAPIV3Schema"]).unwrap();
        } else {
            requests.push((recorded, schema.clone()));
        }
    }
    requests
}

/// The object that a request leads to, decoded; pruning and defaults are still to come.
fn requested(recorded: &Recorded, live: &Value) -> Value {
    let mut object = live.clone();
    if recorded.method == "POST" {
        recorded.body.clone()
    } else {
        merge(&mut object, &recorded.body);
        object
    }
}

fn merge(into: &mut Value, patch: &Value) {
    let (Value::Object(into), Value::Object(patch)) = (&mut *into, patch) else {
        *into = patch.clone();
        return;
    };
    for (key, value) in patch {
        if value.is_null() {
            into.remove(key);
        } else {
            merge(into.entry(key).or_insert(Value::Null), value);
        }
    }
}

#[test]
fn unknown_fields_of_custom_resources_are_named_as_the_real_server_names_them() {
    let mut seen = 0;
    for (recorded, schema) in custom().iter().filter(|(recorded, _)| recorded.path.contains("fieldValidation=Strict")) {
        let unknown = schema::prune(schema, &mut recorded.body.clone());
        let named: Vec<String> = unknown.iter().map(|path| format!("unknown field {path:?}")).collect();
        if let Some((_, wanted)) = recorded.message().split_once("strict decoding error: ") {
            assert_eq!(named.join(", "), wanted, "{}", recorded.name);
            seen += 1;
        } else {
            assert!(named.is_empty(), "{}: {named:?}", recorded.name);
        }
    }
    assert!(seen >= 6, "only {seen} recordings have unknown fields");
}

#[test]
fn defaults_and_pruning_of_custom_resources_lead_to_the_recorded_objects() {
    let mut seen = 0;
    let created = custom().into_iter().filter(|(recorded, _)| recorded.method == "POST" && recorded.succeeded());
    for (recorded, schema) in created {
        let mut object = recorded.body.clone();
        schema::prune(&schema, &mut object);
        schema::default(&schema, &mut object);
        let whole = json!(2.0);
        if object["spec"]["count"] == whole {
            object["spec"]["count"] = json!(2); // The real server writes whole floats as integers.
        }
        assert_eq!(object["spec"], recorded.answer["spec"], "{}", recorded.name);
        seen += 1;
    }
    assert!(seen >= 10, "only {seen} recordings were accepted");
}

#[test]
fn custom_resources_are_refused_in_the_words_of_the_real_server() {
    let all = custom();
    let live = &all.iter().find(|(recorded, _)| recorded.name == "created").unwrap().0.answer;
    let mut refused = 0;
    for (recorded, schema) in all.iter().filter(|(recorded, _)| recorded.code != 400) {
        let mut object = requested(recorded, live);
        schema::prune(schema, &mut object);
        schema::default(schema, &mut object);
        let old = (recorded.method == "PATCH").then_some(live);
        let found = schema::validate(schema, &object, old);
        let found: Vec<String> = sorted(found.iter().map(sluice_sandbox::refusal::Cause::to_json));
        let wanted = recorded.answer["details"]["causes"].as_array().cloned().unwrap_or_default();
        // What the scale subresource wants of the fields that it points to is no part of the schema.
        let wanted = wanted.into_iter().filter(|cause| cause["field"] != ".spec.count");
        let wanted = sorted(wanted);
        assert_eq!(found, wanted, "{}", recorded.name);
        refused += usize::from(!found.is_empty());
    }
    assert!(refused >= 50, "only {refused} recordings were refused");
}

fn sorted(causes: impl Iterator<Item = Value>) -> Vec<String> {
    let mut causes: Vec<String> = causes.map(|cause| cause.to_string()).collect();
    causes.sort();
    causes
}

#[test]
fn the_metadata_of_a_custom_resource_is_decoded_as_the_real_server_decodes_it() {
    let mut seen = 0;
    for (recorded, schema) in custom() {
        let wanted = recorded.message().split_once("cannot be handled as a Thing: ").map(|(_, error)| error);
        let wanted = wanted.filter(|error| recorded.code == 400 && !error.starts_with("strict"));
        seen += usize::from(wanted.is_some());
        assert_eq!(schema::decode_error(&schema, &recorded.body).as_deref(), wanted, "{}", recorded.name);
    }
    assert_eq!(seen, 4);
}

#[test]
fn built_in_kinds_are_decoded_as_the_real_server_decodes_them() {
    // The text itself is bad there, or (`two wrong types`) the order of the fields decides, which no parsed object has.
    let others = ["text that is no JSON", "text with a field twice", "a kind that is no string", "two wrong types"];
    let mut seen = 0;
    for recorded in recording("decode").into_iter().filter(|recorded| !others.contains(&recorded.name.as_str())) {
        let kind = recorded.body["kind"].as_str().unwrap();
        let version = recorded.body["apiVersion"].as_str().unwrap();
        let (group, version) = version.split_once('/').unwrap_or(("", version));
        let schema = Schemas::builtin().kind(group, version, kind).unwrap();
        let wanted = recorded.message().split_once(&format!("cannot be handled as a {kind}: ")).map(|(_, error)| error);
        if let Some(strict) = wanted.and_then(|error| error.strip_prefix("strict decoding error: ")) {
            let unknown = schema::prune(&schema, &mut recorded.body.clone());
            let named = unknown.iter().map(|path| format!("unknown field {path:?}"));
            let wanted = strict.split(", ").map(str::to_string).collect::<Vec<_>>();
            // The real server names them in the order of the text; a parsed object has its fields sorted.
            assert_eq!(in_order(named), in_order(wanted.into_iter()), "{}", recorded.name);
        } else {
            assert_eq!(schema::decode_error(&schema, &recorded.body).as_deref(), wanted, "{}", recorded.name);
        }
        seen += usize::from(wanted.is_some());
    }
    assert!(seen >= 45, "only {seen} recordings are errors");
}

fn in_order(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut texts: Vec<String> = texts.collect();
    texts.sort();
    texts
}
