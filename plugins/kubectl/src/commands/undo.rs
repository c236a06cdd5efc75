//! `undo`: puts the pod template of an earlier revision back into the manifest.

use crate::client::Session;
use crate::problem::Problem;
use crate::term;
use sluice::steer::{Refusal, Undone};

/// Arguments of `undo`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The rollout
    #[arg(value_name = "ROLLOUT")]
    name: String,
    /// The revision; 0 is the one before the newest
    #[arg(long, value_name = "REVISION", default_value_t = 0, value_parser = clap::value_parser!(i64).range(0..))]
    to_revision: i64,
}

/// Goes back.
pub async fn run(args: Args, session: &Session) -> Result<(), Problem> {
    let Args { name, to_revision } = args;
    let undone = session.steer().undo(&name, to_revision).await.map_err(|refusal| {
        let is_unfit = matches!(refusal, Refusal::Unfit { .. });
        let problem = session.because(refusal);
        let see = || format!("See the revisions: {}", session.command(&format!("get rollout {name}")));
        if is_unfit { problem.advise(see()) } else { problem }
    })?;
    let said = match undone {
        Undone::AlreadyThere(revision) => {
            format!("skipped rollback (current template already matches revision {revision})")
        }
        Undone::Done => format!("rollout '{name}' undo"),
    };
    Ok(term::line(&said)?)
}
