//! An `HTTPRoute` with the real router, a gateway that hears of it later, and the endpoints of Services.

use std::sync::Arc;

use serde_json::{Value, json};
use sluice_core::api::ReplicaSet;
use sluice_core::sight::Sight;
use sluice_core::traffic::{Pick, Query, RouteAction, RouteWrite, Routed, Seen, TrafficRouter, named};

use crate::world::{World, blue_green, rollout};

/// A rollout whose weights an `HTTPRoute` carries between the Services `stable` and `canary`.
fn routed(replicas: i32, mut canary: Value) -> World {
    canary["trafficRouting"]["gatewayAPI"] = json!({ "httpRoute": "web" });
    (canary["stableService"], canary["canaryService"]) = (json!("stable"), json!("canary"));
    rollout(replicas, &canary).with_service("stable").with_service("canary").with_route(&["stable", "canary"])
}

/// Blue-green whose active Service an `HTTPRoute` leads to.
fn switched(replicas: i32, mut strategy: Value) -> World {
    strategy["trafficRouting"]["gatewayAPI"] = json!({ "httpRoute": "web" });
    strategy["scaleDownDelaySeconds"] = json!(3);
    blue_green(replicas, strategy).with_route(&["active"])
}

/// What a gateway does that has heard of a route, in the words of the recording router.
pub fn told(route: &Value) -> Option<Value> {
    let backends = route["spec"]["rules"].as_array()?.last()?["backendRefs"].as_array()?;
    let share = |name: &str| backends.iter().find(|it| it["name"] == name).map(|it| it["weight"].clone());
    let [canary, stable] = ["canary", "ping"]
        .into_iter()
        .zip(["stable", "pong"])
        .find_map(|(canary, stable)| Some([(canary, share(canary)?), (stable, share(stable)?)]))?;
    Some(json!({
        "canary": [canary.0, ""], "weight": canary.1,
        "stable": [stable.0, ""], "rest": stable.1,
    }))
}

