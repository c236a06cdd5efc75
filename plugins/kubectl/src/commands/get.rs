//! `get rollout`: the whole picture, once or live.

use std::time::Duration;

use futures::stream::select_all;
use futures::{FutureExt, StreamExt};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::runtime::watcher;
use sluice_core::api::{ReplicaSet, Rollout};
use tokio::time::{self, MissedTickBehavior};

use crate::client::{Family, Session, members};
use crate::clock;
use crate::problem::Problem;
use crate::term::{self, Screen};
use crate::view::badge::Paint;
use crate::view::info::RolloutInfo;
use crate::view::page;
use crate::watch::follow;

/// Changes come in bursts; this long after the first of them the page is drawn again.
const SETTLE: Duration = Duration::from_millis(100);

/// Arguments of `get rollout`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The rollout
    #[arg(value_name = "ROLLOUT")]
    name: String,
    /// Keep the page up to date
    #[arg(long, short, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, hide_default_value = true, hide_possible_values = true, action = clap::ArgAction::Set)]
    watch: bool,
    /// No colours
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, hide_default_value = true, hide_possible_values = true, action = clap::ArgAction::Set)]
    no_color: bool,
    /// With --watch: end after this many seconds; 0 is never
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    timeout_seconds: u64,
}

/// Shows the rollout.
pub async fn run(args: Args, session: &Session) -> Result<(), Problem> {
    let paint = term::paint(args.no_color);
    let family = session.family(&args.name).await?;
    if !args.watch {
        return Ok(term::print(&drawn(&family, clock::now(), paint))?);
    }
    let watching = live(family, session, paint);
    match args.timeout_seconds {
        0 => watching.await,
        seconds => time::timeout(Duration::from_secs(seconds), watching).await.unwrap_or(Ok(())),
    }
}

fn drawn(family: &Family, now: Timestamp, paint: Paint) -> String {
    page::render(&RolloutInfo::of(family, now), paint)
}

async fn live(mut family: Family, session: &Session, paint: Paint) -> Result<(), Problem> {
    let name = family.rollout.metadata.name.clone().unwrap_or_default();
    let start = clock::now();
    let members = watcher::Config::default().labels(&members(&family.rollout));
    let of_name = watcher::Config::default().fields(&format!("metadata.name={name}"));
    let (rollouts, rollout_changes) = follow(session.rollouts(), of_name);
    let (replica_sets, replica_set_changes) = follow(session.replica_sets(), members.clone());
    let (pods, pod_changes) = follow(session.pods(), members);
    let mut changes = select_all([rollout_changes, replica_set_changes, pod_changes]);
    let mut ticks = time::interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut screen = Screen::new();
    loop {
        // Ages change all the time; seen from a fixed moment only what matters does.
        screen.show(&drawn(&family, clock::now(), paint), drawn(&family, start, Paint::Plain))?;
        tokio::select! {
            change = changes.next() => {
                change.unwrap_or(Ok(()))?;
                let settled = time::sleep(SETTLE);
                tokio::pin!(settled);
                while let Some(change) = tokio::select! { change = changes.next() => change, () = &mut settled => None } {
                    change?;
                }
            }
            _ = ticks.tick(), if screen.is_live() => {}
        }
        // Before the three lists are there, what was read at the start is the better picture.
        let ready = async {
            tokio::try_join!(rollouts.wait_until_ready(), replica_sets.wait_until_ready(), pods.wait_until_ready())
        };
        if ready.now_or_never().is_some_and(|ready| ready.is_ok()) {
            let Some(rollout) = rollouts.state().pop() else {
                return Err(Problem::new(format!("rollout '{name}' was deleted")));
            };
            family = Family {
                rollout: Rollout::clone(&rollout),
                replica_sets: replica_sets.state().iter().map(|rs| ReplicaSet::clone(rs)).collect(),
                pods: pods.state().iter().map(|pod| Pod::clone(pod)).collect(),
            };
        }
    }
}
