//! `undo`.

use std::process::ExitCode;

use anyhow::bail;

use super::Outcome;
use crate::act::undo::undo;
use crate::client::Cluster;

/// Arguments of `undo`.
#[derive(clap::Args)]
pub struct Args {
    /// Name of the rollout
    name: String,
    /// The revision to go back to; 0 is the one before
    #[arg(long, default_value_t = 0)]
    to_revision: i64,
}

/// Puts the template of an earlier revision into the manifest.
pub async fn run(cluster: &Cluster, args: Args) -> Outcome {
    let rollout = cluster.rollout(&args.name).await?;
    if rollout.spec.workload_ref.is_some() {
        bail!("the rollout takes its template from spec.workloadRef: go back with that workload instead");
    }
    let replica_sets = cluster.replica_sets(&rollout).await?;
    cluster.patch_exactly(&args.name, undo(&rollout, &replica_sets, args.to_revision)?).await?;
    println!("rollout '{}' undo", args.name);
    Ok(ExitCode::SUCCESS)
}
