//! `set image`: changes images in the pod template, which begins an update.

use crate::act::image::{self, Assignment};
use crate::client::Session;
use crate::commands::workload::Workload;
use crate::problem::Problem;
use crate::term;

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
    let attempted = format!("set the image of rollout '{name}'");
    let mut refused: Option<json_patch::Patch> = None;
    loop {
        let rollout = session.rollout(&name).await?;
        let workload = Workload::of(&rollout, session);
        let template = workload.template().await?;
        let patch = image::set(&template, workload.home.path(), &assignments)
            .map_err(|reason| Problem::new(format!("cannot {attempted}: {reason}")))?;
        if patch.0.is_empty() {
            return Ok(term::line(&format!("rollout \"{name}\" image unchanged"))?);
        }
        match workload.patch(patch.clone()).await {
            Ok(()) => return Ok(term::line(&format!("rollout \"{name}\" image updated"))?),
            // The containers may have changed since they were read. If the same patch comes out again, it was refused for
            // what it says.
            Err(kube::Error::Api(status)) if status.is_invalid() && refused.as_ref() != Some(&patch) => {
                refused = Some(patch);
            }
            Err(error) => return Err(session.explain(&error, &attempted)),
        }
    }
}
