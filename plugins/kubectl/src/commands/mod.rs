//! The commands, one file each.

pub mod abort;
pub mod completion;
pub mod get;
pub mod list;
pub mod pause;
pub mod promote;
pub mod restart;
pub mod retry;
pub mod set_image;
pub mod status;
pub mod undo;
pub mod version;

use std::process::ExitCode;

/// What a command ends with.
pub type Outcome = anyhow::Result<ExitCode>;

/// Several rollouts at once.
#[derive(clap::Args)]
pub struct Names {
    /// Names of rollouts
    #[arg(required = true, value_name = "ROLLOUT")]
    pub names: Vec<String>,
}
