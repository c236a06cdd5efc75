//! A traffic router that writes down what it is told, and its data plane, which hears of it later.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use sluice_core::api::ReplicaSet;
use sluice_core::sight::Sight;
use sluice_core::traffic::{
    Answer, Destination, ObjectKind, Observed, Pick, Query, RouteAction, RouteWrite, Routed, Routing, Seen,
    TrafficRouter, View,
};

use crate::world::World;
use crate::{gateway, mesh};

/// The router. One that `confirms` says whether its data plane has heard.
#[derive(Debug)]
pub struct Recording {
    pub name: String,
    pub confirms: bool,
}

const RECORDED: ObjectKind = ObjectKind { group: "test", kind: "Recorded", plural: "recorded", versions: &["v1"] };

impl Recording {
    /// Its object before anybody has told it anything. What is beside `spec` is not its own.
    pub fn object(name: &str) -> Value {
        json!({
            "apiVersion": "test/v1",
            "kind": "Recorded",
            "metadata": { "name": name, "uid": format!("uid-{name}"), "resourceVersion": "1", "generation": 1 },
            "spec": null,
            "seen": 1,
            "others": { "keep": ["me"] },
        })
    }
}

impl TrafficRouter for Recording {
    fn name(&self) -> &str {
        &self.name
    }

    fn queries(&self) -> Vec<Query> {
        vec![Query { kind: RECORDED, namespace: "shop".into(), pick: Pick::Named(self.name.clone()) }]
    }

    fn observe(&self, view: View<'_>, canary: &Destination, _: &Destination) -> Observed {
        let [Seen { object: Sight::Found(object), .. }] = view.objects else { return Observed::default() };
        let weight = Told::of(&object["spec"]).map_or(0, |told| told.weight_of(&canary.service));
        let told = object["spec"]["canary"][1].as_str().filter(|_| canary.service.is_empty());
        let verified = self.confirms.then(|| object["metadata"]["generation"] == object["seen"]);
        let has_routes = object["spec"]["routes"].as_array().is_some_and(|routes| !routes.is_empty());
        Observed {
            lowest: weight,
            highest: weight,
            verified,
            has_routes,
            hash: told.map(str::to_owned),
            ..Observed::default()
        }
    }

    fn change(&self, view: View<'_>, routing: &Routing) -> Answer {
        let [seen] = view.objects else { return Answer::default() };
        let object = match seen.found() {
            Ok(object) => object,
            Err(trouble) => return Answer { trouble: Some(trouble), ..Answer::default() },
        };
        // Without a revision, a destination stays where it is.
        let to = |name: &str, to: &Destination| match object["spec"][name][1].as_str() {
            Some(now) if to.hash.is_empty() => json!([to.service, now]),
            _ => json!([to.service, to.hash]),
        };
        let spec = json!({
            "canary": to("canary", &routing.canary),
            "stable": to("stable", &routing.stable),
            "weight": routing.weight.value(),
            "rest": routing.rest(),
            "additional": routing.additional.iter().map(|(to, share)| json!([to.service, share])).collect::<Vec<_>>(),
            "routes": routing.routes.iter().map(sluice_core::traffic::Route::name).collect::<Vec<_>>(),
        });
        let write = || RouteWrite {
            kind: RECORDED,
            version: "v1".into(),
            namespace: "shop".into(),
            name: self.name.clone(),
            action: RouteAction::Patch(vec![
                json!({"op": "test", "path": "/spec", "value": object["spec"]}),
                json!({"op": "replace", "path": "/spec", "value": spec}),
            ]),
        };
        Answer { writes: if object["spec"] == spec { Vec::new() } else { vec![write()] }, ..Answer::default() }
    }

    fn release(&self, _: View<'_>, _: &Destination, _: &Destination) -> Answer {
        Answer::default()
    }
}

/// The object of a router of the world, where it has not been taken away.
pub fn object(routed: &mut Routed) -> Option<&mut Value> {
    match &mut routed.objects[0].object {
        Sight::Found(object) => Some(object),
        Sight::Missing | Sight::Absent(_) | Sight::Unreadable(_) => None,
    }
}

/// Another spec is another generation.
pub fn count(object: &mut Value) {
    let generation = object["metadata"]["generation"].as_i64().expect("a generation");
    object["metadata"]["generation"] = json!(generation + 1);
}

/// Applies a patch of its own, as the API server would.
pub fn apply(object: &mut Value, operations: &[Value]) {
    let patch: json_patch::Patch = serde_json::from_value(json!(operations)).expect("a JSON Patch");
    json_patch::patch(object, &patch).unwrap_or_else(|error| panic!("{error}: {operations:#?}"));
    count(object);
}

/// Carries out a write of a router.
pub fn carry_out(routed: &mut Routed, write: &RouteWrite) {
    let RouteAction::Patch(operations) = &write.action else { panic!("{write:?}") };
    let written = routed.objects.iter_mut().find(|seen| seen.kind == write.kind && seen.name == write.name);
    match written.map(|seen| &mut seen.object) {
        Some(Sight::Found(object)) => apply(object, operations),
        other => panic!("{other:?}: {write:?}"),
    }
}

