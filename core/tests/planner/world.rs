//! A cluster of one rollout, small enough to step through: it executes plans as the controller would, and its ReplicaSets
//! get their pods as configured.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::{Value, json};
use sluice_core::api::{Experiment, ReplicaSet, Rollout, RolloutStatus};
use sluice_core::effect::{Effect, Entries, ReplicaSetPatch, ServicePatch, Target};
use sluice_core::event::in_order;
use sluice_core::guard;
use sluice_core::plan::{Plan, Urgency, plan};
use sluice_core::snapshot::{Analyses, Pod, Refusal, Service, Snapshot};
use sluice_core::strategy::Strategy;
use sluice_core::traffic::{self, ROUTER_PLUGIN, Routed, Seen, TrafficRouter};

use crate::mesh;
use crate::plugins::Plugins;
use crate::router::{self, Plane};
use sluice_core::sight::Sight;
use sluice_core::workload::Workload;

/// One rollout and its surroundings.
#[derive(Clone)]
pub struct World {
    pub now: Timestamp,
    pub rollout: Rollout,
    pub replica_sets: Vec<ReplicaSet>,
    pub services: Vec<Service>,
    pub pods: Vec<Pod>,
    /// Its analysis runs, and the templates for more.
    pub analyses: Analyses,
    /// Its experiments.
    pub experiments: Vec<Experiment>,
    /// What `spec.workloadRef` names.
    pub workload: Sight<Box<Workload>>,
    pub refusals: Vec<Refusal>,
    pub routers: Vec<Routed>,
    /// Objects that real routers read, where the manifest names such routers.
    pub routes: Vec<Seen>,
    /// Whether Services have `EndpointSlices`, which follow their selectors later.
    pub has_endpoints: bool,
    /// What the data plane has heard.
    pub plane: Plane,
    pub plugins: Plugins,
    /// Every weight that a router was told, in order.
    pub told: Vec<i32>,
    /// Whether it hears nothing now.
    pub deaf: bool,
    /// Every event told, as `reason: message`.
    pub events: Vec<String>,
    pub object_writes: usize,
    pub status_writes: usize,
    /// The fewest pods that were available since the first deploy was complete.
    pub fewest_available: i32,
    /// The most pods that existed.
    pub most_pods: i32,
    /// Images whose pods never become ready.
    pub broken: BTreeSet<String>,
    pub serial: i64,
}

/// A rollout `web` with this canary.
pub fn rollout(replicas: i32, canary: &Value) -> World {
    world(replicas, &json!({ "canary": canary }))
}

/// A rollout `web` with this canary, whose weights a router carries between the Services `stable` and `canary`. Its data plane
/// confirms what it has heard.
pub fn routed(replicas: i32, mut canary: Value) -> World {
    canary["trafficRouting"]["plugins"] = json!({ "recording": {} });
    if canary["pingPong"].is_null() {
        (canary["stableService"], canary["canaryService"]) = (json!("stable"), json!("canary"));
    }
    let world = rollout(replicas, &canary).with_service("stable").with_service("canary");
    world.with_service("ping").with_service("pong").with_router("recording", true)
}

/// A rollout `web` with this blue-green strategy, and the Services `active` and `preview`.
pub fn blue_green(replicas: i32, mut strategy: Value) -> World {
    strategy["activeService"] = json!("active");
    strategy["previewService"] = json!("preview");
    world(replicas, &json!({ "blueGreen": strategy })).with_service("active").with_service("preview")
}

/// A rollout `web` with this strategy.
pub fn world(replicas: i32, strategy: &Value) -> World {
    let manifest = json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": "web", "namespace": "shop", "uid": "rollout-uid", "generation": 1, "resourceVersion": "1"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "web", "image": "web:1"}]},
            },
            "strategy": strategy,
        },
    });
    World {
        now: "2026-01-01T00:00:00Z".parse().expect("a timestamp"),
        rollout: serde_json::from_value(manifest).expect("a rollout"),
        replica_sets: Vec::new(),
        services: Vec::new(),
        pods: Vec::new(),
        analyses: Analyses::default(),
        experiments: Vec::new(),
        workload: Sight::Missing,
        refusals: Vec::new(),
        routers: Vec::new(),
        routes: Vec::new(),
        has_endpoints: false,
        plane: Plane::default(),
        plugins: Plugins::default(),
        told: Vec::new(),
        deaf: false,
        events: Vec::new(),
        object_writes: 0,
        status_writes: 0,
        fewest_available: i32::MAX,
        most_pods: 0,
        broken: BTreeSet::new(),
        serial: 1,
    }
}

