//! `sluice demo`: the product in a minute, on a machine that has nothing else.
//!
//! It starts the sandbox with the controller, pods that are real HTTP servers, a proxy that is their gateway, what Prometheus would know of
//! them and a small load, and tells a story about them. What is on the screen was measured, and the exit code says whether all of it
//! happened.

pub mod load;
mod measured;
pub mod screen;
pub mod stage;
pub mod story;
pub mod view;

use std::io::{IsTerminal as _, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, PostParams};
use sluice_sandbox::Sandbox;
use sluice_sandbox::network::Network;
use sluice_sandbox::prometheus;
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
const MANIFESTS: [&str; 4] = [
    include_str!("../../examples/demo/services.yaml"),
    include_str!("../../examples/demo/route.yaml"),
    include_str!("../../examples/demo/analysis.yaml"),
    include_str!("../../examples/demo/rollout.yaml"),
];
/// What the manifests say of Prometheus, where the demo puts its own.
const PROMETHEUS: &str = "http://prometheus.monitoring:9090";
/// Times in the manifests, in milliseconds, and how they stand there.
const TIMES: [(f64, &str, &str); 4] = [
    (4000.0, "duration: 4s", "duration: {}"),
    (2000.0, "initialDelay: 2s", "initialDelay: {}"),
    (1000.0, "interval: 1s", "interval: {}"),
    (3000.0, "[3s]", "[{}]"),
];
/// How long the whole story may take at the usual speed.
const PROMISED: Duration = Duration::from_secs(90);

/// What a demo leaves behind.
pub struct Performed {
    /// Where it happened.
    pub sandbox: Sandbox,
    /// Where its gateway listens.
    pub proxy: SocketAddr,
    /// Where its requests are counted.
    pub prometheus: SocketAddr,
    tasks: Tasks,
}

/// What runs behind the scene, and is stopped with this.
struct Tasks {
    workloads: JoinHandle<()>,
    controller: JoinHandle<()>,
    servers: [JoinHandle<()>; 2],
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
        self.servers.iter().for_each(JoinHandle::abort);
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
        println!("  export KUBECONFIG={}\n  kubectl get rollouts\n", served.kubeconfig.display());
        println!(
            "The requests go on, at http://{}, and are counted at http://{}.",
            performed.proxy, performed.prometheus
        );
        // Without requests the next version could not be judged.
        let (_stop, stopped) = watch::channel(false);
        tokio::spawn(Load::default().run(performed.proxy, flags.speed, stopped));
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
    let anywhere = (Ipv4Addr::LOCALHOST, 0).into();
    let (prometheus, counting) =
        prometheus::serve::listen(network.counters(), anywhere).await.context("cannot open the counters")?;
    let (proxy, proxying) =
        Proxy::new(sandbox.clone(), network).listen(anywhere).await.context("cannot open the proxy")?;
    let mut tasks = Tasks { workloads, controller, servers: [counting, proxying] };
    let patience = PROMISED.div_f64(flags.speed.min(1.0));
    let story = Box::pin(play(flags, client, proxy, prometheus, Screen::new(out, live)));
    tokio::select! {
        told = tokio::time::timeout(patience, story) => told
            .unwrap_or_else(|_| Err(anyhow!("it is not over after {patience:.0?}")))
            .context("the demo did not go as told")?,
        error = tasks.end() => return Err(error),
    }
    Ok(Performed { sandbox, proxy, prometheus, tasks })
}

/// The stage, the load, and the story.
async fn play(
    flags: &DemoFlags,
    client: Client,
    proxy: SocketAddr,
    prometheus: SocketAddr,
    mut screen: Screen,
) -> anyhow::Result<()> {
    screen.say(
        "A Kubernetes API and a controller, in this process. Pods are HTTP servers on this machine (● ready, ○ not ready,\n\
         ✖ going), behind a gateway that splits real requests by the weights of an HTTPRoute. Their answers are counted,\n\
         and Sluice asks for the counts as it asks Prometheus.",
    )?;
    for manifest in MANIFESTS {
        create(&client, &adapted(manifest, flags.speed, prometheus)).await?;
    }
    let load = Load::default();
    let mut stage = Stage::new(client, load.clone(), screen, flags.speed);
    // The load begins with the first release: before, there is nobody to answer.
    stage.until("became healthy", story::is_healthy).await?;
    let (stop, stopped) = watch::channel(false);
    let loading = tokio::spawn(load.run(proxy, flags.speed, stopped));
    let told = Box::pin(story::tell(&mut stage)).await;
    // Requests under way count, too.
    stop.send_replace(true);
    loading.await.context("the load failed")?;
    told?;
    story::end(&mut stage)
}

/// A manifest whose times are as much shorter as the demo is faster, and whose measurements come from its own counters.
fn adapted(manifest: &str, speed: f64, prometheus: SocketAddr) -> String {
    let manifest = manifest.replace(PROMETHEUS, &format!("http://{prometheus}"));
    TIMES.iter().fold(manifest, |manifest, (usual, written, form)| {
        let millis = (usual / speed).round();
        let time = if millis % 1000.0 == 0.0 { format!("{:.0}s", millis / 1000.0) } else { format!("{millis:.0}ms") };
        manifest.replace(written, &form.replace("{}", &time))
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_faster_demo_has_shorter_times_and_measures_its_own_requests() {
        let analysis = MANIFESTS[2];
        let address = ([127, 0, 0, 1], 4711).into();
        let usual = adapted(analysis, 1.0, address);
        assert_eq!(usual, analysis.replace("prometheus.monitoring:9090", "127.0.0.1:4711"));
        assert_ne!(usual, analysis);
        let fast = adapted(analysis, 4.0, address);
        for time in ["initialDelay: 500ms", "interval: 250ms", "[750ms]"] {
            assert!(fast.contains(time), "{time} is not in\n{fast}");
        }
        assert!(!fast.contains("[3s]"), "{fast}");
        assert!(adapted(MANIFESTS[3], 0.5, address).contains("duration: 8s"));
    }
}
