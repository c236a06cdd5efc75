//! Plugins as `plugins/README.md` has them: the examples, started by a controller from `argo-rollouts-config`.

use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::Duration;

use kube::api::DeleteParams;
use serde_json::{Value, json};
use sluice_core::api::{Rollout, labels};

use crate::programs::{self, HOME};
use crate::scenario::{Scenario, Subject, canary, rollout, with};

crate::scenarios! {
    ;
    with_processes:
    a_router_of_ones_own_carries_a_canary,
    a_router_that_dies_is_started_again,
    somebody_approves_a_step,
    somebody_denies_a_step,
    a_configuration_is_taken_up_at_once,
    a_metric_of_ones_own_decides,
}

/// A controller with plugins of its own, and the folder that they work in.
struct Own {
    s: Scenario,
    folder: PathBuf,
    process: Child,
}

impl Own {
    async fn start(s: &Scenario) -> Own {
        let folder = s.programs().logs().join(&s.namespace);
        std::fs::create_dir_all(&folder).expect("the folder is writable");
        // The role of deploy/install.yaml, for this namespace.
        let kubectl = |arguments: &[&str]| s.programs().kubectl(&[&["-n", &s.namespace], arguments].concat());
        kubectl(&["create", "role", "home", "--verb=get,list,watch", "--resource=configmaps"]);
        kubectl(&["create", "role", "lease", "--verb=create,update", "--resource=leases.coordination.k8s.io"]);
        let account = format!("--serviceaccount={HOME}:sluice");
        for role in ["home", "lease"] {
            kubectl(&["create", "rolebinding", role, &format!("--role={role}"), &account]);
        }
        let kubeconfig = s.programs().kubeconfig_of(&s.client(), "sluice").await.display().to_string();
        let arguments = ["--kubeconfig", &kubeconfig, "--namespace", &s.namespace, "--instance-id", &s.namespace];
        let process = s.programs().controller(&arguments, &s.namespace);
        Own { s: s.clone(), folder, process }
    }

    /// A Rollout that this controller acts on.
    async fn deploy(&self, manifest: Value) -> Subject {
        self.s.deploy(with(manifest, "/metadata/labels", json!({ labels::INSTANCE_ID: self.s.namespace }))).await
    }

    fn directory(&self) -> String {
        self.folder.display().to_string()
    }

    /// Writes the configuration of plugins.
    async fn configure(&self, key: &str, entries: Value) {
        let data = json!({ (key): entries.to_string() });
        let map = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "argo-rollouts-config" }, "data": data });
        if self.s.create(map).await.is_err() {
            let patch = json!({ "data": data });
            self.s.patch("v1", "ConfigMap", "argo-rollouts-config", patch).await.expect("the ConfigMap is there");
        }
    }

    async fn configure_approval(&self, more: Value) {
        let program = concat!(env!("CARGO_MANIFEST_DIR"), "/plugins/examples/approval.py");
        let mut entry =
            json!({ "name": "example/approval", "location": program, "args": ["--directory", self.directory()] });
        for (key, value) in more.as_object().expect("fields") {
            entry[key] = value.clone();
        }
        self.configure("stepPlugins", json!([entry])).await;
    }

    async fn configure_router(&self) {
        let location = format!("file://{}", example("file-router").display());
        let args = ["--directory", &self.directory()];
        self.configure(
            "trafficRouterPlugins",
            json!([{ "name": "example/file-router", "location": location, "args": args }]),
        )
        .await;
    }

    /// The file that the router writes, once it says this weight.
    async fn until_weight(&self, weight: i64) -> Value {
        let path = self.folder.join("web.json");
        self.s
            .eventually(&format!("a weight of {weight}"), async || {
                let text = std::fs::read_to_string(&path).map_err(|error| error.to_string())?;
                let file: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
                if file["routing"]["canary"]["weight"] == weight { Ok(file) } else { Err(text) }
            })
            .await
    }

    /// The proxy takes the file up as it is, again and again, until something has come about.
    async fn while_it_hears<T>(&self, comes_about: impl Future<Output = T>) -> T {
        let path = self.folder.join("web.json");
        let hears = async {
            loop {
                // It may not be there yet.
                let _ = std::fs::copy(&path, path.with_added_extension("applied"));
                self.s.cluster.sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::select! {
            done = comes_about => done,
            () = hears => unreachable!("it hears for ever"),
        }
    }

    /// The one file that the step has made with this ending.
    async fn until_asked(&self) -> PathBuf {
        self.s
            .eventually("a question", async || {
                let files = std::fs::read_dir(&self.folder).expect("the folder is there").flatten();
                let mut paths = files.map(|file| file.path());
                paths.find(|path| path.extension().is_some_and(|it| it == "asked")).ok_or_else(|| "none".to_owned())
            })
            .await
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        // It ends its plugins before it goes.
        programs::signal(&self.process, "TERM");
        let _ = self.process.wait();
    }
}

/// An example's program, built as the controller is.
fn example(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_BIN_EXE_sluice")).parent().expect("a folder").to_owned();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--offline", "--quiet", "-p", "sluice-plugin-examples", "--bin", name]);
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let built = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).status().expect("cargo runs");
    assert!(built.success(), "{name} is built");
    folder.join(name)
}

