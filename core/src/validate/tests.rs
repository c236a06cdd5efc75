//! A table of manifests and the words in which they are refused.
#![expect(clippy::needless_pass_by_value, reason = "a manifest reads best where it is used")]

use serde_json::{Value, json};

use super::{Severity, admit, first_problem, problems};
use crate::api::Rollout;
use crate::effect::Target;
use crate::sight::Sight;
use crate::snapshot::{Service, Snapshot};
use crate::step_plugin::StepPlugins;

mod blue_green;
mod canary;
mod doubtful;
mod routers;
mod routes;
mod spec;
mod steps;

fn manifest() -> Value {
    json!({
        "metadata": {"name": "web"},
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "web", "image": "web:1"}]},
            },
            "strategy": {"canary": {}},
        },
    })
}

fn with(pointer: &str, value: Value) -> Rollout {
    let mut manifest = manifest();
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
    manifest.pointer_mut(parent).expect("the parent exists")[key] = value;
    serde_json::from_value(manifest).expect("a Rollout")
}

fn snapshot(rollout: Rollout) -> Snapshot {
    Snapshot {
        now: jiff::Timestamp::UNIX_EPOCH,
        rollout,
        decode_problems: Vec::new(),
        replica_sets: Vec::new(),
        pods: Vec::new(),
        services: Vec::new(),
        routers: Vec::new(),
        former: Vec::new(),
        workload: Sight::Missing,
        analyses: crate::snapshot::Analyses::default(),
        experiments: Vec::new(),
        step_plugins: StepPlugins::default(),
        refusals: Vec::new(),
        stores_waiting_on: true,
    }
}

#[track_caller]
fn refuses(pointer: &str, value: Value, expected: &str) {
    let problem = first_problem(&with(pointer, value)).expect("a problem");
    assert_eq!(format!("{}: {}", problem.field, problem.message), expected);
}

/// A table: what is put where, and what is said of it first.
#[track_caller]
fn refuses_each(cases: &[(&str, Value, &str)]) {
    for (pointer, value, expected) in cases {
        refuses(pointer, value.clone(), expected);
    }
}

/// A canary with these fields, and what is said of it first, without the path of the strategy.
#[track_caller]
fn canary_is_refused(cases: &[(Value, &str)]) {
    for (canary, expected) in cases {
        refuses("/spec/strategy/canary", canary.clone(), &format!("spec.strategy.canary.{expected}"));
    }
}

#[track_caller]
fn canary_is_fine(canary: Value) {
    let rollout = with("/spec/strategy/canary", canary.clone());
    assert_eq!(problems(&rollout), [], "{canary}");
}

/// The warnings for a manifest that has no error.
#[track_caller]
fn warns(rollout: &Rollout, expected: &[&str]) {
    let found = problems(rollout);
    assert!(found.iter().all(|problem| problem.severity == Severity::Warning), "{found:?}");
    assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
}

#[test]
fn all_problems_are_listed_and_the_first_is_the_one_reported() {
    let mut rollout =
        with("/spec/strategy/canary", json!({"steps": [{"setWeight": 101}, {}, {"setCanaryScale": {"weight": 5}}]}));
    rollout.spec.min_ready_seconds = Some(-1);
    let fields: Vec<String> = problems(&rollout).into_iter().map(|problem| problem.field).collect();
    let steps = "spec.strategy.canary.steps";
    let expected = [
        "spec.minReadySeconds".into(),
        format!("{steps}[0].setWeight"),
        format!("{steps}[1]"),
        format!("{steps}[2].setCanaryScale"),
    ];
    assert_eq!(fields, expected);
    assert_eq!(first_problem(&rollout).map(|problem| problem.field), fields.into_iter().next());
}

#[test]
fn a_plain_manifest_is_valid() {
    let rollout = serde_json::from_value(manifest()).expect("a Rollout");
    assert_eq!(first_problem(&rollout), None);
    assert!(admit(&snapshot(rollout)).is_ok());
}

