//! `completion`.

use std::process::ExitCode;

use clap_complete::Shell;

use super::Outcome;

/// Arguments of `completion`.
#[derive(clap::Args)]
pub struct Args {
    /// The shell
    shell: Shell,
}

/// Prints a completion script.
pub fn run(args: &Args, mut command: clap::Command) -> Outcome {
    clap_complete::generate(args.shell, &mut command, "kubectl-sluice", &mut std::io::stdout());
    Ok(ExitCode::SUCCESS)
}
