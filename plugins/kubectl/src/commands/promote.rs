//! `promote`.

use std::process::ExitCode;

use super::{Names, Outcome};
use crate::act::promote::{Extent, promote};
use crate::client::Cluster;

/// Arguments of `promote`.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    rollouts: Names,
    /// Skip everything that is left: steps, pauses and analysis
    #[arg(long)]
    full: bool,
    /// Skip the step in force
    #[arg(long, short = 'c', hide = true, conflicts_with = "full")]
    skip_current_step: bool,
    /// Skip all steps
    #[arg(long, short = 'a', hide = true, conflicts_with_all = ["full", "skip_current_step"])]
    skip_all_steps: bool,
}

/// Writes what a promotion needs, from where the rollout stands.
pub async fn run(cluster: &Cluster, args: Args) -> Outcome {
    let extent = match (args.full, args.skip_current_step, args.skip_all_steps) {
        (true, ..) => Extent::Full,
        (_, true, _) => Extent::SkipStep,
        (.., true) => Extent::SkipAllSteps,
        _ => Extent::Step,
    };
    for name in args.rollouts.names {
        let rollout = cluster.rollout(&name).await?;
        let promotion = promote(&rollout, extent);
        if let Some(patch) = &promotion.manifest {
            cluster.patch(&name, patch).await?;
        }
        if let Some(patch) = &promotion.status {
            cluster.patch_status(&name, patch).await?;
        }
        match extent {
            Extent::Full if promotion.status.is_none() => println!("rollout '{name}' is fully promoted already"),
            Extent::Full => println!("rollout '{name}' fully promoted"),
            _ => println!("rollout '{name}' promoted"),
        }
    }
    Ok(ExitCode::SUCCESS)
}
