//! `app confirm-deletion`.

use kube::api::Patch;

use super::target::{Name, One};
use crate::act::app::request;
use crate::client::Session;
use crate::clock;
use crate::problem::Problem;
use crate::term;

/// Arguments of `app confirm-deletion`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The Application
    #[arg(value_name = "NAME")]
    name: Name,
}

/// Allows it.
pub async fn run(args: Args, session: &Session) -> Result<(), Problem> {
    let one = One::of(&args.name, session);
    let found = one.read().await?;
    let patch = Patch::Merge(request::approve(&found.application, clock::now()));
    let written = one.patch(&patch).await;
    written.map_err(|error| one.explain(&error, &format!("confirm the deletion of objects of {}", one.title())))?;
    Ok(term::line(&format!("deletion of objects of {} confirmed", one.title()))?)
}
