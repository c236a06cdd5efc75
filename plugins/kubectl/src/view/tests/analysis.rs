//! What was measured, as people see it.

use serde_json::{Value, json};
use sluice_core::api::{AnalysisRun, Experiment};

use super::super::analysis_run;
use super::super::experiment;
use super::super::paint::Paint;
use super::{LATER, THEN, now, pod, replica_set, rollout};
use crate::view::list::{self, Columns};
use crate::view::page;
use crate::view::table::Layout;
use sluice_core::info::analysis_run::RunInfo;
use sluice_core::info::experiment::ExperimentInfo;
use sluice_core::info::family::Family;
use sluice_core::info::rollout::RolloutInfo;

/// A measurement: how it ended, and what was measured.
fn taken(phase: &str, value: &str) -> Value {
    json!({"phase": phase, "value": value, "startedAt": LATER, "finishedAt": LATER})
}

/// A run of `owner` with these metrics, each its definition and its result.
fn run(name: &str, owner: (&str, &str), phase: &str, metrics: &[(Value, Value)]) -> AnalysisRun {
    let (kind, uid) = owner;
    let (specs, results): (Vec<&Value>, Vec<&Value>) = metrics.iter().map(|(spec, result)| (spec, result)).unzip();
    serde_json::from_value(json!({
        "metadata": {
            "name": name, "namespace": "shop", "creationTimestamp": LATER,
            "annotations": {"rollout.argoproj.io/revision": "2"},
            "ownerReferences": [{"apiVersion": "argoproj.io/v1alpha1", "kind": kind, "name": "web", "uid": uid, "controller": true}],
        },
        "spec": {
            "metrics": specs,
            "args": [{"name": "least", "value": "0.95"}, {"name": "token", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}],
        },
        "status": {"phase": phase, "metricResults": results},
    }))
    .expect("a run")
}

/// A metric of Prometheus that has failed once.
fn rate() -> (Value, Value) {
    let metric = json!({
        "name": "success-rate", "successCondition": "result[0] >= {{args.least}}", "failureCondition": "result[0] < 0.5",
        "provider": {"prometheus": {"query": "sum(\n  rate(x)\n)"}},
    });
    let measured = [
        taken("Successful", "[0.97]"),
        taken("Failed", "[0.4]"),
        taken("Error", ""),
        taken("Successful", "[0.99]"),
        taken("Inconclusive", "[0.9]"),
    ];
    let result = json!({
        "name": "success-rate", "phase": "Running", "successful": 2, "failed": 1, "inconclusive": 1, "error": 1,
        "metadata": {"ResolvedPrometheusQuery": "sum(\n  rate(x)\n)"}, "measurements": measured,
    });
    (metric, result)
}

fn job() -> (Value, Value) {
    let measured: Vec<Value> = ["Successful", "Failed", "Running"]
        .iter()
        .enumerate()
        .map(|(index, phase)| {
            json!({"phase": phase, "startedAt": LATER, "metadata": {"job-name": format!("u.smoke.{}", index + 1)}})
        })
        .collect();
    let metric = json!({"name": "smoke", "provider": {"job": {"spec": {}}}});
    (metric, json!({"name": "smoke", "phase": "Running", "successful": 1, "failed": 1, "measurements": measured}))
}

#[track_caller]
fn reads(run: &AnalysisRun, expected: &str) {
    let page = analysis_run::render(&RunInfo::of(run, now()), Paint::Plain);
    assert_eq!(page, expected, "\n{page}");
}

#[test]
fn measurements_are_drawn_beside_their_conditions() {
    reads(
        &run("web-b-2", ("Rollout", "u"), "Running", &[rate(), job()]),
        "\
Name:            web-b-2
Namespace:       shop
Status:          ◌ Running
Metrics:         2
Age:             60s

success-rate  ◌ Running  ✔ 2,✖ 1,? 1,⚠ 1
  █▁·█▇  0.4 to 0.99, last 0.9   succeeds if result[0] >= 0.95
   ✖⚠ ?                          fails if result[0] < 0.5
  query: sum( rate(x) )

smoke  ◌ Running  ✔ 1,✖ 1
  ✔✖◌
",
    );
}

