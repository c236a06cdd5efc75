//! `pause`.

use std::process::ExitCode;

use serde_json::json;

use super::{Names, Outcome};
use crate::client::Cluster;

/// Arguments of `pause`.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    rollouts: Names,
}

/// Sets `spec.paused`.
pub async fn run(cluster: &Cluster, args: Args) -> Outcome {
    for name in args.rollouts.names {
        cluster.rollout(&name).await?;
        cluster.patch(&name, &json!({ "spec": { "paused": true } })).await?;
        println!("rollout '{name}' paused");
    }
    Ok(ExitCode::SUCCESS)
}
