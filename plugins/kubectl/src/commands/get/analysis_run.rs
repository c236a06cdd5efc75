//! `get analysisrun`.

use kube::runtime::watcher;
use sluice_core::api::AnalysisRun;
use sluice_core::info::analysis_run::RunInfo;

use super::{Feed, Options, listed, only};
use crate::client::Session;
use crate::output::Output;
use crate::problem::Problem;
use crate::view::analysis_run::render;
use crate::watch::follow;

/// Arguments of `get analysisrun`.
#[derive(clap::Args, Debug)]
#[command(mut_arg("output", |arg| arg.value_parser(Output::among(&[Output::Json, Output::Yaml, Output::Name]))))]
pub struct Args {
    /// The analysis run
    #[arg(value_name = "ANALYSISRUN")]
    name: String,
    #[command(flatten)]
    options: Options,
}

/// Shows the run.
pub async fn run(args: Args, session: &Session) -> Result<(), Problem> {
    if args.options.print_stored::<AnalysisRun>(&args.name, session).await? {
        return Ok(());
    }
    let what = format!("analysisrun '{}'", args.name);
    let read = session.api::<AnalysisRun>().get(&args.name).await;
    let run = read.map_err(|error| Problem::of_call(&error, &format!("read {what}")))?;
    let feed = |_: &AnalysisRun| {
        let of_name = watcher::Config::default().fields(&format!("metadata.name={}", args.name));
        let (runs, changes) = follow(session.api::<AnalysisRun>(), of_name);
        Feed { changes, read: Box::new(move || Some(only(listed(&runs)?, &what))) }
    };
    args.options.show(run, feed, |run, now, paint| render(&RunInfo::of(run, now), paint)).await
}
