//! `undo`: puts the pod template of an earlier revision back into the manifest.

use crate::act::undo::{self, Undo};
use crate::client::Session;
use crate::commands::workload::Workload;
use crate::problem::Problem;
use crate::term;

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
    let attempted = format!("undo rollout '{name}'");
    let rollout = session.rollout(&name).await?;
    let owned = session.owned(&rollout).await?;
    let see = || format!("See the revisions: {} get rollout {name} -n {}", session.program, session.namespace);
    let outcome = undo::undo(&rollout, &owned, to_revision)
        .map_err(|reason| Problem::new(format!("cannot {attempted}: {reason}")).advise(see()))?;
    let template = match outcome {
        Undo::AlreadyThere(revision) => {
            let text = format!("skipped rollback (current template already matches revision {revision})");
            return Ok(term::line(&text)?);
        }
        Undo::Template(template) => template,
    };
    let workload = Workload::of(&rollout, session);
    let patch = undo::patch(workload.home.path(), &template).map_err(Problem::new)?;
    workload.patch(patch).await.map_err(|error| session.explain(&error, &attempted))?;
    Ok(term::line(&format!("rollout '{name}' undo"))?)
}
