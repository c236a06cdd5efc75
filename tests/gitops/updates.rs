//! Rollouts from Git, with their controller at work: commits are what changes them, and their Application shows how they are.

use std::sync::Arc;
use std::time::Duration;

use kube::api::{Api, Patch, PatchParams};
use serde_json::{Value, json};
use sluice::clock::Clock;
use sluice::controller::context::GuardMode;
use sluice::controller::{self, Clients, Settings, Signals};
use sluice::metrics::Metrics;
use sluice::trial;
use sluice_core::api::Rollout;
use tokio::sync::watch;

use crate::story::{Story, automated};

/// Sluice's other half, in the namespace of the story.
struct Controller {
    running: tokio::task::JoinHandle<()>,
    _leading: watch::Sender<bool>,
    _stop: watch::Sender<bool>,
}

impl Drop for Controller {
    fn drop(&mut self) {
        self.running.abort();
    }
}

fn control(s: &Story) -> Controller {
    let clients = Clients { reads: s.client(), writes: s.client() };
    let host = Arc::new(trial::host());
    let settings = Settings {
        namespace: Some(s.namespace.clone()),
        instance_id: String::new(),
        concurrency: 2,
        resync: Duration::from_mins(15),
        guard: GuardMode::Enforce,
        providers: Arc::new(trial::providers(&clients, Clock::System, &host)),
        plugins: host,
        home: s.namespace.clone(),
        aws: None,
        analysis_concurrency: 2,
        experiment_concurrency: 2,
        in_order: false,
    };
    let (leading, is_leading) = watch::channel(true);
    let (ready, _) = watch::channel(false);
    let (stop, stopping) = watch::channel(false);
    let signals = Signals { leading: is_leading, ready, stop: stopping, services: Arc::default() };
    let running = tokio::spawn(controller::run(clients, settings, Clock::System, Metrics::new(), signals));
    Controller { running, _leading: leading, _stop: stop }
}

/// A canary of two pods that stops half way; it is too late after some seconds.
fn rollout(image: &str, annotations: &Value) -> String {
    let labels = json!({ "app": "web" });
    let mut metadata = json!({ "labels": labels });
    // An apply that leaves a map empty leaves a null, which the API server does not take.
    if annotations.as_object().is_some_and(|annotations| !annotations.is_empty()) {
        metadata["annotations"] = annotations.clone();
    }
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": { "name": "web" },
        "spec": {
            "replicas": 2, "selector": { "matchLabels": labels }, "progressDeadlineSeconds": 5,
            "template": {
                "metadata": metadata,
                "spec": { "containers": [{ "name": "web", "image": image }] },
            },
            "strategy": { "canary": { "steps": [{ "setWeight": 50 }, { "pause": {} }] } },
        },
    })
    .to_string()
}

async fn patch_status(s: &Story, status: Value) {
    let api: Api<Rollout> = Api::namespaced(s.client(), &s.namespace);
    let patch = Patch::Merge(json!({ "status": status }));
    api.patch_status("web", &PatchParams::default(), &patch).await.expect("the status is patched");
}

async fn until_health(s: &Story, app: &str, health: &str) -> Value {
    s.until(app, health, |status| status["health"]["status"] == health).await
}

pub async fn an_update_from_git_walks_its_canary(s: Story) {
    let _controller = control(&s);
    s.git.write("app/rollout.yaml", &rollout("web:1", &json!({})));
    let first = s.git.commit("The first version");
    let app = s.application("web", automated(true, true)).await;
    s.synced(&app, &first).await;
    until_health(&s, &app, "Healthy").await;

    s.git.write("app/rollout.yaml", &rollout("web:2", &json!({})));
    let second = s.git.commit("The second version");
    s.synced(&app, &second).await;
    // A person has to let it go on.
    until_health(&s, &app, "Suspended").await;
    patch_status(&s, json!({ "pauseConditions": null })).await;
    let status = until_health(&s, &app, "Healthy").await;
    assert_eq!((&status["sync"]["status"], status["history"].as_array().map(Vec::len)), (&json!("Synced"), Some(2)));

    // Its pods do not get ready: it goes on until that has taken too long.
    s.git.write("app/rollout.yaml", &rollout("web:3", &json!({ "node.sluice.dev/ready": "never" })));
    let third = s.git.commit("A version that does not come up");
    s.synced(&app, &third).await;
    until_health(&s, &app, "Progressing").await;
    until_health(&s, &app, "Degraded").await;
    s.git.git(&["revert", "--no-edit", "HEAD"]);
    until_health(&s, &app, "Healthy").await;
    let rollout = s.object("argoproj.io/v1alpha1", "Rollout", "web").await.expect("it is there");
    assert_eq!(rollout["spec"]["template"]["spec"]["containers"][0]["image"], "web:2");
}

pub async fn an_update_that_was_aborted_is_not_begun_again(s: Story) {
    let _controller = control(&s);
    s.git.write("app/rollout.yaml", &rollout("web:1", &json!({})));
    let first = s.git.commit("The first version");
    let app = s.application("web", automated(true, true)).await;
    s.synced(&app, &first).await;
    until_health(&s, &app, "Healthy").await;
    s.git.write("app/rollout.yaml", &rollout("web:2", &json!({})));
    let second = s.git.commit("The second version");
    s.synced(&app, &second).await;
    until_health(&s, &app, "Suspended").await;

    patch_status(&s, json!({ "abort": true })).await;
    let before = until_health(&s, &app, "Degraded").await;
    s.wait(4).await;
    let after = s.status(&app).await;
    assert_eq!(before["operationState"], after["operationState"], "nothing was synced since");
    assert_eq!((&after["sync"]["status"], &after["health"]["status"]), (&json!("Synced"), &json!("Degraded")));
    let rollout = s.object("argoproj.io/v1alpha1", "Rollout", "web").await.expect("it is there");
    assert_eq!((&rollout["status"]["abort"], &rollout["status"]["phase"]), (&json!(true), &json!("Degraded")));

    // The way back is a commit, too.
    s.git.git(&["revert", "--no-edit", "HEAD"]);
    until_health(&s, &app, "Healthy").await;
}
