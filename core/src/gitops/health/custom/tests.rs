//! Rules as people write them, and what they say of objects as controllers leave them.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::{DEGRADED, HEALTHY, PROGRESSING, SUSPENDED, UNKNOWN, of};
use super::{CONFIG_MAP, Rules};

const CERTIFICATE: &str = "\
failed: status.conditions.exists(c, c.type == 'Issuing' && c.status == 'False' && c.reason == 'Failed')
inProgress: status.conditions.exists(c, c.type == 'Issuing' && c.status == 'True')
current: status.conditions.exists(c, c.type == 'Ready' && c.status == 'True')
message: status.conditions.filter(c, c.type == 'Ready')[0].message
";
/// A claim of Crossplane's.
const CLAIM: &str = "\
failed: status.conditions.exists(c, c.type == 'Synced' && c.status == 'False')
suspended: metadata.annotations['crossplane.io/paused'] == 'true'
current: >-
  ['Synced', 'Ready'].all(t, status.conditions.exists(c, c.type == t && c.status == 'True'))
";
/// A Service of Knative's.
const SERVICE: &str = "\
failed: status.conditions.exists(c, c.type == 'Ready' && c.status == 'False')
current: |
  status.conditions.exists(c, c.type == 'Ready' && c.status == 'True') &&
  status.latestReadyRevisionName == status.latestCreatedRevisionName
message: '\"is at \" + status.latestReadyRevisionName'
";

fn yaml(text: &str) -> Result<Value, String> {
    serde_saphyr::from_str(text).map_err(|error| error.to_string())
}

fn rules(data: &[(&str, &str)]) -> Rules {
    let data: BTreeMap<String, String> =
        data.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned())).collect();
    Rules::read(&data, &yaml)
}

fn health(rules: &Rules, api_version: &str, kind: &str, rest: &Value) -> Option<(String, String)> {
    let mut object = json!({ "apiVersion": api_version, "kind": kind, "metadata": { "name": "web" } });
    json_patch::merge(&mut object, rest);
    of(&object, rules).map(|health| (health.status, health.message))
}

fn check(rules: &Rules, api_version: &str, kind: &str, cases: &[(Value, &str, &str)]) {
    for (rest, status, message) in cases {
        let found = health(rules, api_version, kind, rest).unwrap();
        assert_eq!((found.0.as_str(), found.1.as_str()), (*status, *message), "{kind} {rest}");
    }
}

fn condition(kind: &str, status: &str, more: &Value) -> Value {
    let mut condition = json!({ "type": kind, "status": status });
    json_patch::merge(&mut condition, more);
    condition
}

#[test]
fn a_certificate_is_what_its_rule_says() {
    let rules = rules(&[("resource.customizations.health.cert-manager.io_Certificate", CERTIFICATE)]);
    assert_eq!(rules.problems(), Vec::<&str>::new());
    let with = |conditions: Value| json!({ "status": { "conditions": conditions } });
    let ready = condition("Ready", "True", &json!({ "message": "up to date" }));
    let not_yet = condition("Ready", "False", &json!({ "message": "not yet" }));
    let seen = |seen: i64| {
        let status = json!({ "observedGeneration": seen, "conditions": [ready] });
        json!({ "metadata": { "generation": 2 }, "status": status })
    };
    check(
        &rules,
        "cert-manager.io/v1",
        "Certificate",
        &[
            (json!({}), PROGRESSING, ""),
            (json!({ "status": null }), PROGRESSING, ""),
            (with(json!([])), PROGRESSING, ""),
            (with(json!([ready])), HEALTHY, "up to date"),
            (with(json!([not_yet, condition("Issuing", "True", &json!({}))])), PROGRESSING, "not yet"),
            (
                with(json!([not_yet, condition("Issuing", "False", &json!({ "reason": "Failed" }))])),
                DEGRADED,
                "not yet",
            ),
            (seen(1), PROGRESSING, "Waiting for its latest change to be observed"),
            (seen(2), HEALTHY, "up to date"),
            (
                json!({ "metadata": { "deletionTimestamp": "2026-01-01T00:00:00Z" }, "status": { "conditions": [ready] } }),
                PROGRESSING,
                "Pending deletion",
            ),
        ],
    );
    assert_eq!(health(&rules, "cert-manager.io/v1", "Issuer", &json!({})), None, "another kind");
    assert_eq!(health(&rules, "example.com/v1", "Certificate", &json!({})), None, "another group");
}

