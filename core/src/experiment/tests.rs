//! Experiments in a small world of their own.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use serde_json::{Value, json};

use super::*;
use crate::analysis::Phase;
use crate::api::{AnalysisRunStatus, Experiment, ReplicaSet, ReplicaSetStatus};
use crate::effect::{Child, ChildWrite, Effect, Target};
use crate::sight::Sight;
use crate::snapshot::{Analyses, Service};
use crate::time;

const START: Timestamp = Timestamp::constant(1_000_000, 300_000_000);

/// An experiment and what it owns. Its pods become available at once, unless they are `stuck`.
struct World {
    s: ExperimentSnapshot,
    stuck: bool,
    log: Vec<String>,
}

impl World {
    fn new(spec: &Value) -> World {
        let spec = serde_json::from_value(spec.clone()).expect("a spec");
        let mut experiment = Experiment::new("exp", spec);
        experiment.metadata.uid = Some("exp-uid".into());
        experiment.metadata.namespace = Some("shop".into());
        let template = json!({
            "metrics": [{"name": "rate", "provider": {"web": {"url": "http://x/{{args.hash}}"}}}],
            "args": [{"name": "hash"}],
        });
        let mut analyses = Analyses::default();
        let template = Sight::Found(Box::new(serde_json::from_value(template).expect("a template")));
        analyses.templates.0.insert((false, "rate".to_owned()), template);
        let s = ExperimentSnapshot {
            now: START,
            experiment,
            replica_sets: Vec::new(),
            services: Vec::new(),
            analyses,
            refusals: Vec::new(),
            is_routed: false,
        };
        World { s, stuck: false, log: Vec::new() }
    }

    /// Passes until nothing changes any more.
    fn settle(&mut self) -> ExperimentPlan {
        for _ in 0..50 {
            let plan = plan(&self.s);
            let quiet = plan.effects.is_empty() && self.s.experiment.status.as_ref() == Some(&plan.status);
            for planned in &plan.effects {
                self.log.push(planned.effect.key().to_string());
                self.execute(&planned.effect);
            }
            self.s.experiment.status = Some(plan.status.clone());
            self.run_pods();
            if quiet {
                return plan;
            }
        }
        panic!("does not settle: {:#?}", self.s.experiment.status);
    }

    fn pass_time(&mut self, seconds: i64) -> ExperimentPlan {
        self.s.now = time::after(self.s.now, SignedDuration::from_secs(seconds));
        self.settle()
    }

    fn execute(&mut self, effect: &Effect) {
        match effect {
            Effect::CreateReplicaSet(rs) => {
                let mut rs = (**rs).clone();
                rs.metadata.uid = Some(format!("uid-{}", rs.name()));
                self.s.replica_sets.push(rs);
            }
            Effect::PatchReplicaSet(patch) => {
                let rs = self.s.replica_sets.iter_mut().find(|rs| rs.uid() == patch.target.uid).expect("it is there");
                rs.spec.replicas = patch.replicas.as_ref().map(|change| change.to);
            }
            Effect::CreateService(service) => {
                let text = |pointer: &str| service.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
                self.s.services.push(Service {
                    target: Target {
                        name: text("/metadata/name").expect("a name"),
                        uid: "service-uid".into(),
                        resource_version: "1".into(),
                    },
                    selector: crate::selector::texts(service, "/spec/selector"),
                    managed_by: None,
                    has_annotations: true,
                    controller: text("/metadata/ownerReferences/0/uid"),
                    endpoints: None,
                });
            }
            Effect::DeleteService(target) => self.s.services.retain(|service| service.target != *target),
            Effect::Child(ChildWrite::Create(child)) => {
                let Child::AnalysisRun(run) = (**child).clone() else { panic!("{child:?}") };
                self.s.analyses.runs.push(run);
            }
            Effect::Child(ChildWrite::Terminate(_, target)) => {
                let mut runs = self.s.analyses.runs.iter_mut();
                let run = runs.find(|run| run.metadata.name.as_deref() == Some(&target.name)).expect("it is there");
                run.spec.terminate = true;
            }
            other => panic!("{other:?}"),
        }
    }

    fn run_pods(&mut self) {
        for rs in &mut self.s.replica_sets {
            let pods = rs.wanted();
            let available_replicas = if self.stuck { 0 } else { pods };
            rs.status = Some(ReplicaSetStatus { replicas: pods, available_replicas, ..ReplicaSetStatus::default() });
        }
    }

    fn measured(&mut self, analysis: &str, phase: Phase, message: &str) {
        let name = format!("exp-{analysis}");
        let mut runs = self.s.analyses.runs.iter_mut();
        let run = runs.find(|run| run.metadata.name.as_deref() == Some(&name)).expect("it is there");
        let (phase, message) = (phase.as_str().to_owned(), message.to_owned());
        run.status = Some(AnalysisRunStatus { phase, message, ..AnalysisRunStatus::default() });
        self.settle();
    }

