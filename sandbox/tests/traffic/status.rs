//! What the controller of gateways says of what it has taken up.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sluice_sandbox::traffic::kinds;
use sluice_sandbox::workloads::Workloads;
use sluice_sandbox::write::{self, Call};
use sluice_sandbox::{Sandbox, object};

/// A sandbox whose time goes on when it is told to.
struct World {
    sandbox: Sandbox,
    workloads: Workloads,
    now: Timestamp,
}

impl World {
    /// One that has the kinds, and the class from the start.
    fn new() -> World {
        let sandbox = Sandbox::new(Timestamp::UNIX_EPOCH);
        let mut world = World { sandbox, workloads: Workloads::default(), now: Timestamp::UNIX_EPOCH };
        for definition in kinds::definitions() {
            world.create("customresourcedefinitions.apiextensions.k8s.io", definition);
        }
        world.pass(0);
        world.create("gatewayclasses.gateway.networking.k8s.io", kinds::class());
        world
    }

    fn create(&mut self, key: &str, object: Value) {
        let namespace = object::namespace(&object).to_owned();
        self.sandbox.with(|state| {
            state.now = self.now;
            let resource = state.registry.key(key).expect("the resource is there").clone();
            let mut call = Call::new(&resource, &namespace, "test");
            call.trusted = false;
            write::create(state, &call, object).map_err(|refusal| refusal.message).expect("it is valid");
        });
    }

    fn edit(&mut self, key: &str, name: &str, change: impl Fn(&mut Value)) {
        self.sandbox.with(|state| {
            state.now = self.now;
            let resource = state.registry.key(key).expect("the resource is there").clone();
            let made = write::update(state, &Call::new(&resource, "default", "test"), name, |current| {
                let mut new = current.clone();
                change(&mut new);
                Ok(new)
            });
            made.map_err(|refusal| refusal.message).expect("it is valid");
        });
    }

    fn pass(&mut self, milliseconds: i64) {
        self.now += SignedDuration::from_millis(milliseconds);
        self.sandbox.with(|state| {
            state.now = self.now;
            while self.workloads.settle(state).is_some_and(|next| next <= self.now) {}
        });
    }

    fn get(&self, key: &str, name: &str) -> Value {
        let namespace = if key.starts_with("gatewayclasses") { "" } else { "default" };
        self.sandbox.with(|state| (**state.store.get(key, namespace, name).expect("it is there")).clone())
    }
}

const ROUTES: &str = "httproutes.gateway.networking.k8s.io";
const GATEWAYS: &str = "gateways.gateway.networking.k8s.io";

fn gateway(class: &str) -> Value {
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway",
        "metadata": { "name": "edge", "namespace": "default" },
        "spec": {
            "gatewayClassName": class,
            "listeners": [{ "name": "http", "port": 80, "protocol": "HTTP", "hostname": "*.example.com" }],
        },
    })
}

fn route(host: &str) -> Value {
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
        "metadata": { "name": "web", "namespace": "default" },
        "spec": {
            "parentRefs": [{ "name": "edge" }], "hostnames": [host],
            "rules": [{ "backendRefs": [{ "name": "web", "port": 80 }] }],
        },
    })
}

fn service() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": { "name": "web", "namespace": "default" },
        "spec": { "ports": [{ "port": 80 }] },
    })
}

/// Type, status, reason and generation of the conditions for a route's only parent.
fn told(route: &Value) -> Vec<String> {
    let entries = route["status"]["parents"].as_array().map_or(&[][..], Vec::as_slice);
    let conditions = entries.iter().flat_map(|entry| entry["conditions"].as_array().into_iter().flatten());
    let text = |condition: &Value, field: &str| condition[field].as_str().unwrap_or_default().to_owned();
    conditions.map(|it| format!("{} {} {}", text(it, "type"), text(it, "reason"), it["observedGeneration"])).collect()
}

#[test]
fn a_route_is_taken_up_a_moment_after_it_was_written() {
    let mut world = World::new();
    world.create(GATEWAYS, gateway(kinds::CLASS));
    world.create("services", service());
    world.pass(1000);
    world.pass(0);
    world.create(ROUTES, route("a.example.com"));
    world.pass(100);
    assert_eq!(world.get(ROUTES, "web")["spec"]["rules"][0]["backendRefs"][0]["weight"], 1, "the default");
    assert!(told(&world.get(ROUTES, "web")).is_empty());
    world.pass(500);
    assert_eq!(told(&world.get(ROUTES, "web")), ["Accepted Accepted 1", "ResolvedRefs ResolvedRefs 1"]);
    let entry = &world.get(ROUTES, "web")["status"]["parents"][0];
    assert_eq!((&entry["controllerName"], &entry["parentRef"]["name"]), (&json!(kinds::CONTROLLER), &json!("edge")));
    world.edit(ROUTES, "web", |route| route["spec"]["rules"][0]["backendRefs"][0]["weight"] = json!(7));
    world.pass(100);
    assert_eq!(told(&world.get(ROUTES, "web"))[0], "Accepted Accepted 1", "it has not heard yet");
    world.pass(500);
    assert_eq!(told(&world.get(ROUTES, "web"))[0], "Accepted Accepted 2");
    world.pass(500);
    let gateway = world.get(GATEWAYS, "edge");
    assert_eq!(gateway["status"]["listeners"][0]["attachedRoutes"], 1);
    assert!(object::condition(&gateway, "Programmed").is_some_and(|it| it["status"] == "True"));
    let class = world.get("gatewayclasses.gateway.networking.k8s.io", kinds::CLASS);
    assert!(object::condition(&class, "Accepted").is_some_and(|it| it["status"] == "True"));
}

#[test]
fn what_is_wrong_with_a_route_is_told_until_it_is_right() {
    let mut world = World::new();
    world.create(GATEWAYS, gateway(kinds::CLASS));
    world.create(ROUTES, route("a.example.org"));
    world.pass(0);
    world.pass(600);
    assert_eq!(
        told(&world.get(ROUTES, "web")),
        ["Accepted NoMatchingListenerHostname 1", "ResolvedRefs BackendNotFound 1"]
    );
    world.create("services", service());
    world.edit(ROUTES, "web", |route| route["spec"]["hostnames"] = json!(["b.example.com"]));
    world.pass(0);
    world.pass(600);
    assert_eq!(told(&world.get(ROUTES, "web")), ["Accepted Accepted 2", "ResolvedRefs ResolvedRefs 2"]);
}

#[test]
fn nobody_speaks_for_a_gateway_that_nobody_runs() {
    let mut world = World::new();
    world.create(GATEWAYS, gateway("contour"));
    world.create(ROUTES, route("a.example.com"));
    world.edit(ROUTES, "web", |_| {});
    world.pass(0);
    world.pass(5000);
    assert!(world.get(ROUTES, "web")["status"].is_null());
    assert!(world.get(GATEWAYS, "edge")["status"].is_null());
    let mut contour = kinds::class();
    contour["metadata"]["name"] = json!("contour");
    contour["spec"]["controllerName"] = json!("projectcontour.io/gateway");
    world.create("gatewayclasses.gateway.networking.k8s.io", contour);
    world.pass(0);
    world.pass(600);
    let entry = &world.get(ROUTES, "web")["status"]["parents"][0];
    assert_eq!(entry["controllerName"], "projectcontour.io/gateway", "its class is there by now");
}