#[test]
fn a_claim_can_wait_for_a_person() {
    let rules = rules(&[(
        "resource.customizations",
        &format!(
            "'*.crossplane.io/*':\n  health.cel: |\n{}",
            CLAIM.lines().map(|line| ["    ", line, "\n"].concat()).collect::<Vec<_>>().concat()
        ),
    )]);
    let (synced, ready) = (condition("Synced", "True", &json!({})), condition("Ready", "True", &json!({})));
    let refused = condition("Synced", "False", &json!({}));
    let paused = json!({ "metadata": { "annotations": { "crossplane.io/paused": "true" } } });
    check(
        &rules,
        "database.crossplane.io/v1alpha1",
        "PostgreSQLInstance",
        &[
            (json!({ "status": { "conditions": [synced] } }), PROGRESSING, ""),
            (json!({ "status": { "conditions": [synced, ready] } }), HEALTHY, ""),
            (json!({ "status": { "conditions": [refused, ready] } }), DEGRADED, ""),
            (paused, SUSPENDED, ""),
        ],
    );
    assert_eq!(health(&rules, "crossplane.io/v1", "Provider", &json!({})), None, "the pattern has a dot");
}

#[test]
fn a_service_says_which_revision_it_is_at() {
    let rules = rules(&[("resource.customizations.health.serving.knative.dev_Service", SERVICE)]);
    let at = |created: &str, ready: &str, status: &str| {
        let conditions = json!([condition("Ready", status, &json!({}))]);
        let names = json!({ "latestCreatedRevisionName": created, "latestReadyRevisionName": ready });
        let mut whole = json!({ "status": { "conditions": conditions } });
        json_patch::merge(&mut whole["status"], &names);
        whole
    };
    check(
        &rules,
        "serving.knative.dev/v1",
        "Service",
        &[
            (at("web-2", "web-2", "True"), HEALTHY, "is at web-2"),
            (at("web-2", "web-1", "Unknown"), PROGRESSING, "is at web-1"),
            (at("web-2", "web-1", "False"), DEGRADED, "is at web-1"),
        ],
    );
    assert_eq!(health(&rules, "v1", "Service", &json!({})).unwrap().0, HEALTHY, "the Service of the core group");
}

#[test]
fn a_rule_wins_over_that_of_the_kind_and_an_exact_one_over_a_pattern() {
    let all = "'*/*':\n  health.lua: 'current: false'\n'apps/*':\n  health.lua: 'current: spec.paused'\n\
               batch/Job:\n  health.cel: 'current: true'\nbatch/CronJob:\n  actions: x\n";
    let rules = rules(&[
        ("resource.customizations", all),
        ("resource.customizations.health.ConfigMap", "current: data.color == 'blue'\nfailed: kind == 'Other'"),
        ("resource.customizations.health.batch_Job", "current: false\nfailed: apiVersion == 'batch/v1'"),
        ("resource.customizations.actions.ConfigMap", "anything"),
    ]);
    assert_eq!(rules.problems(), Vec::<&str>::new());
    check(&rules, "apps/v1", "Deployment", &[(json!({ "spec": { "paused": true } }), HEALTHY, "")]);
    check(&rules, "batch/v1", "Job", &[(json!({}), DEGRADED, "")]);
    check(&rules, "v1", "Pod", &[(json!({ "status": { "phase": "Succeeded" } }), PROGRESSING, "")]);
    check(
        &rules,
        "v1",
        "ConfigMap",
        &[(json!({ "data": { "color": "blue" } }), HEALTHY, ""), (json!({}), PROGRESSING, "")],
    );
}

#[test]
fn what_is_no_rule_is_told_of_each_object_of_its_kind() {
    let lua = "hs = {}\nif obj.status ~= nil then\n  hs.status = \"Healthy\"\nend\nreturn hs\n";
    let long = format!("current: \"{}\"", "x".repeat(17 * 1024));
    for (text, why) in [
        (lua, "it is a script in Lua"),
        ("", "it is no map of expressions"),
        ("- current", "it is no map of expressions"),
        ("failed: true", "it does not say when an object is current"),
        ("current: status.x ==", "current: ERROR: <input>:1:12: Syntax error"),
        ("current: state.x == 1", "current: ERROR: <input>:1:1: undeclared reference to 'state'"),
        ("current: size(kind)", "current gives int, and bool is needed"),
        ("current: true\nmessage: kind == ''", "message gives bool, and string is needed"),
        ("current: [1]", "current is no text with an expression"),
        ("current: true\nready: true", "\"ready\" is none of current"),
        (&long, "it is longer than 16 KiB"),
    ] {
        let rules = rules(&[("resource.customizations.health.example.com_Thing", text)]);
        let (status, message) = health(&rules, "example.com/v1", "Thing", &json!({})).unwrap();
        assert_eq!(status, UNKNOWN, "{text}");
        let named =
            format!("the health rule resource.customizations.health.example.com_Thing of ConfigMap {CONFIG_MAP}");
        assert!(message.starts_with(&named) && message.contains(why), "{message}");
        assert!(message.contains("write it in CEL, see docs/guide/gitops.md#"), "{message}");
        assert_eq!(rules.problems(), [message]);
        assert_eq!(health(&rules, "v1", "ConfigMap", &json!({})), None, "others are as they were");
    }
}

