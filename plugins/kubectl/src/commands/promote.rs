//! `promote`: lets a rollout go on.

use kube::Error;

use crate::act::promote::{Extent, promote, unified};
use crate::client::Session;
use crate::problem::Problem;
use crate::term;

/// How often to start over when the rollout changed between reading and writing.
const ATTEMPTS: usize = 5;

/// Arguments of `promote`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The rollouts
    #[arg(required = true, value_name = "ROLLOUT")]
    names: Vec<String>,
    /// To the end, without any further step, pause or analysis
    #[arg(long, conflicts_with_all = ["skip_current_step", "skip_all_steps"], num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, hide_default_value = true, hide_possible_values = true, action = clap::ArgAction::Set)]
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
    for name in &args.names {
        one(name, extent, session).await?;
        let how = if extent == Extent::Full { "fully promoted" } else { "promoted" };
        term::line(&format!("rollout '{name}' {how}"))?;
    }
    Ok(())
}

async fn one(name: &str, extent: Extent, session: &Session) -> Result<(), Problem> {
    let attempted = format!("promote rollout '{name}'");
    let mut attempt = 1;
    loop {
        let rollout = session.rollout(name).await?;
        let promotion = promote(&rollout, extent)
            .map_err(|reason| Problem::new(format!("cannot {attempted}: {reason}")).advise("Use --full instead."))?;
        let mut spec = promotion.spec.as_ref();
        if let Some(status) = &promotion.status {
            match session.patch_status(name, status, &unified(&promotion)).await {
                Ok(all_in_one) if all_in_one => spec = None,
                Ok(_) => {}
                Err(Error::Api(refused)) if refused.is_conflict() && attempt < ATTEMPTS => {
                    attempt += 1;
                    continue;
                }
                Err(error) => return Err(session.explain(&error, &attempted)),
            }
        }
        if let Some(spec) = spec {
            session.patch(name, spec).await.map_err(|error| session.explain(&error, &attempted))?;
        }
        return Ok(());
    }
}
