//! `retry rollout`.

use std::process::ExitCode;

use serde_json::json;

use super::{Names, Outcome};
use crate::client::Cluster;

/// Arguments of `retry`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Try an aborted update again
    #[command(visible_aliases = ["ro", "rollouts"])]
    Rollout(Names),
}

/// Asks the controller to try again.
pub async fn run(cluster: &Cluster, args: Args) -> Outcome {
    let What::Rollout(rollouts) = args.what;
    for name in rollouts.names {
        cluster.rollout(&name).await?;
        cluster.patch_status(&name, &json!({ "status": { "abort": false } })).await?;
        println!("rollout '{name}' retried");
    }
    Ok(ExitCode::SUCCESS)
}
