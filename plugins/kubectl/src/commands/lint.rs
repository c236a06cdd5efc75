//! `lint`: checks manifests without a cluster. Exits with 0 when they are fine, 1 when there are problems, 2 when it could not
//! read them.

use std::path::PathBuf;

use crate::lint::check::check;
use crate::lint::{read, report};
use crate::problem::Problem;
use crate::term;

/// Arguments of `lint`.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Exit codes: 0 no errors, 1 errors, 2 something could not be read or the command makes no sense."
)]
pub struct Args {
    /// Files, and folders with all manifests in them; - is the standard input
    #[arg(value_name = "PATH", required_unless_present = "filename")]
    paths: Vec<PathBuf>,
    /// The same; may be repeated
    #[arg(long, short = 'f', value_name = "FILE")]
    filename: Vec<PathBuf>,
    /// How to print the outcome
    #[arg(long, short, value_enum, default_value = "text", value_name = "FORMAT")]
    output: Output,
    /// The manifests are all that there is: what they refer to and do not hold is missing
    #[arg(long)]
    complete: bool,
    /// Count warnings as errors
    #[arg(long)]
    strict: bool,
}

/// How to print the outcome.
#[derive(clap::ValueEnum, Clone, Copy, Debug)]
enum Output {
    /// One line a problem
    Text,
    /// One JSON object
    Json,
}

/// Checks the manifests and prints what is wrong with them.
pub fn run(args: &Args) -> Result<(), Problem> {
    let paths: Vec<PathBuf> = args.paths.iter().chain(&args.filename).cloned().collect();
    let sources = read::sources(&paths).map_err(|error| Problem::new(error.to_string()).with_code(2))?;
    let outcome = check(&sources, args.complete);
    match args.output {
        Output::Text => term::print(&report::text(&outcome))?,
        Output::Json => term::line(&format!("{:#}", report::json(&outcome)))?,
    }
    let (errors, warnings) = report::counts(&outcome);
    let fails = errors > 0 || (args.strict && warnings > 0);
    if fails { Err(Problem::told()) } else { Ok(()) }
}
