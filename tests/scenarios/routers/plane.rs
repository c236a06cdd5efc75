//! What every story about a router has in common: a deployment, an update in two steps, an abort, and a router that is taken out.

use serde_json::{Value, json};
use sluice_core::api::Rollout;

use crate::scenario::{Scenario, Subject, canary};

/// A data plane, as a scenario looks at it and plays it.
pub trait Plane {
    /// The canary's weight, as its objects say.
    async fn weight(&self, s: &Scenario) -> i64;

    /// Takes up what its objects say, and says so. Most never do.
    async fn hear(&self, _: &Scenario) {}
}

/// A Rollout `web` whose traffic such a data plane carries.
pub struct Routed<P> {
    s: Scenario,
    pub web: Subject,
    plane: P,
}

/// A quarter, and three quarters, until somebody goes on.
pub fn two_steps() -> Value {
    json!([{ "setWeight": 25 }, { "pause": {} }, { "setWeight": 75 }, { "pause": {} }])
}

/// The Rollout.
pub fn manifest(routing: &Value, steps: &Value) -> Value {
    canary(
        4,
        json!({
            "canaryService": "canary",
            "stableService": "stable",
            "scaleDownDelaySeconds": 3,
            "abortScaleDownDelaySeconds": 3,
            "trafficRouting": routing,
            "steps": steps,
        }),
    )
}

impl<P: Plane> Routed<P> {
    /// Deploys the first version, with two steps for the next ones. The objects of the data plane are there.
    pub async fn deploy(s: &Scenario, plane: P, routing: Value) -> Routed<P> {
        Routed::deploy_with(s, plane, routing, &two_steps()).await
    }

    /// The same with other steps.
    pub async fn deploy_with(s: &Scenario, plane: P, routing: Value, steps: &Value) -> Routed<P> {
        let routed = Routed::apply_with(s, plane, routing, steps).await;
        routed.until_healthy().await;
        routed.until_weight(0).await;
        routed
    }

    /// Applies the manifest, without waiting for anything.
    pub async fn apply(s: &Scenario, plane: P, routing: Value) -> Routed<P> {
        Routed::apply_with(s, plane, routing, &two_steps()).await
    }

    /// The same with a Rollout that is there already.
    pub fn of(s: &Scenario, plane: P, web: Subject) -> Routed<P> {
        Routed { s: s.clone(), web, plane }
    }

    async fn apply_with(s: &Scenario, plane: P, routing: Value, steps: &Value) -> Routed<P> {
        s.serve(&["stable", "canary"]).await;
        Routed::of(s, plane, s.apply(manifest(&routing, steps)).await)
    }

    /// Waits for something about the Rollout, whose latest generation must have been observed, while the data plane hears.
    pub async fn until(&self, what: &str, holds: impl Fn(&Rollout) -> bool) -> Rollout {
        self.s
            .eventually(what, async || {
                self.plane.hear(&self.s).await;
                let rollout = self.web.get().await;
                let generation = rollout.metadata.generation.unwrap_or(0).to_string();
                let observed = rollout.status().observed_generation == generation;
                if observed && holds(&rollout) { Ok(rollout) } else { Err(format!("{:#?}", rollout.status())) }
            })
            .await
    }

    pub async fn until_healthy(&self) {
        self.until("healthy", |rollout| rollout.status().phase == "Healthy").await;
    }

    pub async fn until_paused_at(&self, step: i32) {
        let is_there =
            |rollout: &Rollout| rollout.status().phase == "Paused" && rollout.status().current_step_index == Some(step);
        self.until(&format!("paused at step {step}"), is_there).await;
    }

    pub async fn weight(&self) -> i64 {
        self.plane.weight(&self.s).await
    }

    /// Whether the status says that the data plane does what it was told.
    pub async fn verified(&self) -> Option<bool> {
        self.web.status().await.canary?.weights?.verified
    }

    /// Waits until the objects give the canary this weight, while the data plane hears.
    pub async fn until_weight(&self, wanted: i64) {
        self.s
            .eventually(&format!("weight {wanted}"), async || {
                self.plane.hear(&self.s).await;
                let weight = self.weight().await;
                if weight == wanted { Ok(()) } else { Err(weight.to_string()) }
            })
            .await;
    }

    /// Waits until there are so many pods of the first version and of the second, while the data plane hears.
    pub async fn until_sizes(&self, wanted: (i32, i32)) {
        self.s
            .eventually(&format!("{wanted:?} pods"), async || {
                self.plane.hear(&self.s).await;
                let sizes = self.web.sizes("web:1", "web:2").await;
                if sizes == wanted { Ok(()) } else { Err(format!("{sizes:?}")) }
            })
            .await;
    }

    /// Waits until an object is gone, while the data plane hears.
    pub async fn until_gone(&self, api_version: &str, kind: &str, name: &str) {
        self.s
            .eventually(&format!("{kind} {name} gone"), async || {
                self.plane.hear(&self.s).await;
                match self.s.find(api_version, kind, name).await {
                    None => Ok(()),
                    Some(object) => Err(object.to_string()),
                }
            })
            .await;
    }

    pub async fn until_quiet(&self) {
        self.s.until_quiet().await;
    }

    /// Updates, as far as the first pause.
    pub async fn update(&self) {
        self.web.set_image("web:2").await;
        self.until_weight(25).await;
        self.until_paused_at(1).await;
    }

    /// Goes on to the second pause.
    pub async fn go_on(&self) {
        self.web.promote().await;
        self.until_weight(75).await;
        self.until_paused_at(3).await;
    }

    /// Goes on to the end, which is the stable version alone.
    pub async fn finish(&self) {
        self.web.promote().await;
        self.until_healthy().await;
        self.until_weight(0).await;
        self.web.until_selected("stable", "web:2").await;
        self.until_sizes((0, 4)).await;
    }

    /// Aborts, after which the first version has everything.
    pub async fn abort(&self) {
        self.web.abort().await;
        self.until_weight(0).await;
        self.until_sizes((4, 0)).await;
        self.web.until_selected("canary", "web:1").await;
    }

    /// Takes the router out of the manifest, and waits until nothing on the Rollout tells of it any more.
    pub async fn take_out(&self) {
        let gone = json!({ "trafficRouting": null, "scaleDownDelaySeconds": null, "abortScaleDownDelaySeconds": null });
        self.web.edit(json!({ "spec": { "strategy": { "canary": gone } } })).await;
        self.until("nothing is left", |rollout| {
            let annotations = rollout.metadata.annotations.as_ref();
            !annotations.is_some_and(|all| all.contains_key("rollout.argoproj.io/routes-by"))
        })
        .await;
    }

    /// Waits until the Rollout says that it waits for this object, with a message that begins like this.
    pub async fn until_waiting(&self, reason: &str, object: &str, words: &str) {
        self.until(&format!("waiting for {object}: {words}"), |rollout| {
            let on = rollout.status().waiting_on.as_ref();
            on.is_some_and(|on| {
                on.reason == reason && on.object.as_deref() == Some(object) && on.message.starts_with(words)
            })
        })
        .await;
    }
}
