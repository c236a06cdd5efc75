//! The command line of `sluice`.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
#[cfg(feature = "gitops")]
use sluice::demo::DemoFlags;
use sluice::flags::ControllerFlags;
use sluice::sandbox::SandboxFlags;

/// Progressive delivery for Kubernetes.
#[derive(Parser)]
#[command(name = "sluice", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the controller, in a cluster or outside
    Controller(Box<ControllerFlags>),
    /// See the product in a minute: commits, a canary with real requests, a promotion, an abort and a revert
    #[cfg(feature = "gitops")]
    Demo(DemoFlags),
    /// Needs the GitOps core, which this build does not have
    #[cfg(not(feature = "gitops"))]
    Demo {
        #[arg(hide = true, trailing_var_arg = true, allow_hyphen_values = true)]
        flags: Vec<String>,
    },
    /// Run a Kubernetes API with workloads and the controller in this process, to try things out
    Sandbox(SandboxFlags),
    /// Print the custom resource definitions as YAML
    Crds {
        /// Those of the GitOps core, which a cluster with Argo CD has already
        #[arg(long)]
        gitops: bool,
    },
}

fn main() -> ExitCode {
    // The one TLS provider of the program; without this line the first connection panics.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Controller(flags) => runtime()?.block_on(sluice::start::controller(*flags)),
        #[cfg(feature = "gitops")]
        Command::Demo(flags) => runtime()?.block_on(sluice::demo::run(flags)),
        #[cfg(not(feature = "gitops"))]
        Command::Demo { .. } => {
            anyhow::bail!(
                "this build of sluice has no GitOps core, with which the demo begins: build it with the feature gitops"
            )
        }
        Command::Sandbox(flags) => runtime()?.block_on(sluice::sandbox::run(flags)),
        Command::Crds { gitops } => {
            print!("{}", sluice::crds::yaml(gitops)?);
            Ok(())
        }
    }
}
