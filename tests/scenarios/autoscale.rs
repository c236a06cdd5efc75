//! Autoscalers: sizes that follow a number from outside, which a ConfigMap says.

use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::scenario::{Scenario, Subject, blue_green, canary, rollout};

crate::scenarios! {
    an_autoscaler_sizes_a_steady_rollout_by_its_queue,
    an_autoscaler_keeps_a_rollout_within_its_bounds,
    an_autoscaler_sizes_a_deployment_by_its_queue,
    pods_that_an_update_adds_do_not_make_an_autoscaler_ask_for_more,
    an_autoscaler_scales_in_the_middle_of_an_update_and_the_steps_go_on,
    an_autoscaler_sees_the_active_version_of_a_blue_green_update,
}

async fn an_autoscaler_sizes_a_steady_rollout_by_its_queue(s: Scenario) {
    let web = s.deploy(rollout(2, json!([{ "setWeight": 50 }, { "pause": {} }]))).await;
    s.say_metric("queue", "60").await;
    s.autoscale("argoproj.io/v1alpha1", "Rollout", (1, 10)).await;
    s.say_metric("queue", "150").await;
    until_ready(&web, 5).await;
    s.until_autoscaled(5, "ReadyForNewScale").await;
    s.say_metric("queue", "65").await;
    until_ready(&web, 3).await;
    s.until_autoscaled(3, "ReadyForNewScale").await;
    assert_eq!(web.sizes("web:1", "web:2").await, (3, 0));
    s.until_autoscaler("the Rollout reports its three pods", |status| {
        status.pointer("/currentMetrics/0/external/current/averageValue") == Some(&json!("21667m"))
    })
    .await;
}

async fn an_autoscaler_keeps_a_rollout_within_its_bounds(s: Scenario) {
    let web = s.deploy(rollout(2, json!([]))).await;
    s.say_metric("queue", "900").await;
    s.autoscale("argoproj.io/v1alpha1", "Rollout", (2, 6)).await;
    until_ready(&web, 6).await;
    s.say_metric("queue", "0").await;
    until_ready(&web, 2).await;
    // Whoever scales by hand is put right, and a size of zero is an order.
    web.scale(9).await;
    until_ready(&web, 2).await;
    web.scale(0).await;
    web.until("at rest", |rollout| rollout.status().replicas == 0).await;
    s.until_condition("ScalingActive", "ScalingDisabled").await;
    assert_eq!(web.get().await.spec.replicas, Some(0));
}

async fn an_autoscaler_sizes_a_deployment_by_its_queue(s: Scenario) {
    let template = rollout(1, json!([]))["spec"]["template"].clone();
    let selector = json!({ "matchLabels": { "app": "web" } });
    let spec = json!({ "replicas": 1, "selector": selector, "template": template });
    let manifest =
        json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web" }, "spec": spec });
    s.create(manifest).await.expect("the API server accepts the Deployment");
    s.say_metric("queue", "120").await;
    s.autoscale("apps/v1", "Deployment", (1, 10)).await;
    for (queue, pods) in [("120", 4), ("30", 1)] {
        s.say_metric("queue", queue).await;
        s.eventually(&format!("{pods} pods"), async || {
            let status = s.read("apps/v1", "Deployment", "web").await["status"].take();
            if status["readyReplicas"] == pods && status["replicas"] == pods { Ok(()) } else { Err(status.to_string()) }
        })
        .await;
    }
}

async fn until_ready(web: &Subject, pods: i32) {
    web.until(&format!("{pods} pods"), |rollout| {
        let status = rollout.status();
        rollout.spec.replicas == Some(pods) && status.available_replicas == pods && status.replicas == pods
    })
    .await;
    web.until_healthy().await;
}

