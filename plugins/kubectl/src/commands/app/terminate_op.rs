//! `app terminate-op`.

use kube::Error;
use kube::api::Patch;

use super::target::{Name, One};
use crate::act::app::request;
use crate::client::Session;
use crate::problem::Problem;
use crate::term;

/// Arguments of `app terminate-op`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The Application
    #[arg(value_name = "NAME")]
    name: Name,
}

/// Ends the operation.
pub async fn run(args: Args, session: &Session) -> Result<(), Problem> {
    let one = One::of(&args.name, session);
    let attempted = format!("terminate the operation of {}", one.title());
    let found = one.read().await?;
    let patch = request::terminate(&found.application);
    let patch = patch.map_err(|why| Problem::new(format!("cannot {attempted}: {why}")))?;
    match one.patch(&Patch::Json(patch)).await {
        Ok(_) => Ok(term::line(&format!("operation of {} is being terminated", one.title()))?),
        // What the patch tests is not so any more.
        Err(Error::Api(status)) if status.is_invalid() => {
            Err(Problem::new(format!("cannot {attempted}: it has come to its end meanwhile"))
                .advise(format!("See how it ended: {}", one.command("get"))))
        }
        Err(error) => Err(one.explain(&error, &attempted)),
    }
}