    fn phase(&self) -> (&str, &str) {
        let status = self.s.experiment.status.as_ref().expect("a status");
        (&status.phase, &status.message)
    }

    fn sizes(&self) -> Vec<(&str, i32)> {
        self.s.replica_sets.iter().map(|rs| (rs.name(), rs.wanted())).collect()
    }
}

fn template(name: &str, more: &Value) -> Value {
    let container =
        json!({"name": "web", "image": format!("web:{name}"), "ports": [{"containerPort": 8080, "name": "http"}]});
    let pods = json!({"metadata": {"labels": {"app": "web", "rollouts-pod-template-hash": "old"}}, "spec": {"containers": [container]}});
    let mut template = json!({
        "name": name, "template": pods,
        "selector": {"matchLabels": {"app": "web", "rollouts-pod-template-hash": "old"}},
    });
    template.as_object_mut().expect("fields").extend(more.as_object().expect("fields").clone());
    template
}

fn two(more: &Value) -> Value {
    let mut spec = json!({"templates": [template("a", &json!({"replicas": 2})), template("b", &json!({}))]});
    spec.as_object_mut().expect("fields").extend(more.as_object().expect("fields").clone());
    spec
}

#[test]
fn its_pods_run_for_its_duration_and_go_after_their_delay() {
    let mut world = World::new(&two(&json!({"duration": "5m"})));
    let plan = world.settle();
    assert_eq!((world.phase(), world.sizes()), (("Running", ""), vec![("exp-a", 2), ("exp-b", 1)]));
    // The second in which it began counts as a whole.
    assert_eq!(plan.wake_at, Some(Timestamp::constant(1_000_301, 0)));
    world.pass_time(299);
    assert_eq!(world.phase().0, "Running");
    world.pass_time(2);
    assert_eq!((world.phase(), world.sizes()), (("Successful", ""), vec![("exp-a", 2), ("exp-b", 1)]));
    world.pass_time(29);
    assert_eq!(world.sizes(), [("exp-a", 2), ("exp-b", 1)]);
    world.pass_time(3);
    assert_eq!(world.sizes(), [("exp-a", 0), ("exp-b", 0)]);
}

#[test]
fn its_pods_are_nobody_elses() {
    let mut world = World::new(&two(&json!({})));
    world.settle();
    let [a, b] = &world.s.replica_sets[..] else { panic!("two ReplicaSets") };
    let hash = |rs: &ReplicaSet| rs.hash().expect("a hash").to_string();
    assert!(hash(a) != hash(b) && hash(a) != "old");
    assert_eq!(a.spec.template["metadata"]["labels"]["rollouts-pod-template-hash"], hash(a));
    assert_eq!(a.spec.selector.match_labels.as_ref().expect("labels")["rollouts-pod-template-hash"], hash(a));
    assert_eq!(a.metadata.annotations.as_ref().expect("annotations")["experiment.argoproj.io/template-name"], "a");
    assert_eq!(a.controller_uid(), Some("exp-uid"));
    let status = world.s.experiment.status.clone().expect("a status");
    assert_eq!(status.template_statuses[0].pod_template_hash, hash(a));
}

#[test]
fn pods_that_never_come_fail_it_after_its_deadline() {
    let mut world = World::new(&two(&json!({"progressDeadlineSeconds": 60})));
    world.stuck = true;
    world.settle();
    assert_eq!(world.phase().0, "Pending");
    world.pass_time(59);
    assert_eq!(world.phase().0, "Pending");
    world.pass_time(3);
    let message = "Template 'a' is Failed: ReplicaSet \"exp-a\" has timed out progressing.";
    assert_eq!(world.phase(), ("Failed", message));
    world.pass_time(60);
    assert_eq!(world.sizes(), [("exp-a", 0), ("exp-b", 0)]);
}

fn analysed(required: bool) -> Value {
    let args = json!([{"name": "hash", "value": "{{templates.a.podTemplateHash}} of {{templates.b.replicaset.name}}"}]);
    let analysis = json!({"name": "rate", "templateName": "rate", "requiredForCompletion": required, "args": args});
    two(&json!({"duration": "5m", "analyses": [analysis]}))
}

#[test]
fn analyses_begin_once_all_pods_are_available_and_know_them() {
    let mut world = World::new(&analysed(false));
    world.stuck = true;
    world.settle();
    assert!(world.s.analyses.runs.is_empty());
    world.stuck = false;
    world.settle();
    world.settle();
    let hash = world.s.replica_sets[0].hash().expect("a hash").to_string();
    let run = &world.s.analyses.runs[0];
    assert_eq!(run.metadata.name.as_deref(), Some("exp-rate"));
    assert_eq!(run.spec.args[0].value, Some(format!("{hash} of exp-b")));
}

#[test]
fn an_analysis_that_ends_badly_ends_it() {
    for phase in [Phase::Failed, Phase::Error, Phase::Inconclusive] {
        let mut world = World::new(&analysed(false));
        world.settle();
        world.measured("rate", phase, "why");
        let message = format!("Analysis 'rate' is {phase}: why");
        assert_eq!(world.phase(), (phase.as_str(), message.as_str()));
    }
}

