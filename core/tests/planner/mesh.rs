//! Canaries whose revisions Istio tells apart by two subsets, without Services: the real router, and proxies that hear of its objects.

use serde_json::{Value, json};
use sluice_core::api::ReplicaSet;
use sluice_core::api::labels::POD_TEMPLATE_HASH;
use sluice_core::sight::Sight;
use sluice_core::traffic::{Destination, Pick, Query, Routed, Seen, named};

use crate::world::{World, rollout};

const STEPS: &str = r#"[{"setWeight": 20}, {"pause": {}}, {"setWeight": 60}, {"pause": {}}]"#;

/// A rollout of ten pods in a mesh that says what its proxies have heard, or does not.
fn meshed(confirms: bool) -> World {
    let steps: Value = serde_json::from_str(STEPS).expect("steps");
    in_mesh(rollout(10, &json!({ "steps": steps, "trafficRouting": routing() })), confirms)
}

/// `trafficRouting` by two subsets.
pub fn routing() -> Value {
    let rule = json!({ "name": "web", "canarySubsetName": "canary", "stableSubsetName": "stable" });
    json!({ "istio": { "virtualService": { "name": "web" }, "destinationRule": rule } })
}

/// Adds the router that the manifest names, and its objects.
pub fn in_mesh(mut world: World, confirms: bool) -> World {
    for router in named(&world.rollout) {
        let seen = |query: Query| {
            let Pick::Named(name) = query.pick else { panic!("its objects have names") };
            let object = Sight::Found(object(query.kind.kind, confirms));
            Seen { kind: query.kind, namespace: query.namespace, name, object }
        };
        let objects = router.queries().into_iter().map(seen).collect();
        world.routers.push(Routed { router, objects });
    }
    world
}

fn object(kind: &str, confirms: bool) -> Value {
    let to =
        |subset: &str, weight: i32| json!({ "destination": { "host": "web", "subset": subset }, "weight": weight });
    let spec = match kind {
        "VirtualService" => json!({ "http": [{ "route": [to("stable", 100), to("canary", 0)] }] }),
        _ => json!({ "host": "web", "subsets": [{ "name": "canary" }, { "name": "stable" }] }),
    };
    let mut object = json!({
        "apiVersion": "networking.istio.io/v1",
        "kind": kind,
        "metadata": { "name": "web", "namespace": "shop", "uid": kind, "generation": 1 },
        "spec": spec,
    });
    if confirms {
        let conditions = json!([{ "type": "Reconciled", "status": "True" }]);
        object["status"] = json!({ "observedGeneration": "1", "conditions": conditions });
    }
    object
}

/// The proxies hear of what is new. Says whether anything was, as far as they say so.
pub fn hear(routed: &mut Routed) -> bool {
    let mut moved = false;
    for seen in &mut routed.objects {
        let Sight::Found(object) = &mut seen.object else { continue };
        let generation = json!(object["metadata"]["generation"].to_string());
        if object["status"]["observedGeneration"].is_string() {
            moved |= object["status"]["observedGeneration"] != generation;
            object["status"]["observedGeneration"] = generation;
        }
    }
    moved
}

/// The revisions that a mesh leads to, with their weights; an empty one is every pod.
pub fn led(routed: &Routed) -> Vec<(String, i64)> {
    let [Seen { object: Sight::Found(service), .. }, Seen { object: Sight::Found(rule), .. }] = &routed.objects[..]
    else {
        return Vec::new();
    };
    let subsets = rule["spec"]["subsets"].as_array().into_iter().flatten();
    let subsets: Vec<&Value> = subsets.collect();
    let leads_to = |entry: &Value| {
        let subset = subsets.iter().find(|subset| subset["name"] == entry["destination"]["subset"]);
        let hash = subset.and_then(|subset| subset["labels"][POD_TEMPLATE_HASH].as_str());
        (hash.unwrap_or_default().to_owned(), entry["weight"].as_i64().unwrap_or(0))
    };
    let all = service["spec"]["http"].as_array().into_iter().flatten();
    all.filter_map(|route| route["route"].as_array()).flatten().map(leads_to).collect()
}

/// No revision is given requests by a write that has no pods for them.
pub fn assert_whole(world: &World, before: &[(String, i64)]) {
    let gets = |all: &[(String, i64)], hash: &str| all.iter().any(|(to, weight)| to == hash && *weight > 0);
    let now = led_by_all(world);
    for (hash, _) in now.iter().filter(|(hash, _)| !hash.is_empty() && gets(&now, hash) && !gets(before, hash)) {
        let of = |rs: &&ReplicaSet| rs.has_hash(hash);
        let pods: i32 = world.replica_sets.iter().filter(of).map(|rs| rs.size().serving()).sum();
        assert!(pods > 0 || world.rollout.spec.replicas == Some(0), "{now:?}: {hash} has no pods");
    }
}

/// The revisions that all routers of the world lead to by themselves.
pub fn led_by_all(world: &World) -> Vec<(String, i64)> {
    world.routers.iter().flat_map(led).collect()
}

impl World {
    fn weight_in_mesh(&self) -> (i32, String) {
        let routed = &self.routers[0];
        let none = Destination::default();
        let observed = routed.router.observe(routed.view(self.now), &none, &none);
        (observed.lowest, self.image_of(observed.hash.as_deref().unwrap_or_default()))
    }

