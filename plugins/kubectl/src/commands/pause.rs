//! `pause`: holds a rollout where it is, until it is promoted or its manifest says otherwise.

use crate::act::request;
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
    for name in &args.names {
        let patch = request::pause();
        let written = session.patch(name, &patch).await;
        written.map_err(|error| session.explain(&error, &format!("pause rollout '{name}'")))?;
        term::line(&format!("rollout '{name}' paused"))?;
    }
    Ok(())
}