#[test]
fn counts_must_not_be_negative() {
    let detail = "Invalid value: -1: must be greater than or equal to 0";
    for field in ["replicas", "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"] {
        refuses(&format!("/spec/{field}"), json!(-1), &format!("spec.{field}: {detail}"));
    }
}

#[test]
fn the_deadline_must_exceed_min_ready_seconds() {
    let expected = "spec.progressDeadlineSeconds: Invalid value: 600: must be greater than minReadySeconds";
    refuses("/spec/minReadySeconds", json!(600), expected);
}

#[test]
fn a_selector_is_needed_and_must_match_the_template() {
    refuses("/spec/selector", Value::Null, "spec.selector: Required value: Rollout has missing field '.spec.selector'");
    refuses("/spec/selector", json!({}), "spec.selector: Invalid value: {}: empty selector is invalid for deployment");
    refuses(
        "/spec/selector/matchLabels/app",
        json!("other"),
        "spec.template.metadata.labels: Invalid value: {\"app\":\"web\"}: `selector` does not match template `labels`",
    );
}

#[test]
fn a_template_must_be_one_that_a_replica_set_can_have() {
    refuses("/spec/template/spec/containers", json!([]), "spec.template.spec.containers: Required value");
    refuses(
        "/spec/template/spec/containers",
        json!([{"name": "web"}]),
        "spec.template.spec.containers[0].image: Required value",
    );
    refuses(
        "/spec/template/spec/restartPolicy",
        json!("Never"),
        "spec.template.spec.restartPolicy: Unsupported value: \"Never\": supported values: \"Always\"",
    );
    refuses(
        "/spec/template/spec/activeDeadlineSeconds",
        json!(5),
        "spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicaSet is not Supported",
    );
}

#[test]
fn there_is_exactly_one_strategy() {
    let missing = "Rollout has missing field '.spec.strategy.canary or .spec.strategy.blueGreen'";
    refuses("/spec/strategy", json!({}), &format!("spec.strategy.strategy: Required value: {missing}"));
    let both = first_problem(&with("/spec/strategy", json!({"canary": {}, "blueGreen": {"activeService": "a"}})));
    assert!(both.expect("a problem").message.ends_with("Multiple Strategies can not be listed"));
}

#[test]
fn surge_and_unavailable_must_leave_room_to_move() {
    let expected = "spec.strategy.canary.maxSurge: Invalid value: 0: MaxSurge and MaxUnavailable both can not be zero";
    refuses("/spec/strategy/canary", json!({"maxSurge": 0, "maxUnavailable": "0%"}), expected);
    refuses(
        "/spec/strategy/canary/maxSurge",
        json!("many"),
        "spec.strategy.canary.maxSurge: Invalid value: \"many\": must be an integer or a percentage (for example \"25%\")",
    );
}

#[test]
fn a_step_names_one_kind_and_a_weight_is_a_percentage() {
    let detail = "Step must have one of the following set: experiment, setWeight, setCanaryScale, plugin or pause";
    refuses(
        "/spec/strategy/canary/steps",
        json!([{"setWeight": 5, "pause": {}}]),
        &format!("spec.strategy.canary.steps[0]: Invalid value: {{\"setWeight\":5,\"pause\":{{}}}}: {detail}"),
    );
    refuses(
        "/spec/strategy/canary/steps",
        json!([{"pause": {}}, {}]),
        &format!("spec.strategy.canary.steps[1]: Invalid value: {{}}: {detail}"),
    );
    refuses(
        "/spec/strategy/canary/steps",
        json!([{"setWeight": -1}]),
        "spec.strategy.canary.steps[0].setWeight: Invalid value: -1: SetWeight needs to be between 0 and 100",
    );
}

