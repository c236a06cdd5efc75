//! Canaries whose data plane nobody can ask, and the time that it is given to hear (`propagationDelaySeconds`).

use serde_json::{Value, json};
use sluice_core::plan::plan;
use sluice_core::sight::Sight;
use sluice_core::traffic::{Pick, Routed, Seen, named};

use crate::world::{World, rollout};

/// A rollout whose weights are in annotations of an Ingress, which say nothing of who has read them.
fn believed(delay: Option<i32>) -> World {
    let mut routing = json!({ "alb": { "ingress": "web", "servicePort": 80 } });
    if let Some(delay) = delay {
        routing["propagationDelaySeconds"] = json!(delay);
    }
    let canary = json!({
        "stableService": "stable",
        "canaryService": "canary",
        "trafficRouting": routing,
        "steps": [{ "setWeight": 20 }, { "pause": {} }],
    });
    let mut world = rollout(10, &canary).with_service("stable").with_service("canary");
    let path =
        json!({ "path": "/", "backend": { "service": { "name": "stable", "port": { "name": "use-annotation" } } } });
    let ingress = json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": { "name": "web", "namespace": "shop", "uid": "uid-ingress", "generation": 1, "annotations": {} },
        "spec": { "rules": [{ "http": { "paths": [path] } }] },
    });
    for router in named(&world.rollout) {
        let seen = |query: sluice_core::traffic::Query| {
            let Pick::Named(name) = query.pick else { panic!("Ingresses have names") };
            Seen { kind: query.kind, namespace: query.namespace, name, object: Sight::Found(ingress.clone()) }
        };
        let objects = router.queries().into_iter().map(seen).collect();
        world.routers.push(Routed { router, objects });
    }
    world.pass_time(60);
    world.set_image("web:2");
    world.settle();
    world
}

fn action(world: &World) -> &Value {
    &world.routed()["metadata"]["annotations"]["alb.ingress.kubernetes.io/actions.stable"]
}

fn sends(world: &World, weight: i32) -> bool {
    let text = action(world).as_str().expect("an action");
    text.contains(&format!(r#"{{"ServiceName":"canary","ServicePort":"80","Weight":{weight}}}"#))
}

fn index(world: &World) -> Option<i32> {
    world.status().current_step_index
}

#[test]
fn a_step_is_done_when_its_weight_is_believed_to_be_heard_and_the_rollout_wakes_up_for_that() {
    let mut world = believed(Some(10));
    assert!(sends(&world, 20), "{}", action(&world));
    assert_eq!((index(&world), world.phase().0), (Some(0), "Progressing"));
    let waiting = world.status().waiting_on.clone().expect("something");
    assert_eq!((waiting.reason.as_str(), waiting.object.as_deref()), ("Verification", Some("Ingress/web")));
    let message = "ALB is given until 2026-01-01T00:01:10Z to send 20 of 100 to the canary (propagationDelaySeconds)";
    assert_eq!(waiting.message, message);
    assert_eq!(plan(&world.snapshot()).wake_at.map(|time| time.to_string()).as_deref(), Some("2026-01-01T00:01:10Z"));
    world.pass_time(9);
    assert_eq!(index(&world), Some(0));
    world.pass_time(1);
    assert_eq!((index(&world), world.phase().0), (Some(1), "Paused"));
    let weights = world.status().canary.as_ref().and_then(|canary| canary.weights.clone()).expect("weights");
    assert_eq!((weights.canary.weight, weights.verified), (20, Some(true)));
}

#[test]
fn pods_of_an_aborted_update_go_after_the_delay_too() {
    let mut world = believed(Some(120));
    world.pass_time(120);
    world.patch_status(|status| status.abort = true);
    world.settle();
    assert!(sends(&world, 0), "{}", action(&world));
    world.pass_time(119);
    assert_eq!(world.size("web:2"), 2, "its scale-down delay is shorter");
    world.pass_time(300);
    assert_eq!((world.size("web:2"), world.size("web:1")), (0, 10));
}

#[test]
fn without_a_delay_nobody_waits_and_nothing_is_believed() {
    let world = believed(None);
    assert_eq!((index(&world), world.phase().0), (Some(1), "Paused"));
    let weights = world.status().canary.as_ref().and_then(|canary| canary.weights.clone()).expect("weights");
    assert_eq!((weights.canary.weight, weights.verified), (20, None));
    assert_eq!(world.routed()["metadata"]["annotations"]["rollout.argoproj.io/routed"], Value::Null);
}
