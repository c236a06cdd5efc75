//! A cluster in which nothing moves by itself, with a rollout of every kind that people ask about, and the program.

use std::process::{Command, Stdio};

use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Client;
use kube::api::{Api, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::runtime::wait;
use serde_json::{Value, json};
use sluice::trial;
use sluice_core::api::crds;
use sluice_sandbox::Sandbox;
use sluice_sandbox::serve::Server;
use sluice_sandbox::workloads::node;

/// When everything happened that says when.
pub const THEN: &str = "2026-01-01T00:00:00Z";

/// A cluster, and a folder for files.
pub struct Stage {
    client: Client,
    folder: tempfile::TempDir,
}

impl Stage {
    /// One with the definitions of all kinds, and two namespaces.
    pub async fn new() -> Stage {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let sandbox = Sandbox::on_machine_time();
        let (client, workloads) = trial::prepare(&sandbox, Box::new(node::Lifeless)).await.expect("a sandbox");
        trial::install_gitops(&client).await.expect("definitions");
        let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
        for definition in crds::all().into_iter().chain(crds::gitops()) {
            let name = definition.metadata.name.expect("a name");
            let served = wait::conditions::is_crd_established();
            wait::await_condition(definitions.clone(), &name, served).await.expect("it is served");
        }
        // From here on nothing moves by itself.
        workloads.abort();
        let folder = tempfile::tempdir().expect("a folder");
        let server = Server::bind("127.0.0.1:0".parse().expect("an address")).await.expect("a server");
        std::fs::write(folder.path().join("kubeconfig"), server.kubeconfig().to_string()).expect("a file");
        tokio::spawn(server.run(sandbox));
        let stage = Stage { client, folder };
        for name in ["shop", "other"] {
            let namespace = serde_json::from_value(json!({"metadata": {"name": name}})).expect("a Namespace");
            Api::<Namespace>::all(stage.client.clone())
                .create(&PostParams::default(), &namespace)
                .await
                .expect("it is new");
        }
        stage
    }

    /// Creates an object of the namespace `shop`, or the one that it names, with its status; gives its uid.
    pub async fn put(&self, version: &str, kind: &str, object: Value) -> String {
        self.put_by("kubectl-create", version, kind, object).await.uid.expect("a uid")
    }

    /// The same by this program; gives all that was stored about it.
    pub async fn put_by(&self, manager: &str, version: &str, kind: &str, mut object: Value) -> ObjectMeta {
        let (group, short) = version.split_once('/').unwrap_or(("", version));
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, short, kind));
        (object["apiVersion"], object["kind"]) = (json!(version), json!(kind));
        let status = object["status"].clone();
        let namespace = object["metadata"]["namespace"].as_str().unwrap_or("shop").to_owned();
        let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), &namespace, &resource);
        let object: DynamicObject = serde_json::from_value(object).expect("an object");
        let params = PostParams { field_manager: Some(manager.to_owned()), ..PostParams::default() };
        let created = api.create(&params, &object).await.expect("it is accepted");
        let name = created.metadata.name.clone().expect("a name");
        // The status of these is no resource of its own.
        if !status.is_null() && !["AnalysisRun", "Application", "Experiment"].contains(&kind) {
            let status = Patch::Merge(json!({"status": status}));
            api.patch_status(&name, &PatchParams::default(), &status).await.expect("a status");
        }
        created.metadata
    }

    /// Writes a file that commands can name.
    pub fn file(&self, name: &str, content: &str) {
        std::fs::write(self.folder.path().join(name), content).expect("a file");
    }

    /// Runs the program; gives its output, its errors after `! `, and its exit code.
    pub async fn run(&self, line: &str) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-sluice"));
        command.args(words(line)).current_dir(self.folder.path()).env_clear().stdin(Stdio::null());
        command.env("KUBECONFIG", self.folder.path().join("kubeconfig"));
        let output = tokio::task::spawn_blocking(move || command.output().expect("it starts")).await.expect("it ends");
        let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
        for line in String::from_utf8_lossy(&output.stderr).lines() {
            text.extend(["! ", line, "\n"]);
        }
        match output.status.code().expect("no signal") {
            0 => text,
            code => text + &format!("exit code {code}\n"),
        }
    }
}

/// The words of a line; `''` is an empty one.
fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(|word| if word == "''" { String::new() } else { word.to_owned() }).collect()
}

/// The owner of an object.
pub fn owner(kind: &str, name: &str, uid: &str) -> Value {
    let version = if kind == "Rollout" { "argoproj.io/v1alpha1" } else { "apps/v1" };
    json!([{"apiVersion": version, "kind": kind, "name": name, "uid": uid, "controller": true}])
}
