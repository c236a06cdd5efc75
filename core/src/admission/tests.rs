use std::borrow::Cow;

use serde_json::{Value, json};

use super::request::values;
use super::*;
use crate::validate::references::{Lookup, OutOfSight, Reference, Surroundings};

fn rollout(canary: &Value) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "web", "namespace": "shop"},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "web", "image": "web:1"}]},
            },
            "strategy": {"canary": canary},
        },
    })
}

fn weight(weight: i64) -> Value {
    rollout(&json!({"steps": [{"setWeight": weight}]}))
}

fn with(mut object: Value, pointer: &str, value: Value) -> Value {
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
    object.pointer_mut(parent).expect("the parent exists")[key] = value;
    object
}

/// The question as the API server puts it.
fn asked(operation: &str, object: &Value, old: &Value) -> Value {
    let kind = object["kind"].as_str().unwrap_or("Rollout");
    json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "4711", "kind": {"group": "argoproj.io", "version": "v1alpha1", "kind": kind},
            "resource": {"group": "argoproj.io", "version": "v1alpha1", "resource": "rollouts"},
            "name": object["metadata"]["name"], "namespace": "shop", "operation": operation,
            "userInfo": {"username": "bob"}, "object": object, "oldObject": old, "dryRun": false,
        },
    })
}

fn read(review: &Value) -> Result<Request, Malformed> {
    Request::read(review.to_string().as_bytes())
}

fn answered(review: &Value, around: &dyn Surroundings) -> Value {
    let request = read(review).expect("a review");
    let answer = request.decide(around).answer(&request);
    assert_eq!((&answer["kind"], &answer["response"]["uid"]), (&json!("AdmissionReview"), &json!("4711")));
    answer["response"].clone()
}

fn created(object: &Value) -> Value {
    answered(&asked("CREATE", object, &Value::Null), &OutOfSight)
}

fn updated(old: &Value, new: &Value) -> Value {
    answered(&asked("UPDATE", new, old), &OutOfSight)
}

fn message(response: &Value) -> &str {
    response["status"]["message"].as_str().unwrap_or_default()
}

const TOO_MUCH: &str =
    "spec.strategy.canary.steps[0].setWeight: Invalid value: 101: SetWeight needs to be between 0 and 100";

#[test]
fn a_plain_rollout_passes_without_a_word() {
    assert_eq!(created(&weight(50)), json!({"uid": "4711", "allowed": true}));
}

#[test]
fn an_error_denies_in_the_words_of_the_controller_with_the_field_as_cause() {
    let (field, why) = TOO_MUCH.split_once(": ").expect("a field");
    assert_eq!(
        created(&weight(101)),
        json!({
            "uid": "4711", "allowed": false,
            "status": {
                "status": "Failure", "code": 422, "reason": "Invalid",
                "message": format!("The Rollout \"web\" is invalid: {TOO_MUCH}"),
                "details": {
                    "group": "argoproj.io", "kind": "Rollout", "name": "web",
                    "causes": [{"reason": "FieldValueInvalid", "field": field, "message": why}],
                },
            },
        })
    );
}

#[test]
fn every_error_is_listed() {
    let object = with(rollout(&json!({"steps": [{"setWeight": 101}, {"setWeight": -1}]})), "/spec/replicas", json!(-1));
    let response = created(&object);
    let told = message(&response);
    assert!(told.starts_with("The Rollout \"web\" is invalid: [spec.replicas: "), "{told}");
    assert!(told.contains(&format!(", {TOO_MUCH}, spec.strategy.canary.steps[1].setWeight: ")), "{told}");
    assert_eq!(response["status"]["details"]["causes"].as_array().map(Vec::len), Some(3));
}

#[test]
fn all_kinds_are_reviewed_and_no_others() {
    let template = |kind: &str| json!({"apiVersion": "argoproj.io/v1alpha1", "kind": kind, "metadata": {"name": "errors"}, "spec": {"metrics": [{"name": "m"}]}});
    for kind in ["AnalysisTemplate", "ClusterAnalysisTemplate", "AnalysisRun"] {
        let response = created(&template(kind));
        assert!(
            message(&response).starts_with(&format!("The {kind} \"errors\" is invalid: spec.metrics[0]")),
            "{response}"
        );
    }
    assert_eq!(created(&with(template("Experiment"), "/spec", json!({})))["allowed"], json!(false));
    assert_eq!(created(&template("Workflow"))["allowed"], json!(true));
    assert_eq!(created(&with(template("AnalysisRun"), "/apiVersion", json!("other.io/v1")))["allowed"], json!(true));
}

