//! A cluster with Applications, and a dashboard of it.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::Client;
use kube::api::{Api, ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use sluice::clock::Clock;
use sluice::dashboard::access::{Connect, Gate, Gatekeeper};
use sluice::dashboard::book::Book;
use sluice::dashboard::{Dashboard, Settings, routes};
use sluice::trial;
use sluice_core::api::AppProject;
use sluice_core::info::application::stored::Stored;
use sluice_sandbox::Sandbox;
use sluice_sandbox::workloads::node;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};
use tower::Service as _;

/// How long a condition may take. Generous: it is only ever waited out on failure.
const LIMIT: Duration = Duration::from_mins(1);

/// The namespace of the Applications.
pub const HOME: &str = trial::HOME;

/// A cluster with a dashboard.
pub struct Stage {
    /// A connection with all rights.
    pub client: Client,
    router: Router,
}

/// An answer.
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The body.
    pub text: String,
}

impl Stage {
    /// One with the kind Application or without.
    pub async fn new(has_kind: bool, gate: Gate, read_only: bool) -> Stage {
        let sandbox = Sandbox::on_machine_time();
        let (client, _) = trial::prepare(&sandbox, Box::new(node::Lifeless)).await.expect("a sandbox");
        if has_kind {
            trial::install_gitops(&client).await.expect("the kinds");
            until_served(&client).await;
        }
        let (book, watching) = Book::open(client.clone(), None, Clock::System);
        tokio::spawn(watching);
        let others = client.clone();
        let connect: Connect = Arc::new(move |_| Ok(others.clone()));
        let gatekeeper = Gatekeeper::new(gate, client.clone(), connect, Clock::System);
        let settings = Settings {
            gate,
            read_only,
            root: "rollouts".to_owned(),
            namespace: HOME.to_owned(),
            cluster: "test".to_owned(),
        };
        let router = routes::router(&Dashboard::new(settings, book, gatekeeper, Clock::System));
        Stage { client, router }
    }

    /// The usual one.
    pub async fn usual() -> Stage {
        Stage::new(true, Gate::Owner, false).await
    }

    /// Listens for a browser; the address.
    #[allow(dead_code, reason = "for stories in a browser")]
    pub async fn listen(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let router = self.router.clone();
        tokio::spawn(async { axum::serve(listener, router).await });
        address
    }

    /// Creates a namespace.
    pub async fn namespace(&self, name: &str) {
        let namespace = serde_json::from_value(json!({"metadata": {"name": name}})).expect("a Namespace");
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        namespaces.create(&PostParams::default(), &namespace).await.expect("a namespace");
    }

    fn applications(&self) -> Api<Stored> {
        Api::namespaced(self.client.clone(), HOME)
    }

