//! A cluster of one rollout, small enough to step through: it executes plans as the controller would, and its ReplicaSets
//! get their pods as configured.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::{Value, json};
use sluice_core::api::{ReplicaSet, ReplicaSetStatus, Rollout, RolloutStatus};
use sluice_core::effect::{Effect, ReplicaSetPatch};
use sluice_core::event::in_order;
use sluice_core::guard;
use sluice_core::plan::{Plan, Urgency, plan};
use sluice_core::replicas::Limits;
use sluice_core::snapshot::{Refusal, Snapshot};

/// One rollout and its surroundings.
pub struct World {
    pub now: Timestamp,
    pub rollout: Rollout,
    pub replica_sets: Vec<ReplicaSet>,
    pub refusals: Vec<Refusal>,
    /// Every event told, as `reason: message`.
    pub events: Vec<String>,
    pub object_writes: usize,
    pub status_writes: usize,
    /// The fewest pods that were available since the first deploy was complete.
    pub fewest_available: i32,
    /// The most pods that existed.
    pub most_pods: i32,
    /// Images whose pods never become ready.
    broken: BTreeSet<String>,
    serial: i64,
}

/// A rollout `web` with this strategy.
pub fn rollout(replicas: i32, canary: &Value) -> World {
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
            "strategy": {"canary": canary},
        },
    });
    World {
        now: "2026-01-01T00:00:00Z".parse().expect("a timestamp"),
        rollout: serde_json::from_value(manifest).expect("a rollout"),
        replica_sets: Vec::new(),
        refusals: Vec::new(),
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

    /// The manifest changes.
    pub fn edit(&mut self, pointer: &str, value: Value) {
        let mut manifest = serde_json::to_value(&self.rollout).expect("JSON");
        let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
        manifest.pointer_mut(parent).expect("the parent exists")[key] = value;
        self.rollout = serde_json::from_value(manifest).expect("a rollout");
        *self.rollout.metadata.generation.get_or_insert_default() += 1;
    }

    pub fn set_image(&mut self, image: &str) {
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

    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            now: self.now,
            rollout: self.rollout.clone(),
            decode_problems: Vec::new(),
            replica_sets: self.replica_sets.clone(),
            pods: Vec::new(),
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
        let mut told = Vec::new();
        for planned in &plan.effects {
            self.execute(&planned.effect);
            self.object_writes += 1;
            told.extend(planned.notes.clone());
        }
        if plan.urgency != Urgency::None {
            self.rollout.status = Some(plan.status.clone());
            told = in_order(told, plan.notes.clone());
        }
        self.tell(&told);
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
            let moved = self.run_replica_sets();
            if plan.effects.is_empty() && plan.urgency == Urgency::None && !moved {
                return;
            }
        }
        panic!("does not settle: {:#?}", self.rollout.status);
    }

    /// Time passes, and nobody looks.
    pub fn advance(&mut self, seconds: i64) {
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

    fn execute(&mut self, effect: &Effect) {
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
                for annotation in &patch.annotations {
                    annotations.insert(annotation.key.clone(), annotation.value.to.clone().expect("a value"));
                }
            }
            Effect::OwnReplicaSet(_) | Effect::EvictPod(_) => unreachable!("not in these tests"),
        }
    }

    fn patch(&mut self, patch: &ReplicaSetPatch) {
        let rs = self.replica_sets.iter_mut().find(|rs| rs.uid() == patch.target.uid).expect("the ReplicaSet exists");
        if let Some(change) = &patch.replicas {
            assert_eq!(rs.wanted(), change.from, "the precondition holds");
            rs.spec.replicas = Some(change.to);
        }
        for annotation in &patch.annotations {
            let annotations = rs.metadata.annotations.get_or_insert_default();
            assert_eq!(annotations.get(&annotation.key).cloned(), annotation.value.from, "the precondition holds");
            annotations.insert(annotation.key.clone(), annotation.value.to.clone().expect("a value"));
        }
    }

    /// What the ReplicaSet controller and the nodes do. Says whether anything moved.
    pub fn run_replica_sets(&mut self) -> bool {
        let mut moved = false;
        for rs in &mut self.replica_sets {
            let image = rs.spec.template["spec"]["containers"][0]["image"].as_str().unwrap_or_default();
            let wanted = rs.wanted();
            let serving = if self.broken.contains(image) { 0 } else { wanted };
            let status = ReplicaSetStatus {
                replicas: wanted,
                ready_replicas: serving,
                available_replicas: serving,
                observed_generation: rs.metadata.generation,
                ..ReplicaSetStatus::default()
            };
            moved |= rs.status.as_ref() != Some(&status);
            rs.status = Some(status);
        }
        let available: i32 = self.replica_sets.iter().map(|rs| rs.observed().available_replicas).sum();
        self.fewest_available = self.fewest_available.min(available);
        self.most_pods = self.most_pods.max(self.replica_sets.iter().map(ReplicaSet::wanted).sum());
        moved
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
        let canary = self.rollout.spec.strategy.canary.as_ref().expect("a canary");
        Limits::resolve(
            self.rollout.spec.replicas.unwrap_or(1),
            canary.max_surge.as_ref(),
            canary.max_unavailable.as_ref(),
        )
        .floor()
    }
}
