//! `wait`: until a rollout is where one wants it, for scripts.

use std::time::Duration;

use futures::StreamExt as _;
use kube::runtime::watcher;
use sluice_core::api::Rollout;

use super::get::listed;
use super::status::duration;
use crate::client::Session;
use crate::goal::{Goal, Standing};
use crate::problem::Problem;
use crate::term;
use crate::watch::{Losses, follow};
use crate::workload;

/// The exit code where the time was over.
pub const TIMED_OUT: u8 = 3;
/// The exit code where the goal cannot be reached any more.
pub const HOPELESS: u8 = 4;

/// Arguments of `wait`.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Goals: healthy, paused, degraded, progressing; step=N, when N steps are done, as get rollout counts them; \
    condition=TYPE[=STATUS], STATUS is True by default; delete.\n\n\
    Exit codes: 0 the goal is reached, 1 it could not be found out or the command makes no sense, 3 the time was over, \
    4 it will not be reached by itself: the rollout is degraded, or was deleted."
)]
pub struct Args {
    /// The rollout
    #[arg(value_name = "ROLLOUT")]
    name: String,
    /// What to wait for; of several, one is enough
    #[arg(long = "for", value_name = "GOAL", default_value = "healthy")]
    goals: Vec<Goal>,
    /// Give up after this long, for example 5m; 0 is never
    #[arg(long, short, value_name = "DURATION", default_value = "0s", value_parser = duration)]
    timeout: Duration,
}

/// Waits.
pub async fn run(args: Args, session: &Session) -> Result<(), Problem> {
    let Args { name, goals, timeout } = &args;
    let waiting = reach(name, goals, session);
    if timeout.is_zero() {
        return waiting.await;
    }
    tokio::time::timeout(*timeout, waiting).await.unwrap_or_else(|_| {
        let goals = goals.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ");
        let what = format!("timed out after {}s waiting for {goals} of rollout '{name}'", timeout.as_secs());
        Err(Problem::new(what).advise(see(name, session)).with_code(TIMED_OUT))
    })
}

fn see(name: &str, session: &Session) -> String {
    format!("See why: {}", session.command(&format!("explain {name}")))
}

async fn reach(name: &str, goals: &[Goal], session: &Session) -> Result<(), Problem> {
    let mut workload = None;
    if !goals.contains(&Goal::Delete) {
        // What was never there is not what somebody waits for.
        let rollout = session.rollout(name).await?;
        workload = workload::generation(&rollout, session).await;
    }
    let config = watcher::Config::default().fields(&format!("metadata.name={name}"));
    let (store, mut changes) = follow(session.rollouts(), config);
    let mut losses = Losses::default();
    while let Some(news) = changes.next().await {
        losses.tell(news?);
        let Some(found) = listed(&store) else { continue };
        if let Some(outcome) = judge(name, goals, found.first(), workload, session) {
            return outcome;
        }
    }
    Err(Problem::new(format!("cannot wait for rollout '{name}' any longer: the watch has ended")))
}

/// How it ended, once it has.
fn judge(
    name: &str,
    goals: &[Goal],
    rollout: Option<&Rollout>,
    workload: Option<i64>,
    session: &Session,
) -> Option<Result<(), Problem>> {
    let standings: Vec<Standing> = goals.iter().map(|goal| goal.judge(rollout, workload)).collect();
    if let Some(position) = standings.iter().position(|standing| *standing == Standing::Reached) {
        return Some(term::line(&format!("rollout '{name}' reached {}", goals[position])).map_err(Problem::from));
    }
    let mut why = None;
    for standing in standings {
        match standing {
            Standing::Hopeless(reason) => why = Some(reason),
            Standing::Open | Standing::Reached => return None,
        }
    }
    let problem = Problem::new(format!("rollout '{name}' will not get there by itself: {}", why?)).with_code(HOPELESS);
    Some(Err(if rollout.is_some() { problem.advise(see(name, session)) } else { problem }))
}
