//! Rollouts with experiments as steps.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::{Value, json};
use sluice_core::analysis::Phase;
use sluice_core::api::{Experiment, ExperimentStatus, TemplateStatus};
use sluice_core::effect::Target;
use sluice_core::traffic::Destination;

use crate::world::{World, rollout, routed};

/// Creates an experiment.
pub fn create(world: &mut World, mut made: Experiment) {
    let name = made.metadata.name.clone();
    assert!(world.experiments.iter().all(|known| known.metadata.name != name), "{name:?} is created once");
    world.serial += 1;
    made.metadata.uid = Some(format!("uid-{}", world.serial));
    made.metadata.creation_timestamp = Some(Time(world.now));
    world.experiments.push(made);
}

/// Asks one to end.
pub fn terminate(world: &mut World, target: &Target) {
    let mut all = world.experiments.iter_mut();
    let one = all.find(|experiment| experiment.metadata.uid.as_deref() == Some(&target.uid));
    one.expect("the experiment is there").spec.terminate = true;
}

/// A share is in the status before a router is told of it: whoever looks after a restart keeps the pods that may get requests.
pub fn assert_stored(world: &World, additional: &[(Destination, i32)]) {
    let canary = world.rollout.status.as_ref().and_then(|status| status.canary.as_ref());
    let stored = canary.and_then(|canary| canary.weights.as_ref()).map_or(&[][..], |weights| &weights.additional);
    for (to, _) in additional {
        let is_stored = stored.iter().any(|share| share.pod_template_hash == to.hash);
        assert!(is_stored, "a router is told to send requests to {}, of which the status says nothing", to.hash);
    }
}

impl World {
    /// The names of the experiments, `!` before those that were asked to end.
    fn tried(&self) -> Vec<String> {
        let hash = |name: &str| name.replace(&self.status().current_pod_hash, "HASH");
        let told = |it: &Experiment| {
            format!(
                "{}{}",
                if it.spec.terminate { "!" } else { "" },
                hash(it.metadata.name.as_deref().expect("a name"))
            )
        };
        self.experiments.iter().map(told).collect()
    }

    /// The last experiment comes to a phase.
    fn comes_to(&mut self, phase: Phase, message: &str) {
        let experiment = self.experiments.last_mut().expect("an experiment");
        let templates = experiment.spec.templates.iter().map(|template| TemplateStatus {
            name: template.name.clone(),
            status: "Running".to_owned(),
            service_name: template.service.as_ref().map_or(String::new(), |_| format!("exp-{}", template.name)),
            pod_template_hash: format!("hash-{}", template.name),
            ..TemplateStatus::default()
        });
        experiment.status = Some(ExperimentStatus {
            phase: phase.as_str().to_owned(),
            message: message.to_owned(),
            template_statuses: templates.collect(),
            ..ExperimentStatus::default()
        });
        self.settle();
    }
}

fn side_by_side() -> Value {
    json!({
        "duration": "5m",
        "templates": [
            {"name": "baseline", "specRef": "stable", "replicas": 2},
            {"name": "canary", "specRef": "canary", "metadata": {"labels": {"tried": "yes"}}, "service": {"name": "tried"}},
        ],
        "analyses": [{
            "name": "compare", "templateName": "rate", "requiredForCompletion": true,
            "args": [{"name": "old", "valueFrom": {"podTemplateHashValue": "Stable"}}, {"name": "new", "value": "{{templates.canary.podTemplateHash}}"}],
        }],
    })
}

fn at_experiment() -> World {
    let steps = json!([{"setWeight": 50}, {"experiment": side_by_side()}, {"pause": {}}]);
    let mut world = rollout(2, &json!({"steps": steps})).deployed();
    world.set_image("web:2");
    world.settle();
    world
}

#[test]
fn a_step_waits_for_its_experiment_and_goes_on_when_it_is_successful() {
    let mut world = at_experiment();
    assert_eq!((world.tried(), world.status().current_step_index), (vec!["web-HASH-2-1".to_owned()], Some(1)));
    let name = world.experiments[0].metadata.name.clone().expect("a name");
    assert_eq!(world.status().canary.clone().expect("canary").current_experiment, name);
    assert_eq!(world.waits_for().0, format!("Experiment/{name}"));
    world.comes_to(Phase::Running, "");
    assert_eq!(world.status().current_step_index, Some(1));
    world.comes_to(Phase::Successful, "");
    assert_eq!((world.status().current_step_index, world.phase()), (Some(2), ("Paused", "CanaryPauseStep")));
    assert_eq!(world.status().canary.clone().expect("canary").current_experiment, "");
    assert!(world.reasons().contains(&"ExperimentCreated"));
}

