//! A Rollout that takes its template from another workload, without a cluster.

use serde_json::{Value, json};
use sluice_core::api::{ReplicaSet, labels};
use sluice_core::effect::{Target, WorkloadScale};
use sluice_core::sight::Sight;
use sluice_core::status::phase;
use sluice_core::workload::{Workload, WorkloadKind};

use crate::pods::report;
use crate::world::{World, blue_green, rollout, world};

/// A Deployment `web` of this size, as an API server returns it.
fn deployment(replicas: i32) -> Workload {
    Workload {
        kind: WorkloadKind::Deployment,
        target: Target { name: "web".into(), uid: "deployment-uid".into(), resource_version: "1".into() },
        generation: 1,
        template: json!({
            "metadata": {"labels": {"app": "web"}, "creationTimestamp": null},
            "spec": {
                "containers": [{"name": "web", "image": "web:1", "terminationMessagePath": "/dev/termination-log", "imagePullPolicy": "IfNotPresent"}],
                "restartPolicy": "Always", "dnsPolicy": "ClusterFirst",
            },
        }),
        selector: serde_json::from_value(json!({"matchLabels": {"app": "web"}})).expect("a selector"),
        replicas,
    }
}

fn refer(mut world: World, kind: &str, scale_down: &str) -> World {
    let version = if kind == "PodTemplate" { "v1" } else { "apps/v1" };
    world.edit("/spec/template", Value::Null);
    world.edit("/spec/selector", Value::Null);
    let reference = json!({"apiVersion": version, "kind": kind, "name": "web", "scaleDown": scale_down});
    world.edit("/spec/workloadRef", reference);
    world
}

/// A Rollout of a Deployment that has this size.
pub fn referring(replicas: i32, strategy: &Value, scale_down: &str, of: i32) -> World {
    let mut world = refer(world(replicas, strategy), "Deployment", scale_down);
    world.workload = Sight::Found(Box::new(deployment(of)));
    world
}

fn canary(replicas: i32, scale_down: &str, of: i32) -> World {
    referring(replicas, &json!({"canary": {"steps": [{"setWeight": 50}, {"pause": {}}]}}), scale_down, of)
}

pub fn scale(workload: &mut Sight<Box<Workload>>, scale: &WorkloadScale) {
    let workload = found(workload);
    assert_eq!((workload.replicas, &workload.target), (scale.replicas.from, &scale.target), "the precondition holds");
    workload.replicas = scale.replicas.to;
    workload.generation += 1;
}

pub fn set_image(workload: &mut Workload, image: &str) {
    workload.template["spec"]["containers"][0]["image"] = json!(image);
    workload.generation += 1;
}

/// Somebody else wants pods of the Deployment.
pub fn scale_up(workload: &mut Sight<Box<Workload>>) {
    if let Sight::Found(workload) = workload {
        workload.replicas = 2;
        workload.generation += 1;
    }
}

fn found(workload: &mut Sight<Box<Workload>>) -> &mut Workload {
    let Sight::Found(workload) = workload else { panic!("a workload") };
    workload
}

/// The Deployment's size; 0 where there is none.
pub fn size(workload: &Sight<Box<Workload>>) -> i32 {
    if let Sight::Found(workload) = workload { workload.replicas } else { 0 }
}

/// Of each ReplicaSet, one pod more becomes available. Says whether there was one.
fn one_more_pod(world: &mut World) -> bool {
    let mut came = false;
    for rs in &mut world.replica_sets {
        let available = rs.wanted().min(rs.observed().available_replicas + 1);
        came |= available > rs.observed().available_replicas;
        report(rs, available);
    }
    came
}

fn available(world: &World) -> i32 {
    world.replica_sets.iter().map(|rs| rs.observed().available_replicas).sum()
}

/// Takes over pod by pod, and returns the sizes that the Deployment had on the way.
fn take_over(world: &mut World, least: i32) -> Vec<i32> {
    let mut sizes = vec![size(&world.workload)];
    for _ in 0..40 {
        world.pass();
        let now = size(&world.workload);
        assert!(now + available(world) >= least, "{now} and {}", available(world));
        if sizes.last() != Some(&now) {
            sizes.push(now);
        }
        one_more_pod(world);
    }
    world.settle();
    assert_eq!(world.phase(), ("Healthy", ""));
    sizes
}

