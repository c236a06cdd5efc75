//! `sluice sandbox`: a Kubernetes API with workloads and the controller, in this process and in memory.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use serde_json::Value;
use sluice_sandbox::Sandbox;
use sluice_sandbox::network::Network;
use sluice_sandbox::serve::Server;

use crate::clock::Clock;
use crate::controller::Clients;
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
}

/// Runs until SIGTERM or SIGINT.
pub async fn run(flags: SandboxFlags) -> anyhow::Result<()> {
    let sandbox = Sandbox::on_machine_time();
    let client = trial::prepare(&sandbox, Box::new(Network::default())).await.context("cannot furnish the sandbox")?;
    if !flags.without_controller {
        trial::control(
            Clients { reads: client.clone(), writes: client },
            Clock::System,
            Metrics::new(),
            trial::RENEWAL,
        );
    }
    let (served, path) = serve(&sandbox, flags.address, flags.kubeconfig).await?;
    println!("The sandbox listens on {served}. Everything in it is gone when it stops (Ctrl-C).");
    println!();
    println!("  export KUBECONFIG={}", path.display());
    println!("  kubectl get rollouts --all-namespaces");
    crate::start::terminated().await?;
    // What is written here is of no use to anybody any more.
    let _ = std::fs::remove_file(path);
    Ok(())
}

/// Serves the API, and returns its address and the path of the kubeconfig.
pub async fn serve(
    sandbox: &Sandbox,
    address: SocketAddr,
    kubeconfig: Option<PathBuf>,
) -> anyhow::Result<(String, PathBuf)> {
    let server = Server::bind(address).await?;
    let path = kubeconfig
        .unwrap_or_else(|| std::env::temp_dir().join(format!("sluice-sandbox-{}.kubeconfig", std::process::id())));
    write_private(&path, &server.kubeconfig())
        .with_context(|| format!("cannot write the kubeconfig {}", path.display()))?;
    let url = server.url();
    tokio::spawn(server.run(sandbox.clone()));
    Ok((url, path))
}

/// Writes a file that only its owner reads, as it holds a token.
fn write_private(path: &Path, kubeconfig: &Value) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    // A file of before may be readable by others.
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{kubeconfig:#}")
}
