//! `status`: follows a rollout to its end; for pipelines.

use std::time::Duration;

use futures::StreamExt;
use kube::runtime::watcher;
use sluice_core::api::Rollout;
use sluice_core::time::parse_go_duration;

use crate::client::Session;
use crate::problem::Problem;
use crate::term;
use crate::watch::follow;
use sluice_core::info::phase;

/// Arguments of `status`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The rollout
    #[arg(value_name = "ROLLOUT")]
    name: String,
    /// Wait until the rollout is healthy or degraded
    #[arg(long, short, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = true, action = clap::ArgAction::Set)]
    watch: bool,
    /// Give up after this long, for example 5m; 0 is never
    #[arg(long, short, value_name = "DURATION", default_value = "0s", value_parser = duration)]
    timeout: Duration,
}

fn duration(text: &str) -> Result<Duration, String> {
    let duration = parse_go_duration(text).map_err(|error| error.to_string())?;
    Duration::try_from(duration).map_err(|_| format!("{text} is negative"))
}

/// Prints the status, on every change until the end is reached.
pub async fn run(args: Args, session: &Session) -> Result<(), Problem> {
    let rollout = session.rollout(&args.name).await?;
    let mut last = text(&rollout);
    term::line(&last)?;
    if !args.watch {
        return Ok(());
    }
    if let Some(outcome) = outcome(&rollout) {
        return outcome;
    }
    let following = follow_to_end(&args.name, &mut last, session);
    if args.timeout.is_zero() {
        return following.await;
    }
    tokio::time::timeout(args.timeout, following).await.unwrap_or_else(|_| {
        let what = format!("Rollout status watch exceeded timeout of {}s", args.timeout.as_secs());
        let next = format!("See what it waits for: {} get rollout {}", session.program, args.name);
        Err(Problem::new(what).advise(next))
    })
}

async fn follow_to_end(name: &str, last: &mut String, session: &Session) -> Result<(), Problem> {
    let config = watcher::Config::default().fields(&format!("metadata.name={name}"));
    let (store, mut changes) = follow(session.rollouts(), config);
    while let Some(change) = changes.next().await {
        change?;
        let Some(rollout) = store.state().into_iter().next() else {
            return Err(Problem::new(format!("rollout '{name}' was deleted")));
        };
        let now = text(&rollout);
        if now != *last {
            term::line(&now)?;
            *last = now;
        }
        if let Some(outcome) = outcome(&rollout) {
            return outcome;
        }
    }
    Ok(())
}

fn text(rollout: &Rollout) -> String {
    match phase::shown(rollout) {
        (phase, message) if message.is_empty() => phase,
        (phase, message) => format!("{phase} - {message}"),
    }
}

/// How it ended, once it has. A pause is no end: somebody may promote.
fn outcome(rollout: &Rollout) -> Option<Result<(), Problem>> {
    let (phase, message) = phase::shown(rollout);
    match phase.as_str() {
        "Healthy" => Some(Ok(())),
        "Degraded" => Some(Err(Problem::new(format!("The rollout is in a degraded state with message: {message}")))),
        _ => None,
    }
}
