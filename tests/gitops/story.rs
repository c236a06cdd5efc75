//! What a story needs: a cluster, a namespace of its own, the GitOps core at work in it, and a repository.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Client, Config};
use serde_json::{Value, json};
use sluice::clock::Clock;
use sluice::controller::Clients;
use sluice::gitops::{Programs, Settings, run};
use sluice::metrics::Metrics;
use sluice::trial;
use sluice_core::api::Application;
use sluice_sandbox::Sandbox;
use sluice_sandbox::workloads::node;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::repository::Repository;

/// How long a condition may take. Generous: it is only ever waited out on failure.
const LIMIT: Duration = Duration::from_mins(1);

/// A story.
pub struct Story {
    client: Client,
    /// The namespace of the Applications, and of what they bring where they name no other.
    pub namespace: String,
    /// The repository.
    pub git: Repository,
    core: Core,
    poll: Duration,
    folder: tempfile::TempDir,
}

/// The GitOps core at work.
struct Core {
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
    webhook: SocketAddr,
}

impl Core {
    async fn start(client: &Client, home: &str, folder: &Path, poll: Duration, programs: Programs) -> Core {
        let settings = Settings {
            home: home.to_owned(),
            namespace: None,
            folder: folder.to_owned(),
            poll,
            jitter: Duration::ZERO,
            programs,
        };
        let (stop, stopping) = watch::channel(false);
        let (_, leading) = watch::channel(true);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let webhook = listener.local_addr().expect("an address");
        let clients = Clients { reads: client.clone(), writes: client.clone() };
        let metrics = Metrics::new();
        let task = tokio::spawn(run(clients, settings, Clock::System, metrics, leading, stopping, Some(listener)));
        Core { stop, task, webhook }
    }
}

impl Story {
    /// How often this story's Git servers are asked for news: hardly ever where it is about what asks besides.
    fn poll(name: &str) -> Duration {
        let is_seldom = name.contains("webhook")
            || name == "a_rule_of_health_that_changes_is_heard_at_once"
            || name == "a_sync_that_a_person_asks_for_is_of_the_newest_commit";
        if is_seldom { Duration::from_hours(1) } else { Duration::from_secs(1) }
    }

    /// On a sandbox of its own.
    pub async fn in_the_sandbox(name: &str) -> Story {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let sandbox = Sandbox::new(Clock::System.now());
        let (client, _) = trial::prepare(&sandbox, Box::new(node::Lifeless)).await.expect("a sandbox");
        let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
        for definition in sluice_core::api::crds::gitops() {
            definitions.create(&PostParams::default(), &definition).await.expect("a definition");
        }
        Story::begin(client, name).await
    }

    /// On the control plane that `KUBECONFIG` names.
    pub async fn on_the_real_control_plane(name: &str) -> Story {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let config = Config::infer().await.expect("KUBECONFIG names the control plane of tests/cluster");
        let client = Client::try_from(config).expect("a client");
        let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
        for definition in sluice_core::api::crds::gitops() {
            let name = definition.metadata.name.clone().expect("a name");
            let params = PatchParams::apply("tests").force();
            definitions.patch(&name, &params, &Patch::Apply(&definition)).await.expect("a definition");
            let served = kube::runtime::conditions::is_crd_established();
            kube::runtime::wait::await_condition(definitions.clone(), &name, served).await.expect("it is served");
        }
        Story::begin(client, name).await
    }

    async fn begin(client: Client, name: &str) -> Story {
        let poll = Story::poll(name);
        let mut namespace = format!("git-{}", name.replace('_', "-"));
        namespace.truncate(50);
        let namespace = namespace.trim_end_matches('-').to_owned();
        let object = serde_json::from_value(json!({ "metadata": { "name": namespace } })).expect("a Namespace");
        Api::<Namespace>::all(client.clone()).create(&PostParams::default(), &object).await.expect("a namespace");
        let folder = tempfile::tempdir().expect("a folder");
        let core = Core::start(&client, &namespace, folder.path(), poll, Programs::default()).await;
        Story { client, namespace, git: Repository::new(), core, poll, folder }
    }

    /// Goes on with other programs that render, as a controller that was started anew.
    pub async fn with(mut self, programs: Programs) -> Story {
        self.core.stop.send_replace(true);
        (&mut self.core.task).await.expect("it stops");
        self.core = Core::start(&self.client, &self.namespace, self.folder.path(), self.poll, programs).await;
        self
    }

    /// Where Git platforms tell of pushes.
    pub fn webhook(&self) -> SocketAddr {
        self.core.webhook
    }

