//! What the stories have in common: their namespace, their weather, and the manifests of pods that take a while to end.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::freezer::Turn;
use crate::gateway::Gateway;
use crate::real::Real;
use crate::run::Run;
use crate::scenario::{Scenario, Subject, strategy, with};

/// The first version and the next one.
pub const OLD: &str = "web:1";
pub const NEW: &str = "web:2";
/// Pods of a version that has all the traffic.
pub const PODS: i32 = 5;

/// One story, told in a namespace of its own.
pub struct Story {
    pub s: Scenario,
    pub gateway: Gateway,
    pub turn: Turn,
    frozen: bool,
    name: String,
}

impl Story {
    /// Waits for its weather.
    pub async fn begin(name: &str, frozen: bool) -> Story {
        let gateway = Gateway::find();
        let turn = Turn::of(frozen, gateway.process).await;
        let s = Scenario::begin(Arc::new(Real::connect().await), name).await;
        Story { s, gateway, turn, frozen, name: name.replace('_', " ") }
    }

    /// Begins the load, and counts what the new version gets of it before anything is done: nothing.
    pub async fn load(&self) -> Run {
        let weather =
            if self.frozen { "while the gateway is frozen for 8 of 9 s" } else { "while the gateway hears at once" };
        let title = format!("{}, {weather}", self.name);
        let mut run = Run::begin(title, NEW, &self.gateway, &self.s).await;
        run.measure("before", 0).await;
        run
    }

    /// Goes on for so long that the gateway has heard of everything, and fails where a request was lost or a share is wrong.
    pub async fn end(self, mut run: Run) {
        run.mark("the end");
        self.s.sleep(if self.frozen { 10 } else { 2 }).await;
        run.end().check();
        assert!(!self.frozen || self.turn.freezes() > 0, "the gateway was never frozen");
    }
}

/// A Rollout whose pods serve for so many seconds after their deletion.
pub fn manifest(how: Value, seconds: u32) -> Value {
    let manifest = strategy(PODS, how);
    let annotations = json!({ "node.sluice.dev/termination-delay": format!("{seconds}s") });
    let manifest = with(manifest, "/spec/template/metadata/annotations", annotations);
    let manifest = with(manifest, "/spec/template/spec/terminationGracePeriodSeconds", json!(seconds + 10));
    with(manifest, "/spec/template/spec/containers", json!([container(OLD)]))
}

/// The container of this version.
pub fn container(image: &str) -> Value {
    json!({ "name": "web", "image": image, "ports": [{ "containerPort": 80 }] })
}

/// Sets the version.
pub async fn set_version(web: &Subject, image: &str) {
    web.edit(json!({ "spec": { "template": { "spec": { "containers": [container(image)] } } } })).await;
}