#[test]
fn only_the_writing_of_manifests_is_judged() {
    let invalid = weight(101);
    for operation in ["DELETE", "CONNECT", "SOMETHING"] {
        assert_eq!(answered(&asked(operation, &invalid, &invalid), &OutOfSight)["allowed"], json!(true));
    }
    let deleted = with(asked("DELETE", &invalid, &invalid), "/request/object", Value::Null);
    assert_eq!(answered(&deleted, &OutOfSight)["allowed"], json!(true));
    let status = with(asked("UPDATE", &invalid, &weight(50)), "/request/subResource", json!("status"));
    assert_eq!(answered(&status, &OutOfSight)["allowed"], json!(true));
}

#[test]
fn what_was_invalid_before_stays_editable() {
    let scaled = with(weight(101), "/spec/replicas", json!(5));
    let response = updated(&weight(101), &scaled);
    assert_eq!(response["allowed"], json!(true));
    assert_eq!(response["warnings"], json!([format!("invalid before and after this change: {TOO_MUCH}")]));
    let worse = with(weight(101), "/spec/replicas", json!(-5));
    let response = updated(&weight(101), &worse);
    assert!(message(&response).starts_with("The Rollout \"web\" is invalid: spec.replicas: "), "{response}");
    assert_eq!(response["status"]["details"]["causes"].as_array().map(Vec::len), Some(1));
    assert_eq!(response["warnings"].as_array().map(Vec::len), Some(1));
}

#[test]
fn another_error_in_the_same_field_denies() {
    assert_eq!(updated(&weight(101), &weight(102))["allowed"], json!(false));
    assert_eq!(updated(&weight(50), &weight(101))["allowed"], json!(false));
    assert_eq!(updated(&weight(101), &weight(100)), json!({"uid": "4711", "allowed": true}));
}

#[test]
fn a_change_of_metadata_or_status_alone_passes_without_a_word() {
    let marked = with(weight(101), "/metadata/annotations", json!({"rollout.argoproj.io/revision": "2"}));
    assert_eq!(updated(&weight(101), &marked), json!({"uid": "4711", "allowed": true}));
    let reported = with(weight(101), "/status", json!({"phase": "Degraded"}));
    assert_eq!(updated(&weight(101), &reported), json!({"uid": "4711", "allowed": true}));
}

#[test]
fn what_is_being_deleted_passes() {
    let deleted = with(weight(101), "/metadata/deletionTimestamp", json!("2026-11-21T10:00:00Z"));
    assert_eq!(updated(&weight(50), &deleted), json!({"uid": "4711", "allowed": true}));
}

#[test]
fn metadata_that_later_api_servers_add_denies_nothing() {
    let later = with(weight(50), "/metadata/labelz", json!({"a": "b"}));
    assert_eq!(created(&later), json!({"uid": "4711", "allowed": true}));
    let unnamed = with(weight(101), "/metadata", json!({"generateName": "web-"}));
    assert!(message(&created(&unnamed)).starts_with("The Rollout \"web-\" is invalid: spec.strategy"));
}

/// A namespace with one Service, for another Rollout's pods.
struct OneService;

