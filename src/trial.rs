//! A sandbox with a controller in one process: what `sluice sandbox`, `sluice demo` and the simulated scenarios start.

#[cfg(feature = "gitops")]
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, ObjectMeta, PostParams};
use kube::runtime::wait::{await_condition, conditions};
use kube::{Client, Error};
use sluice_core::api::crds;
use sluice_plugin_host::Host;
use sluice_sandbox::Sandbox;
use sluice_sandbox::traffic::kinds;
use sluice_sandbox::workloads::{self, node::Runtime};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::aws;
use crate::clock::Clock;
use crate::controller::balancers;
use crate::controller::context::GuardMode;
use crate::controller::{self, Clients, Settings, Signals};
#[cfg(feature = "gitops")]
use crate::gitops;
use crate::lease::{Claim, LeaseConfig};
use crate::metrics::Metrics;
use crate::providers::{Job, Plugin, Providers};

/// The controller's namespace, that of `deploy/install.yaml`.
pub const HOME: &str = "argo-rollouts";

/// Starts the workloads of a sandbox, and installs what a cluster has before a controller comes. The workloads run until their
/// task is stopped; that it ends by itself is a bug.
pub async fn prepare(sandbox: &Sandbox, runtime: Box<dyn Runtime>) -> Result<(Client, JoinHandle<()>), Error> {
    let running = tokio::spawn(workloads::run(sandbox.clone(), runtime));
    let client = Client::new(sandbox.clone(), "default");
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    for definition in crds::all() {
        definitions.create(&PostParams::default(), &definition).await?;
    }
    let home = ObjectMeta { name: Some(HOME.to_owned()), ..ObjectMeta::default() };
    let home = Namespace { metadata: home, ..Namespace::default() };
    Api::<Namespace>::all(client.clone()).create(&PostParams::default(), &home).await?;
    Ok((client, running))
}

/// Installs the kinds that routers read, of the Gateway API and of Istio, and the class of Gateways that the sandbox runs.
pub async fn install_routers(client: &Client) -> anyhow::Result<()> {
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    for definition in kinds::definitions() {
        let definition: CustomResourceDefinition = serde_json::from_value(definition)?;
        let name = definition.metadata.name.clone().unwrap_or_default();
        definitions
            .create(&PostParams::default(), &definition)
            .await
            .with_context(|| format!("cannot install {name}"))?;
        await_condition(definitions.clone(), &name, conditions::is_crd_established()).await?;
    }
    let class: DynamicObject = serde_json::from_value(kinds::class())?;
    let classes = ApiResource::from_gvk_with_plural(
        &GroupVersionKind::gvk("gateway.networking.k8s.io", "v1", "GatewayClass"),
        "gatewayclasses",
    );
    let classes: Api<DynamicObject> = Api::all_with(client.clone(), &classes);
    classes.create(&PostParams::default(), &class).await.context("cannot create the class of Gateways")?;
    Ok(())
}

/// Installs the kinds of the GitOps core.
#[cfg(feature = "gitops")]
pub async fn install_gitops(client: &Client) -> Result<(), Error> {
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    for definition in crds::gitops() {
        definitions.create(&PostParams::default(), &definition).await?;
    }
    Ok(())
}

/// Runs the GitOps core until the task is stopped. It keeps copies in a folder, and looks for news this often.
#[cfg(feature = "gitops")]
pub fn sync(clients: Clients, clock: Clock, metrics: Metrics, folder: PathBuf, poll: Duration) -> JoinHandle<()> {
    let home = HOME.to_owned();
    let programs = gitops::Programs::default();
    let settings = gitops::Settings { home, namespace: None, folder, poll, jitter: Duration::ZERO, programs };
    tokio::spawn(async move {
        // The senders live as long as the core: it leads, and nobody asks it to stop.
        let (_lead, leading) = watch::channel(true);
        let (_stop, stop) = watch::channel(false);
        gitops::run(clients, settings, clock, metrics, leading, stop, None).await;
    })
}

/// Waits for the end of a task that should never end, and says how it came.
pub async fn end_of(what: &str, task: &mut JoinHandle<()>) -> anyhow::Error {
    match task.await {
        Ok(()) => anyhow!("{what} stopped by itself"),
        Err(error) => anyhow!("{what} failed: {error}"),
    }
}

/// How a controller works here.
#[derive(Clone, Debug)]
pub struct Manner {
    /// How often it says that it is still there.
    pub renewal: Duration,
    /// See [`Settings::in_order`].
    pub in_order: bool,
    /// What starts its plugins.
    pub plugins: fn() -> Host,
    /// What makes its metric providers.
    pub providers: fn(&Clients, Clock, &Arc<Host>) -> Providers,
    /// See [`Settings::aws`].
    pub aws: Option<balancers::Settings>,
}

/// As it works in a cluster.
pub const USUAL: Manner =
    Manner { renewal: Duration::from_secs(2), in_order: false, plugins: host, providers, aws: None };

/// Plugins as they are in a cluster: programs and sockets.
pub fn host() -> Host {
    Host::new(concat!("sluice ", env!("CARGO_PKG_VERSION")))
}

/// Metric providers as they are in a cluster.
pub fn providers(clients: &Clients, clock: Clock, host: &Arc<Host>) -> Providers {
    let asking = Providers::new(&aws::process_env(), clock);
    asking.with(Job::new(clients.writes.clone(), None)).with(Plugin::new(Arc::clone(host)))
}

/// Runs a controller until the task is stopped. Its name is always the same, as that of a container that restarts in its pod,
/// so that it takes its own lease up again.
pub fn control(clients: Clients, clock: Clock, metrics: Metrics, manner: Manner) -> JoinHandle<()> {
    let Manner { renewal, in_order, plugins, providers, aws } = manner;
    let host = Arc::new(plugins());
    let settings = Settings {
        namespace: None,
        instance_id: String::new(),
        concurrency: 10,
        resync: Duration::from_mins(15),
        guard: GuardMode::Enforce,
        providers: Arc::new(providers(&clients, clock, &host)),
        plugins: host,
        home: HOME.to_owned(),
        aws,
        analysis_concurrency: 30,
        experiment_concurrency: 10,
        in_order,
    };
    let lease = LeaseConfig {
        namespace: HOME.to_owned(),
        name: "argo-rollouts-controller-lock".to_owned(),
        identity: "sandbox".to_owned(),
        duration: renewal * 15 / 2,
        renew_deadline: renewal * 5,
        retry: renewal,
    };
    let claim = Claim::new(clients.writes.clone(), lease, clock);
    tokio::spawn(async move {
        let (leading, is_leading) = watch::channel(false);
        let (ready, _) = watch::channel(false);
        // The senders live as long as the controller: nobody asks it to stop.
        let (_release, released) = watch::channel(false);
        let (_stop, stop) = watch::channel(false);
        let signals = Signals { leading: is_leading, ready, stop, services: Arc::default() };
        let run = controller::run(clients, settings, clock, metrics, signals);
        tokio::select! {
            biased;
            held = claim.hold(leading, released) => {
                tracing::error!(error = ?held.err(), "the controller has lost its lease");
            }
            () = run => {}
        }
    })
}
