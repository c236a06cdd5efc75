//! `sluice demo`: the product in a minute, on a machine that has nothing else.
//!
//! It starts the sandbox with the controller, pods that are real HTTP servers, a proxy that is their gateway and a small load, and tells
//! a story about them. What is on the screen was measured, and the exit code says whether all of it happened.

pub mod load;
pub mod screen;
pub mod stage;
pub mod story;
pub mod view;

use std::io::{IsTerminal as _, Write};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, PostParams};
use sluice_sandbox::Sandbox;
use sluice_sandbox::network::Network;
use sluice_sandbox::proxy::Proxy;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use self::load::Load;
use self::screen::Screen;
use self::stage::{NAMESPACE, Stage};
use crate::clock::Clock;
use crate::controller::Clients;
use crate::metrics::Metrics;
use crate::trial;

/// Flags of `sluice demo`.
#[derive(Args, Clone, Debug)]
pub struct DemoFlags {
    /// Keep the sandbox running afterwards, with a kubeconfig to play with
    #[arg(long)]
    pub keep: bool,
    /// How much faster than usual: 2 halves the pauses, 0.5 doubles them
    #[arg(long, default_value_t = 1.0)]
    pub speed: f64,
    /// Where --keep writes the kubeconfig; by default into the folder for temporary files
    #[arg(long)]
    pub kubeconfig: Option<PathBuf>,
}

/// The fastest and the slowest that make sense.
const SPEEDS: std::ops::RangeInclusive<f64> = 0.1..=10.0;
/// What there is before the first request.
const MANIFESTS: [&str; 3] = [
    include_str!("../../examples/demo/services.yaml"),
    include_str!("../../examples/demo/route.yaml"),
    include_str!("../../examples/demo/rollout.yaml"),
];
/// How long the whole story may take at the usual speed.
const PROMISED: Duration = Duration::from_secs(90);

/// What a demo leaves behind.
pub struct Performed {
    /// Where it happened.
    pub sandbox: Sandbox,
    tasks: Tasks,
}

/// What runs behind the scene, and is stopped with this.
struct Tasks {
    workloads: JoinHandle<()>,
    controller: JoinHandle<()>,
}

impl Tasks {
    /// Waits for one that ends by itself, which is a failure.
    async fn end(&mut self) -> anyhow::Error {
        tokio::select! {
            error = trial::end_of("the sandbox", &mut self.workloads) => error,
            error = trial::end_of("the controller", &mut self.controller) => error,
        }
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        self.controller.abort();
        self.workloads.abort();
    }
}

/// Tells the story on the standard output.
pub async fn run(flags: DemoFlags) -> anyhow::Result<()> {
    let out = std::io::stdout();
    let live = out.is_terminal();
    crate::start::log_from("error");
    if let Some(path) = flags.kubeconfig.as_deref().filter(|_| flags.keep) {
        crate::sandbox::check_replaceable(path)?;
    }
    let mut performed = perform(&flags, Box::new(out), live).await?;
    if flags.keep {
        let address = ([127, 0, 0, 1], 0).into();
        let served = crate::sandbox::serve(&performed.sandbox, address, flags.kubeconfig).await?;
        println!("\nThe sandbox stays at {} until you stop it (Ctrl-C).\n", served.url);
        println!("  export KUBECONFIG={}\n  kubectl get rollouts", served.kubeconfig.display());
        served.until(performed.tasks.end()).await?;
    }
    Ok(())
}

/// Tells the story, and returns where it happened.
pub async fn perform(flags: &DemoFlags, out: Box<dyn Write + Send>, live: bool) -> anyhow::Result<Performed> {
    if !SPEEDS.contains(&flags.speed) {
        bail!("--speed {} is not between {} and {}", flags.speed, SPEEDS.start(), SPEEDS.end());
    }
    let sandbox = Sandbox::on_machine_time();
    let network = Network::default();
    let (client, workloads) =
        trial::prepare(&sandbox, Box::new(network.clone())).await.context("cannot furnish the sandbox")?;
    trial::install_routers(&client).await.context("cannot furnish the sandbox")?;
    let clients = Clients { reads: client.clone(), writes: client.clone() };
    let controller = trial::control(clients, Clock::System, Metrics::new(), trial::USUAL);
    let mut tasks = Tasks { workloads, controller };
    let patience = PROMISED.div_f64(flags.speed.min(1.0));
    let story = Box::pin(play(flags, &sandbox, network, client, Screen::new(out, live)));
    tokio::select! {
        told = tokio::time::timeout(patience, story) => told
            .unwrap_or_else(|_| Err(anyhow!("it is not over after {patience:.0?}")))
            .context("the demo did not go as told")?,
        error = tasks.end() => return Err(error),
    }
    Ok(Performed { sandbox, tasks })
}

/// The stage, the load, and the story.
async fn play(
    flags: &DemoFlags,
    sandbox: &Sandbox,
    network: Network,
    client: Client,
    mut screen: Screen,
) -> anyhow::Result<()> {
    screen.say(
        "A Kubernetes API and a controller, in this process. Pods are HTTP servers on this machine (● ready, ○ not ready,\n\
         ✖ going), behind a gateway that splits real requests by the weights of an HTTPRoute.",
    )?;
    for manifest in MANIFESTS {
        create(&client, &paced(manifest, flags.speed)).await?;
    }
    let load = Load::default();
    let mut stage = Stage::new(client, load.clone(), screen, flags.speed);
    let anywhere = (std::net::Ipv4Addr::LOCALHOST, 0).into();
    let (proxy, proxying) =
        Proxy::new(sandbox.clone(), network).listen(anywhere).await.context("cannot open the proxy")?;
    // The load begins with the first release: before, there is nobody to answer.
    stage.until("became healthy", story::is_healthy).await?;
    let (stop, stopped) = watch::channel(false);
    let loading = tokio::spawn(load.run(proxy, flags.speed, stopped));
    let told = Box::pin(story::tell(&mut stage)).await;
    // Requests under way count, too.
    stop.send_replace(true);
    loading.await.context("the load failed")?;
    proxying.abort();
    told?;
    story::end(&mut stage)
}

/// Manifests whose pauses are as much shorter as the demo is faster.
fn paced(manifest: &str, speed: f64) -> String {
    let pause = (4000.0 / speed).round();
    manifest.replace("duration: 4s", &format!("duration: {pause:.0}ms"))
}

async fn create(client: &Client, manifest: &str) -> anyhow::Result<()> {
    let objects: Vec<DynamicObject> =
        serde_saphyr::from_multiple(manifest).context("the demo's manifests are not objects")?;
    for object in objects {
        create_one(client, &object).await?;
    }
    Ok(())
}

async fn create_one(client: &Client, object: &DynamicObject) -> anyhow::Result<()> {
    let types = object.types.clone().unwrap_or_default();
    let (group, version) = types.api_version.split_once('/').unwrap_or(("", &types.api_version));
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, &types.kind));
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), NAMESPACE, &resource);
    api.create(&PostParams::default(), object).await.with_context(|| format!("cannot create the {}", types.kind))?;
    Ok(())
}
