//! `abort`: gives an update up; all traffic goes back to the stable revision.

use crate::client::Session;
use crate::problem::Problem;
use crate::term;

/// Arguments of `abort`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The rollouts
    #[arg(required = true, value_name = "ROLLOUT")]
    names: Vec<String>,
}

/// Gives the updates up.
pub async fn run(args: Args, session: &Session) -> Result<(), Problem> {
    let steer = session.steer();
    for name in &args.names {
        steer.abort(name).await.map_err(|refusal| session.because(refusal))?;
        term::line(&format!("rollout '{name}' aborted"))?;
    }
    Ok(())
}
