//! `version`.

use crate::cli::Program;
use crate::problem::Problem;
use crate::term;

/// Arguments of `version`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Only the version
    #[arg(long)]
    short: bool,
}

/// Prints the version, and with it what it was built for.
pub fn run(args: &Args, program: Program) -> Result<(), Problem> {
    term::line(&format!("{}: v{}+sluice", program.executable(), env!("CARGO_PKG_VERSION")))?;
    if !args.short {
        term::line(&format!("  Platform: {}/{}", std::env::consts::OS, std::env::consts::ARCH))?;
    }
    Ok(())
}
