//! `set image`: changes images in the pod template, which begins an update.

use crate::client::Session;
use crate::problem::Problem;
use crate::term;
use sluice_core::act::image::Assignment;

/// Arguments of `set image`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The rollout
    #[arg(value_name = "ROLLOUT")]
    name: String,
    /// Containers with their new images; * stands for all containers
    #[arg(required = true, value_name = "CONTAINER=IMAGE")]
    assignments: Vec<Assignment>,
}

/// Changes the images.
pub async fn run(args: Args, session: &Session) -> Result<(), Problem> {
    let Args { name, assignments } = args;
    let changed = session.steer().set_image(&name, &assignments).await;
    let outcome = if changed.map_err(|refusal| session.because(refusal))? { "updated" } else { "unchanged" };
    Ok(term::line(&format!("rollout \"{name}\" image {outcome}"))?)
}