impl World {
    /// An `HTTPRoute` with these backends, and a gateway.
    pub fn with_route(mut self, services: &[&str]) -> World {
        let parent = json!({ "group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "edge" });
        let backend = |name: &&str| json!({ "group": "", "kind": "Service", "name": name, "port": 80, "weight": 1 });
        let condition = |kind: &str| json!({ "type": kind, "status": "True", "observedGeneration": 1 });
        let route = json!({
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "HTTPRoute",
            "metadata": { "name": "web", "namespace": "shop", "uid": "uid-route", "generation": 1, "annotations": {} },
            "spec": { "parentRefs": [parent], "rules": [{ "backendRefs": services.iter().map(backend).collect::<Vec<_>>() }] },
            "status": {
                "parents": [{ "parentRef": parent, "conditions": [condition("Accepted"), condition("ResolvedRefs")] }],
            },
        });
        let query = named(&self.rollout)[0].queries().remove(0);
        let object = Sight::Found(route);
        self.routes.push(Seen { kind: query.kind, namespace: query.namespace, name: "web".into(), object });
        self
    }

    /// The routers of a manifest with their objects; doubles where there are any.
    pub fn routed_by(&self, routers: Vec<Arc<dyn TrafficRouter>>, doubles: &[Routed]) -> Vec<Routed> {
        let objects = |router: &Arc<dyn TrafficRouter>| {
            let queries = router.queries();
            if let [Query { pick: Pick::Plugin(plane), .. }] = &queries[..] {
                return vec![self.plugins.seen(plane)];
            }
            let names = queries.into_iter().map(|query| match query.pick {
                Pick::Named(name) => name,
                Pick::Labelled(_) | Pick::Remembered(_) | Pick::Plugin(_) => panic!("not in these tests"),
            });
            let names: Vec<String> = names.collect();
            self.routes.iter().filter(|seen| names.contains(&seen.name)).cloned().collect()
        };
        let has_double = |router: &Arc<dyn TrafficRouter>| doubles.iter().any(|it| it.router.name() == router.name());
        let real = routers.into_iter().filter(|router| !has_double(router));
        let real = real.map(|router| Routed { objects: objects(&router), router });
        doubles.iter().cloned().chain(real).collect()
    }

    /// The API server takes a patch of a route.
    pub fn patch_route(&mut self, write: &RouteWrite) {
        let RouteAction::Patch(operations) = &write.action else { panic!("{write:?}") };
        let seen = self.routes.iter_mut().find(|seen| seen.name == write.name).expect("the route exists");
        let Sight::Found(route) = &mut seen.object else { panic!("the route is there") };
        let spec = route["spec"].clone();
        let patch: json_patch::Patch = serde_json::from_value(json!(operations)).expect("a JSON Patch");
        json_patch::patch(route, &patch).expect("the preconditions hold");
        if route["spec"] != spec {
            crate::router::count(route);
        }
    }

    /// The gateway takes every route up as it is. Says whether any was another one.
    pub fn hear_routes(&mut self) -> bool {
        let mut moved = false;
        for seen in &mut self.routes {
            let Sight::Found(route) = &mut seen.object else { continue };
            let generation = route["metadata"]["generation"].clone();
            let conditions = route["status"]["parents"][0]["conditions"].as_array_mut().expect("conditions");
            for condition in conditions {
                moved |= condition["observedGeneration"] != generation;
                condition["observedGeneration"] = generation.clone();
            }
        }
        moved
    }

    /// The endpoints of Services follow their selectors. Says whether any did.
    pub fn run_endpoints(&mut self) -> bool {
        let mut moved = false;
        for service in self.services.iter_mut().filter(|_| self.has_endpoints) {
            let selected = |rs: &&ReplicaSet| service.hash().is_none_or(|hash| rs.has_hash(hash));
            let ready = |rs: &ReplicaSet| Some((rs.hash()?.to_string(), rs.observed().ready_replicas));
            let now = self.replica_sets.iter().filter(selected).filter_map(ready).filter(|(_, ready)| *ready > 0);
            let now = Some(now.collect());
            moved |= service.endpoints != now;
            service.endpoints = now;
        }
        moved
    }

    /// Somebody else changes the weights of routes.
    pub fn meddle_with_routes(&mut self, weight: i32) {
        for seen in &mut self.routes {
            let Sight::Found(route) = &mut seen.object else { continue };
            let before = route["spec"].clone();
            if let Some(backends) = route["spec"]["rules"][0]["backendRefs"].as_array_mut() {
                for (backend, weight) in backends.iter_mut().zip([100 - weight, weight]) {
                    backend["weight"] = json!(weight);
                }
            }
            if route["spec"] != before {
                crate::router::count(route);
            }
        }
    }

    fn route(&self) -> &Value {
        self.routes[0].found().expect("the route is there")
    }

    /// The weights of its backends.
    fn weights(&self) -> Vec<i64> {
        let backends = self.route()["spec"]["rules"][0]["backendRefs"].as_array().expect("backends");
        backends.iter().map(|backend| backend["weight"].as_i64().expect("a weight")).collect()
    }
}

#[test]
fn a_canary_is_told_in_as_few_writes_as_prove_that_its_services_were_heard_of() {
    let mut world =
        routed(5, json!({"steps": [{"setWeight": 20}, {"pause": {}}, {"setWeight": 80}, {"pause": {}}]})).deployed();
    assert_eq!(world.weights(), [100, 0]);
    world.told.clear();
    world.set_image("web:2");
    world.settle();
    assert_eq!(world.weights(), [80, 20]);
    world.patch_status(|status| status.pause_conditions.clear());
    world.settle();
    assert_eq!(world.weights(), [20, 80]);
    world.patch_status(|status| status.pause_conditions.clear());
    world.settle();
    assert_eq!((world.phase(), world.weights()), (("Healthy", ""), vec![100, 0]));
    assert_eq!(world.told, [20, 80, 100, 0]);
    assert!(world.route()["metadata"]["labels"].as_object().is_none_or(serde_json::Map::is_empty));
}

#[test]
pub fn the_weight_waits_for_ready_endpoints_and_the_promotion_for_those_of_the_stable_service() {
    let mut world = routed(4, json!({"steps": [{"setWeight": 50}, {"pause": {}}]}));
    world.has_endpoints = true;
    let mut world = world.deployed();
    world.set_image("web:2");
    for _ in 0..9 {
        // Everything but the endpoints.
        world.pass();
        world.run_replica_sets();
        world.run_routers();
    }
    assert_eq!((world.selected("canary"), world.weights()), ("web:2", vec![100, 0]));
    world.settle();
    assert_eq!(world.weights(), [50, 50]);
    world.patch_status(|status| status.promote_full = true);
    for _ in 0..9 {
        world.pass();
        world.run_replica_sets();
        world.run_routers();
    }
    assert_eq!((world.selected("stable"), world.weights()), ("web:2", vec![50, 50]), "its endpoints are the old ones");
    world.settle();
    assert_eq!((world.weights(), world.phase()), (vec![100, 0], ("Healthy", "")));
}

#[test]
fn a_route_that_is_gone_holds_the_step_and_an_abort_goes_on_when_it_is_back() {
    let mut world = routed(4, json!({"steps": [{"setWeight": 50}, {"pause": {}}]})).deployed();
    let route = std::mem::replace(&mut world.routes[0].object, Sight::Missing);
    world.set_image("web:2");
    world.settle();
    let waiting = world.status().waiting_on.clone().expect("something");
    assert_eq!((waiting.reason.as_str(), waiting.object.as_deref()), ("TrafficRouting", Some("HTTPRoute/web")));
    assert_eq!(world.status().current_step_index, Some(0));
    world.routes[0].object = route;
    world.settle();
    assert_eq!((world.weights(), world.status().current_step_index), (vec![50, 50], Some(1)));
}

#[test]
fn a_gateway_that_does_not_accept_the_route_is_named() {
    let mut world = routed(4, json!({"steps": [{"setWeight": 50}, {"pause": {}}]})).deployed();
    let Sight::Found(route) = &mut world.routes[0].object else { panic!("it is there") };
    route["status"]["parents"][0]["controllerName"] = json!("example.com/gateway");
    let accepted = &mut route["status"]["parents"][0]["conditions"][0];
    (accepted["status"], accepted["message"]) = (json!("False"), json!("no listener for it"));
    world.set_image("web:2");
    world.settle();
    let waiting = world.status().waiting_on.clone().expect("something");
    assert_eq!(waiting.message, "example.com/gateway does not accept it: no listener for it");
}

#[test]
pub fn old_pods_of_blue_green_stay_until_the_gateway_knows_the_switch() {
    let mut world = switched(3, json!({})).deployed();
    world.deaf = true;
    world.set_image("web:2");
    world.pass_time(100);
    assert_eq!((world.selected("active"), world.size("web:1"), world.size("web:2")), ("web:2", 3, 3));
    let waiting = world.status().waiting_on.clone().expect("something");
    let words = "its gateway has not confirmed yet that it knows where Service active leads";
    assert_eq!((waiting.object.as_deref(), waiting.message.as_str()), (Some("HTTPRoute/web"), words));
    world.deaf = false;
    world.pass_time(2);
    assert_eq!(world.size("web:1"), 3, "its delay begins now");
    world.pass_time(5);
    assert_eq!((world.size("web:1"), world.weights()), (0, vec![1]));
    assert_eq!(world.phase(), ("Healthy", ""));
}

#[test]
pub fn old_pods_stay_until_the_gateway_knows_where_a_service_leads_although_no_weight_changes() {
    let mut world = routed(3, json!({"steps": [], "scaleDownDelaySeconds": 3})).deployed();
    world.deaf = true;
    world.told.clear();
    world.set_image("web:2");
    world.pass_time(100);
    assert_eq!((world.selected("stable"), world.size("web:1"), world.size("web:2")), ("web:2", 3, 3));
    assert_eq!(world.weights(), [200, 0], "the same in other numbers");
    world.deaf = false;
    world.pass_time(10);
    assert_eq!((world.size("web:1"), world.weights()), (0, vec![100, 0]));
}

#[test]
fn a_router_that_is_taken_out_of_the_manifest_gives_everything_back_first() {
    let mut world = routed(4, json!({"steps": [{"setWeight": 50}, {"pause": {}}]})).deployed();
    world.set_image("web:2");
    world.settle();
    assert_eq!(world.weights(), [50, 50]);
    let annotations = |world: &World| world.rollout.metadata.annotations.clone().unwrap_or_default();
    assert!(annotations(&world).contains_key("rollout.argoproj.io/routes-by"));
    let canary = world.rollout.spec.strategy.canary.as_mut().expect("a canary");
    canary.traffic_routing = None;
    world.edit("/spec/replicas", json!(4));
    world.settle();
    assert_eq!(world.weights(), [100, 0]);
    assert_eq!(world.route()["metadata"]["annotations"], json!({}));
    assert!(!annotations(&world).contains_key("rollout.argoproj.io/routes-by"), "{:#?}", annotations(&world));
}

#[test]
fn a_gateway_that_does_not_find_the_backends_is_named_and_what_it_says_of_others_is_not() {
    let mut world = routed(4, json!({"steps": [{"setWeight": 50}, {"pause": {}}]})).deployed();
    let Sight::Found(route) = &mut world.routes[0].object else { panic!("it is there") };
    route["status"]["parents"][0]["controllerName"] = json!("example.com/gateway");
    let resolved = &mut route["status"]["parents"][0]["conditions"][1];
    (resolved["status"], resolved["message"]) = (json!("False"), json!("port 81 of canary is not there"));
    world.set_image("web:2");
    world.settle();
    let waiting = world.status().waiting_on.clone().expect("something");
    assert_eq!(waiting.message, "example.com/gateway does not find its backends: port 81 of canary is not there");
    let Sight::Found(route) = &mut world.routes[0].object else { panic!("it is there") };
    let other = json!({ "backendRefs": [{ "name": "assets", "port": 80, "weight": 1 }] });
    route["spec"]["rules"].as_array_mut().expect("rules").push(other);
    route["status"]["parents"][0]["conditions"][1]["message"] = json!("Service assets not found");
    world.settle();
    assert_eq!((world.weights(), world.status().current_step_index), (vec![50, 50], Some(1)));
}

#[test]
fn of_a_route_that_cannot_be_read_nobody_knows_where_it_sends_requests() {
    let mut world = routed(4, json!({"steps": [{"setWeight": 50}, {"pause": {}}]})).deployed();
    world.set_image("web:2");
    world.settle();
    let route = std::mem::replace(&mut world.routes[0].object, Sight::Unreadable("etcd is full".into()));
    world.set_image("web:3");
    world.settle();
    assert_eq!(world.selected("canary"), "web:2", "half of the requests may go there");
    let waiting = world.status().waiting_on.clone().expect("something");
    assert_eq!(waiting.message, "cannot watch httproutes.gateway.networking.k8s.io: etcd is full");
    world.routes[0].object = route;
    world.settle();
    assert_eq!((world.selected("canary"), world.weights()), ("web:3", vec![50, 50]));
}

#[test]
fn a_router_that_cannot_be_read_is_not_forgotten_before_it_has_given_everything_back() {
    let mut world = routed(4, json!({"steps": [{"setWeight": 50}, {"pause": {}}]})).deployed();
    world.set_image("web:2");
    world.settle();
    let route = std::mem::replace(&mut world.routes[0].object, Sight::Unreadable("etcd is full".into()));
    let canary = world.rollout.spec.strategy.canary.as_mut().expect("a canary");
    canary.traffic_routing = None;
    world.edit("/spec/replicas", json!(4));
    world.settle();
    let annotations = |world: &World| world.rollout.metadata.annotations.clone().unwrap_or_default();
    assert!(annotations(&world).contains_key("rollout.argoproj.io/routes-by"));
    world.routes[0].object = route;
    world.settle();
    assert_eq!(world.weights(), [100, 0]);
    assert!(!annotations(&world).contains_key("rollout.argoproj.io/routes-by"));
}

#[test]
fn routes_for_certain_requests_wait_for_ready_endpoints() {
    let header = json!({"name": "beta", "match": [{"headerName": "x", "headerValue": {"exact": "1"}}]});
    let steps = json!([{"setCanaryScale": {"replicas": 1}}, {"setHeaderRoute": header}, {"pause": {}}]);
    let routing = json!({"managedRoutes": [{"name": "beta"}]});
    let mut world = routed(4, json!({"steps": steps, "trafficRouting": routing}));
    world.has_endpoints = true;
    let mut world = world.deployed();
    world.set_image("web:2");
    for _ in 0..9 {
        world.pass();
        world.run_replica_sets();
        world.run_routers();
    }
    let rules = |world: &World| world.route()["spec"]["rules"].as_array().map_or(0, Vec::len);
    assert_eq!(rules(&world), 1);
    world.settle();
    assert_eq!(rules(&world), 2);
}
