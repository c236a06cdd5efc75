//! The three kinds of patches, against what the real API server made of them.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;
use sluice_sandbox::patch::{self, PatchError};
use sluice_sandbox::schema::{self, Schema, Schemas};

use crate::recording::{Recorded, recording};

/// What the real server fills in when an object has changed; no patch does that.
const DEFAULTS: &[&str] = &[
    "apiVersion",
    "kind",
    "defaultMode",
    "imagePullPolicy",
    "protocol",
    "resources",
    "targetPort",
    "terminationMessagePath",
    "terminationMessagePolicy",
    "scheme",
    "requests",
    "dnsPolicy",
    "restartPolicy",
    "schedulerName",
    "terminationGracePeriodSeconds",
    "securityContext",
    "rollingUpdate",
    "replicas",
    "uid",
    "creationTimestamp",
    "namespace",
];

/// The metadata that changes with each write.
const MOVING: &[&str] = &["managedFields", "resourceVersion", "generation"];

/// Where our result differs from the recorded one. What the server sets by itself, and the empty values that it leaves
/// out, do not count.
fn difference(ours: &Value, theirs: &Value, path: &str) -> Option<String> {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            // A volume without a source becomes an empty directory.
            let is_default = |key: &str| DEFAULTS.contains(&key) || key == "emptyDir" && ours.len() == 1;
            let more =
                theirs.iter().find(|(key, value)| !ours.contains_key(*key) && !is_default(key) && !is_empty(value));
            if let Some((key, _)) = more {
                return Some(format!("{path}.{key} is missing"));
            }
            ours.iter().filter(|(key, _)| !key.starts_with('$')).find_map(|(key, value)| match theirs.get(key) {
                Some(recorded) => difference(value, recorded, &format!("{path}.{key}")),
                None if is_empty(value) => None,
                None => Some(format!("{path}.{key} is {value}")),
            })
        }
        (Value::Array(ours), Value::Array(theirs)) if ours.len() == theirs.len() => {
            let mut pairs = ours.iter().zip(theirs).enumerate();
            pairs.find_map(|(index, (ours, theirs))| difference(ours, theirs, &format!("{path}[{index}]")))
        }
        (Value::Null, _) => None,
        _ => (ours != theirs).then(|| format!("{path}: {ours} is not {theirs}")),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.values().all(is_empty),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// Compares a result without the sections that the server has for itself.
pub fn same_object(mut ours: Value, theirs: &Value) -> Option<String> {
    let mut theirs = theirs.clone();
    for object in [&mut ours, &mut theirs] {
        let fields = object.as_object_mut().unwrap();
        fields.remove("status");
        fields["metadata"].as_object_mut().unwrap().retain(|key, _| !MOVING.contains(&key.as_str()));
    }
    difference(&ours, &theirs, "")
}

/// What is wrong with a result, if anything.
fn mistake(recorded: &Recorded, result: Result<Value, PatchError>) -> Option<String> {
    let found = match result {
        Ok(object) if recorded.succeeded() => same_object(object, &recorded.answer)?,
        // The patch applies; what it leads to is refused.
        Ok(_) if refused_later(recorded) => return None,
        Ok(_) => format!("it should fail: {}", recorded.message()),
        Err(error) => {
            let reason = recorded.answer["reason"].as_str().unwrap_or_default();
            let wanted = (recorded.code, reason, recorded.message());
            let found = (error.code, error.reason, error.message.as_str());
            (found != wanted).then(|| format!("{found:?} is not {wanted:?}"))?
        }
    };
    Some(format!("{}: {found}", recorded.name))
}

fn refused_later(recorded: &Recorded) -> bool {
    let message = recorded.message();
    recorded.answer["details"]["causes"].is_array() || message.contains("name must be provided")
}

/// The objects that are patched, by their path.
fn created(requests: &[Recorded]) -> HashMap<String, Value> {
    let posted = requests.iter().filter(|recorded| recorded.method == "POST");
    posted
        .map(|recorded| {
            assert!(recorded.succeeded(), "{}", recorded.message());
            let name = recorded.answer["metadata"]["name"].as_str().unwrap();
            (format!("{}/{name}", recorded.path), recorded.answer.clone())
        })
        .collect()
}

/// The schema of an object, if it is of a built-in kind.
fn built_in(object: &Value) -> Option<Arc<Schema>> {
    let version = object["apiVersion"].as_str().unwrap();
    let (group, version) = version.split_once('/').unwrap_or(("", version));
    Schemas::builtin().kind(group, version, object["kind"].as_str().unwrap())
}

#[test]
fn strategic_patches_do_what_the_real_server_does() {
    let requests = recording("strategic");
    let created = created(&requests);
    let mut mistakes = Vec::new();
    for recorded in requests.iter().filter(|recorded| recorded.method == "PATCH" && !recorded.body.is_null()) {
        let current = &created[recorded.object()];
        let schema = built_in(current).unwrap();
        let mut result = patch::strategic(&schema, current, &recorded.body);
        if let Ok(object) = &mut result {
            schema::prune(&schema, object);
            let is_converted = schema::conversion_error(&schema, object).is_none();
            assert!(is_converted || !recorded.succeeded(), "{}", recorded.name);
        }
        mistakes.extend(mistake(recorded, result));
    }
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
}

#[test]
fn merge_and_json_patches_do_what_the_real_server_does() {
    let requests = recording("patch");
    let created = created(&requests);
    let mut mistakes = Vec::new();
    for recorded in requests.iter().filter(|recorded| recorded.method == "PATCH" && !recorded.body.is_null()) {
        let current = &created[recorded.object()];
        let mut result = match recorded.content_type.as_str() {
            "application/merge-patch+json" => patch::merge(current, &recorded.body),
            "application/json-patch+json" => patch::json(current, &recorded.body),
            _ => continue,
        };
        if let (Ok(object), Some(schema)) = (&mut result, built_in(current)) {
            schema::prune(&schema, object);
        }
        mistakes.extend(mistake(recorded, result));
    }
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
}

#[test]
fn patches_that_are_no_objects_are_refused_in_the_words_of_the_real_server() {
    for recorded in recording("patch").iter().chain(&recording("strategic")).filter(|recorded| !recorded.raw.is_empty())
    {
        // Text that is no JSON never gets as far as a patch.
        let Ok(patch) = serde_json::from_str(&recorded.raw) else { continue };
        let current = serde_json::json!({});
        let result = match recorded.content_type.as_str() {
            "application/merge-patch+json" => patch::merge(&current, &patch),
            "application/json-patch+json" => patch::json(&current, &patch),
            _ => patch::strategic(&Schema::default(), &current, &patch),
        };
        assert_eq!(mistake(recorded, result), None);
    }
}

#[test]
fn what_a_strategic_patch_leads_to_and_cannot_be_converted_is_refused_as_by_the_real_server() {
    let requests = recording("strategic");
    let created = created(&requests);
    let shown = |recorded: &&Recorded| recorded.message().starts_with(" \"\" is invalid: patch: ");
    let mut seen = 0;
    for recorded in requests.iter().filter(shown) {
        let current = &created[recorded.object()];
        let schema = built_in(current).unwrap();
        let object = patch::strategic(&schema, current, &recorded.body).unwrap();
        let detail = schema::conversion_error(&schema, &object).unwrap();
        let error = PatchError::undecodable_strategic(&recorded.body, &detail);
        assert_eq!(error.message, recorded.message());
        assert_eq!(error.causes[0].to_json(), recorded.answer["details"]["causes"][0]);
        seen += 1;
    }
    assert_eq!(seen, 4);
}