#[test]
fn a_deployment_goes_pod_by_pod_as_those_of_the_rollout_come() {
    let mut world = canary(3, "progressively", 3);
    assert_eq!(take_over(&mut world, 3), [3, 2, 1, 0]);
    let mut told = world.events.iter().filter(|event| event.starts_with("ScalingDeployment"));
    assert_eq!(told.next_back().map(String::as_str), Some("ScalingDeployment: Scaled down Deployment web from 1 to 0"));
}

#[test]
fn a_deployment_goes_at_once_when_the_rollout_serves() {
    assert_eq!(take_over(&mut canary(3, "onsuccess", 5), 3), [5, 0]);
    assert_eq!(take_over(&mut canary(3, "never", 5), 3), [5]);
    assert_eq!(take_over(&mut canary(3, "", 5), 3), [5]);
}

#[test]
fn a_deployment_never_grows() {
    assert_eq!(take_over(&mut canary(4, "progressively", 1), 1), [1, 0]);
    assert_eq!(take_over(&mut canary(4, "progressively", 0), 0), [0]);
}

#[test]
fn nothing_goes_as_long_as_no_pod_replaces_it() {
    for scale_down in ["progressively", "onsuccess"] {
        let mut world = canary(2, scale_down, 5);
        world.break_image("web:1");
        world.settle();
        assert_eq!(size(&world.workload), 5, "{scale_down}");
        let mut world = canary(0, scale_down, 5);
        world.settle();
        assert_eq!(size(&world.workload), 5, "{scale_down}, none asked for");
    }
}

#[test]
fn blue_green_takes_over_when_the_traffic_is_there() {
    let mut world = refer(blue_green(3, json!({"autoPromotionEnabled": false})), "Deployment", "progressively");
    world.workload = Sight::Found(Box::new(deployment(3)));
    assert_eq!(take_over(&mut world, 3).last(), Some(&0));
    world.set_image("web:2");
    world.settle();
    found(&mut world.workload).replicas = 2;
    world.settle();
    assert_eq!((world.phase().0, size(&world.workload)), ("Paused", 0), "the old version still serves");
}

#[test]
fn a_deployment_that_is_scaled_up_again_is_scaled_down_again_in_the_middle_of_an_update_too() {
    for scale_down in ["progressively", "onsuccess"] {
        let mut world = canary(4, scale_down, 4);
        world.settle();
        found(&mut world.workload).replicas = 4;
        world.settle();
        assert_eq!(size(&world.workload), 0, "{scale_down}, at rest");
        world.set_image("web:2");
        found(&mut world.workload).replicas = 4;
        world.settle();
        assert_eq!((world.phase(), size(&world.workload)), (("Paused", "CanaryPauseStep"), 0), "{scale_down}");
    }
}

#[test]
fn a_paused_rollout_leaves_the_deployment_as_it_is() {
    let mut world = canary(2, "onsuccess", 2);
    world.settle();
    world.edit("/spec/paused", json!(true));
    found(&mut world.workload).replicas = 3;
    world.settle();
    assert_eq!(size(&world.workload), 3);
    world.edit("/spec/paused", json!(false));
    world.settle();
    assert_eq!(size(&world.workload), 0);
}

#[test]
fn a_change_of_the_deployment_is_an_update_and_a_change_in_its_middle_starts_over() {
    let mut world = canary(4, "onsuccess", 4);
    world.settle();
    world.set_image("web:2");
    world.settle();
    assert_eq!(world.phase(), ("Paused", "CanaryPauseStep"));
    assert_eq!((world.size("web:1"), world.size("web:2")), (2, 2));
    world.patch_status(|status| status.pause_conditions.clear());
    world.set_image("web:3");
    world.settle();
    assert_eq!(world.phase(), ("Paused", "CanaryPauseStep"));
    assert_eq!((world.size("web:1"), world.size("web:2"), world.size("web:3")), (2, 0, 2));
}

