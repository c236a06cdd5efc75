//! `sluice demo`: the product in a minute, on a machine that has nothing else.
//!
//! It starts the sandbox with the controller, pods that are real HTTP servers, a proxy in front of their Service and a small
//! load, and tells a story about them. What is on the screen was measured, and the exit code says whether all of it happened.

pub mod load;
pub mod screen;
pub mod stage;
pub mod story;
pub mod view;

use std::io::{IsTerminal as _, Write};
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, PostParams};
use sluice_sandbox::Sandbox;
use sluice_sandbox::network::{Network, Proxy};

use self::load::Load;
use self::screen::Screen;
use self::stage::{NAME, NAMESPACE, Stage};
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

/// Tells the story on the standard output.
pub async fn run(flags: DemoFlags) -> anyhow::Result<()> {
    let out = std::io::stdout();
    let live = out.is_terminal();
    let sandbox = perform(&flags, Box::new(out), live).await?;
    if flags.keep {
        let address = ([127, 0, 0, 1], 0).into();
        let (url, path) = crate::sandbox::serve(&sandbox, address, flags.kubeconfig).await?;
        println!("\nThe sandbox stays at {url} until you stop it (Ctrl-C).\n\n  export KUBECONFIG={}", path.display());
        println!("  kubectl get rollouts");
        crate::start::terminated().await?;
        let _ = std::fs::remove_file(path);
    }
    Ok(())
}

/// Tells the story, and returns the sandbox on which it happened.
pub async fn perform(flags: &DemoFlags, out: Box<dyn Write + Send>, live: bool) -> anyhow::Result<Sandbox> {
    if !SPEEDS.contains(&flags.speed) {
        bail!("--speed {} is not between {} and {}", flags.speed, SPEEDS.start(), SPEEDS.end());
    }
    let sandbox = Sandbox::on_machine_time();
    let network = Network::default();
    let client = trial::prepare(&sandbox, Box::new(network.clone())).await.context("cannot furnish the sandbox")?;
    let controller = trial::control(
        Clients { reads: client.clone(), writes: client.clone() },
        Clock::System,
        Metrics::new(),
        trial::RENEWAL,
    );
    let mut screen = Screen::new(out, live);
    screen.say(
        "A Kubernetes API and a controller, in this process. Pods are HTTP servers on this machine, behind a proxy that\n\
         sends each request to a ready one (● ready, ○ not ready, ✖ going).",
    )?;
    for manifest in [include_str!("../../examples/demo/service.yaml"), include_str!("../../examples/demo/rollout.yaml")]
    {
        create(&client, &paced(manifest, flags.speed)).await?;
    }
    let load = Load::default();
    let mut stage = Stage::new(client, load.clone(), screen, flags.speed);
    let (proxy, proxying) =
        Proxy::new(sandbox.clone(), network, NAMESPACE, NAME).listen().await.context("cannot open the proxy")?;
    // The load begins with the first pods: before, there is nobody to answer.
    stage.until("had a pod", |rollout| rollout.status().available_replicas > 0).await?;
    let loading = tokio::spawn(load.run(proxy, flags.speed));
    let told = story::tell(&mut stage).await;
    loading.abort();
    proxying.abort();
    if !flags.keep {
        controller.abort();
    }
    told.context("the demo did not go as told")?;
    Ok(sandbox)
}

/// A manifest whose pauses are as much shorter as the demo is faster.
fn paced(manifest: &str, speed: f64) -> String {
    let pause = (4000.0 / speed).round();
    manifest.replace("duration: 4s", &format!("duration: {pause:.0}ms"))
}

async fn create(client: &Client, manifest: &str) -> anyhow::Result<()> {
    let object: DynamicObject = serde_saphyr::from_str(manifest).context("the demo's manifest is not an object")?;
    let types = object.types.clone().unwrap_or_default();
    let (group, version) = types.api_version.split_once('/').unwrap_or(("", &types.api_version));
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, &types.kind));
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), NAMESPACE, &resource);
    api.create(&PostParams::default(), &object).await.with_context(|| format!("cannot create the {}", types.kind))?;
    Ok(())
}
