//! Runs in a small world of their own: a provider that answers from a script, and a clock that only waits.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::{Value, json};

use super::*;
use crate::api::{AnalysisRun, AnalysisRunSpec, Measurement};
use crate::time;

const START: Timestamp = Timestamp::constant(1_000_000, 300_000_000);

/// A run, and what its provider answers: `S`uccessful, `F`ailed, `I`nconclusive, `E`rror; the last one for ever.
struct World {
    now: Timestamp,
    run: AnalysisRun,
    script: BTreeMap<String, &'static str>,
    /// Time that each answer takes.
    takes: SignedDuration,
    /// When measurements began, in milliseconds from the start.
    began: Vec<i64>,
    last: BTreeMap<String, Timestamp>,
    events: Vec<String>,
}

impl World {
    fn new(spec: &Value, script: &[(&str, &'static str)]) -> World {
        let spec: AnalysisRunSpec = serde_json::from_value(spec.clone()).expect("a spec");
        let script = script.iter().map(|(name, script)| ((*name).to_owned(), *script)).collect();
        let (began, last, events) = (Vec::new(), BTreeMap::new(), Vec::new());
        World {
            now: START,
            run: AnalysisRun::new("run", spec),
            script,
            takes: SignedDuration::ZERO,
            began,
            last,
            events,
        }
    }

    fn plan(&self, taken: Vec<Taken>) -> RunPlan {
        plan(&RunSnapshot { now: self.now, run: self.run.clone(), taken, begun: self.last.clone() })
    }

    fn store(&mut self, plan: &RunPlan) {
        self.run.status = Some(plan.status.clone());
        self.events.extend(plan.notes.iter().map(|note| note.message.clone()));
    }

    /// Takes the measurements of a plan, all at once.
    fn take(&mut self, tasks: &[Task]) -> Vec<Taken> {
        let began = self.now;
        if !tasks.is_empty() {
            self.now = time::after(self.now, self.takes);
        }
        let mut taken = Vec::new();
        for task in tasks.iter().filter(|task| task.turn == Turn::Take) {
            self.began.push(began.duration_since(START).as_millis() as i64);
            self.last.insert(task.metric.clone(), began);
            let script = self.script.get(&task.metric).copied().unwrap_or("S");
            let at = (task.number as usize - 1).min(script.len() - 1);
            let phase = match &script[at..=at] {
                "S" => Phase::Successful,
                "F" => Phase::Failed,
                "I" => Phase::Inconclusive,
                _ => Phase::Error,
            };
            taken.push(of(task, phase, began, self.now));
        }
        taken
    }

    /// Goes on until the run is over, or until an hour has passed.
    fn go(&mut self) -> (Phase, String) {
        let end = time::after(START, SignedDuration::from_hours(1));
        let mut taken = Vec::new();
        while self.now < end {
            let plan = self.plan(std::mem::take(&mut taken));
            self.store(&plan);
            let (phase, message) = (Phase::read(&plan.status.phase), plan.status.message.clone());
            if phase.is_over() {
                assert!(plan.status.completed_at.is_some() && plan.tasks.is_empty());
                return (phase, message);
            }
            taken = self.take(&plan.tasks);
            if taken.is_empty() {
                let Some(wake) = plan.wake_at else { break };
                assert!(wake > self.now, "it would look again at once");
                self.now = wake;
            }
        }
        (Phase::Running, String::new())
    }

    fn result(&self, metric: &str) -> &crate::api::MetricResult {
        let status = self.run.status.as_ref().expect("a status");
        status.metric_results.iter().find(|result| result.name == metric).expect("a result")
    }
}

fn of(task: &Task, phase: Phase, began: Timestamp, ended: Timestamp) -> Taken {
    let stamp = |at: Timestamp| Some(Time(time::floor_to_second(at)));
    let message = if phase == Phase::Successful { String::new() } else { "why".to_owned() };
    let measurement = Measurement {
        phase: phase.as_str().to_owned(),
        message,
        started_at: stamp(began),
        finished_at: phase.is_over().then(|| stamp(ended)).flatten(),
        ..Measurement::default()
    };
    Taken { metric: task.metric.clone(), number: task.number, measurement, metadata: BTreeMap::new() }
}

/// A run with one metric, with these fields besides.
fn one(fields: &Value) -> Value {
    let mut metric = json!({"name": "m", "provider": {"web": {"url": "http://x"}}});
    for (key, value) in fields.as_object().expect("fields") {
        metric[key] = value.clone();
    }
    json!({"metrics": [metric]})
}

/// How a run with one metric ends, and how many measurements it took.
fn ends(fields: &Value, script: &'static str) -> (Phase, String, usize) {
    let mut world = World::new(&one(fields), &[("m", script)]);
    let (phase, message) = world.go();
    (phase, message, world.began.len())
}

#[test]
fn a_metric_ends_as_its_limits_say() {
    use Phase::{Error, Failed, Inconclusive, Running, Successful};
    let every = |more: Value| {
        let mut fields = json!({"interval": "10s"});
        fields.as_object_mut().expect("fields").extend(more.as_object().expect("fields").clone());
        fields
    };
    for (fields, script, phase, why, taken) in [
        (json!({}), "S", Successful, "", 1),
        (json!({}), "F", Failed, "failed (1) > failureLimit (0): why", 1),
        (json!({}), "I", Inconclusive, "inconclusive (1) > inconclusiveLimit (0): why", 1),
        (json!({}), "E", Error, "consecutiveErrors (5) > consecutiveErrorLimit (4): \"Error Message: why\"", 5),
        (json!({}), "EEEES", Successful, "", 5),
        (
            json!({"consecutiveErrorLimit": 0}),
            "E",
            Error,
            "consecutiveErrors (1) > consecutiveErrorLimit (0): \"Error Message: why\"",
            1,
        ),
        (every(json!({})), "S", Running, "", 360),
        (every(json!({"count": 3})), "S", Successful, "", 3),
        (every(json!({"count": "3"})), "SES", Successful, "", 4),
        (every(json!({"count": 3, "failureLimit": 1})), "SFS", Successful, "", 3),
        (every(json!({"count": 5, "failureLimit": 1})), "SFSF", Failed, "failed (2) > failureLimit (1): why", 4),
        (every(json!({"failureLimit": -1, "consecutiveSuccessLimit": 2})), "FFFSFSS", Successful, "", 7),
        (
            every(json!({"inconclusiveLimit": 1, "count": 3})),
            "IIS",
            Inconclusive,
            "inconclusive (2) > inconclusiveLimit (1): why",
            2,
        ),
        (
            every(json!({"count": 9})),
            "SEEEESEEEEE",
            Error,
            "consecutiveErrors (5) > consecutiveErrorLimit (4): \"Error Message: why\"",
            11,
        ),
        (every(json!({"consecutiveSuccessLimit": 3})), "SS", Successful, "", 3),
        (
            every(json!({"count": 4, "failureLimit": 2, "consecutiveSuccessLimit": 2})),
            "SFSF",
            Inconclusive,
            "4 measurements were taken, and consecutiveSuccess (0) < consecutiveSuccessLimit (2)",
            4,
        ),
        (
            every(json!({"count": 4, "failureLimit": -1, "consecutiveSuccessLimit": 3})),
            "SFSS",
            Failed,
            "4 measurements were taken, and consecutiveSuccess (2) < consecutiveSuccessLimit (3)",
            4,
        ),
    ] {
        let why = if why.is_empty() { String::new() } else { format!("Metric \"m\" assessed {phase} due to {why}") };
        assert_eq!(ends(&fields, script), (phase, why, taken), "{fields} {script}");
    }
}

#[test]
fn an_interval_goes_from_beginning_to_beginning() {
    let mut world = World::new(&one(&json!({"interval": "5s", "count": 4, "initialDelay": "30s"})), &[]);
    world.takes = SignedDuration::from_millis(200);
    world.go();
    // The start is stored in whole seconds.
    assert_eq!(world.began, [29_700, 34_700, 39_700, 44_700]);
}

#[test]
fn an_interval_of_nothing_is_a_second_and_one_below_is_refused() {
    let mut world = World::new(&one(&json!({"interval": "0s", "count": 3})), &[]);
    world.takes = SignedDuration::from_millis(200);
    world.go();
    assert_eq!(world.began, [0, 1_000, 2_000]);
    let mut world = World::new(&one(&json!({"interval": "-1s", "count": 3})), &[]);
    let (phase, message) = world.go();
    assert_eq!((phase, message.contains("interval: it is negative")), (Phase::Error, true), "{message}");
}

#[test]
fn a_measurement_that_takes_longer_than_its_interval_counts_from_its_end() {
    let mut world = World::new(&one(&json!({"interval": "5s", "count": 3})), &[]);
    world.takes = SignedDuration::from_secs(8);
    world.go();
    assert_eq!(world.began, [0, 12_700, 25_700], "ends are stored in whole seconds");
}

#[test]
fn an_error_is_tried_again_after_ten_seconds_or_when_the_other_side_says() {
    let mut world = World::new(&one(&json!({"interval": "1m", "count": 2})), &[("m", "SES")]);
    world.go();
    assert_eq!(world.began, [0, 60_000, 69_700]);
    let mut world = World::new(&one(&json!({"interval": "1m", "count": 1})), &[("m", "E")]);
    let plan = world.plan(Vec::new());
    world.store(&plan);
    let mut taken = world.take(&plan.tasks);
    taken[0].measurement.resume_at = Some(Time(time::after(START, SignedDuration::from_secs(90))));
    assert_eq!(world.plan(taken).wake_at, Some(time::after(START, SignedDuration::from_secs(90))));
}

fn two() -> Value {
    let metric = |name: &str, count: i32| json!({"name": name, "interval": "10s", "count": count, "provider": {"web": {"url": "http://x"}}});
    json!({"metrics": [metric("a", 3), metric("b", 100)]})
}

#[test]
fn the_first_bad_metric_ends_the_others_and_the_run_says_why() {
    let mut world = World::new(&two(), &[("a", "SF")]);
    let (phase, message) = world.go();
    assert_eq!(
        (phase, message.as_str()),
        (Phase::Failed, "Metric \"a\" assessed Failed due to failed (1) > failureLimit (0): why")
    );
    assert_eq!(world.result("b").phase, "Successful");
    assert_eq!(
        world.events,
        [
            "Metric 'a' Completed. Result: Failed",
            "Metric 'b' Completed. Result: Successful",
            "Analysis Completed. Result: Failed"
        ]
    );
    let status = world.run.status.as_ref().expect("a status");
    let summary = status.run_summary.clone().expect("a summary");
    assert_eq!((summary.count, summary.successful, summary.failed), (2, 1, 1));
    assert_eq!(status.dry_run_summary, None);
}

#[test]
fn a_dry_run_is_measured_and_decides_nothing() {
    let mut spec = two();
    spec["dryRun"] = json!([{"metricName": "^a"}]);
    spec["metrics"][1]["count"] = json!(5);
    let mut world = World::new(&spec, &[("a", "F")]);
    assert_eq!(world.go(), (Phase::Successful, String::new()));
    assert_eq!((world.result("a").phase.as_str(), world.result("a").dry_run), ("Failed", true));
    let status = world.run.status.as_ref().expect("a status");
    let dry = status.dry_run_summary.clone().expect("a summary");
    assert_eq!((dry.count, dry.failed, status.run_summary.clone().expect("a summary").count), (1, 1, 1));
}

#[test]
fn the_newest_measurements_are_kept_as_many_as_asked_for() {
    let mut spec = two();
    spec["metrics"][1]["count"] = json!(30);
    spec["measurementRetention"] = json!([{"metricName": "b", "limit": 20}]);
    let mut world = World::new(&spec, &[]);
    world.script.insert("a".to_owned(), "S");
    world.run.spec.metrics[0].count = Some(serde_json::from_value(json!(15)).expect("a count"));
    world.go();
    assert_eq!((world.result("a").measurements.len(), world.result("a").count), (10, 15));
    assert_eq!((world.result("b").measurements.len(), world.result("b").count), (20, 30));
}

#[test]
fn a_run_that_is_terminated_ends_well_unless_something_was_bad() {
    let mut world = World::new(&two(), &[]);
    let plan = world.plan(Vec::new());
    world.store(&plan);
    world.run.spec.terminate = true;
    assert_eq!(world.go(), (Phase::Successful, "Run Terminated".to_owned()));
    assert_eq!(world.began.len(), 0);
}

#[test]
fn a_measurement_that_goes_on_is_resumed_and_ended_and_counts_once() {
    let mut world = World::new(&one(&json!({"interval": "10s", "count": 2})), &[]);
    let plan = world.plan(Vec::new());
    world.store(&plan);
    let goes_on = of(&plan.tasks[0], Phase::Running, world.now, world.now);
    let plan = world.plan(vec![goes_on.clone()]);
    world.store(&plan);
    assert!(matches!(&plan.tasks[..], [Task { number: 1, turn: Turn::Resume(_), .. }]), "{:?}", plan.tasks);
    assert_eq!((world.result("m").phase.as_str(), plan.wake_at), ("Running", None));

    world.run.spec.terminate = true;
    let plan = world.plan(vec![goes_on]);
    assert!(matches!(&plan.tasks[..], [Task { number: 1, turn: Turn::End(_), .. }]), "{:?}", plan.tasks);
    let ended = of(&plan.tasks[0], Phase::Inconclusive, world.now, world.now);
    let plan = world.plan(vec![ended.clone(), ended]);
    world.store(&plan);
    assert_eq!((world.result("m").count, world.result("m").measurements.len()), (1, 1));
    assert_eq!(plan.status.phase, "Inconclusive");
}

#[test]
fn what_a_measurement_has_come_to_counts_once_however_often_it_is_told() {
    let mut world = World::new(&one(&json!({"interval": "10s", "count": 3})), &[]);
    let plan = world.plan(Vec::new());
    world.store(&plan);
    let taken = world.take(&plan.tasks);
    for _ in 0..3 {
        let plan = world.plan(taken.clone());
        world.store(&plan);
    }
    assert_eq!(world.result("m").count, 1);
}

#[test]
fn a_run_that_makes_no_sense_says_so_and_measures_nothing() {
    let wrong = |change: &dyn Fn(&mut Value)| {
        let mut spec = one(&json!({}));
        change(&mut spec);
        let mut world = World::new(&spec, &[]);
        let (phase, message) = world.go();
        assert_eq!((phase, world.began.len()), (Phase::Error, 0));
        message
    };
    let invalid = "Analysis spec invalid: ";
    assert_eq!(wrong(&|spec| spec["metrics"] = json!([])), format!("{invalid}no metrics specified"));
    assert_eq!(
        wrong(&|spec| spec["metrics"][0]["failureLimit"] = json!(-2)),
        format!("{invalid}metrics[0].failureLimit: failureLimit must be >= 0, or -1 to be disabled")
    );
    assert_eq!(
        wrong(&|spec| spec["dryRun"] = json!([{"metricName": "x"}])),
        format!("{invalid}dryRun[0]: Rule didn't match any metric name(s)")
    );
    assert!(
        wrong(&|spec| spec["measurementRetention"] = json!([{"metricName": "(", "limit": 1}])).starts_with(invalid)
    );
    assert!(wrong(&|spec| spec["metrics"][0]["successCondition"] = json!("result >")).contains("successCondition"));
    assert_eq!(
        wrong(&|spec| spec["metrics"][0]["provider"] = json!({"graphite": {"address": "http://x", "query": "q"}})),
        format!("{invalid}metric \"m\" asks Graphite, which is not supported by this version of Sluice")
    );
    assert_eq!(
        wrong(&|spec| spec["metrics"][0]["interval"] = json!("{{args.every}}")),
        "Unable to resolve metric arguments: failed to resolve {{args.every}}"
    );
    assert!(
        wrong(&|spec| spec["args"] = json!([{"name": "every"}]))
            .starts_with("Unable to resolve metric arguments: args.every")
    );
}

#[test]
fn a_finished_run_is_deleted_when_its_time_is_over() {
    let lives = |ttl: Value, script: &'static str| {
        let mut spec = one(&json!({}));
        spec["ttlStrategy"] = ttl;
        let mut world = World::new(&spec, &[("m", script)]);
        world.go();
        let plan = world.plan(Vec::new());
        assert!(!plan.expired);
        world.now = plan.wake_at?;
        assert!(world.plan(Vec::new()).expired);
        Some(world.now.duration_since(time::floor_to_second(START)).as_secs())
    };
    let all = json!({"secondsAfterCompletion": 10, "secondsAfterFailure": 20, "secondsAfterSuccess": 30});
    assert_eq!(lives(all.clone(), "S"), Some(30));
    assert_eq!(lives(all.clone(), "F"), Some(20));
    assert_eq!(lives(all, "I"), Some(10));
    assert_eq!(lives(json!({"secondsAfterFailure": 20}), "S"), None);
}