#[test]
fn a_pause_has_a_length_that_can_be_read() {
    for duration in [json!(-5), json!("-5s"), json!("soon")] {
        let problem = first_problem(&with("/spec/strategy/canary/steps", json!([{"pause": {"duration": duration}}])));
        assert!(problem.expect("a problem").message.ends_with("Duration needs to be greater than 0"));
    }
    for duration in [json!(5), json!("5"), json!("1h30m")] {
        let rollout = with("/spec/strategy/canary/steps", json!([{"pause": {"duration": duration}}]));
        assert_eq!(first_problem(&rollout), None);
    }
}

#[test]
fn what_needs_a_router_is_refused_without_one() {
    refuses(
        "/spec/strategy/canary/scaleDownDelaySeconds",
        json!(5),
        "spec.strategy.canary.scaleDownDelaySeconds: Invalid value: 5: Canary scaleDownDelaySeconds can only be used with traffic routing",
    );
    refuses(
        "/spec/strategy/canary/dynamicStableScale",
        json!(true),
        "spec.strategy.canary.dynamicStableScale: Invalid value: true: Canary dynamicStableScale can only be used with traffic routing",
    );
}

#[test]
fn one_service_cannot_be_both_stable_and_canary() {
    let problem = first_problem(&with("/spec/strategy/canary", json!({"stableService": "a", "canaryService": "a"})));
    assert!(problem.expect("a problem").message.ends_with("two different services are required."));
}

#[test]
fn what_this_version_does_not_act_on_is_named() {
    let held = |pointer: &str, value: Value| admit(&snapshot(with(pointer, value))).expect_err("held").message;
    let cases = [
        ("/spec/strategy/canary", json!({"trafficRouting": {}}), "spec.strategy.canary.trafficRouting"),
        ("/spec/initialDeploy", json!("analysis"), "spec.initialDeploy: analysis"),
    ];
    for (pointer, value, field) in cases {
        let message = held(pointer, value);
        assert_eq!(
            message,
            format!("{field} is not supported by this version of Sluice; the rollout is held as it is")
        );
    }
}

#[test]
fn a_part_that_does_not_decode_holds_the_rollout() {
    let rollout = serde_json::from_value(manifest()).expect("a Rollout");
    let decode_problems = vec!["spec.strategy: invalid type".to_owned()];
    let snapshot = Snapshot { decode_problems, ..snapshot(rollout) };
    let held = admit(&snapshot).expect_err("held");
    assert_eq!(held.message, "The Rollout \"web\" is invalid: spec.strategy: invalid type");
}

#[test]
fn a_service_must_be_there_be_free_and_select_these_pods() {
    let invalid = |services: Vec<Service>| {
        let rollout = with("/spec/strategy", json!({"blueGreen": {"activeService": "front"}}));
        admit(&Snapshot { services, ..snapshot(rollout) }).map_err(|held| held.message).err()
    };
    let service = |selector: &[(&str, &str)], managed_by: Option<&str>| Service {
        target: Target { name: "front".into(), uid: "u".into(), resource_version: "1".into() },
        selector: selector.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        managed_by: managed_by.map(str::to_owned),
        has_annotations: managed_by.is_some(),
        controller: None,
        endpoints: None,
    };
    let expected = |what: &str| {
        let field = "spec.strategy.blueGreen.activeService: Invalid value: \"front\"";
        Some(format!("The Rollout \"web\" is invalid: {field}: {what}"))
    };
    assert_eq!(invalid(Vec::new()), expected("service \"front\" not found"));
    let taken = vec![service(&[("app", "web")], Some("other"))];
    assert_eq!(invalid(taken), expected("Service \"front\" is managed by another Rollout"));
    let astray = vec![service(&[("app", "shop"), ("rollouts-pod-template-hash", "abc")], Some("web"))];
    assert_eq!(invalid(astray), expected("Service \"front\" has unmatch label \"app\" in rollout"));
    let fine = vec![service(&[("app", "web"), ("rollouts-pod-template-hash", "abc")], Some("web"))];
    assert_eq!(invalid(fine), None);
}
