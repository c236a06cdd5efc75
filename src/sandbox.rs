//! `sluice sandbox`: a Kubernetes API with workloads and the controller, in this process and in memory.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use jiff::SignedDuration;
use kube::config::Kubeconfig;
use sluice_sandbox::Sandbox;
use sluice_sandbox::network::Network;
use sluice_sandbox::prometheus;
use sluice_sandbox::proxy::Proxy;
use sluice_sandbox::serve::{self, Server};
use sluice_sandbox::workloads::node::{self, Runtime};

use crate::clock::Clock;
use crate::controller::Clients;
use crate::flags::go_duration;
use crate::metrics::Metrics;
use crate::trial;

/// Flags of `sluice sandbox`.
#[derive(Args, Debug)]
pub struct SandboxFlags {
    /// Where the API listens; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:0")]
    pub address: SocketAddr,
    /// Where to write the kubeconfig; by default into the folder for temporary files
    #[arg(long)]
    pub kubeconfig: Option<PathBuf>,
    /// Run the API and the workloads alone, for a controller of your own
    #[arg(long)]
    pub without_controller: bool,
    /// Make pods HTTP servers on this machine, and listen here on the loopback for requests to them by their routes and Ingresses;
    /// port 0 takes a free one
    #[arg(long)]
    pub proxy_port: Option<u16>,
    /// Answer queries of Prometheus here about the requests that pods have answered, such as at 127.0.0.1:9090; port 0 takes a
    /// free one
    #[arg(long, value_name = "ADDRESS", requires = "proxy_port")]
    pub prometheus: Option<SocketAddr>,
    /// How often autoscalers look at their metrics, such as 2s or 1m
    #[arg(long, default_value = "15s", value_parser = go_duration)]
    pub autoscaler_period: Duration,
}

/// Runs until it is told to stop.
pub async fn run(flags: SandboxFlags) -> anyhow::Result<()> {
    crate::start::log_from("warn");
    let sandbox = Sandbox::on_machine_time();
    let period = SignedDuration::try_from(flags.autoscaler_period).context("--autoscaler-period is too long")?;
    sandbox.with(|state| state.autoscaler_period = period);
    let network = Network::default();
    let runtime: Box<dyn Runtime> = match flags.proxy_port {
        Some(_) => Box::new(network.clone()),
        None => Box::new(node::Lifeless),
    };
    let (client, mut workloads) = trial::prepare(&sandbox, runtime).await.context("cannot furnish the sandbox")?;
    trial::install_routers(&client).await.context("cannot furnish the sandbox")?;
    let counters = network.counters();
    let proxy = match flags.proxy_port {
        Some(port) => {
            let listening = Proxy::new(sandbox.clone(), network).listen((Ipv4Addr::LOCALHOST, port).into()).await;
            Some(listening.with_context(|| format!("cannot listen on port {port} for --proxy-port"))?.0)
        }
        None => None,
    };
    let prometheus = match flags.prometheus {
        Some(address) => {
            let listening = prometheus::serve::listen(counters, address).await;
            Some(listening.with_context(|| format!("cannot listen on {address} for --prometheus"))?.0)
        }
        None => None,
    };
    let served = serve(&sandbox, flags.address, flags.kubeconfig).await?;
    println!("The sandbox listens on {}. Everything in it is gone when it stops (Ctrl-C).", served.url);
    println!();
    println!("  export KUBECONFIG={}", served.kubeconfig.display());
    println!("  kubectl get rollouts --all-namespaces");
    if let Some(proxy) = proxy {
        println!();
        println!("Requests go to pods by their routes and Ingresses at http://{proxy}, such as");
        println!();
        println!("  curl -H 'Host: shop.example.com' http://{proxy}/");
    }
    if let Some(prometheus) = prometheus {
        println!();
        println!("Their answers are counted as Prometheus would at http://{prometheus}, such as");
        println!();
        println!("  curl -d 'query=sum by (version, code) (http_requests_total)' http://{prometheus}/api/v1/query");
    }
    if flags.without_controller {
        return served.until(trial::end_of("the sandbox", &mut workloads)).await;
    }
    let clients = Clients { reads: client.clone(), writes: client };
    let mut controller = trial::control(clients, Clock::System, Metrics::new(), trial::USUAL);
    let ended = async {
        tokio::select! {
            error = trial::end_of("the sandbox", &mut workloads) => error,
            error = trial::end_of("the controller", &mut controller) => error,
        }
    };
    served.until(ended).await
}