impl Surroundings for OneService {
    fn find(&self, wanted: &Reference<'_>) -> Lookup<'_> {
        match (wanted.kind, wanted.name) {
            ("Service", "taken") => Lookup::Found(Cow::Owned(json!({
                "metadata": {"annotations": {"argo-rollouts.argoproj.io/managed-by-rollouts": "other"}},
                "spec": {"selector": {"app": "other"}},
            }))),
            ("Service", _) => Lookup::Absent("does not exist yet"),
            _ => Lookup::Unknown,
        }
    }
}

#[test]
fn what_other_objects_make_wrong_is_a_warning() {
    let object = rollout(&json!({"canaryService": "taken", "stableService": "missing", "trafficRouting": {}}));
    let response = answered(&asked("CREATE", &object, &Value::Null), &OneService);
    assert_eq!(response["allowed"], json!(true));
    assert_eq!(
        response["warnings"],
        json!([
            "spec.strategy.canary.canaryService: Invalid value: \"taken\": Service \"taken\" is managed by another Rollout",
            "spec.strategy.canary.canaryService: Invalid value: \"taken\": Service \"taken\" has unmatch label \"app\" in rollout",
            "spec.strategy.canary.stableService: Service \"missing\" does not exist yet",
            "spec.strategy.canary.trafficRouting: names no router, so nothing carries the weights",
            "spec.strategy.canary.trafficRouting is not supported by this version of Sluice; the rollout is held as it is",
        ])
    );
}

#[test]
fn warnings_are_short_and_fit_into_a_header() {
    let long = format!("wéb\n{}", "x".repeat(300));
    let object = rollout(&json!({"stableService": "missing", "canaryService": long}));
    let request = read(&asked("CREATE", &object, &Value::Null)).expect("a review");
    let mut verdict = request.decide(&OneService);
    verdict.warnings.insert(0, format!("a\u{7}b\n{}", "é".repeat(300)));
    verdict.warnings.extend((0..30).map(|number| format!("warning {number}")));
    let answer = verdict.answer(&request);
    let warnings: Vec<&str> =
        answer["response"]["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    assert_eq!(warnings.len(), 21);
    assert!(warnings[0].starts_with("a b éé") && warnings[0].ends_with("é…"), "{}", warnings[0]);
    assert!(
        warnings.iter().all(|text| text.chars().count() <= 256 && !text.contains(char::is_control)),
        "{warnings:?}"
    );
    assert!(warnings[20].contains(" more; `kubectl sluice lint`"), "{}", warnings[20]);
}

#[test]
fn a_flood_of_errors_is_told_in_part() {
    let steps: Vec<Value> = (0..400).map(|_| json!({"setWeight": 101})).collect();
    let response = created(&rollout(&json!({"steps": steps})));
    assert!(message(&response).ends_with("between 0 and 100, and 380 more]"), "{}", message(&response));
    assert_eq!(response["status"]["details"]["causes"].as_array().map(Vec::len), Some(20));
    // To say what was meant by each of these would take longer than anybody waits.
    let unknown: serde_json::Map<String, Value> = (0..50_000).map(|i| (format!("field{i}"), json!(1))).collect();
    let response = created(&with(weight(50), "/spec", Value::Object(unknown)));
    assert!(message(&response).ends_with("and 480 more]"), "{}", message(&response));
    let long = created(&with(weight(50), "/spec/selector/matchLabels", json!({"app": "x".repeat(100_000)})));
    assert!(!long["allowed"].as_bool().unwrap_or(true) && message(&long).len() < 50_000, "{}", message(&long).len());
}

#[test]
fn a_body_that_is_no_review_is_refused_with_a_reason() {
    let says = |body: &str, expected: &str| {
        let error = Request::read(body.as_bytes()).expect_err(body).to_string();
        assert!(error.contains(expected), "{body}: {error}");
    };
    says("", "no AdmissionReview: EOF");
    says("{", "no AdmissionReview: EOF");
    says("[1,2]", "no AdmissionReview");
    says("\"review\"", "no AdmissionReview");
    says("null", "no AdmissionReview");
    says("{}", "the body is nothing of nothing; this webhook answers AdmissionReview of admission.k8s.io/v1");
    says(
        r#"{"apiVersion": "admission.k8s.io/v1beta1", "kind": "AdmissionReview"}"#,
        "AdmissionReview of admission.k8s.io/v1beta1",
    );
    let review = |request: &str| {
        format!(r#"{{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {request}}}"#)
    };
    says(&review("null"), "has no request");
    says(&review("{}"), "has no request.uid");
    says(&review(r#"{"uid": 7}"#), "invalid type: integer");
    says(&review(r#"{"uid": "7", "operation": "CREATE"}"#), "has no request.object");
    says(&review(r#"{"uid": "7", "operation": "UPDATE", "object": []}"#), "has no request.object");
}

#[test]
fn a_body_that_would_fill_the_memory_is_refused_unread() {
    let long = format!("\"{}\"", "x".repeat(MOST_BYTES));
    assert_eq!(Request::read(long.as_bytes()).expect_err("long"), Malformed::TooLong);
    let many = format!("[{}1]", "1,".repeat(1_000_000));
    assert_eq!(Request::read(many.as_bytes()).expect_err("many"), Malformed::TooManyValues);
    let deep = format!("{{\"request\": {{\"object\": {}", "[".repeat(100_000));
    let error = Request::read(deep.as_bytes()).expect_err("deep").to_string();
    assert!(error.contains("recursion limit"), "{error}");
    assert_eq!(values(br#"{"a": "1,2,[\",{", "b": [1, 2]}"#), 5);
}

#[test]
fn an_object_may_be_as_strange_as_it_likes() {
    let inner = [json!(null), json!(7), json!("x"), json!([]), json!({}), json!([{"a": [1, "\u{0}"]}])];
    for part in &inner {
        for pointer in
            ["/metadata", "/spec", "/spec/strategy", "/spec/strategy/canary", "/spec/template", "/apiVersion"]
        {
            let object = with(weight(101), pointer, part.clone());
            for (operation, old) in [("CREATE", &Value::Null), ("UPDATE", part), ("UPDATE", &object)] {
                if let Ok(request) = read(&asked(operation, &object, old)) {
                    request.decide(&OneService).answer(&request);
                }
            }
        }
    }
}