    fn image_of(&self, hash: &str) -> String {
        let rs = self.replica_sets.iter().find(|rs| rs.has_hash(hash));
        let image = rs.and_then(|rs| rs.spec.template["spec"]["containers"][0]["image"].as_str());
        image.unwrap_or_default().to_owned()
    }

    /// The image that the stable subset leads to.
    fn stable_in_mesh(&self) -> String {
        self.image_of(&led(&self.routers[0])[0].0)
    }
}

fn told(weight: i32, image: &str) -> (i32, String) {
    (weight, image.to_owned())
}

#[test]
fn an_update_leads_the_canarys_subset_to_the_new_version_and_the_promotion_the_stable_one() {
    for confirms in [true, false] {
        let mut world = meshed(confirms).deployed();
        assert_eq!((world.weight_in_mesh(), world.stable_in_mesh()), (told(0, "web:1"), "web:1".into()));
        world.set_image("web:2");
        world.settle();
        assert_eq!((world.weight_in_mesh(), world.stable_in_mesh()), (told(20, "web:2"), "web:1".into()));
        assert_eq!(world.phase(), ("Paused", "CanaryPauseStep"));
        let weights = world.status().canary.as_ref().and_then(|canary| canary.weights.clone()).expect("weights");
        assert_eq!(weights.canary.pod_template_hash, world.status().current_pod_hash);
        assert_eq!((weights.canary.weight, weights.verified), (20, confirms.then_some(true)));
        for _ in 0..2 {
            world.patch_status(|status| status.pause_conditions.clear());
            world.settle();
        }
        assert_eq!((world.weight_in_mesh(), world.stable_in_mesh()), (told(0, "web:2"), "web:2".into()));
        assert_eq!((world.phase(), world.size("web:1")), (("Healthy", ""), 10));
        world.pass_time(40);
        assert_eq!((world.size("web:2"), world.size("web:1")), (10, 0));
    }
}

#[test]
fn subsets_are_led_to_a_version_only_when_its_pods_are_available() {
    let mut world = meshed(false);
    world.break_image("web:1");
    world.settle();
    assert_eq!(world.stable_in_mesh(), "");
    let waiting = world.status().waiting_on.clone().expect("something");
    assert_eq!(waiting.reason, "Pods", "{waiting:?}");
    world.mend_image("web:1");
    world.settle();
    let mut world = world.deployed();
    assert_eq!((world.weight_in_mesh(), world.stable_in_mesh()), (told(0, "web:1"), "web:1".into()));
    world.break_image("web:2");
    world.set_image("web:2");
    world.settle();
    assert_eq!((world.weight_in_mesh(), world.size("web:2")), (told(0, "web:1"), 2));
    world.report_available("web:2", 1);
    world.pass();
    assert_eq!(world.weight_in_mesh(), told(0, "web:1"), "one of two is not enough");
}

#[test]
fn a_third_version_in_the_middle_is_led_to_when_nothing_goes_there_any_more() {
    for confirms in [true, false] {
        let mut world = meshed(confirms).deployed();
        world.set_image("web:2");
        world.settle();
        world.break_image("web:3");
        world.set_image("web:3");
        world.settle();
        assert_eq!((world.weight_in_mesh(), world.size("web:3")), (told(0, "web:2"), 2));
        world.mend_image("web:3");
        world.settle();
        assert_eq!(world.weight_in_mesh(), told(20, "web:3"));
    }
}

#[test]
fn an_abort_takes_the_traffic_back_and_going_back_leads_both_subsets_there() {
    for confirms in [true, false] {
        let mut world = meshed(confirms).deployed();
        world.set_image("web:2");
        world.settle();
        world.patch_status(|status| status.abort = true);
        world.settle();
        assert_eq!((world.weight_in_mesh(), world.stable_in_mesh()), (told(0, "web:2"), "web:1".into()));
        world.pass_time(40);
        assert_eq!((world.size("web:2"), world.size("web:1")), (0, 10));
        world.set_image("web:1");
        world.settle();
        assert_eq!((world.weight_in_mesh(), world.phase()), (told(0, "web:1"), ("Healthy", "")));
    }
}

#[test]
fn nothing_more_is_sent_before_the_proxies_have_heard_where_the_subset_leads() {
    let mut world = meshed(true).deployed();
    world.deaf = true;
    world.set_image("web:2");
    world.settle();
    assert_eq!(world.weight_in_mesh(), told(0, "web:2"));
    let waiting = world.status().waiting_on.clone().expect("something");
    assert_eq!(waiting.object.as_deref(), Some("DestinationRule/web"), "{waiting:?}");
    world.deaf = false;
    world.settle();
    assert_eq!(world.weight_in_mesh(), told(20, "web:2"));
}

#[test]
fn what_somebody_else_makes_of_the_subsets_is_put_right() {
    let mut world = meshed(false).deployed();
    world.set_image("web:2");
    world.settle();
    let Sight::Found(rule) = &mut world.routers[0].objects[1].object else { panic!("the rule is there") };
    rule["spec"]["subsets"][1]["labels"][POD_TEMPLATE_HASH] = json!(null);
    world.settle();
    assert_eq!((world.weight_in_mesh(), world.stable_in_mesh()), (told(20, "web:2"), "web:1".into()));
}
