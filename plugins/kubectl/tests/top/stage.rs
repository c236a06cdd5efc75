//! A cluster with two rollouts, and a door to it that can be shut.

use std::net::SocketAddr;
use std::path::PathBuf;

use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding};
use kube::Client;
use kube::api::{Api, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sluice::clock::Clock;
use sluice::controller::Clients;
use sluice::metrics::Metrics;
use sluice::trial;
use sluice_sandbox::Sandbox;
use sluice_sandbox::serve::Server;
use sluice_sandbox::workloads::node;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};

/// A cluster whose API is reached through the door alone.
pub struct Stage {
    client: Client,
    folder: tempfile::TempDir,
    server: SocketAddr,
    door: SocketAddr,
    /// What keeps the door open; all connections go with it.
    porter: Option<Runtime>,
}

impl Stage {
    /// One with the rollouts `web`, which is paused, and `api`, which is healthy. No controller changes them.
    pub async fn new() -> Stage {
        let stage = Stage::empty().await;
        let reasons = json!([{"reason": "CanaryPauseStep", "startTime": "2026-01-01T00:01:00Z"}]);
        let paused = json!({
            "phase": "Paused", "message": "CanaryPauseStep", "pauseConditions": reasons, "controllerPause": true,
            "stableRS": "a", "currentStepIndex": 1,
        });
        let healthy = json!({"phase": "Healthy", "stableRS": "b", "currentStepIndex": 2});
        for (name, status) in [("web", &paused), ("api", &healthy)] {
            stage.add(name).await;
            let seen = json!({"observedGeneration": "1", "currentPodHash": "b"});
            stage.set_status(name, &seen).await;
            stage.set_status(name, status).await;
        }
        stage
    }

    /// One with the rollout `web`, and a controller that takes care of it.
    pub async fn at_work() -> Stage {
        let stage = Stage::empty().await;
        let clients = Clients { reads: stage.client.clone(), writes: stage.client.clone() };
        trial::control(clients, Clock::System, Metrics::new(), trial::USUAL);
        stage.add("web").await;
        stage
    }

    async fn empty() -> Stage {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let sandbox = Sandbox::on_machine_time();
        let (client, _) = trial::prepare(&sandbox, Box::new(node::Lifeless)).await.expect("a sandbox");
        let server = Server::bind("127.0.0.1:0".parse().expect("an address")).await.expect("a server");
        let address = server.url().strip_prefix("https://").and_then(|url| url.parse().ok()).expect("an address");
        let mut config = server.kubeconfig();
        tokio::spawn(server.run(sandbox));
        let folder = tempfile::tempdir().expect("a folder");
        let mut stage = Stage { client, folder, server: address, door: ([127, 0, 0, 1], 0).into(), porter: None };
        stage.mend();
        config["clusters"][0]["cluster"]["server"] = json!(format!("https://{}", stage.door));
        std::fs::write(stage.kubeconfig(), config.to_string()).expect("a file");
        stage
    }

    /// The file by which clients find it.
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    async fn add(&self, name: &str) {
        let object = json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": name},
            "spec": {
                "replicas": 1,
                "selector": {"matchLabels": {"app": name}},
                "template": {
                    "metadata": {"labels": {"app": name}},
                    "spec": {"containers": [{"name": "web", "image": "web:1"}]},
                },
                "strategy": {"canary": {"steps": [{"setWeight": 50}, {"pause": {}}]}},
            },
        });
        let object = serde_json::from_value(object).expect("an object");
        self.rollouts().create(&PostParams::default(), &object).await.expect("it is accepted");
    }

    fn rollouts(&self) -> Api<DynamicObject> {
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("argoproj.io", "v1alpha1", "Rollout"));
        Api::namespaced_with(self.client.clone(), "default", &resource)
    }

    /// Changes the status of a rollout, as a controller would.
    pub async fn set_status(&self, name: &str, status: &Value) {
        let patch = Patch::Merge(json!({"status": status}));
        self.rollouts().patch_status(name, &PatchParams::default(), &patch).await.expect("it is accepted");
    }

    /// The status of a rollout.
    pub async fn status(&self, name: &str) -> Value {
        self.rollouts().get(name).await.expect("a rollout").data["status"].clone()
    }

    /// Lets a user look at everything, and change nothing.
    pub async fn let_read(&self, user: &str) {
        let rules = json!([{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]}]);
        self.put::<ClusterRole>(json!({"metadata": {"name": "look"}, "rules": rules})).await;
        let binding = json!({
            "metadata": {"name": "look"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "look"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
        });
        self.put::<ClusterRoleBinding>(binding).await;
    }

    async fn put<K>(&self, object: Value)
    where
        K: kube::Resource<DynamicType = ()> + Clone + std::fmt::Debug + Serialize + DeserializeOwned,
    {
        let object: K = serde_json::from_value(object).expect("an object");
        Api::<K>::all(self.client.clone()).create(&PostParams::default(), &object).await.expect("it is accepted");
    }

    /// Shuts the door: every connection through it ends.
    pub fn cut(&mut self) {
        self.porter.take().expect("an open door").shutdown_background();
    }

    /// Opens the door, where it was before.
    pub fn mend(&mut self) {
        let porter = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let listener = std::net::TcpListener::bind(self.door).expect("the address is free");
        listener.set_nonblocking(true).expect("a listener");
        self.door = listener.local_addr().expect("an address");
        porter.spawn(carry(listener, self.server));
        self.porter = Some(porter);
    }
}

async fn carry(listener: std::net::TcpListener, to: SocketAddr) {
    let listener = TcpListener::from_std(listener).expect("a listener");
    while let Ok((mut from, _)) = listener.accept().await {
        tokio::spawn(async move {
            let Ok(mut to) = TcpStream::connect(to).await else { return };
            let _ = tokio::io::copy_bidirectional(&mut from, &mut to).await;
        });
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // A runtime may not end inside of another one in any other way.
        if let Some(porter) = self.porter.take() {
            porter.shutdown_background();
        }
    }
}
