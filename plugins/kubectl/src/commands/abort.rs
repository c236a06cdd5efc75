//! `abort`: gives an update up; all traffic goes back to the stable revision.

use crate::act::request;
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
    for name in &args.names {
        let patch = request::abort();
        let written = session.patch_status(name, &patch, &patch).await;
        written.map_err(|error| session.explain(&error, &format!("abort rollout '{name}'")))?;
        term::line(&format!("rollout '{name}' aborted"))?;
    }
    Ok(())
}