#[test]
fn the_generation_that_is_acted_on_is_written_down_and_goes_with_the_reference() {
    let recorded = |world: &World| {
        let annotations = world.rollout.metadata.annotations.clone().unwrap_or_default();
        annotations.get(labels::WORKLOAD_GENERATION).cloned().unwrap_or_default()
    };
    let mut world = canary(2, "never", 2);
    world.settle();
    found(&mut world.workload).generation = 7;
    world.settle();
    assert_eq!((recorded(&world), world.status().workload_observed_generation.as_str()), ("7".into(), "7"));
    assert_eq!(phase::shown(&world.rollout).0, "Healthy");
    world.patch_status(|status| status.workload_observed_generation = "6".into());
    let expected = "waiting for rollout spec update to be observed for the reference workload";
    assert_eq!(phase::shown(&world.rollout), ("Progressing".into(), expected.into()));
    assert!(world.replica_sets.iter().all(|rs| rs.annotation(labels::WORKLOAD_GENERATION).is_none()));
    own_the_template(&mut world);
    world.settle();
    assert_eq!((recorded(&world), world.status().workload_observed_generation.as_str()), (String::new(), ""));
}

/// The manifest gets the template as a person writes it, and refers to nothing any more.
fn own_the_template(world: &mut World) {
    let written = rollout(1, &json!({})).rollout.spec;
    world.edit("/spec/workloadRef", Value::Null);
    world.edit("/spec/template", written.template.expect("a template"));
    world.edit("/spec/selector", json!(written.selector));
    world.workload = Sight::Missing;
}

#[test]
fn a_template_that_moves_into_the_rollout_is_no_new_revision() {
    let mut world = canary(2, "onsuccess", 2);
    world.settle();
    let before: Vec<String> = world.replica_sets.iter().map(|rs| rs.name().to_owned()).collect();
    own_the_template(&mut world);
    world.settle();
    assert_eq!(world.phase(), ("Healthy", ""));
    assert_eq!(world.replica_sets.iter().map(ReplicaSet::name).collect::<Vec<_>>(), before);
}

#[test]
fn a_missing_workload_is_named_and_touches_nothing() {
    for (kind, resource) in
        [("Deployment", "deployments.apps"), ("ReplicaSet", "replicasets.apps"), ("PodTemplate", "podtemplates")]
    {
        let mut world = refer(rollout(2, &json!({})), kind, "never");
        world.settle();
        let missing = format!(
            "The Rollout \"web\" is invalid: spec.workloadRef.name: Invalid value: \"web\": {resource} \"web\" not found"
        );
        assert_eq!(world.phase(), ("Degraded", format!("InvalidSpec: {missing}").as_str()));
        let waiting = world.status().waiting_on.clone().expect("it waits");
        assert_eq!(waiting.object, Some(format!("{kind}/web")));
        assert_eq!(world.object_writes, 0);
    }
}

#[test]
fn a_workload_that_cannot_be_seen_is_told_with_the_reason() {
    let mut world = refer(rollout(2, &json!({})), "Deployment", "never");
    world.workload = Sight::Unreadable("forbidden".into());
    world.settle();
    let expected =
        "InvalidSpec: The Rollout \"web\" is invalid: spec.workloadRef: cannot watch deployments.apps: forbidden";
    assert_eq!(world.phase(), ("Degraded", expected));
}

#[test]
fn the_template_of_a_workload_must_be_one_for_this_rollout() {
    let mut world = canary(2, "never", 2);
    world.edit("/spec/selector", json!({"matchLabels": {"app": "other"}}));
    world.settle();
    let (phase, message) = world.phase();
    assert_eq!(phase, "Degraded");
    assert!(message.contains("`selector` does not match template `labels`"), "{message}");
    let mut world = refer(rollout(2, &json!({})), "PodTemplate", "never");
    world.workload =
        Sight::Found(Box::new(Workload { kind: WorkloadKind::PodTemplate, selector: None, ..deployment(0) }));
    world.settle();
    assert!(world.phase().1.contains("Rollout has missing field '.spec.selector'"), "{}", world.phase().1);
    world.edit("/spec/selector", json!({"matchLabels": {"app": "web"}}));
    world.settle();
    assert_eq!((world.phase(), world.size("web:1")), (("Healthy", ""), 2));
}

#[test]
fn a_takeover_on_success_waits_for_the_promotion_of_a_first_revision_on_trial() {
    let mut world = referring(4, &json!({"canary": {"steps": [{"setWeight": 100}, {"pause": {}}]}}), "onsuccess", 4);
    world.edit("/spec/initialDeploy", json!("steps"));
    world.settle();
    assert_eq!(world.phase(), ("Paused", "CanaryPauseStep"));
    assert_eq!(size(&world.workload), 4, "{}", world.status().stable_rs);
}