/// What such a router was told, by Service.
pub struct Told {
    /// Service, revision and weight.
    pub destinations: [(String, String, i32); 2],
}

impl Told {
    pub fn of(spec: &Value) -> Option<Told> {
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let weight = |value: &Value| i32::try_from(value.as_i64().expect("a weight")).expect("a small one");
        spec["canary"].is_array().then(|| Told {
            destinations: [("canary", "weight"), ("stable", "rest")]
                .map(|(to, share)| (text(&spec[to][0]), text(&spec[to][1]), weight(&spec[share]))),
        })
    }

    /// The weight of a Service; the canary's where routers do without Services.
    pub fn weight_of(&self, service: &str) -> i32 {
        let found = self.destinations.iter().find(|(name, _, _)| name == service);
        found.map_or(0, |(_, _, weight)| *weight)
    }
}

/// What a data plane has heard: the routes and what the Services select.
#[derive(Clone, Debug, Default)]
pub struct Plane {
    pub routes: Vec<Value>,
    /// Revisions that a mesh leads to by itself, with their weights.
    pub led: Vec<(String, i64)>,
    pub selected: BTreeMap<String, String>,
}

impl Plane {
    /// The revisions that get requests.
    pub fn reached(&self) -> Vec<String> {
        let told = self.routes.iter().filter_map(Told::of).flat_map(|told| told.destinations);
        let with_requests = told.filter(|(_, _, weight)| *weight > 0);
        let led = self.led.iter().filter(|(_, weight)| *weight > 0).map(|(hash, _)| hash.clone());
        with_requests
            .map(|(service, hash, _)| match service.as_str() {
                "" => hash,
                name => self.selected.get(name).cloned().unwrap_or_default(),
            })
            .chain(led)
            .filter(|hash| !hash.is_empty())
            .collect()
    }
}

impl World {
    /// A router, whose data plane says whether it has heard, or cannot.
    pub fn with_router(mut self, name: &str, confirms: bool) -> World {
        let router = Arc::new(Recording { name: name.into(), confirms });
        let object = Sight::Found(Recording::object(name));
        let seen = Seen { kind: RECORDED, namespace: "shop".into(), name: name.into(), object };
        self.routers.push(Routed { router, objects: vec![seen] });
        self
    }

    /// Whether the data plane says what it has heard.
    pub fn confirms(&self) -> bool {
        let none = Destination::default();
        let verified = |routed: &Routed| routed.router.observe(routed.view(self.now), &none, &none).verified;
        self.routers.iter().all(|routed| verified(routed).is_some())
    }

    /// The canary's weight, as the first router was told last.
    pub fn weight(&self) -> i64 {
        self.routed()["spec"]["weight"].as_i64().unwrap_or(0)
    }

    /// The object of the first router.
    pub fn routed(&self) -> &Value {
        self.routers[0].objects[0].found().expect("the object is there")
    }

    /// Somebody else changes what a router was told.
    pub fn meddle(&mut self, weight: i32) {
        self.meddle_with_routes(weight);
        for object in self.routers.iter_mut().filter_map(object) {
            let spec = &mut object["spec"];
            if let (Some(now), Some(rest)) = (spec["weight"].as_i64(), spec["rest"].as_i64()) {
                let weight = i64::from(weight).min(now + rest);
                (spec["weight"], spec["rest"]) = (json!(weight), json!(now + rest - weight));
                count(object);
            }
        }
    }

    /// The data plane hears of everything that is new. Says whether anything was.
    pub fn run_routers(&mut self) -> bool {
        if self.deaf {
            return false;
        }
        let moved = self.hear_routes() | self.plugins.answer();
        let mut moved = self.routers.iter_mut().fold(moved, |moved, routed| mesh::hear(routed) | moved);
        for object in self.routers.iter_mut().filter_map(object) {
            if object["kind"] == RECORDED.kind {
                moved |= object["seen"] != object["metadata"]["generation"];
                object["seen"] = object["metadata"]["generation"].clone();
            }
        }
        self.plane = Plane {
            routes: self
                .routers
                .iter_mut()
                .filter_map(object)
                .map(|object| object["spec"].clone())
                .chain(self.routes.iter().filter_map(|seen| gateway::told(seen.found().ok()?)))
                .collect(),
            led: self.routers.iter().flat_map(mesh::led).collect(),
            selected: self
                .services
                .iter()
                .filter_map(|service| Some((service.target.name.clone(), service.leads_to()?.to_owned())))
                .collect(),
        };
        moved
    }

    /// Pods that the controller wants of the revisions that get requests, by what the data plane has heard last.
    pub fn wanted_where_requests_go(&self) -> Vec<(String, i32)> {
        let wanted =
            |hash: &str| self.replica_sets.iter().filter(|rs| rs.has_hash(hash)).map(ReplicaSet::wanted).sum::<i32>();
        self.plane.reached().into_iter().map(|hash| (hash.clone(), wanted(&hash))).collect()
    }
}