#[test]
fn an_experiment_runs_the_pods_of_both_revisions() {
    let world = at_experiment();
    let spec = &world.experiments[0].spec;
    let [baseline, canary] = &spec.templates[..] else { panic!("two templates") };
    let image = |template: &Value| template["spec"]["containers"][0]["image"].clone();
    assert_eq!((image(&baseline.template), image(&canary.template)), (json!("web:1"), json!("web:2")));
    assert_eq!((baseline.replicas, canary.replicas), (Some(2), None));
    assert_eq!(canary.template["metadata"]["labels"]["tried"], "yes");
    assert!(baseline.service.is_none());
    assert_eq!(canary.service.clone().and_then(|service| service.name).as_deref(), Some("tried"));
    let args: Vec<_> = spec.analyses[0].args.iter().map(|arg| arg.value.clone().expect("a value")).collect();
    assert_eq!(args, [world.status().stable_rs.clone(), "{{templates.canary.podTemplateHash}}".to_owned()]);
    assert!(spec.analyses[0].required_for_completion);
    assert_eq!(world.experiments[0].metadata.owner_references.clone().expect("owners")[0].uid, "rollout-uid");
}

#[test]
fn an_experiment_that_fails_aborts_the_update_with_its_reason() {
    let mut world = at_experiment();
    world.comes_to(Phase::Failed, "Analysis 'compare' is Failed");
    let why = "RolloutAborted: Rollout aborted update to revision 2: Experiment analysis phase is error/failed: Analysis 'compare' is Failed";
    assert_eq!(world.phase(), ("Degraded", why));
    assert_eq!((world.size("web:1"), world.size("web:2")), (2, 0));
    world.patch_status(|status| status.abort = false);
    world.settle();
    assert_eq!(world.tried(), ["web-HASH-2-1", "web-HASH-2-1-1"]);
}

#[test]
fn an_inconclusive_experiment_pauses_until_a_person_has_it_made_again() {
    let mut world = at_experiment();
    world.comes_to(Phase::Inconclusive, "neither");
    assert_eq!(world.phase(), ("Paused", "InconclusiveExperiment"));
    world.resume();
    assert_eq!(world.tried(), ["web-HASH-2-1", "web-HASH-2-1-1"]);
}

#[test]
fn an_abort_a_promotion_and_a_newer_version_end_experiments() {
    let act: [fn(&mut World); 4] = [
        |world| world.patch_status(|status| status.abort = true),
        |world| world.patch_status(|status| status.promote_full = true),
        |world| world.patch_status(|status| status.current_step_index = Some(2)),
        |world| world.set_image("web:3"),
    ];
    for act in act {
        let mut world = at_experiment();
        world.comes_to(Phase::Running, "");
        act(&mut world);
        world.settle();
        assert!(world.experiments[0].spec.terminate);
    }
}

/// A routed update at an experiment whose canary pods get 10 % of the traffic.
fn with_weight() -> World {
    let experiment = json!({"templates": [{"name": "canary", "specRef": "canary", "weight": 10}]});
    let mut world =
        routed(10, json!({"steps": [{"setWeight": 20}, {"experiment": experiment}, {"pause": {}}]})).deployed();
    world.set_image("web:2");
    world.settle();
    world
}

#[test]
pub fn an_experiment_gets_its_share_of_the_traffic_while_it_runs() {
    let mut world = with_weight().with_service("exp-canary");
    world.comes_to(Phase::Pending, "");
    let weights = |world: &World| world.status().canary.clone().expect("canary").weights.expect("weights");
    assert!(weights(&world).additional.is_empty());
    world.comes_to(Phase::Running, "");
    let now = weights(&world);
    assert_eq!((now.canary.weight, now.stable.weight), (20, 70));
    let share = &now.additional[0];
    assert_eq!(
        (share.weight, share.service_name.as_str(), share.pod_template_hash.as_str()),
        (10, "exp-canary", "hash-canary")
    );
    world.comes_to(Phase::Successful, "");
    let now = weights(&world);
    assert_eq!((now.canary.weight, now.stable.weight, now.additional.len()), (20, 80, 0));
}

#[test]
fn a_share_stays_in_the_status_until_the_data_plane_has_taken_it_back() {
    let mut world = with_weight().with_service("exp-canary");
    world.comes_to(Phase::Running, "");
    world.deaf = true;
    world.comes_to(Phase::Successful, "");
    let additional =
        |world: &World| world.status().canary.clone().expect("canary").weights.expect("weights").additional.len();
    assert_eq!(additional(&world), 1, "requests may still go there");
    world.deaf = false;
    world.pass_time(5);
    assert_eq!(additional(&world), 0);
}
