//! What a thousand Applications of ten objects in one repository cost, counted: `cargo bench --workspace --bench gitops`.
//!
//! Prints one line of JSON, and fails where the promise is broken: a commit that touches one Application renders one, nothing is
//! rendered or written while nothing changes, and a restart renders nothing that was rendered before. `APPLICATIONS` and `OBJECTS`
//! make it smaller.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Method, Request};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Client;
use kube::api::{Api, DynamicObject, ListParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};
use sluice::clock::Clock;
use sluice::controller::Clients;
use sluice::gitops::{Programs, Settings, run};
use sluice::metrics::Metrics;
use sluice::trial;
use sluice_core::api::Application;
use sluice_sandbox::Sandbox;
use sluice_sandbox::workloads::node;
use tokio::sync::watch;
use tokio::time::Instant;
use tower::Service;

/// How often Git is asked for news, by each Application.
const POLL: Duration = Duration::from_secs(3);
/// How often Applications are looked at while nothing happens, each of them on an average, to see what that costs.
const LOOKS: usize = 3;
/// Writes of a sync beside its objects: that it begins, and that it is over.
const WRITES: usize = 2;
/// The longest that anything takes.
const LIMIT: Duration = Duration::from_mins(20);

#[tokio::main(worker_threads = 2)]
async fn main() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let number = |name: &str, default| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (applications, objects) = (number("APPLICATIONS", 1_000), number("OBJECTS", 10));
    let bench = Bench::new(applications, objects).await;

    let mut core = bench.start();
    let first = bench.measure(&core, async || bench.create().await).await;
    let quiet = bench.measure(&core, async || bench.looked(&core).await).await;
    let one = bench
        .measure(&core, async || {
            bench.change("app-0/object-0.yaml", "changed");
            bench.until_deployed("app-0").await;
            bench.looked(&core).await;
        })
        .await;
    core.stop();
    core = bench.start();
    let restart = bench
        .measure(&core, async || {
            // It remembers no answer of the API server, and asks of every object once.
            let (asked, before) = (|| bench.counted.dry_runs(), bench.counted.dry_runs());
            bench.until("every object is compared", asked, before + applications * objects).await;
            bench.looked(&core).await;
        })
        .await;

    println!(
        "{}",
        json!({
            "applications": applications, "objects": applications * objects,
            "first": first, "quiet": quiet, "oneCommit": one, "restart": restart,
        })
    );
    for (what, count, expected) in [
        ("the first sync renders each once", &first["renders"], applications),
        ("nothing is rendered while nothing changes", &quiet["renders"], 0),
        ("nothing is written while nothing changes", &quiet["writes"], 0),
        ("a commit that touches one renders one", &one["renders"], 1),
        ("a commit that touches one writes of one", &one["writes"], objects + WRITES),
        ("a restart renders nothing", &restart["renders"], 0),
        ("a restart writes nothing", &restart["writes"], 0),
    ] {
        assert_eq!(*count, json!(expected), "{what}");
    }
}

/// A sandbox with a repository.
struct Bench {
    client: Client,
    counted: Counted,
    git: tempfile::TempDir,
    folder: tempfile::TempDir,
    count: usize,
}

/// The GitOps core at work.
struct Core {
    metrics: Metrics,
    stop: watch::Sender<bool>,
    running: tokio::task::JoinHandle<()>,
}

impl Core {
    fn stop(&self) {
        self.stop.send_replace(true);
        self.running.abort();
    }

    /// The sum of a metric's series in which this is written.
    fn metric(&self, name: &str, with: &str) -> usize {
        let text = self.metrics.render().expect("metrics");
        let lines = text.lines().filter(|line| line.starts_with(name) && line.contains(with));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum::<f64>() as usize
    }
}

impl Bench {
    async fn new(applications: usize, objects: usize) -> Bench {
        let sandbox = Sandbox::new(Clock::System.now());
        let (client, _) = trial::prepare(&sandbox, Box::new(node::Lifeless)).await.expect("a sandbox");
        let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
        for definition in sluice_core::api::crds::gitops() {
            definitions.create(&PostParams::default(), &definition).await.expect("a definition");
        }
        let (git, folder) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let bench = Bench { counted: Counted::new(sandbox), client, git, folder, count: applications };
        bench.git(&["init", "--quiet", "--initial-branch", "main"]);
        for application in 0..applications {
            for object in 0..objects {
                bench
                    .write(&format!("app-{application}/object-{object}.yaml"), &manifest(application, object, "first"));
            }
        }
        bench.commit();
        bench
    }

    fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .args(["-c", "user.name=Bench", "-c", "user.email=bench@example.com", "-c", "commit.gpgsign=false"])
            .args(arguments)
            .current_dir(self.git.path())
            .output()
            .expect("git is installed");
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    fn write(&self, path: &str, content: &str) {
        let path = self.git.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new(""))).expect("a folder");
        std::fs::write(path, content).expect("a file");
    }

    fn commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", "A change"]);
    }

    fn change(&self, path: &str, value: &str) {
        self.write(path, &manifest(0, 0, value));
        self.commit();
    }

    fn start(&self) -> Core {
        let (stop, stopping) = watch::channel(false);
        let (_, leading) = watch::channel(true);
        let settings = Settings {
            home: trial::HOME.to_owned(),
            namespace: None,
            folder: self.folder.path().to_owned(),
            poll: POLL,
            jitter: POLL,
            programs: Programs::default(),
        };
        let client = Client::new(self.counted.clone(), "default");
        let clients = Clients { reads: client.clone(), writes: client };
        let metrics = Metrics::new();
        let running = tokio::spawn(run(clients, settings, Clock::System, metrics.clone(), leading, stopping, None));
        Core { metrics, stop, running }
    }

    async fn create(&self) {
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("argoproj.io", "v1alpha1", "Application"));
        let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), trial::HOME, &resource);
        for number in 0..self.count {
            let object = json!({
                "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": { "name": format!("app-{number}") },
                "spec": {
                    "project": "default",
                    "source": {
                        "repoURL": format!("file://{}", self.git.path().display()), "path": format!("app-{number}"),
                        "targetRevision": "main",
                    },
                    "destination": { "server": "https://kubernetes.default.svc", "namespace": "default" },
                    "syncPolicy": { "automated": { "prune": true, "selfHeal": true } },
                },
            });
            let object: DynamicObject = serde_json::from_value(object).expect("an Application");
            api.create(&PostParams::default(), &object).await.expect("it is accepted");
        }
    }

    /// Does something, and counts what it takes until all Applications have the newest commit.
    async fn measure(&self, core: &Core, what: impl AsyncFnOnce()) -> Value {
        let renders = |from: &str| core.metric("sluice_gitops_renders_total", &format!("from=\"{from}\""));
        let git = || core.metric("argocd_git_request_total", "");
        let before = (renders("made"), git(), self.counted.writes(), self.counted.dry_runs());
        let begun = Instant::now();
        what().await;
        while !self.is_done().await {
            assert!(begun.elapsed() < LIMIT, "it takes longer than {} minutes", LIMIT.as_secs() / 60);
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        json!({
            "seconds": begun.elapsed().as_secs(), "renders": renders("made") - before.0, "gitRequests": git() - before.1,
            "writes": self.counted.writes() - before.2, "dryRuns": self.counted.dry_runs() - before.3,
        })
    }

    /// Waits until there have been so many looks more at Applications as each has a few.
    async fn looked(&self, core: &Core) {
        let looks = || core.metric("argocd_app_reconcile_count", "");
        self.until("every Application is looked at", looks, looks() + LOOKS * self.count).await;
    }

    /// Waits until something has been counted so often.
    async fn until(&self, what: &str, count: impl Fn() -> usize, enough: usize) {
        let begun = Instant::now();
        while count() < enough {
            assert!(begun.elapsed() < LIMIT, "it takes longer than {} minutes until {what}", LIMIT.as_secs() / 60);
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// Whether all Applications are synced.
    async fn is_done(&self) -> bool {
        let all = self.applications().list(&ListParams::default()).await.expect("an answer").items;
        let is_synced = |application: &&Application| {
            let status = application.status();
            status.sync.as_ref().is_some_and(|sync| sync.status == "Synced")
                && status.operation_state.as_ref().is_some_and(|state| state.phase == "Succeeded")
        };
        all.iter().filter(is_synced).count() == self.count
    }

    /// Waits until an Application has the newest commit.
    async fn until_deployed(&self, name: &str) {
        let (begun, commit) = (Instant::now(), self.git(&["rev-parse", "HEAD"]));
        loop {
            let application = self.applications().get(name).await.expect("it is there");
            let sync = application.status().sync.as_ref();
            if sync.is_some_and(|sync| sync.revision == commit && sync.status == "Synced") {
                return;
            }
            assert!(begun.elapsed() < LIMIT, "{name} does not get to {commit}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    fn applications(&self) -> Api<Application> {
        Api::namespaced(self.client.clone(), trial::HOME)
    }
}

fn manifest(application: usize, object: usize, value: &str) -> String {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": format!("app-{application}-{object}") },
        "data": { "value": value },
    })
    .to_string()
}

/// The sandbox, with its writes counted.
#[derive(Clone)]
struct Counted {
    inner: Sandbox,
    writes: Arc<AtomicUsize>,
    dry_runs: Arc<AtomicUsize>,
}

impl Counted {
    fn new(inner: Sandbox) -> Counted {
        Counted { inner, writes: Arc::default(), dry_runs: Arc::default() }
    }

    fn writes(&self) -> usize {
        self.writes.load(Ordering::Relaxed)
    }

    fn dry_runs(&self) -> usize {
        self.dry_runs.load(Ordering::Relaxed)
    }
}

impl<B> Service<Request<B>> for Counted
where
    Sandbox: Service<Request<B>>,
{
    type Response = <Sandbox as Service<Request<B>>>::Response;
    type Error = <Sandbox as Service<Request<B>>>::Error;
    type Future = <Sandbox as Service<Request<B>>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        if request.method() != Method::GET {
            let is_dry = request.uri().query().is_some_and(|query| query.contains("dryRun"));
            (if is_dry { &self.dry_runs } else { &self.writes }).fetch_add(1, Ordering::Relaxed);
        }
        self.inner.call(request)
    }
}
