//! `sluice demo`: the product in a minute, on a machine that has nothing else.
//!
//! It starts the sandbox with the controller and the GitOps core, a repository for that, pods that are real HTTP servers, a proxy that is
//! their gateway, what Prometheus would know of them, a small load and the dashboard, and tells a story about them. What is on the screen was measured, and
//! the exit code says whether all of it happened.

mod application;
pub mod load;
mod manifests;
mod measured;
mod pages;
pub mod repository;
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
use sluice_sandbox::Sandbox;
use sluice_sandbox::network::Network;
use sluice_sandbox::prometheus;
use sluice_sandbox::proxy::Proxy;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use self::load::Load;
use self::repository::Repository;
use self::screen::Screen;
use self::stage::Stage;
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
/// How often Git is looked into, at the usual speed or slower.
const POLL: Duration = Duration::from_secs(1);
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
    /// Where its repository is, which goes with it.
    folder: TempDir,
}

/// What runs behind the scene, and is stopped with this.
struct Tasks {
    workloads: JoinHandle<()>,
    controller: JoinHandle<()>,
    sync: JoinHandle<()>,
    servers: Vec<JoinHandle<()>>,
}

impl Tasks {
    /// Waits for one that ends by itself, which is a failure.
    async fn end(&mut self) -> anyhow::Error {
        tokio::select! {
            error = trial::end_of("the sandbox", &mut self.workloads) => error,
            error = trial::end_of("the controller", &mut self.controller) => error,
            error = trial::end_of("the GitOps core", &mut self.sync) => error,
        }
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        self.sync.abort();
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
    let mut performed = tokio::select! {
        performed = perform(&flags, Box::new(out), live) => performed?,
        // What it has written goes, too.
        stopped = crate::start::terminated() => return stopped.and(Err(anyhow!("the demo was stopped before its end"))),
    };
    if flags.keep {
        let address = ([127, 0, 0, 1], 0).into();
        let served = crate::sandbox::serve(&performed.sandbox, address, flags.kubeconfig).await?;
        println!("\nThe sandbox stays at {} until you stop it (Ctrl-C).\n", served.url);
        println!("  export KUBECONFIG={}\n  kubectl get rollouts", served.kubeconfig.display());
        println!("  git clone {}\n", repository_in(&performed.folder).display());
        println!("What is pushed to the repository is the next release; what is changed by hand is put back.");
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
    trial::install_gitops(&client).await.context("cannot furnish the sandbox")?;
    let folder = tempfile::tempdir().context("cannot make a folder for the repository")?;
    let repository = Repository::new(repository_in(&folder))?;
    let clients = Clients { reads: client.clone(), writes: client.clone() };
    let poll = POLL.div_f64(flags.speed.max(1.0));
    let metrics = Metrics::new();
    let sync = trial::sync(clients.clone(), Clock::System, metrics.clone(), folder.path().join("gitops"), poll);
    let controller = trial::control(clients, Clock::System, metrics, trial::USUAL);
    let anywhere = (Ipv4Addr::LOCALHOST, 0).into();
    let (prometheus, counting) =
        prometheus::serve::listen(network.counters(), anywhere).await.context("cannot open the counters")?;
    let (proxy, proxying) =
        Proxy::new(sandbox.clone(), network).listen(anywhere).await.context("cannot open the proxy")?;
    let pages = pages::open(&client, !flags.keep).await?;
    let (url, serving) = pages.map(|pages| (pages.url, pages.serving)).unzip();
    let servers = [counting, proxying].into_iter().chain(serving).collect();
    let mut tasks = Tasks { workloads, controller, sync, servers };
    let patience = PROMISED.div_f64(flags.speed.min(1.0));
    let stage = Stage::new(client, repository, Load::default(), Screen::new(out, live), flags.speed);
    let story = Box::pin(play(stage, proxy, prometheus, url));
    tokio::select! {
        told = tokio::time::timeout(patience, story) => told
            .unwrap_or_else(|_| Err(anyhow!("it is not over after {patience:.0?}")))
            .context("the demo did not go as told")?,
        error = tasks.end() => return Err(error),
    }
    Ok(Performed { sandbox, proxy, prometheus, tasks, folder })
}

/// The repository of a demo, in its folder.
fn repository_in(folder: &TempDir) -> PathBuf {
    folder.path().join("rollouts-demo.git")
}

/// The load, and the story.
async fn play(
    mut stage: Stage,
    proxy: SocketAddr,
    prometheus: SocketAddr,
    pages: Option<String>,
) -> anyhow::Result<()> {
    stage.say(
        "A Kubernetes API, a Git repository and Sluice, in this process. Pods are HTTP servers on this machine (● ready, ○ not\n\
         ready, ✖ going), behind a gateway that splits real requests by the weights of an HTTPRoute. Their answers are counted,\n\
         and Sluice asks for the counts as it asks Prometheus.",
    )?;
    if let Some(url) = pages {
        stage.say(&format!("In a browser: {url}"))?;
    }
    // The load begins with the first release: before, there is nobody to answer.
    story::begin(&mut stage, prometheus).await?;
    let (stop, stopped) = watch::channel(false);
    let loading = tokio::spawn(stage.load.clone().run(proxy, stage.speed, stopped));
    let told = Box::pin(story::tell(&mut stage)).await;
    // Requests under way count, too.
    stop.send_replace(true);
    loading.await.context("the load failed")?;
    told?;
    story::end(&mut stage)
}