/// An API that is served, and the file by which clients find it. The file goes with this.
pub struct Served {
    /// `https://127.0.0.1:6443`.
    pub url: String,
    /// The path of the kubeconfig.
    pub kubeconfig: PathBuf,
    /// What is in it.
    content: String,
}

/// Serves the API, and writes a kubeconfig for it.
pub async fn serve(sandbox: &Sandbox, address: SocketAddr, kubeconfig: Option<PathBuf>) -> anyhow::Result<Served> {
    let server = Server::bind(address).await?;
    let kubeconfig = kubeconfig
        .unwrap_or_else(|| std::env::temp_dir().join(format!("sluice-sandbox-{}.kubeconfig", std::process::id())));
    let content = format!("{:#}\n", server.kubeconfig());
    write_private(&kubeconfig, &content)?;
    let url = server.url();
    tokio::spawn(server.run(sandbox.clone()));
    Ok(Served { url, kubeconfig, content })
}

impl Served {
    /// Serves until a person stops it, or until something ends that should not.
    pub async fn until(self, end: impl Future<Output = anyhow::Error>) -> anyhow::Result<()> {
        tokio::select! {
            stopped = crate::start::terminated() => stopped,
            error = end => Err(error),
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // What is written there is of no use to anybody any more, unless it is somebody else's by now.
        if std::fs::read_to_string(&self.kubeconfig).is_ok_and(|content| content == self.content) {
            let _ = std::fs::remove_file(&self.kubeconfig);
        }
    }
}

/// Writes a file that only its owner reads, as it holds a token. One that an earlier sandbox has left is replaced; nobody
/// else's is.
fn write_private(path: &Path, content: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let cannot = || format!("cannot write the kubeconfig {}", path.display());
    if check_replaceable(path)? {
        std::fs::remove_file(path).with_context(cannot)?;
    }
    let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(content.as_bytes())).with_context(cannot)
}

/// Refuses a path at which something other than the kubeconfig of a sandbox is; says whether one is there.
pub fn check_replaceable(path: &Path) -> anyhow::Result<bool> {
    match std::fs::read_to_string(path) {
        Ok(before) if is_of_a_sandbox(&before) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        _ => bail!(
            "{} exists and is not the kubeconfig of a sandbox: name another file with --kubeconfig, so that nothing is lost",
            path.display()
        ),
    }
}

/// Whether it names nothing but a sandbox: also after `kubectl config` has written it anew, as YAML.
fn is_of_a_sandbox(kubeconfig: &str) -> bool {
    if kubeconfig.trim().is_empty() {
        return true;
    }
    let Ok(config) = Kubeconfig::from_yaml(kubeconfig) else { return false };
    let mut names = config.clusters.iter().map(|cluster| cluster.name.as_str());
    names.next() == Some(serve::NAME) && names.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kubeconfig_of_somebody_else_stays() {
        let folder = std::env::temp_dir().join(format!("sluice-kubeconfig-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join("config");
        std::fs::write(&path, "apiVersion: v1\nkind: Config\ncurrent-context: production\n").expect("writable");
        let error = write_private(&path, "{}").expect_err("a refusal").to_string();
        assert!(error.contains("exists and is not the kubeconfig of a sandbox"), "{error}");
        assert!(std::fs::read_to_string(&path).expect("there").contains("production"));
        let both = "clusters: [{name: sluice-sandbox, cluster: {}}, {name: production, cluster: {}}]";
        std::fs::write(&path, both).expect("writable");
        assert!(write_private(&path, "{}").is_err(), "a second cluster was added to that of a sandbox");
        for earlier in [r#"{"clusters": [{"name": "sluice-sandbox"}]}"#, "clusters:\n- name: sluice-sandbox\n", ""] {
            std::fs::write(&path, earlier).expect("writable");
            write_private(&path, "{}").expect("that of an earlier sandbox is replaced");
        }
        std::fs::remove_dir_all(&folder).expect("removable");
    }
}
