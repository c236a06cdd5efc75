//! What the stories have in common: their namespace, the template, the versions, and the load.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use sluice_core::api::{AnalysisRun, Rollout};
use tokio::time::Instant;

use crate::load::Load;
use crate::prometheus::Prometheus;
use crate::real::Real;
use crate::report::Report;
use crate::scenario::{Scenario, Subject, strategy, with};

/// The first version and the next one.
pub const OLD: &str = "web:1";
pub const NEW: &str = "web:2";
/// Pods of a version that has all the traffic.
pub const PODS: i32 = 2;
/// Percentage of errors in the answers of a bad version.
const BAD: &str = "30";
/// So many answers in a row say who answers.
const ENOUGH: usize = 100;
/// The condition of the template.
const GOOD_ENOUGH: &str = "result[0] >= 0.95";

/// One story, told in a namespace of its own.
pub struct Story {
    pub s: Scenario,
    name: String,
    begun: Instant,
    marks: Vec<(Duration, String)>,
    loads: Vec<Load>,
    /// The manifest's generation at the last time that somebody touched it.
    touched: Option<i64>,
}

/// The analysis of a Rollout: the success rate of the new version, five times, by what its pods have counted.
pub fn analysis() -> Value {
    let field = json!({ "fieldRef": { "fieldPath": "metadata.namespace" } });
    json!({
        "templates": [{ "templateName": "success-rate" }],
        "args": [
            { "name": "namespace", "valueFrom": field },
            { "name": "hash", "valueFrom": { "podTemplateHashValue": "Latest" } },
        ],
    })
}

fn template(prometheus: &str) -> Value {
    let requests = r#"http_requests_total{namespace="{{args.namespace}}",hash="{{args.hash}}""#;
    // Where nothing was asked there is no number, and that is no success.
    let query = format!("sum(rate({requests},code!~\"5..\"}}[5s])) / (sum(rate({requests}}}[5s])) > 0)");
    let metric = json!({
        "name": "success-rate",
        // Until requests are counted.
        "initialDelay": "8s",
        "interval": "2s",
        "count": 5,
        "failureLimit": 0,
        "successCondition": GOOD_ENOUGH,
        "provider": { "prometheus": { "address": "{{args.prometheus}}", "query": query } },
    });
    let args = json!([{ "name": "namespace" }, { "name": "hash" }, { "name": "prometheus", "value": prometheus }]);
    json!({ "args": args, "metrics": [metric] })
}

/// A Rollout whose pods serve for two seconds after their deletion.
pub fn manifest(how: Value) -> Value {
    let manifest = strategy(PODS, how);
    let manifest = with(manifest, "/spec/template/metadata/annotations", annotations("0"));
    with(manifest, "/spec/template/spec/containers", json!([container(OLD)]))
}

fn annotations(errors: &str) -> Value {
    json!({ "node.sluice.dev/termination-delay": "2s", "node.sluice.dev/error-rate": errors })
}

fn container(image: &str) -> Value {
    json!({ "name": "web", "image": image, "ports": [{ "containerPort": 80 }] })
}

/// Values, as the status of a run shows them.
fn measured(run: &AnalysisRun) -> Vec<String> {
    let results = run.status.iter().flat_map(|status| &status.metric_results);
    let measurements = results.flat_map(|result| &result.measurements);
    measurements.map(|measurement| measurement.value.clone()).filter(|value| !value.is_empty()).collect()
}

impl Story {
    pub async fn begin(name: &str) -> Story {
        let s = Scenario::begin(Arc::new(Real::connect().await), name).await;
        let prometheus = Prometheus::get(&s).await;
        s.template("success-rate", template(&prometheus.url)).await;
        let name = name.replace('_', " ");
        Story { s, name, begun: Instant::now(), marks: Vec::new(), loads: Vec::new(), touched: None }
    }

    /// Deploys the first version behind these Services, and asks each of them from now on.
    pub async fn deploy(&mut self, services: &[&'static str], how: Value) -> Subject {
        self.s.serve(services).await;
        let web = self.s.deploy(manifest(how)).await;
        self.begun = Instant::now();
        self.loads = services.iter().map(|service| Load::start(&self.s, service)).collect();
        for service in services {
            self.until_answers_come_from(service, OLD).await;
        }
        web
    }

    /// Sets the new version. From here on nobody touches anything.
    pub async fn update(&mut self, web: &Subject, is_good: bool) {
        let metadata = json!({ "annotations": annotations(if is_good { "0" } else { BAD }) });
        let template = json!({ "metadata": metadata, "spec": { "containers": [container(NEW)] } });
        web.edit(json!({ "spec": { "template": template } })).await;
        self.touched = web.get().await.metadata.generation;
        self.mark(&format!("{NEW} was set, {}", if is_good { "which is good" } else { "which is bad" }));
    }

    /// Says what happened now.
    pub fn mark(&mut self, what: &str) {
        self.marks.push((self.begun.elapsed(), what.to_owned()));
    }

    /// Waits until all answers of a Service are those of one version, and no errors.
    pub async fn until_answers_come_from(&self, service: &str, image: &str) {
        let load = self.loads.iter().find(|load| load.service == service).expect("a load");
        let from = load.answers().len();
        self.s
            .eventually(&format!("{service} answers with {image}"), async || {
                let answers = load.answers();
                let last = answers[from..].iter().rev().take(ENOUGH);
                let good = last.filter(|answer| matches!(answer, Ok((by, 200)) if by == image)).count();
                if good == ENOUGH { Ok(()) } else { Err(format!("{good} of {ENOUGH}")) }
            })
            .await;
    }

    /// Waits until the update has promoted itself.
    pub async fn until_promoted(&mut self, web: &Subject) {
        let run = self.s.until_ended("Successful").await;
        let values = measured(&run);
        assert_eq!(values.len(), 5);
        self.mark(&format!("measured {}", values.join(", ")));
        let rollout = web.until_healthy().await;
        self.decided(&rollout, "promoted");
        web.until_sizes((OLD, 0), (NEW, PODS)).await;
    }

    /// Waits until the update has aborted itself, and checks that its message says why.
    pub async fn until_aborted(&mut self, web: &Subject, of: &str) {
        let run = self.s.until_ended("Failed").await;
        let rollout = web.until_aborted().await;
        let message = &rollout.status().message;
        self.decided(&rollout, &format!("aborted: {message}"));
        let why = format!(
            "RolloutAborted: Rollout aborted update to revision 2: {of} phase error/failed: Metric \"success-rate\" assessed \
             Failed due to failed (1) > failureLimit (0): successCondition \"{GOOD_ENOUGH}\" is false; result is [0."
        );
        assert!(message.starts_with(&why), "{message}");
        let values = measured(&run);
        let value = values.last().expect("a measurement");
        assert!(message.contains(&format!("result is {value}")), "{message} does not name {value}");
        let value: f64 = value.trim_matches(['[', ']']).parse().expect("a number");
        // A window of five seconds does not begin and end with the errors' rhythm.
        assert!((0.6..0.8).contains(&value), "of a version with {BAD} % errors: {value}");
        web.until_sizes((OLD, PODS), (NEW, 0)).await;
    }

    fn decided(&mut self, rollout: &Rollout, what: &str) {
        assert_eq!(rollout.metadata.generation, self.touched, "somebody has touched the Rollout");
        self.mark(what);
    }

    /// Ends the load and prints the report.
    pub fn end(self) -> Report {
        let answers = self.loads.into_iter().map(|load| (load.service, load.stop())).collect();
        let report = Report { title: self.name, marks: self.marks, answers };
        println!("{report}");
        report
    }
}