    /// Creates an Application that is synced and healthy, but for these changes.
    pub async fn create(&self, name: &str, changes: &Value) {
        let mut application = json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
            "metadata": {"name": name, "namespace": HOME},
            "spec": {
                "project": "default",
                "source": {"repoURL": "https://git.example.com/team/colors.git", "path": "deploy", "targetRevision": "main"},
                "destination": {"server": "https://kubernetes.default.svc", "namespace": "shop"},
            },
            "status": {
                "sync": {"status": "Synced", "revision": "abc1234def5678abc1234def5678abc1234def56"},
                "health": {"status": "Healthy"},
            },
        });
        json_patch::merge(&mut application, changes);
        let application: Stored = serde_json::from_value(application).expect("an object");
        self.applications().create(&PostParams::default(), &application).await.expect("an Application");
    }

    /// Creates the Application `colors`, whose repository wants a ConfigMap otherwise than the cluster has it, and a Secret besides.
    pub async fn colors(&self) -> TempDir {
        self.namespace("shop").await;
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("deploy/color.yaml");
        std::fs::create_dir(folder.path().join("deploy")).expect("a folder");
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "color"}, "data": {"value": "<green>"}});
        let secret =
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login"}, "data": {"pin": "MTIzNA=="}});
        std::fs::write(file, format!("{map}\n---\n{secret}\n")).expect("a file");
        for line in ["init --quiet --initial-branch main", "add --all", "commit --quiet --message One"] {
            git(folder.path(), line);
        }
        let live = serde_json::from_value(json!({"metadata": {"name": "color"}, "data": {"value": "blue"}}));
        self.maps().create(&PostParams::default(), &live.expect("a ConfigMap")).await.expect("a ConfigMap");
        let project = json!({"metadata": {"name": "default", "namespace": HOME}, "spec": {
            "sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}]}});
        let project = serde_json::from_value(project).expect("an AppProject");
        let projects: Api<AppProject> = Api::namespaced(self.client.clone(), HOME);
        projects.create(&PostParams::default(), &project).await.expect("an AppProject");
        let url = format!("file://{}", folder.path().display());
        let source = json!({"repoURL": url, "path": "deploy", "targetRevision": "main"});
        let resources = json!([object("ConfigMap", "color", "OutOfSync"), object("Secret", "login", "OutOfSync")]);
        let status = json!({"resources": resources, "sync": {"status": "OutOfSync"}});
        self.create("colors", &json!({"spec": {"source": source}, "status": status})).await;
        folder
    }

    /// The value of that ConfigMap.
    pub async fn color(&self) -> String {
        self.maps().get("color").await.expect("a ConfigMap").data.expect("data")["value"].clone()
    }

    fn maps(&self) -> Api<ConfigMap> {
        Api::namespaced(self.client.clone(), "shop")
    }

    /// Changes an Application.
    pub async fn change(&self, name: &str, changes: &Value) {
        let patched = self.applications().patch(name, &PatchParams::default(), &Patch::Merge(changes)).await;
        patched.expect("a patch");
    }

    /// An Application as it is stored.
    pub async fn stored(&self, name: &str) -> Value {
        self.applications().get(name).await.expect("an Application").value()
    }

    /// A request of a browser on the own machine.
    pub async fn ask(
        &self,
        method: Method,
        path: &str,
        body: &str,
        headers: &[(&str, &str)],
    ) -> axum::response::Response {
        let mut request = Request::builder().method(method).uri(path).header(header::HOST, "localhost:3100");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.to_owned())).expect("a request");
        self.router.clone().call(request).await.expect("an answer")
    }

    /// A page.
    pub async fn get(&self, path: &str) -> Answer {
        read(self.ask(Method::GET, path, "", &[]).await).await
    }

    /// A page, once it has this in it.
    pub async fn shows(&self, path: &str, wanted: &str) -> String {
        let start = Instant::now();
        loop {
            let text = self.get(path).await.text;
            if text.contains(wanted) {
                return text;
            }
            assert!(start.elapsed() < LIMIT, "{path} never had {wanted:?}: {text}");
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Something that is done on a page of our own.
    pub async fn post(&self, path: &str, form: &str) -> Answer {
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("origin", "http://localhost:3100")];
        let answer = self.ask(Method::POST, path, form, &headers).await;
        // What was done is told on the page that it leads to.
        match answer.headers().get("location").and_then(|to| to.to_str().ok()) {
            Some(to) => self.get(to).await,
            None => read(answer).await,
        }
    }
}

/// Waits until the kind that was defined is served.
async fn until_served(client: &Client) {
    let start = Instant::now();
    let applications: Api<Stored> = Api::all(client.clone());
    while let Err(error) = applications.list(&ListParams::default()).await {
        assert!(start.elapsed() < LIMIT, "Applications are never served: {error}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// All of an answer.
pub async fn read(response: axum::response::Response) -> Answer {
    let status = response.status();
    let bytes = response.into_body().collect().await.expect("a body").to_bytes();
    Answer { status, text: String::from_utf8(bytes.to_vec()).expect("UTF-8") }
}

/// What a page keeps itself up to date with, until it has this in it.
pub async fn streams(response: axum::response::Response, wanted: &str) -> Body {
    let mut body = response.into_body();
    let mut text = String::new();
    let reading = async {
        while !text.contains(wanted) {
            let frame = body.frame().await.expect("a stream goes on").expect("a frame");
            text.push_str(&String::from_utf8_lossy(frame.data_ref().expect("data")));
        }
    };
    assert!(tokio::time::timeout(LIMIT, reading).await.is_ok(), "the stream never had {wanted:?}");
    body
}

/// An object as the status of an Application lists it.
pub fn object(kind: &str, name: &str, status: &str) -> Value {
    json!({"version": "v1", "kind": kind, "namespace": "shop", "name": name, "status": status})
}

/// Runs Git in a folder.
fn git(folder: &Path, line: &str) {
    let who = ["-c", "user.name=Story", "-c", "user.email=story@example.com", "-c", "commit.gpgsign=false"];
    let output = Command::new("git").args(who).args(line.split(' ')).current_dir(folder).output();
    let output = output.expect("git is installed");
    assert!(output.status.success(), "git {line}: {}", String::from_utf8_lossy(&output.stderr));
}
