//! `completion`.

use clap_complete::Shell;

/// Arguments of `completion`.
#[derive(clap::Args)]
pub struct Args {
    /// The shell
    shell: Shell,
}

/// Prints a completion script.
pub fn run(args: &Args, mut command: clap::Command) {
    clap_complete::generate(args.shell, &mut command, "kubectl-sluice", &mut std::io::stdout());
}