fn routed() -> Value {
    canary(
        4,
        json!({
            "canaryService": "canary",
            "stableService": "stable",
            "scaleDownDelaySeconds": 2,
            "abortScaleDownDelaySeconds": 2,
            "trafficRouting": { "plugins": { "example/file-router": { "file": "web.json" } } },
            "steps": [{ "setWeight": 25 }, { "pause": {} }, { "setWeight": 60 }, { "pause": {} }],
        }),
    )
}

async fn a_router_of_ones_own_carries_a_canary(s: Scenario) {
    let own = Own::start(&s).await;
    s.serve(&["stable", "canary"]).await;
    // A proxy that confirms what it has read, so each step waits for it.
    std::fs::write(own.folder.join("web.json.applied"), "").expect("the folder is writable");
    own.configure_router().await;
    let web = own.while_it_hears(own.deploy(routed())).await;
    own.while_it_hears(async {
        web.set_image("web:2").await;
        web.until_paused_at(1).await;
    })
    .await;
    let file = own.until_weight(25).await;
    assert_eq!(file["routing"]["stable"]["service"], "stable");
    let weights = web.status().await.canary.and_then(|canary| canary.weights).expect("weights");
    assert_eq!((weights.canary.weight, weights.verified), (25, Some(true)));
    web.promote().await;
    own.until_weight(60).await;
    let waiting = web.until("behind", |rollout| waits_for(rollout, "Verification", "the proxy is behind")).await;
    let on = waiting.status().waiting_on.clone().expect("something");
    assert_eq!(on.object.as_deref(), Some("TrafficRouterPlugin/example/file-router"));
    own.while_it_hears(web.until_paused_at(3)).await;
    web.abort().await;
    own.until_weight(0).await;
    s.sleep(4).await;
    assert!(web.size("web:2").await > 0, "nothing shrinks before the proxy has heard");
    own.while_it_hears(web.until_sizes(("web:1", 4), ("web:2", 0))).await;
    web.api().delete("web", &DeleteParams::default()).await.expect("it was there");
    s.eventually("released", async || {
        if own.folder.join("web.json").exists() { Err("the file is still there".to_owned()) } else { Ok(()) }
    })
    .await;
}

async fn a_router_that_dies_is_started_again(s: Scenario) {
    let own = Own::start(&s).await;
    s.serve(&["stable", "canary"]).await;
    own.configure_router().await;
    let web = own.deploy(routed()).await;
    web.set_image("web:2").await;
    web.until_paused_at(1).await;
    let killed = Command::new("pkill").args(["-KILL", "-f", &own.directory()]).status();
    assert!(killed.is_ok_and(|status| status.success()), "the plugin ran");
    web.promote().await;
    own.until_weight(60).await;
    web.until_paused_at(3).await;
}

/// Whether a Rollout waits for this, and says these words.
fn waits_for(rollout: &Rollout, reason: &str, words: &str) -> bool {
    rollout.status().waiting_on.as_ref().is_some_and(|on| on.reason == reason && on.message.contains(words))
}

fn stepped() -> Value {
    let step = json!({ "plugin": { "name": "example/approval", "config": { "everySeconds": 1 } } });
    rollout(2, json!([{ "setWeight": 50 }, step]))
}

