//! `get rollout`.

use futures::StreamExt as _;
use futures::stream::select_all;
use k8s_openapi::api::core::v1::Pod;
use kube::runtime::watcher;
use sluice::steer::members;
use sluice_core::api::{AnalysisRun, Experiment, ReplicaSet, Rollout};
use sluice_core::info::family::Family;

use super::{Feed, Options, listed, only};
use crate::client::Session;
use crate::problem::Problem;
use crate::view::page;
use crate::watch::follow;
use sluice_core::info::rollout::RolloutInfo;

/// Arguments of `get rollout`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The rollout
    #[arg(value_name = "ROLLOUT")]
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

/// Shows the rollout.
pub async fn run(args: Args, session: &Session) -> Result<(), Problem> {
    if args.options.print_stored::<Rollout>(&args.name, session).await? {
        return Ok(());
    }
    let family = session.family(&args.name).await?;
    let feed = |family: &Family| feed(&args.name, family, session);
    let is_wide = args.options.is_wide();
    let draw = move |family: &Family, now, paint| page::render(&RolloutInfo::of(family, now), is_wide, paint);
    Box::pin(args.options.show(family, feed, draw)).await
}

/// What keeps the picture of a rollout up to date.
pub fn feed(name: &str, family: &Family, session: &Session) -> Feed<Family> {
    let members = watcher::Config::default().labels(&members(&family.rollout));
    let of_name = watcher::Config::default().fields(&format!("metadata.name={name}"));
    let (rollouts, of_rollouts) = follow(session.rollouts(), of_name);
    let (replica_sets, of_replica_sets) = follow(session.api::<ReplicaSet>(), members.clone());
    let (pods, of_pods) = follow(session.api::<Pod>(), members);
    // Without these the picture is still a picture.
    let runs = family.runs.is_some().then(|| follow(session.api::<AnalysisRun>(), watcher::Config::default()));
    let experiments =
        family.experiments.is_some().then(|| follow(session.api::<Experiment>(), watcher::Config::default()));
    let (runs, of_runs) = runs.unzip();
    let (experiments, of_experiments) = experiments.unzip();
    let changes = [of_rollouts, of_replica_sets, of_pods].into_iter().chain(of_runs).chain(of_experiments);
    let what = format!("rollout '{name}'");
    let read = move || {
        let family = Family {
            replica_sets: listed(&replica_sets)?,
            pods: listed(&pods)?,
            runs: match &runs {
                Some(runs) => Some(listed(runs)?),
                None => None,
            },
            experiments: match &experiments {
                Some(experiments) => Some(listed(experiments)?),
                None => None,
            },
            rollout: match only(listed(&rollouts)?, &what) {
                Ok(rollout) => rollout,
                Err(problem) => return Some(Err(problem)),
            },
        };
        Some(Ok(family))
    };
    Feed { changes: select_all(changes).boxed(), read: Box::new(read) }
}
