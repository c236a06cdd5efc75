//! `get experiment`.

use futures::StreamExt as _;
use futures::stream::select_all;
use k8s_openapi::api::core::v1::Pod;
use kube::runtime::watcher;
use sluice_core::api::{AnalysisRun, Experiment, ReplicaSet, labels};
use sluice_core::info::experiment::ExperimentInfo;
use sluice_core::info::family::Trial;

use super::{Feed, Options, listed, only};
use crate::client::Session;
use crate::output::Output;
use crate::problem::Problem;
use crate::view::experiment::render;
use crate::watch::follow;

/// Arguments of `get experiment`.
#[derive(clap::Args, Debug)]
#[command(mut_arg("output", |arg| arg.value_parser(Output::among(&[Output::Json, Output::Yaml, Output::Name]))))]
pub struct Args {
    /// The experiment
    #[arg(value_name = "EXPERIMENT")]
    name: String,
    #[command(flatten)]
    options: Options,
}

impl Args {
    /// Those that keep the page up to date.
    pub fn watching(name: String, no_color: bool) -> Args {
        Args { name, options: Options::watching(no_color) }
    }
}

/// Shows the experiment.
pub async fn run(args: Args, session: &Session) -> Result<(), Problem> {
    if args.options.print_stored::<Experiment>(&args.name, session).await? {
        return Ok(());
    }
    let trial = session.trial(&args.name).await?;
    let draw = |trial: &Trial, now, paint| {
        let Trial { experiment, replica_sets, pods, runs } = trial;
        render(&ExperimentInfo::of(experiment, replica_sets, pods, runs, now), paint)
    };
    args.options.show(trial, |_| feed(&args.name, session), draw).await
}

fn feed(name: &str, session: &Session) -> Feed<Trial> {
    let of_name = watcher::Config::default().fields(&format!("metadata.name={name}"));
    let hashed = watcher::Config::default().labels(labels::POD_TEMPLATE_HASH);
    let (experiments, of_experiments) = follow(session.api::<Experiment>(), of_name);
    let (replica_sets, of_replica_sets) = follow(session.api::<ReplicaSet>(), hashed.clone());
    let (pods, of_pods) = follow(session.api::<Pod>(), hashed);
    let (runs, of_runs) = follow(session.api::<AnalysisRun>(), watcher::Config::default());
    let what = format!("experiment '{name}'");
    let read = move || {
        let (replica_sets, pods, runs) = (listed(&replica_sets)?, listed(&pods)?, listed(&runs)?);
        let experiment = only(listed(&experiments)?, &what);
        Some(experiment.map(|experiment| Trial { experiment, replica_sets, pods, runs }))
    };
    let changes = select_all([of_experiments, of_replica_sets, of_pods, of_runs]);
    Feed { changes: changes.boxed(), read: Box::new(read) }
}
