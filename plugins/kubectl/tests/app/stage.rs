//! What a story needs: a cluster, a repository, perhaps a controller, and the program.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Client;
use kube::api::{Api, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::runtime::wait;
use serde_json::{Value, json};
use sluice::clock::Clock;
use sluice::controller::Clients;
use sluice::gitops::{Programs, Settings, run};
use sluice::metrics::Metrics;
use sluice::trial;
use sluice_core::api::crds;
use sluice_sandbox::Sandbox;
use sluice_sandbox::serve::Server;
use sluice_sandbox::workloads::node;
use tokio::sync::watch;
use tokio::time::Instant;

/// How long a condition may take. Generous: it is only ever waited out on failure.
const LIMIT: Duration = Duration::from_mins(1);

/// The namespace of the Applications, and of what they bring.
pub const HOME: &str = "gitops";

/// A story's stage.
pub struct Stage {
    client: Client,
    folder: tempfile::TempDir,
    stop: Option<watch::Sender<bool>>,
}

impl Stage {
    /// One without definitions of kinds and without a controller.
    pub async fn bare() -> Stage {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let sandbox = Sandbox::on_machine_time();
        let (client, _) = trial::prepare(&sandbox, Box::new(node::Lifeless)).await.expect("a sandbox");
        let home = serde_json::from_value(json!({"metadata": {"name": HOME}})).expect("a Namespace");
        Api::<Namespace>::all(client.clone()).create(&PostParams::default(), &home).await.expect("a namespace");
        let folder = tempfile::tempdir().expect("a folder");
        let server = Server::bind("127.0.0.1:0".parse().expect("an address")).await.expect("a server");
        std::fs::write(folder.path().join("kubeconfig"), server.kubeconfig().to_string()).expect("a file");
        tokio::spawn(server.run(sandbox));
        let stage = Stage { client, folder, stop: None };
        std::fs::create_dir(stage.repository()).expect("a folder");
        stage.git(&["init", "--quiet", "--initial-branch", "main"]);
        stage
    }

    /// One without a controller.
    pub async fn idle() -> Stage {
        let stage = Stage::bare().await;
        for definition in crds::gitops() {
            stage.install(&definition).await;
        }
        stage
    }

    /// One with all that there is.
    pub async fn new() -> Stage {
        let mut stage = Stage::idle().await;
        let (stop, stopping) = watch::channel(false);
        let (_, leading) = watch::channel(true);
        let settings = Settings {
            home: HOME.to_owned(),
            namespace: None,
            folder: stage.folder.path().join("copies"),
            // Nothing comes by itself: what a story sees is what its commands have done.
            poll: Duration::from_mins(10),
            jitter: Duration::ZERO,
            programs: Programs::default(),
        };
        let client = stage.client.clone();
        let clients = Clients { reads: client.clone(), writes: client };
        tokio::spawn(run(clients, settings, Clock::System, Metrics::new(), leading, stopping, None));
        stage.stop = Some(stop);
        stage
    }

    fn repository(&self) -> PathBuf {
        self.folder.path().join("repository")
    }

    /// The repository's URL.
    pub fn url(&self) -> String {
        format!("file://{}", self.repository().display())
    }

    /// Writes a file into the repository's folder `app`; an empty one is taken away.
    pub fn write(&self, file: &str, content: &Value) -> &Stage {
        let path = self.repository().join("app").join(file);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        if content.is_null() {
            std::fs::remove_file(path).expect("a file");
        } else {
            std::fs::write(path, content.to_string()).expect("a file");
        }
        self
    }

    /// Commits everything; gives the commit.
    pub fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .args(["-c", "user.name=Story", "-c", "user.email=story@example.com", "-c", "commit.gpgsign=false"])
            .args(arguments)
            .current_dir(self.repository())
            .output()
            .expect("git is installed");
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Runs `app` with these words; gives its exit code and all that it printed.
    pub async fn run(&self, line: &str) -> (i32, String) {
        self.run_with(line, &[]).await
    }

    /// The same, with more in its environment.
    pub async fn run_with(&self, line: &str, environment: &[(&str, &str)]) -> (i32, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-sluice"));
        command.args(["app", "-n", HOME]).args(line.split_whitespace()).current_dir(self.folder.path());
        command.env_clear().env("KUBECONFIG", self.folder.path().join("kubeconfig")).stdin(Stdio::null());
        command.envs(environment.iter().copied());
        let output = tokio::task::spawn_blocking(move || command.output().expect("it starts"));
        let output = output.await.expect("it ends");
        let printed = [output.stdout, output.stderr].concat();
        (output.status.code().expect("no signal"), String::from_utf8_lossy(&printed).into_owned())
    }

    /// Runs `app`, which has to succeed.
    pub async fn does(&self, line: &str) -> String {
        let (code, printed) = self.run(line).await;
        assert_eq!(code, 0, "{line}: {printed}");
        printed
    }

    /// Runs `app`, which has to succeed and to say this.
    #[track_caller]
    pub fn says<'a>(&'a self, line: &'a str, expected: &'a str) -> impl Future<Output = String> + 'a {
        let place = std::panic::Location::caller();
        async move {
            let printed = self.does(line).await;
            assert!(printed.contains(expected), "{place}: {line}: {expected:?} is not in\n{printed}");
            printed
        }
    }

    /// Runs `app`, which has to end with this exit code; gives what it printed.
    #[track_caller]
    pub fn ends<'a>(&'a self, code: i32, line: &'a str) -> impl Future<Output = String> + 'a {
        let place = std::panic::Location::caller();
        async move {
            let (ended, printed) = self.run(line).await;
            assert_eq!(ended, code, "{place}: {line}: {printed}");
            printed
        }
    }

    /// Runs `app`, which has to fail and to say this.
    pub async fn refuses(&self, line: &str, expected: &str) -> String {
        let (code, printed) = self.run(line).await;
        assert!(code == 1 && printed.contains(expected), "{line}: {code}: {expected:?} is not in\n{printed}");
        printed
    }

    /// Runs `app` until it says this.
    pub async fn comes_to_say(&self, line: &str, expected: &str) -> String {
        let begun = Instant::now();
        loop {
            let printed = self.does(line).await;
            if printed.contains(expected) {
                return printed;
            }
            assert!(begun.elapsed() < LIMIT, "{line}: {expected:?} is not in\n{printed}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Creates an Application of the folder `app`.
    pub async fn create(&self, name: &str, more: &str) {
        let url = self.url();
        let line = format!("create {name} --repo {url} --path app --revision main --dest-name in-cluster {more}");
        self.says(&format!("{line} --dest-namespace {HOME}"), &format!("application '{name}' created\n")).await;
    }

    fn api(&self, kind: (&str, &str)) -> Api<DynamicObject> {
        let (group, version) = kind.0.split_once('/').unwrap_or(("", kind.0));
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind.1));
        Api::namespaced_with(self.client.clone(), HOME, &resource)
    }

    /// An object, if it is there.
    pub async fn object(&self, kind: (&str, &str), name: &str) -> Value {
        let found = self.api(kind).get_opt(name).await.expect("an answer");
        serde_json::to_value(found).expect("an object")
    }

    /// Changes an object by hand.
    pub async fn patch(&self, kind: (&str, &str), name: &str, change: Value) {
        let patched = self.api(kind).patch(name, &PatchParams::default(), &Patch::Merge(change)).await;
        patched.expect("the change is accepted");
    }

    /// Defines Applications with a schema of one's own, as somebody else's definition may have it.
    pub async fn define(&self, schema: &Value) {
        let mut definition = crds::gitops().into_iter().find(|it| it.spec.names.kind == "Application").expect("one");
        let version = definition.spec.versions.first_mut().expect("a version");
        version.schema = serde_json::from_value(json!({"openAPIV3Schema": schema})).expect("a schema");
        self.install(&definition).await;
    }

    async fn install(&self, definition: &CustomResourceDefinition) {
        let definitions: Api<CustomResourceDefinition> = Api::all(self.client.clone());
        definitions.create(&PostParams::default(), definition).await.expect("a definition");
        let name = definition.metadata.name.clone().expect("a name");
        let served = wait::conditions::is_crd_established();
        wait::await_condition(definitions, &name, served).await.expect("it is served");
    }

    /// Creates an Application as it is written.
    pub async fn put(&self, mut object: Value) {
        (object["apiVersion"], object["kind"]) = (json!(APPLICATION.0), json!(APPLICATION.1));
        let object = serde_json::from_value(object).expect("an object");
        self.api(APPLICATION).create(&PostParams::default(), &object).await.expect("it is accepted");
    }

    /// A file beside the repository.
    pub fn file(&self, name: &str, content: &str) {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, content).expect("a file");
    }
}

/// A ConfigMap with one value.
pub fn setting(name: &str, value: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"value": value}})
}

/// A ConfigMap's kind.
pub const SETTING: (&str, &str) = ("v1", "ConfigMap");
/// An Application's kind.
pub const APPLICATION: (&str, &str) = ("argoproj.io/v1alpha1", "Application");
