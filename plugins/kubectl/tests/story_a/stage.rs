//! What the story needs: a cluster with a controller, the plugin, and its dashboard.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::api::networking::v1::Ingress;
use kube::api::{Api, DynamicObject, ObjectMeta, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Client, Config, Error};
use serde_json::{Value, json};
use sluice::clock::Clock;
use sluice::controller::Clients;
use sluice::metrics::Metrics;
use sluice::trial;
use sluice_sandbox::Sandbox;
use sluice_sandbox::serve::Server;
use sluice_sandbox::workloads::node;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::Instant;

/// How long a condition may take. Generous: it is only ever waited out on failure.
const LIMIT: Duration = Duration::from_mins(2);
const NAMESPACE: &str = "story-a";

/// The story's stage.
pub struct Stage {
    client: Client,
    kubeconfig: PathBuf,
    /// Where the plugin is found by the name that users know.
    programs: TempDir,
    /// The `kubectl` of this machine, which calls it.
    kubectl: Option<PathBuf>,
    /// What the sandbox has, goes with this.
    _folder: Option<TempDir>,
}

/// A dashboard that was started with the plugin.
pub struct Board {
    url: String,
    _process: Child,
}

impl Stage {
    /// A cluster in this process.
    pub async fn in_the_sandbox() -> Stage {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let sandbox = Sandbox::on_machine_time();
        let (client, _) = trial::prepare(&sandbox, Box::new(node::Lifeless)).await.expect("a sandbox");
        let folder = tempfile::tempdir().expect("a folder");
        let server = Server::bind("127.0.0.1:0".parse().expect("an address")).await.expect("a server");
        let kubeconfig = folder.path().join("kubeconfig");
        std::fs::write(&kubeconfig, server.kubeconfig().to_string()).expect("a file");
        tokio::spawn(server.run(sandbox));
        Stage::begin(client, kubeconfig, Some(folder)).await
    }

    /// On the control plane that `KUBECONFIG` names.
    pub async fn on_the_real_control_plane() -> Stage {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let kubeconfig = std::env::var_os("KUBECONFIG").expect("KUBECONFIG names the control plane of tests/cluster");
        let client = Client::try_from(Config::infer().await.expect("a config")).expect("a client");
        Stage::begin(client, kubeconfig.into(), None).await
    }