#[test]
fn a_run_that_has_ended_says_why() {
    let metric = json!({"name": "health", "successCondition": "result == \"{{args.token}}\"", "provider": {"web": {"url": "http://x"}}});
    let result = json!({
        "name": "health", "phase": "Failed", "failed": 2, "dryRun": true, "message": "failed (2) > failureLimit (1)",
        "measurements": [taken("Failed", "down\u{1b}[2J"), taken("Failed", &"x".repeat(100))],
    });
    let mut ended = run("web-b-2", ("Rollout", "u"), "Failed", &[(metric, result)]);
    if let Some(status) = &mut ended.status {
        status.message = "Metric \"health\" assessed Failed".to_owned();
    }
    reads(
        &ended,
        &format!(
            "\
Name:            web-b-2
Namespace:       shop
Status:          ✖ Failed
Message:         Metric \"health\" assessed Failed
Metrics:         0, and 1 (✖ 1) that decide nothing
Age:             60s

health  ✖ Failed  ✖ 2  decides nothing
  ✖ down\\u{{1b}}[2J{space}   succeeds if result == \"*****\"
  ✖ {long}…
  failed (2) > failureLimit (1)
",
            space = " ".repeat(48),
            long = "x".repeat(60),
        ),
    );
}

#[test]
fn a_run_that_has_not_begun_shows_what_it_will_measure() {
    let (metric, _) = rate();
    let mut fresh = run("web-b-2", ("Rollout", "u"), "", &[(metric, Value::Null)][..0]);
    fresh.status = None;
    fresh.spec.metrics = vec![serde_json::from_value(rate().0).expect("a metric")];
    reads(
        &fresh,
        "\
Name:            web-b-2
Namespace:       shop
Status:          ◌ Pending
Metrics:         0
Age:             60s

success-rate  ◌ Pending
  succeeds if result[0] >= 0.95
  fails if result[0] < 0.5
",
    );
}

/// An experiment of the rollout that runs `canary`.
fn trial() -> Experiment {
    serde_json::from_value(json!({
        "metadata": {
            "name": "web-b-2-0", "namespace": "shop", "uid": "e", "creationTimestamp": LATER,
            "annotations": {"rollout.argoproj.io/revision": "2"},
            "ownerReferences": [{"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "web", "uid": "u", "controller": true}],
        },
        "spec": {"duration": "5m", "templates": [
            {"name": "canary", "template": {"spec": {"containers": [{"name": "web", "image": "web:2"}]}}},
        ]},
        "status": {"phase": "Running", "availableAt": LATER},
    }))
    .expect("an experiment")
}

/// A ReplicaSet of that experiment.
fn of_trial() -> sluice_core::api::ReplicaSet {
    let mut own = replica_set("c", 0, 1, 1, LATER);
    own.metadata.name = Some("web-b-2-0-canary".to_owned());
    for owner in own.metadata.owner_references.iter_mut().flatten() {
        owner.uid = "e".to_owned();
    }
    own
}

#[test]
fn a_rollout_shows_what_is_measured_of_each_revision() {
    let of_experiment = run("web-b-2-0-rate", ("Experiment", "e"), "Successful", &[rate()]);
    let of_another = run("other", ("Rollout", "v"), "Running", &[]);
    let own = run("web-b-2-1", ("Rollout", "u"), "Running", &[rate(), job()]);
    let family = Family {
        rollout: rollout(&json!({"status": {"phase": "Paused"}})),
        replica_sets: vec![replica_set("a", 1, 1, 1, THEN), replica_set("b", 2, 1, 1, LATER), of_trial()],
        pods: vec![pod("c", "one", false)],
        runs: Some(vec![own, of_another, of_experiment]),
        experiments: Some(vec![trial()]),
    };
    let page = page::render(&RolloutInfo::of(&family, now()), false, Paint::Plain);
    let tree = page.split_once("\n\n").expect("a tree").1;
    assert_eq!(
        tree,
        "\
NAME                         KIND         STATUS        AGE  INFO
⟳ web                        Rollout      ॥ Paused      5m
├──# revision:2
│  ├──⧉ web-b                ReplicaSet   ✔ Healthy     60s  canary
│  ├──Σ web-b-2-0            Experiment   ◌ Running     60s
│  │  ├──⧉ web-b-2-0-canary  ReplicaSet   ✔ Healthy     60s
│  │  │  └──□ web-c-one      Pod          ✔ Running     60s  ready:1/1
│  │  └──α web-b-2-0-rate    AnalysisRun  ✔ Successful  60s  ✔ 2,✖ 1,? 1,⚠ 1
│  └──α web-b-2-1            AnalysisRun  ◌ Running     60s  ✔ 3,✖ 2,? 1,⚠ 1
│     ├──⊞ u.smoke.1         Job          ✔ Successful  60s
│     ├──⊞ u.smoke.2         Job          ✖ Failed      60s
│     └──⊞ u.smoke.3         Job          ◌ Running     60s
└──# revision:1
   └──⧉ web-a                ReplicaSet   ✔ Healthy     5m   stable
",
        "\n{tree}"
    );
}

#[test]
fn an_experiment_shows_its_pods_and_what_is_measured_of_them() {
    let own = run("web-b-2-0-rate", ("Experiment", "e"), "Running", &[rate()]);
    let (sets, pods) = ([of_trial(), replica_set("a", 1, 1, 1, THEN)], [pod("c", "one", false)]);
    let info = ExperimentInfo::of(&trial(), &sets, &pods, &[own], now());
    let page = experiment::render(&info, Paint::Plain);
    assert_eq!(
        page,
        "\
Name:            web-b-2-0
Namespace:       shop
Status:          ◌ Running
Duration:        5m
Remaining:       4m
Images:          web:2

NAME                   KIND         STATUS     AGE  INFO
Σ web-b-2-0            Experiment   ◌ Running  60s
├──⧉ web-b-2-0-canary  ReplicaSet   ✔ Healthy  60s
│  └──□ web-c-one      Pod          ✔ Running  60s  ready:1/1
└──α web-b-2-0-rate    AnalysisRun  ◌ Running  60s  ✔ 2,✖ 1,? 1,⚠ 1

web-b-2-0-rate:

success-rate  ◌ Running  ✔ 2,✖ 1,? 1,⚠ 1
  █▁·█▇  0.4 to 0.99, last 0.9   succeeds if result[0] >= 0.95
   ✖⚠ ?                          fails if result[0] < 0.5
  query: sum( rate(x) )
",
        "\n{page}"
    );
}

#[test]
fn experiments_are_listed_with_the_time_that_they_still_take() {
    let columns = Columns::default();
    let table = list::render(&[trial()], columns, "", now(), &mut Layout::default(), Paint::Plain);
    assert_eq!(table, "NAME       STATUS   DURATION  REMAINING  AGE\nweb-b-2-0  Running  5m        4m         60s\n");
}