async fn somebody_approves_a_step(s: Scenario) {
    let own = Own::start(&s).await;
    own.configure_approval(json!({})).await;
    let web = own.deploy(stepped()).await;
    web.set_image("web:2").await;
    let asked = own.until_asked().await;
    let waits = web.until("waits", |rollout| waits_for(rollout, "StepPlugin", "waiting for /")).await;
    let entries = waits.status().canary.clone().expect("a canary").step_plugin_statuses;
    let [entry] = &entries[..] else { panic!("{entries:#?}") };
    assert_eq!(
        (entry.index, entry.operation.as_str(), entry.phase.as_str(), entry.backoff.as_str()),
        (1, "Run", "Running", "10s")
    );
    assert!(entry.message.starts_with("waiting for /") && entry.status.is_some(), "{entry:?}");
    std::fs::write(asked.with_extension("approved"), "").expect("the folder is writable");
    web.until_healthy().await;
    s.until_told("StepPluginTransition: Plugin example/approval of step 2 is Successful (Run)").await;
    s.until_told("RolloutStepCompleted: Rollout step 2/2 completed (plugin: example/approval)").await;
}

async fn somebody_denies_a_step(s: Scenario) {
    let own = Own::start(&s).await;
    own.configure_approval(json!({})).await;
    let web = own.deploy(stepped()).await;
    web.set_image("web:2").await;
    let asked = own.until_asked().await;
    std::fs::write(asked.with_extension("denied"), "").expect("the folder is writable");
    let aborted = web.until_aborted().await;
    let message = &aborted.status().message;
    assert!(
        message.contains("step 2/2 (plugin: example/approval) failed: ") && message.ends_with("is denied"),
        "{message}"
    );
    web.until_sizes(("web:1", 2), ("web:2", 0)).await;
    // Approved after all.
    std::fs::remove_file(asked.with_extension("denied")).expect("it is there");
    std::fs::write(asked.with_extension("approved"), "").expect("the folder is writable");
    web.retry().await;
    web.until_healthy().await;
}

async fn a_configuration_is_taken_up_at_once(s: Scenario) {
    let own = Own::start(&s).await;
    let web = own.deploy(stepped()).await;
    web.set_image("web:2").await;
    let until = async |reason, words| web.until(words, |rollout| waits_for(rollout, reason, words)).await;
    until("PluginUnavailable", "no plugin \"example/approval\" of kind step is configured").await;
    s.until_told("ReconciliationError: no plugin").await;
    own.configure_approval(json!({ "sha256": "12" })).await;
    until("PluginUnavailable", "sha256 \"12\" is not 64 hexadecimal digits").await;
    own.configure_approval(json!({})).await;
    own.until_asked().await;
    until("StepPlugin", "waiting for /").await;
    own.configure_approval(json!({ "disabled": true })).await;
    let done = web.until_healthy().await;
    let entries = done.status().canary.clone().expect("a canary").step_plugin_statuses;
    assert!(entries.iter().any(|entry| entry.disabled), "{entries:#?}");
}

/// The example that counts lines of a file: the access log of the new version, say.
async fn a_metric_of_ones_own_decides(s: Scenario) {
    let own = Own::start(&s).await;
    let args = ["--directory", &own.directory()];
    let location = format!("file://{}", example("line-count").display());
    own.configure(
        "metricProviderPlugins",
        json!([{ "name": "example/line-count", "location": location, "args": args }]),
    )
    .await;
    std::fs::write(own.folder.join("access.log"), "200\n200\n500\n").expect("the folder is writable");
    let provider = json!({ "plugin": { "example/line-count": { "file": "access.log", "contains": "500" } } });
    let metric = json!({ "name": "errors", "failureCondition": "result > {{args.most}}", "provider": provider });
    s.create(json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisTemplate", "metadata": { "name": "errors" },
        "spec": { "args": [{ "name": "most" }], "metrics": [metric] },
    }))
    .await
    .expect("an AnalysisTemplate");
    let step = |most: &str| {
        let args = json!([{ "name": "most", "value": most }]);
        json!([{ "setWeight": 50 }, { "analysis": { "templates": [{ "templateName": "errors" }], "args": args } }])
    };
    let web = own.deploy(rollout(2, step("3"))).await;
    web.set_image("web:2").await;
    web.until_healthy().await;
    assert_eq!(web.sizes("web:1", "web:2").await, (0, 2));
    web.edit(json!({ "spec": { "strategy": { "canary": { "steps": step("0") } } } })).await;
    web.set_image("web:3").await;
    let aborted = web.until_aborted().await;
    let message = &aborted.status().message;
    assert!(message.contains("failureCondition \"result > 0\" is true; result is 1"), "{message}");
}
