//! `abort`.

use std::process::ExitCode;

use serde_json::json;

use super::{Names, Outcome};
use crate::client::Cluster;

/// Arguments of `abort`.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    rollouts: Names,
}

/// Asks the controller to give the update up.
pub async fn run(cluster: &Cluster, args: Args) -> Outcome {
    for name in args.rollouts.names {
        cluster.rollout(&name).await?;
        cluster.patch_status(&name, &json!({ "status": { "abort": true } })).await?;
        println!("rollout '{name}' aborted");
    }
    Ok(ExitCode::SUCCESS)
}
