//! `set image`.

use std::process::ExitCode;

use super::Outcome;
use crate::act::image::{Assignment, set_images};
use crate::client::Cluster;

/// Arguments of `set`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Change images of containers
    Image {
        /// Name of the rollout
        name: String,
        /// CONTAINER=IMAGE; * is every container
        #[arg(required = true, value_name = "CONTAINER=IMAGE")]
        images: Vec<Assignment>,
    },
}

/// Changes the images of the named containers.
pub async fn run(cluster: &Cluster, args: Args) -> Outcome {
    let What::Image { name, images } = args.what;
    let rollout = cluster.rollout(&name).await?;
    let operations = set_images(&rollout, &images)?;
    if operations.as_array().is_some_and(Vec::is_empty) {
        println!("rollout \"{name}\" has these images already");
    } else {
        cluster.patch_exactly(&name, operations).await?;
        println!("rollout \"{name}\" image updated");
    }
    Ok(ExitCode::SUCCESS)
}