    /// The objects of a kind in the namespace of the story.
    pub fn api(&self, api_version: &str, kind: &str) -> Api<DynamicObject> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        if kind == "Namespace" || kind == "CustomResourceDefinition" {
            return Api::all_with(self.client.clone(), &resource);
        }
        Api::namespaced_with(self.client.clone(), &self.namespace, &resource)
    }

    /// Applications.
    pub fn applications(&self) -> Api<Application> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Creates an Application of the folder `app`, whose name is that of the namespace with this beginning.
    pub async fn application(&self, begin: &str, changes: Value) -> String {
        let name = format!("{begin}-{}", self.namespace);
        let mut application = json!({
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": { "name": name, "namespace": self.namespace },
            "spec": {
                "project": "default",
                "source": { "repoURL": self.git.url(), "path": "app", "targetRevision": "main" },
                "destination": { "server": "https://kubernetes.default.svc", "namespace": self.namespace },
            },
        });
        json_patch::merge(&mut application, &changes);
        let application: DynamicObject = serde_json::from_value(application).expect("an Application");
        let api = self.api("argoproj.io/v1alpha1", "Application");
        api.create(&PostParams::default(), &application).await.expect("the Application is accepted");
        name
    }

    /// The status of an Application.
    pub async fn status(&self, name: &str) -> Value {
        let found = self.applications().get_opt(name).await.expect("an answer");
        serde_json::to_value(found.and_then(|found| found.status)).expect("a status")
    }

    /// Waits for a condition on an Application's status.
    pub async fn until(&self, name: &str, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let status = self.status(name).await;
            if holds(&status) {
                return status;
            }
            assert!(begun.elapsed() < LIMIT, "{name} is not {what}: {status:#}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until an Application has this commit and nothing is left to do.
    pub async fn synced(&self, name: &str, commit: &str) -> Value {
        self.until(name, &format!("synced to {commit}"), |status| {
            status["sync"]["status"] == "Synced"
                && status["sync"]["revision"] == commit
                && status["operationState"]["phase"] == "Succeeded"
        })
        .await
    }

    /// Waits until an Application has a condition of this type; gives its message.
    pub async fn condition(&self, name: &str, type_: &str) -> String {
        let message = |status: &Value| {
            let found = status["conditions"].as_array()?.iter().find(|one| one["type"] == type_)?;
            found["message"].as_str().map(str::to_owned)
        };
        let status = self.until(name, &format!("in trouble with a {type_}"), |status| message(status).is_some()).await;
        message(&status).expect("a message")
    }

    /// An object, if it is there.
    pub async fn object(&self, api_version: &str, kind: &str, name: &str) -> Option<Value> {
        let found = self.api(api_version, kind).get_opt(name).await.expect("an answer");
        found.map(|object| serde_json::to_value(object).expect("an object"))
    }

    /// The files that the controller keeps in which this is written.
    pub fn kept(&self, text: &str) -> Vec<String> {
        let (mut found, mut folders) = (Vec::new(), vec![self.folder.path().to_owned()]);
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                let has = |content: Vec<u8>| String::from_utf8_lossy(&content).contains(text);
                if path.is_dir() {
                    folders.push(path);
                } else if std::fs::read(&path).is_ok_and(has) {
                    found.push(path.display().to_string());
                }
            }
        }
        found
    }

    /// The renders of programs that are kept, by numbers that are others when one is made again.
    pub fn renders(&self) -> Vec<u64> {
        use std::os::unix::fs::MetadataExt as _;
        let all = std::fs::read_dir(self.folder().join("renders")).into_iter().flatten().flatten();
        let mut numbers: Vec<u64> = all.filter_map(|entry| Some(entry.metadata().ok()?.ino())).collect();
        numbers.sort_unstable();
        numbers
    }

    /// A client of the cluster.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// Waits for a condition on an object.
    pub async fn until_object(&self, kind: (&str, &str), name: &str, holds: impl Fn(&Value) -> bool) {
        let begun = Instant::now();
        loop {
            let object = self.object(kind.0, kind.1, name).await;
            if object.as_ref().is_some_and(&holds) {
                return;
            }
            assert!(begun.elapsed() < LIMIT, "{name} is not as it should be: {object:#?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until an object is not there.
    pub async fn until_gone(&self, api_version: &str, kind: &str, name: &str) {
        let begun = Instant::now();
        while let Some(object) = self.object(api_version, kind, name).await {
            assert!(begun.elapsed() < LIMIT, "{kind} {name} is still there: {object:#}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// A value of a ConfigMap of the story.
    pub async fn setting(&self, name: &str) -> Option<String> {
        let map = self.object("v1", "ConfigMap", name).await?;
        map["data"]["value"].as_str().map(str::to_owned)
    }

    /// Waits until a ConfigMap has this value, or is not there.
    pub async fn until_setting(&self, name: &str, value: Option<&str>) {
        let begun = Instant::now();
        loop {
            let now = self.setting(name).await;
            if now.as_deref() == value {
                return;
            }
            assert!(begun.elapsed() < LIMIT, "ConfigMap {name} is {now:?}, not {value:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The folder in which the controller keeps what it has of repositories.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Creates an object.
    pub async fn create(&self, object: Value) {
        let api_version = object["apiVersion"].as_str().expect("an API version");
        let api = self.api(api_version, object["kind"].as_str().expect("a kind"));
        let object = serde_json::from_value(object).expect("an object");
        api.create(&PostParams::default(), &object).await.expect("it is accepted");
    }

    /// Changes an object by hand.
    pub async fn patch(&self, api_version: &str, kind: &str, name: &str, change: Value) {
        let api = self.api(api_version, kind);
        api.patch(name, &PatchParams::default(), &Patch::Merge(change)).await.expect("the change is accepted");
    }

    /// Changes an object by hand, place by place.
    pub async fn replace(&self, api_version: &str, kind: &str, name: &str, change: Value) {
        let change = serde_json::from_value(change).expect("a patch");
        let api = self.api(api_version, kind);
        api.patch(name, &PatchParams::default(), &Patch::<()>::Json(change)).await.expect("the change is accepted");
    }

    /// Deletes an object by hand.
    pub async fn delete(&self, api_version: &str, kind: &str, name: &str) {
        self.api(api_version, kind).delete(name, &DeleteParams::default()).await.expect("it is deleted");
    }

    /// Waits a moment before something is tried again.
    pub async fn pause(&self) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }

    /// Lets time pass.
    pub async fn wait(&self, seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }
}

/// A ConfigMap with one value, as a file has it.
pub fn setting(name: &str, value: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  value: {value:?}\n")
}

/// Syncs by itself, and takes changes back or away.
pub fn automated(prune: bool, heal: bool) -> Value {
    json!({ "spec": { "syncPolicy": { "automated": { "prune": prune, "selfHeal": heal } } } })
}