    async fn begin(client: Client, kubeconfig: PathBuf, folder: Option<TempDir>) -> Stage {
        for name in [NAMESPACE, trial::HOME] {
            let metadata = ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() };
            let namespace = Namespace { metadata, ..Namespace::default() };
            match Api::all(client.clone()).create(&PostParams::default(), &namespace).await {
                Err(Error::Api(status)) if status.code == 409 => {}
                created => drop(created.expect("a namespace")),
            }
        }
        let clients = Clients { reads: client.clone(), writes: client.clone() };
        trial::control(clients, Clock::System, Metrics::new(), trial::USUAL);
        let programs = tempfile::tempdir().expect("a folder");
        let plugin = env!("CARGO_BIN_EXE_kubectl-sluice");
        std::os::unix::fs::symlink(plugin, programs.path().join("kubectl-argo-rollouts")).expect("a link");
        let kubectl = find("kubectl").filter(|path| calls_plugins(path));
        Stage { client, kubeconfig, programs, kubectl, _folder: folder }
    }

    fn api(&self, object: &Value) -> Api<DynamicObject> {
        let types = serde_json::from_value(object.clone()).expect("types");
        let resource = ApiResource::from_gvk(&GroupVersionKind::try_from(&types).expect("a kind"));
        Api::namespaced_with(self.client.clone(), NAMESPACE, &resource)
    }

    /// Creates an object.
    pub async fn apply(&self, object: &Value) {
        let wanted = serde_json::from_value(object.clone()).expect("an object");
        self.api(object).create(&PostParams::default(), &wanted).await.expect("it is created");
    }

    /// Changes the size and the steps of the rollout; its pods are as they are.
    pub async fn change(&self, rollout: &Value) {
        let patch = json!({"spec": {"replicas": rollout["spec"]["replicas"], "strategy": rollout["spec"]["strategy"]}});
        let api = self.api(rollout);
        api.patch("rollouts-demo", &PatchParams::default(), &Patch::Merge(patch)).await.expect("it is patched");
    }

    /// The Ingress of the load balancer, and its Services.
    pub async fn furnish(&self) {
        for name in ["rollouts-demo-root", "rollouts-demo-stable", "rollouts-demo-canary"] {
            let ports = json!([{"name": "http", "port": 80, "targetPort": 8080}]);
            let spec = json!({"selector": {"app": "rollouts-demo"}, "ports": ports});
            self.apply(&json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec})).await;
        }
        let service = json!({"name": "rollouts-demo-root", "port": {"name": "use-annotation"}});
        let path = json!({"path": "/", "pathType": "Prefix", "backend": {"service": service}});
        self.apply(&json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "rollouts-demo-ingress"},
            "spec": {"ingressClassName": "alb", "rules": [{"http": {"paths": [path]}}]},
        }))
        .await;
    }

    /// How the load balancer is told to share the requests.
    pub async fn shares(&self) -> Value {
        let ingresses: Api<Ingress> = Api::namespaced(self.client.clone(), NAMESPACE);
        let ingress = ingresses.get("rollouts-demo-ingress").await.expect("an Ingress");
        let annotations = ingress.metadata.annotations.expect("annotations");
        let action = &annotations["alb.ingress.kubernetes.io/actions.rollouts-demo-root"];
        let action: Value = serde_json::from_str(action).expect("JSON");
        let groups = action["ForwardConfig"]["TargetGroups"].as_array().expect("target groups");
        groups
            .iter()
            .map(|group| (group["ServiceName"].as_str().expect("a name").to_owned(), group["Weight"].clone()))
            .collect()
    }

    /// `kubectl argo rollouts LINE`, where there is a kubectl; without one, what it would call.
    fn command(&self, line: &str) -> Command {
        let Some(kubectl) = &self.kubectl else { return self.plugin(line) };
        let mut path = vec![self.programs.path().to_owned()];
        path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
        let mut command = self.with_place(Command::new(kubectl), &format!("argo rollouts {line}"));
        command.env("PATH", std::env::join_paths(path).expect("a path"));
        command
    }

    fn plugin(&self, line: &str) -> Command {
        self.with_place(Command::new(self.programs.path().join("kubectl-argo-rollouts")), line)
    }

    fn with_place(&self, mut command: Command, line: &str) -> Command {
        command.args(line.split_whitespace()).args(["-n", NAMESPACE]).env("KUBECONFIG", &self.kubeconfig);
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    /// Runs a command that succeeds, and returns what it says.
    pub async fn does(&self, line: &str) -> String {
        let output = self.command(line).output().await.expect("it starts");
        let (said, wrong) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{line}: {said}{wrong}");
        said.into_owned()
    }

    /// Runs a command until it says something.
    pub async fn says(&self, line: &str, wanted: &str) -> String {
        self.says_all(line, &[wanted]).await
    }

    /// Runs a command until it says several things at once.
    pub async fn says_all(&self, line: &str, wanted: &[&str]) -> String {
        let start = Instant::now();
        loop {
            let output = self.command(line).output().await.expect("it starts");
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            if wanted.iter().all(|wanted| said.contains(wanted)) {
                return said;
            }
            let wrong = String::from_utf8_lossy(&output.stderr);
            assert!(start.elapsed() < LIMIT, "{line} does not say {wanted:?}: {said}{wrong}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Waits until the whole page of the rollout reads as told, once ages and names that are made up are set aside. Pods that end
    /// have gone by then.
    pub async fn shows(&self, page: &str) {
        let start = Instant::now();
        loop {
            let said = self.does("get rollout rollouts-demo").await;
            if plain(&said) == page.trim() {
                return;
            }
            assert!(start.elapsed() < LIMIT, "it does not read\n{page}\nbut\n{said}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Starts the dashboard, on the port that it has where nobody says another one. Where somebody else has that, on any.
    pub async fn dashboard(&self) -> Board {
        let is_free = std::net::TcpListener::bind(("127.0.0.1", 3100)).is_ok();
        if !is_free {
            eprintln!("port 3100 is taken: the dashboard is looked at on another one");
        }
        let line = if is_free { "dashboard" } else { "dashboard --port 0" };
        // Without kubectl between, so that it ends with the test.
        let mut process = self.plugin(line).stdout(Stdio::piped()).spawn().expect("it starts");
        let mut lines = BufReader::new(process.stdout.take().expect("piped")).lines();
        let said = lines.next_line().await.expect("text").expect("a line");
        let (_, url) = said.split_once("is now available at ").expect("where it is");
        let port = if is_free { "3100" } else { "" };
        assert!(url.starts_with(&format!("http://localhost:{port}")) && url.ends_with("/rollouts"), "{said}");
        Board { url: url.to_owned(), _process: process }
    }

    /// Leaves nothing behind that goes on.
    pub async fn end(self) {
        let gone = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout"});
        self.api(&gone).delete("rollouts-demo", &kube::api::DeleteParams::default()).await.expect("it is deleted");
    }
}

impl Board {
    /// Waits until the rollout's page says something.
    pub async fn says(&self, wanted: &str) {
        let start = Instant::now();
        loop {
            let url = format!("{}/{NAMESPACE}/rollouts-demo", self.url);
            let page = reqwest::get(url).await.expect("an answer").text().await.expect("text");
            if page.contains(wanted) {
                return;
            }
            assert!(start.elapsed() < LIMIT, "the page does not say {wanted:?}: {page}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Fills in a form and sends it, as a browser does: with what was asked, to where the answer leads.
    pub async fn asks(&self, action: &str, form: &str, result: &str) {
        let url = format!("{}/{NAMESPACE}/rollouts-demo/do/{action}", self.url);
        let question = reqwest::get(format!("{url}?{form}")).await.expect("an answer").text().await.expect("text");
        let asked = question.split_once(r#"name="asked" value=""#).and_then(|(_, rest)| rest.split_once('"'));
        let (asked, _) = asked.unwrap_or_else(|| panic!("the question does not say what it asks about: {question}"));
        let request = reqwest::Client::new().post(url).header("content-type", "application/x-www-form-urlencoded");
        let answer = request.body(format!("{form}&asked={asked}")).send().await.expect("an answer");
        let (status, said) = (answer.status(), answer.text().await.expect("text"));
        assert!(status.is_success() && said.contains(result), "{status}: {said}");
    }
}

/// A program of the `PATH`.
fn find(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// Whether a kubectl calls plugins that have two words in their name, as every one of the last years does.
fn calls_plugins(kubectl: &Path) -> bool {
    let called = std::process::Command::new(kubectl).args(["plugin", "--help"]).output();
    called.is_ok_and(|output| output.status.success())
}

/// The words of a page line by line, without what is different each time.
fn plain(page: &str) -> String {
    let is_age = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_digit()) && word.ends_with(['s', 'm', 'h']) && !word.contains(':')
    };
    let word = |word: &str| match word.strip_prefix("rollouts-demo-") {
        Some(rest) if rest.contains('-') => "rollouts-demo-HASH-POD".to_owned(),
        Some(_) => "rollouts-demo-HASH".to_owned(),
        None if is_age(word) => "AGE".to_owned(),
        None => word.to_owned(),
    };
    let line = |line: &str| line.split_whitespace().map(word).collect::<Vec<_>>().join(" ");
    page.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// The rollout of the story.
pub fn rollout(replicas: i32, steps: &Value) -> Value {
    let alb = json!({"ingress": "rollouts-demo-ingress", "rootService": "rollouts-demo-root", "servicePort": 80});
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "rollouts-demo"},
        "spec": {
            "replicas": replicas, "selector": {"matchLabels": {"app": "rollouts-demo"}},
            "strategy": {"canary": {
                "stableService": "rollouts-demo-stable", "canaryService": "rollouts-demo-canary",
                "trafficRouting": {"alb": alb}, "scaleDownDelaySeconds": 20, "steps": steps,
            }},
            "template": {
                "metadata": {"labels": {"app": "rollouts-demo"}},
                "spec": {"containers": [{
                    "name": "rollouts-demo", "image": "argoproj/rollouts-demo:blue", "ports": [{"name": "http", "containerPort": 8080}],
                }]},
            },
        },
    })
}
