//! `retry`: begins an aborted update, or an experiment, again.

use sluice_core::api::Experiment;

use crate::client::Session;
use crate::problem::Problem;
use crate::term;
use sluice_core::act::request;

/// Arguments of `retry rollout` and `retry experiment`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// What to try again
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
}

/// Begins updates again.
pub async fn rollouts(args: Args, session: &Session) -> Result<(), Problem> {
    let steer = session.steer();
    for name in &args.names {
        steer.retry(name).await.map_err(|refusal| session.because(refusal))?;
        term::line(&format!("rollout '{name}' retried"))?;
    }
    Ok(())
}

/// Begins experiments again: what is known of them is forgotten.
pub async fn experiments(args: Args, session: &Session) -> Result<(), Problem> {
    let steer = session.steer();
    for name in &args.names {
        let written = steer.merge::<Experiment>(name, &request::forget()).await;
        written.map_err(|error| Problem::of_call(&error, &format!("retry experiment '{name}'")))?;
        term::line(&format!("experiment '{name}' retried"))?;
    }
    Ok(())
}