#[test]
fn a_script_leaves_kinds_that_are_known_anyway_as_they_are() {
    // Who has Applications of Applications with Argo CD has a script for them.
    let script = "hs = {}\nhs.status = \"Progressing\"\nreturn hs\n";
    let broken = "current: status.paths.x ==";
    let of = |text| {
        rules(&[
            ("resource.customizations.health.argoproj.io_Application", text),
            ("resource.customizations.health.apps_*", text),
        ])
    };
    let application = json!({ "status": { "health": { "status": "Healthy" } } });
    let deployment = json!({ "spec": { "paused": true } });
    check(&of(script), "argoproj.io/v1alpha1", "Application", &[(application.clone(), HEALTHY, "")]);
    check(&of(script), "apps/v1", "Deployment", &[(deployment, SUSPENDED, "Deployment is paused")]);
    assert_eq!(health(&of(script), "apps/v1", "ControllerRevision", &json!({})).unwrap().0, UNKNOWN);
    assert_eq!(of(script).problems().len(), 2, "they are named all the same");
    // A rule that is wrong was meant to count.
    assert_eq!(health(&of(broken), "argoproj.io/v1alpha1", "Application", &application).unwrap().0, UNKNOWN);
}

#[test]
fn what_hides_which_kinds_it_is_about_concerns_all() {
    let many: String = (0..201)
        .map(|index| format!("example.com/Kind{index}:\n  health.lua: 'current: true'\n"))
        .collect::<Vec<_>>()
        .concat();
    for text in ["- a list", "apps/Deployment: [", "just words", &many] {
        let rules = rules(&[("resource.customizations", text)]);
        let (status, message) = health(&rules, "v1", "ConfigMap", &json!({})).unwrap();
        assert_eq!(status, UNKNOWN, "{text:.60}");
        assert!(message.starts_with("the health rule resource.customizations of ConfigMap argocd-cm"), "{message}");
    }
    let none = rules(&[("resource.customizations", ""), ("admin.enabled", "true")]);
    assert_eq!(health(&none, "v1", "ConfigMap", &json!({})), None);
}

#[test]
fn what_cannot_be_worked_out_is_unknown() {
    for (text, why) in [
        ("current: status.ready > 1", "current: no such overload"),
        ("current: status.ready", "current: it gives string, and bool is needed"),
        ("failed: int(status.ready) == 1\ncurrent: true", "failed: type conversion error"),
        ("current: true\nmessage: status.list", "message: it gives list, and string is needed"),
        (
            "current: status.list.all(a, status.list.all(b, status.list.all(c, a + b + c >= 0)))",
            "current: it takes more steps than it may",
        ),
    ] {
        let rules = rules(&[("resource.customizations.health.example.com_Thing", text)]);
        assert_eq!(rules.problems(), Vec::<&str>::new(), "{text}");
        let object = json!({ "status": { "ready": "yes", "list": (0..100).collect::<Vec<i32>>() } });
        let (status, message) = health(&rules, "example.com/v1", "Thing", &object).unwrap();
        assert_eq!(status, UNKNOWN, "{text}");
        let named = format!("the health rule of its kind in ConfigMap {CONFIG_MAP} cannot be worked out: {why}");
        assert!(message.starts_with(&named), "{message}");
    }
}

#[test]
fn what_is_not_there_yet_holds_for_nothing() {
    for absent in
        ["status.list[0].ready == 'yes'", "self.status.at.all == 1", "spec.size > 3", "metadata.labels['a'] == 'b'"]
    {
        let rules = rules(&[(
            "resource.customizations.health.example.com_Thing",
            &format!("failed: {absent}\ncurrent: true\nmessage: status.why"),
        )]);
        check(&rules, "example.com/v1", "Thing", &[(json!({ "status": { "list": [] } }), HEALTHY, "")]);
    }
}

#[test]
fn rules_can_be_shared() {
    fn shared<T: Send + Sync>() {}
    shared::<Rules>();
}
