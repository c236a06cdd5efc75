//! `promote`: lets a rollout go on.

use crate::client::Session;
use crate::problem::Problem;
use crate::term;
use sluice::steer::Refusal;
use sluice_core::act::promote::Extent;

/// Arguments of `promote`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The rollouts
    #[arg(required = true, value_name = "ROLLOUT")]
    names: Vec<String>,
    /// To the end, without any further step, pause or analysis
    #[arg(long, conflicts_with_all = ["skip_current_step", "skip_all_steps"])]
    full: bool,
    /// Deprecated: promote does it
    #[arg(long, short = 'c', hide = true, conflicts_with = "skip_all_steps")]
    skip_current_step: bool,
    /// Deprecated: use --full
    #[arg(long, short = 'a', hide = true)]
    skip_all_steps: bool,
}

impl Args {
    fn extent(&self) -> Extent {
        match self {
            Args { full: true, .. } => Extent::Full,
            Args { skip_all_steps: true, .. } => Extent::SkipAllSteps,
            Args { skip_current_step: true, .. } => Extent::SkipCurrentStep,
            Args { .. } => Extent::Next,
        }
    }
}

/// Promotes the rollouts.
pub async fn run(args: Args, session: &Session) -> Result<(), Problem> {
    let extent = args.extent();
    let steer = session.steer();
    for name in &args.names {
        steer.promote(name, extent).await.map_err(|refusal| {
            let has_no_steps = matches!(refusal, Refusal::Unfit { .. });
            let problem = session.because(refusal);
            if has_no_steps { problem.advise("Use --full instead.") } else { problem }
        })?;
        let how = if extent == Extent::Full { "fully promoted" } else { "promoted" };
        term::line(&format!("rollout '{name}' {how}"))?;
    }
    Ok(())
}