impl World {
    pub fn deployed(mut self) -> World {
        self.settle();
        self.events.clear();
        (self.object_writes, self.status_writes) = (0, 0);
        (self.fewest_available, self.most_pods) = (i32::MAX, 0);
        self
    }

    /// A Service for the pods of the rollout, as users make it.
    pub fn with_service(mut self, name: &str) -> World {
        self.services.push(Service {
            target: Target { name: name.into(), uid: format!("uid-{name}"), resource_version: "1".into() },
            selector: [("app".to_owned(), "web".to_owned())].into(),
            managed_by: None,
            has_annotations: false,
            controller: None,
            endpoints: None,
        });
        self
    }

    /// The tag of the image that a Service selects; empty where it selects no revision.
    pub fn selected(&self, service: &str) -> &str {
        let service = self.services.iter().find(|s| s.target.name == service).expect("the Service");
        let selects = |rs: &&ReplicaSet| rs.hash().is_some_and(|hash| Some(hash.as_str()) == service.hash());
        let rs = self.replica_sets.iter().find(selects);
        rs.and_then(|rs| rs.spec.template["spec"]["containers"][0]["image"].as_str()).unwrap_or_default()
    }

    /// The manifest changes.
    pub fn edit(&mut self, pointer: &str, value: Value) {
        let mut manifest = serde_json::to_value(&self.rollout).expect("JSON");
        let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
        manifest.pointer_mut(parent).expect("the parent exists")[key] = value;
        self.rollout = serde_json::from_value(manifest).expect("a rollout");
        *self.rollout.metadata.generation.get_or_insert_default() += 1;
    }

    pub fn set_image(&mut self, image: &str) {
        if let Sight::Found(workload) = &mut self.workload {
            return crate::workload::set_image(workload, image);
        }
        let mut template = self.rollout.spec.template.clone().expect("a template");
        template["spec"]["containers"][0]["image"] = json!(image);
        self.edit("/spec/template", template);
    }

    /// Somebody else has the name of the next ReplicaSet.
    pub fn take_next_name(&mut self) {
        let plan = plan(&self.snapshot());
        let created = plan.effects.iter().find(|planned| matches!(planned.effect, Effect::CreateReplicaSet(_)));
        self.refusals.push(Refusal {
            key: created.expect("a creation").effect.key(),
            error: "it exists".into(),
            name_taken: true,
            retry_at: sluice_core::time::after(self.now, SignedDuration::from_secs(1)),
            only: None,
        });
    }

    /// Pods of an image never become ready.
    pub fn break_image(&mut self, image: &str) {
        self.broken.insert(image.into());
    }

    pub fn mend_image(&mut self, image: &str) {
        self.broken.remove(image);
    }

    /// A client patches the status, as the kubectl plugin does.
    pub fn patch_status(&mut self, patch: impl FnOnce(&mut RolloutStatus)) {
        patch(self.rollout.status.get_or_insert_default());
    }

