//! `retry rollout`: begins an aborted update again.

use crate::act::request;
use crate::client::Session;
use crate::problem::Problem;
use crate::term;

/// Arguments of `retry rollout`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The rollouts
    #[arg(required = true, value_name = "ROLLOUT")]
    names: Vec<String>,
}

/// Begins the updates again.
pub async fn run(args: Args, session: &Session) -> Result<(), Problem> {
    for name in &args.names {
        let patch = request::retry();
        let written = session.patch_status(name, &patch, &patch).await;
        written.map_err(|error| session.explain(&error, &format!("retry rollout '{name}'")))?;
        term::line(&format!("rollout '{name}' retried"))?;
    }
    Ok(())
}
