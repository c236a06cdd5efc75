//! The kubectl plugin: `kubectl sluice ...`, also installed as `kubectl-argo-rollouts`.
//!
//! [`act`] makes the patches and [`view`] the text, both as pure functions; [`commands`] connect them to a cluster.

mod act;
mod client;
mod commands;
mod view;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use commands::{abort, completion, get, list, pause, promote, restart, retry, set_image, status, undo, version};

/// Look at Rollouts and steer them
#[derive(Parser)]
#[command(name = "kubectl-sluice", disable_version_flag = true)]
struct Cli {
    #[command(flatten)]
    target: client::Target,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Give an update up: the stable revision takes all
    Abort(abort::Args),
    /// Print a completion script for a shell
    Completion(completion::Args),
    /// Show a rollout with its revisions and pods
    Get(get::Args),
    /// List rollouts
    List(list::Args),
    /// Stop a rollout where it is, until it is promoted
    Pause(pause::Args),
    /// End a pause, or skip what is left of an update
    Promote(promote::Args),
    /// Replace every pod, without a new revision
    Restart(restart::Args),
    /// Try an aborted update again
    Retry(retry::Args),
    /// Change a rollout's images
    Set(set_image::Args),
    /// Wait until a rollout is healthy or degraded
    Status(status::Args),
    /// Go back to an earlier revision
    Undo(undo::Args),
    /// Print the version
    Version(version::Args),
}

/// The command line of the plugin, under the name by which it was called.
fn command_line() -> clap::Command {
    let called = std::env::args_os().next().unwrap_or_default();
    let file = Path::new(&called).file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let name = match file.as_str() {
        "kubectl-argo-rollouts" => "kubectl argo rollouts",
        "kubectl-sluice" => "kubectl sluice",
        _ => return Cli::command(),
    };
    Cli::command().bin_name(name)
}

fn main() -> ExitCode {
    // The one TLS provider of the program; without this line the first connection panics.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let matches = command_line().get_matches_from(arguments);
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    match run(cli) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("Error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let target = cli.target;
    runtime.block_on(async {
        match cli.command {
            Command::Abort(args) => abort::run(&target.connect().await?, args).await,
            Command::Completion(args) => {
                completion::run(&args, command_line());
                Ok(ExitCode::SUCCESS)
            }
            Command::Get(args) => get::run(&target.connect().await?, args).await,
            Command::List(args) => list::run(&target.connect().await?, args).await,
            Command::Pause(args) => pause::run(&target.connect().await?, args).await,
            Command::Promote(args) => promote::run(&target.connect().await?, args).await,
            Command::Restart(args) => restart::run(&target.connect().await?, args).await,
            Command::Retry(args) => retry::run(&target.connect().await?, args).await,
            Command::Set(args) => set_image::run(&target.connect().await?, args).await,
            Command::Status(args) => status::run(&target.connect().await?, args).await,
            Command::Undo(args) => undo::run(&target.connect().await?, args).await,
            Command::Version(args) => {
                version::run(&args);
                Ok(ExitCode::SUCCESS)
            }
        }
    })
}
