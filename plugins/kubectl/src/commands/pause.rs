//! `pause`: holds a rollout where it is, until it is promoted or its manifest says otherwise.

use crate::client::Session;
use crate::problem::Problem;
use crate::term;

/// Arguments of `pause`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The rollouts
    #[arg(required = true, value_name = "ROLLOUT")]
    names: Vec<String>,
}

/// Holds the rollouts.
pub async fn run(args: Args, session: &Session) -> Result<(), Problem> {
    let steer = session.steer();
    for name in &args.names {
        steer.pause(name).await.map_err(|refusal| session.because(refusal))?;
        term::line(&format!("rollout '{name}' paused"))?;
    }
    Ok(())
}