impl Scenario {
    /// Says what a metric from outside is now.
    pub async fn say_metric(&self, name: &str, value: &str) {
        let labels = json!({ "metrics.sluice.dev/external": "" });
        let map = json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": { "name": "metrics", "labels": labels }, "data": { name: value },
        });
        let api = self.objects("v1", "ConfigMap");
        let said = api.patch("metrics", &PatchParams::apply("scenario").force(), &Patch::Apply(map)).await;
        said.expect("the API server accepts the ConfigMap");
    }

    /// Makes an autoscaler of `web` that wants 30 of the metric `queue` for each pod, and does at once what it decides.
    pub async fn autoscale(&self, api_version: &str, kind: &str, (least, most): (i32, i32)) {
        let target = json!({ "type": "AverageValue", "averageValue": "30" });
        let metric = json!({ "type": "External", "external": { "metric": { "name": "queue" }, "target": target } });
        let rules = json!({ "stabilizationWindowSeconds": 0, "policies": [{ "type": "Pods", "value": 100, "periodSeconds": 1 }] });
        let spec = json!({
            "scaleTargetRef": { "apiVersion": api_version, "kind": kind, "name": "web" },
            "minReplicas": least, "maxReplicas": most, "metrics": [metric],
            "behavior": { "scaleUp": rules, "scaleDown": rules },
        });
        let manifest = json!({
            "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
            "metadata": { "name": "web" }, "spec": spec,
        });
        self.create(manifest).await.expect("the API server accepts the autoscaler");
    }

    /// Waits until the autoscaler has found this size to be right, for this reason.
    pub async fn until_autoscaled(&self, replicas: i32, reason: &str) {
        self.until_autoscaler(&format!("autoscaled to {replicas}"), |status| {
            status["currentReplicas"] == replicas
                && status["desiredReplicas"] == replicas
                && condition(status, "AbleToScale")["reason"] == reason
        })
        .await;
    }

    /// Waits until a condition of the autoscaler has this reason.
    pub async fn until_condition(&self, kind: &str, reason: &str) {
        self.until_autoscaler(&format!("{kind} because of {reason}"), |status| {
            condition(status, kind)["reason"] == reason
        })
        .await;
    }

    async fn until_autoscaler(&self, what: &str, holds: impl Fn(&Value) -> bool) {
        self.eventually(what, async || {
            let status = self.read("autoscaling/v2", "HorizontalPodAutoscaler", "web").await["status"].take();
            if holds(&status) { Ok(()) } else { Err(status.to_string()) }
        })
        .await;
    }
}

fn condition<'a>(status: &'a Value, kind: &str) -> &'a Value {
    let mut conditions = status["conditions"].as_array().into_iter().flatten();
    conditions.find(|condition| condition["type"] == kind).unwrap_or(&Value::Null)
}

async fn pods_that_an_update_adds_do_not_make_an_autoscaler_ask_for_more(s: Scenario) {
    let web = s.deploy(canary(4, json!({ "maxSurge": 1, "steps": [{ "setWeight": 10 }, { "pause": {} }] }))).await;
    s.say_metric("queue", "120").await;
    s.autoscale("argoproj.io/v1alpha1", "Rollout", (1, 10)).await;
    s.until_autoscaled(4, "ReadyForNewScale").await;
    web.set_image("web:2").await;
    web.until_paused_at(1).await;
    web.until_sizes(("web:1", 4), ("web:2", 1)).await;
    web.until("told of four", |rollout| rollout.status().hpa_replicas == 4 && rollout.status().replicas == 5).await;
    // Of five pods it would say that they have too little to do, and of ever more that they are as many as they should be.
    s.sleep(4).await;
    s.until_autoscaled(4, "ReadyForNewScale").await;
    assert_eq!(web.get().await.spec.replicas, Some(4));
    web.promote().await;
    web.until_healthy().await;
    assert_eq!(web.sizes("web:1", "web:2").await, (0, 4));
}

async fn an_autoscaler_scales_in_the_middle_of_an_update_and_the_steps_go_on(s: Scenario) {
    let web = s.deploy(rollout(2, json!([{ "setWeight": 50 }, { "pause": {} }, { "setWeight": 75 }]))).await;
    s.say_metric("queue", "60").await;
    s.autoscale("argoproj.io/v1alpha1", "Rollout", (1, 10)).await;
    web.set_image("web:2").await;
    web.until_paused_at(1).await;
    s.say_metric("queue", "180").await;
    web.until_sizes(("web:1", 3), ("web:2", 3)).await;
    web.until_paused_at(1).await;
    web.promote().await;
    web.until_healthy().await;
    assert_eq!(web.sizes("web:1", "web:2").await, (0, 6));
}

async fn an_autoscaler_sees_the_active_version_of_a_blue_green_update(s: Scenario) {
    s.serve(&["active", "preview"]).await;
    let web = s.deploy(blue_green(2, json!({ "autoPromotionEnabled": false }))).await;
    s.say_metric("queue", "60").await;
    s.autoscale("argoproj.io/v1alpha1", "Rollout", (1, 10)).await;
    web.set_image("web:2").await;
    web.until_phase("Paused", "BlueGreenPause").await;
    s.say_metric("queue", "90").await;
    web.until_sizes(("web:1", 3), ("web:2", 3)).await;
    web.until("told of the active three", |rollout| {
        rollout.status().hpa_replicas == 3 && rollout.status().replicas == 6
    })
    .await;
    s.until_autoscaled(3, "ReadyForNewScale").await;
    web.promote().await;
    web.until_healthy().await;
}