#[test]
fn a_required_analysis_ends_it_and_its_time_does_not() {
    let mut world = World::new(&analysed(true));
    world.settle();
    world.pass_time(600);
    assert_eq!(world.phase().0, "Running");
    world.measured("rate", Phase::Successful, "");
    assert_eq!(world.phase(), ("Successful", "Required AnalysisRuns completed"));
}

#[test]
fn its_time_ends_an_analysis_that_is_not_required() {
    let mut world = World::new(&analysed(false));
    world.settle();
    world.measured("rate", Phase::Running, "");
    world.pass_time(301);
    assert_eq!(world.phase().0, "Successful");
    assert!(world.s.analyses.runs[0].spec.terminate);
}

#[test]
fn whoever_terminates_it_has_everything_ended() {
    let mut world = World::new(&analysed(true));
    world.settle();
    world.s.experiment.spec.terminate = true;
    world.settle();
    assert_eq!(world.phase().0, "Successful");
    assert!(world.s.analyses.runs[0].spec.terminate);
    world.pass_time(31);
    assert_eq!(world.sizes(), [("exp-a", 0), ("exp-b", 0)]);
}

#[test]
fn a_service_stands_before_its_pods_as_long_as_they_run() {
    let mut world = World::new(&json!({"duration": "1m", "templates": [template("a", &json!({"service": {}}))]}));
    world.settle();
    let service = &world.s.services[0];
    assert_eq!((service.target.name.as_str(), service.controller.as_deref()), ("exp-a", Some("exp-uid")));
    assert_eq!(
        service.selector["rollouts-pod-template-hash"],
        world.s.replica_sets[0].hash().expect("a hash").as_str()
    );
    world.pass_time(62);
    assert_eq!((world.phase().0, world.s.services.len()), ("Successful", 1));
    world.pass_time(31);
    assert_eq!((world.sizes(), world.s.services.len()), (vec![("exp-a", 0)], 0));
}

#[test]
fn pods_stay_while_routers_may_send_requests_there() {
    let mut world = World::new(&two(&json!({"duration": "1m", "scaleDownDelaySeconds": 0})));
    world.settle();
    world.s.is_routed = true;
    world.pass_time(62);
    assert_eq!((world.phase().0, world.sizes()), ("Successful", vec![("exp-a", 2), ("exp-b", 1)]));
    world.s.is_routed = false;
    world.pass_time(1);
    assert_eq!(world.sizes(), [("exp-a", 0), ("exp-b", 0)]);
}

#[test]
fn what_cannot_run_says_so() {
    let fails = |spec: &Value, services: Vec<Service>| {
        let mut world = World::new(spec);
        world.s.services = services;
        world.settle();
        let (phase, message) = world.phase();
        (phase.to_owned(), message.to_owned())
    };
    let empty = fails(&json!({"templates": []}), Vec::new());
    assert_eq!(empty.0, "Failed");
    assert!(empty.1.starts_with("Experiment spec invalid: spec.templates: "), "{}", empty.1);
    let mut portless = template("a", &json!({"service": {}}));
    portless["template"]["spec"]["containers"][0]["ports"] = json!([]);
    let why = "Template 'a' is Error: Service \"exp-a\" has no port: no container of the template names one";
    assert_eq!(fails(&json!({"templates": [portless]}), Vec::new()), ("Error".to_owned(), why.to_owned()));
    let other = Service {
        target: Target::of(&ObjectMeta { name: Some("taken".into()), ..ObjectMeta::default() }),
        selector: [].into(),
        managed_by: None,
        has_annotations: false,
        controller: None,
        endpoints: None,
    };
    let why = "Template 'a' is Error: Service \"taken\" exists and belongs to somebody else";
    let named = json!({"templates": [template("a", &json!({"service": {"name": "taken"}}))]});
    assert_eq!(fails(&named, vec![other]), ("Error".to_owned(), why.to_owned()));
}

#[test]
fn a_template_that_is_missing_is_waited_for() {
    let mut world = World::new(&analysed(false));
    let templates = std::mem::take(&mut world.s.analyses.templates);
    world.settle();
    let message = "Analysis 'rate' cannot begin: AnalysisTemplate 'rate' not found";
    assert_eq!(world.phase(), ("Running", message));
    world.pass_time(3600);
    assert_eq!(world.phase(), ("Running", message), "what has measured nothing has proven nothing");
    world.s.analyses.templates = templates;
    world.settle();
    assert_eq!(world.s.analyses.runs.len(), 1);
}

#[test]
fn nothing_happens_to_one_that_is_deleted() {
    let mut world = World::new(&two(&json!({})));
    world.s.experiment.metadata.deletion_timestamp = Some(Time(START));
    assert!(plan(&world.s).effects.is_empty());
}
