//! `completion`: a script that a shell loads.

use clap_complete::Shell;

use crate::cli::{self, Program};
use crate::problem::Problem;
use crate::term;

/// Arguments of `completion`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The shell
    shell: Shell,
}

/// Prints the script. It completes the executable; kubectl completes plugins by a protocol of its own.
pub fn run(args: &Args, program: Program) -> Result<(), Problem> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut cli::command(program), program.executable(), &mut script);
    Ok(term::print(&String::from_utf8_lossy(&script))?)
}