    /// Routers of before that have no double, which would have nothing to undo.
    fn former(&self) -> Vec<Arc<dyn TrafficRouter>> {
        let has_double = |name: &str| self.routers.iter().any(|routed| routed.router.name() == name);
        traffic::former(&self.rollout).into_iter().filter(|router| !has_double(router.name())).collect()
    }

    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            now: self.now,
            rollout: self.rollout.clone(),
            decode_problems: Vec::new(),
            replica_sets: self.replica_sets.clone(),
            pods: self.pods.clone(),
            services: self.services.clone(),
            routers: self.routed_by(traffic::named(&self.rollout), &self.routers),
            former: self.routed_by(self.former(), &[]),
            workload: self.workload.clone(),
            analyses: self.analyses.clone(),
            experiments: self.experiments.clone(),
            step_plugins: self.plugins.steps.clone(),
            refusals: self.refusals.clone(),
            stores_waiting_on: true,
        }
    }

    /// Plans once, checks the plan with the guard, and executes it.
    pub fn pass(&mut self) -> Plan {
        let snapshot = self.snapshot();
        let plan = plan(&snapshot);
        assert_eq!(guard::check(&snapshot, &plan), [], "the guard accepts the plan");
        assert_eq!(plan, sluice_core::plan::plan(&snapshot), "the same snapshot gives the same plan");
        let mut shuffled = snapshot.clone();
        shuffled.replica_sets.reverse();
        shuffled.services.reverse();
        assert_eq!(plan, sluice_core::plan::plan(&shuffled), "in whatever order things are listed");
        let mut told = Vec::new();
        for planned in &plan.effects {
            let (before, led) = (self.wanted_where_requests_go(), mesh::led_by_all(self));
            self.execute(&planned.effect);
            mesh::assert_whole(self, &led);
            for ((hash, before), (_, after)) in before.into_iter().zip(self.wanted_where_requests_go()) {
                let taken = before > 0 && after == 0 && self.rollout.spec.replicas != Some(0);
                assert!(!taken, "requests still go to {hash}, whose pods are taken away by {:#?}", planned.effect);
            }
            self.object_writes += 1;
            told.extend(planned.notes.clone());
        }
        if plan.urgency != Urgency::None {
            self.rollout.status = Some(plan.status.clone());
            told = in_order(told, plan.notes.clone());
        }
        self.assert_not_taken_back(&plan);
        self.tell(&told);
        // What came of it is stored.
        self.plugins.steps.answer = None;
        if plan.urgency == Urgency::Now {
            self.status_writes += 1;
        }
        plan
    }

    fn tell(&mut self, notes: &[sluice_core::event::Note]) {
        self.events.extend(notes.iter().map(|note| format!("{}: {}", note.reason, note.message)));
    }

    /// Runs until nothing changes any more, without time passing.
    pub fn settle(&mut self) {
        for _ in 0..200 {
            let plan = self.pass();
            let called = plan.call.as_ref().is_some_and(|call| self.plugins.call(call));
            let moved = self.run_replica_sets() | self.run_endpoints() | self.run_routers() | called;
            if plan.effects.is_empty() && plan.urgency == Urgency::None && !moved {
                return;
            }
        }
        panic!("does not settle: {:#?}", self.rollout.status);
    }

    /// Time passes, and nobody looks.
    pub fn advance(&mut self, seconds: i64) {
        if !self.confirms() {
            self.run_routers();
        }
        self.now = sluice_core::time::after(self.now, SignedDuration::from_secs(seconds));
    }

    /// Time passes, and everything that it brings about.
    pub fn pass_time(&mut self, seconds: i64) {
        let end = sluice_core::time::after(self.now, SignedDuration::from_secs(seconds));
        loop {
            self.settle();
            match plan(&self.snapshot()).wake_at.filter(|wake| *wake > self.now && *wake <= end) {
                Some(wake) => self.now = wake,
                None => break,
            }
        }
        self.now = end;
        self.settle();
    }

    /// The image that the manifest asks for.
    pub fn image(&self) -> String {
        let snapshot = self.snapshot();
        let template = snapshot.template().expect("a template");
        template["spec"]["containers"][0]["image"].as_str().expect("an image").to_owned()
    }

    /// Carries out one write.
    pub fn execute(&mut self, effect: &Effect) {
        match effect {
            Effect::CreateReplicaSet(rs) => {
                self.serial += 1;
                let mut rs = (**rs).clone();
                rs.metadata.uid = Some(format!("uid-{}", self.serial));
                rs.metadata.creation_timestamp = Some(Time(self.now));
                rs.metadata.generation = Some(1);
                self.replica_sets.push(rs);
            }
            Effect::PatchReplicaSet(patch) => self.patch(patch),
            Effect::DeleteReplicaSet(target) => self.replica_sets.retain(|rs| rs.uid() != target.uid),
            Effect::PatchRollout(patch) => {
                if let Some(replicas) = patch.replicas {
                    self.rollout.spec.replicas = Some(replicas);
                }
                let annotations = self.rollout.metadata.annotations.get_or_insert_default();
                change(annotations, &patch.annotations);
            }
            Effect::PatchService(patch) => self.point(patch),
            Effect::Route(change) => {
                crate::experiment::assert_stored(self, &change.routing.additional);
                self.told.push(change.routing.weight.value());
                match self.routers.iter_mut().find(|routed| routed.router.name() == change.router) {
                    _ if change.write.kind == ROUTER_PLUGIN => self.plugins.tell(&change.write),
                    Some(routed) => router::carry_out(routed, &change.write),
                    None => self.patch_route(&change.write),
                }
            }
            Effect::Child(write) => crate::analysis::carry_out(self, write),
            Effect::ScaleWorkload(scale) => crate::workload::scale(&mut self.workload, scale),
            Effect::PatchPod(patch) => {
                let pod = self.pods.iter_mut().find(|pod| pod.target.uid == patch.target.uid).expect("the pod exists");
                change(&mut pod.labels, &patch.labels);
                change(&mut pod.annotations, &patch.annotations);
            }
            Effect::CreateService(_) | Effect::DeleteService(_) | Effect::OwnReplicaSet(_) | Effect::EvictPod(_) => {
                unreachable!("not in these tests")
            }
        }
    }

    fn point(&mut self, patch: &ServicePatch) {
        let service = self.services.iter_mut().find(|s| s.target == patch.target).expect("the very Service exists");
        change(&mut service.selector, &patch.selector);
        for entry in &patch.annotations.changes {
            service.managed_by.clone_from(&entry.value.to);
            service.has_annotations = true;
        }
        self.serial += 1;
        service.target.resource_version = self.serial.to_string();
    }

    fn patch(&mut self, patch: &ReplicaSetPatch) {
        let rs = self.replica_sets.iter_mut().find(|rs| rs.uid() == patch.target.uid).expect("the ReplicaSet exists");
        if let Some(change) = &patch.replicas {
            assert_eq!(rs.wanted(), change.from, "the precondition holds");
            rs.spec.replicas = Some(change.to);
            *rs.metadata.generation.get_or_insert_default() += 1;
        }
        change(rs.metadata.annotations.get_or_insert_default(), &patch.annotations);
        for (at, entries) in [("labels", &patch.template.labels), ("annotations", &patch.template.annotations)] {
            let mut map = texts(&rs.spec.template["metadata"][at]);
            change(&mut map, entries);
            rs.spec.template["metadata"][at] = json!(map);
        }
        if let Some(affinity) = &patch.template.affinity {
            rs.spec.template["spec"]["affinity"] = affinity.to.clone();
        }
    }

    /// Wanted pods of a revision, by its image's tag.
    pub fn size(&self, image: &str) -> i32 {
        let of = |rs: &&ReplicaSet| rs.spec.template["spec"]["containers"][0]["image"] == image;
        self.replica_sets.iter().filter(of).map(ReplicaSet::wanted).sum()
    }

    pub fn status(&self) -> &RolloutStatus {
        self.rollout.status()
    }

    pub fn phase(&self) -> (&str, &str) {
        (&self.status().phase, &self.status().message)
    }

    pub fn reasons(&self) -> Vec<&str> {
        self.events.iter().map(|event| event.split(':').next().unwrap_or_default()).collect()
    }

    pub fn floor(&self) -> i32 {
        let strategy = Strategy::of(&self.rollout).expect("a strategy");
        strategy.limits(self.rollout.spec.replicas.unwrap_or(1)).floor()
    }
}

pub fn texts(map: &Value) -> BTreeMap<String, String> {
    let map = map.as_object().into_iter().flatten();
    map.map(|(key, value)| (key.clone(), value.as_str().expect("a text").to_owned())).collect()
}

fn change(map: &mut BTreeMap<String, String>, entries: &Entries) {
    for entry in &entries.changes {
        assert_eq!(map.get(&entry.key).cloned(), entry.value.from, "the precondition holds");
        match &entry.value.to {
            Some(to) => map.insert(entry.key.clone(), to.clone()),
            None => map.remove(&entry.key),
        };
    }
}
