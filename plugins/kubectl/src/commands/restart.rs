//! `restart`.

use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::json;
use sluice_core::time;

use super::{Names, Outcome};
use crate::client::{Cluster, now};
use crate::view::short_duration;

/// Arguments of `restart`.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    rollouts: Names,
    /// Time until the restart, such as 10s
    #[arg(long = "in", short = 'i', default_value = "0s")]
    wait: String,
}

/// Sets `spec.restartAt`.
pub async fn run(cluster: &Cluster, args: Args) -> Outcome {
    let wait = time::parse_go_duration(&args.wait).with_context(|| format!("cannot use --in {}", args.wait))?;
    let at = time::ceil_to_second(time::after(now(), wait));
    for name in args.rollouts.names {
        cluster.rollout(&name).await?;
        cluster.patch(&name, &json!({ "spec": { "restartAt": at.to_string() } })).await?;
        println!("rollout '{name}' restarts in {}", short_duration(wait.as_secs()));
    }
    Ok(ExitCode::SUCCESS)
}
