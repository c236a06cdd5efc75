//! `status`: follows a rollout to its end; for pipelines.

use std::time::Duration;

use futures::StreamExt;
use kube::runtime::watcher;
use serde_json::json;
use sluice_core::api::Rollout;
use sluice_core::time::parse_go_duration;

use super::get::listed;
use crate::client::Session;
use crate::goal::has_seen;
use crate::output::Output;
use crate::problem::Problem;
use crate::term;
use crate::watch::{Losses, follow};
use crate::workload;
use sluice_core::info::phase;

/// Arguments of `status`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Exit codes: 0 healthy, or printed once; 1 degraded, out of time, or not to be found out.")]
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
    /// How to print it: once, at the end
    #[arg(long, short, value_name = "FORMAT", value_parser = Output::among(&[Output::Json, Output::Yaml]))]
    output: Option<Output>,
}

/// A duration as Go writes it, and not a negative one.
pub fn duration(text: &str) -> Result<Duration, String> {
    let duration = parse_go_duration(text).map_err(|error| error.to_string())?;
    Duration::try_from(duration).map_err(|_| format!("{text} is negative"))
}

/// Prints the status, on every change until the end is reached.
pub async fn run(args: Args, session: &Session) -> Result<(), Problem> {
    let mut last = Last { output: args.output, workload: None, rollout: None };
    let following = follow_to_end(&args, &mut last, session);
    let followed =
        if args.watch && !args.timeout.is_zero() { in_time(following, &args, session).await } else { following.await };
    last.end(followed)
}

async fn in_time(
    following: impl Future<Output = Result<(), Problem>>,
    args: &Args,
    session: &Session,
) -> Result<(), Problem> {
    tokio::time::timeout(args.timeout, following).await.unwrap_or_else(|_| {
        let what = format!("Rollout status watch exceeded timeout of {}s", args.timeout.as_secs());
        let next = format!("See what it waits for: {}", session.command(&format!("get rollout {}", args.name)));
        Err(Problem::new(what).advise(next))
    })
}

async fn follow_to_end(args: &Args, last: &mut Last, session: &Session) -> Result<(), Problem> {
    let name = &args.name;
    let first = session.rollout(name).await?;
    last.workload = workload::generation(&first, session).await;
    last.tell(first.clone())?;
    if !args.watch {
        return Ok(());
    }
    if let Some(outcome) = outcome(&first, last.workload) {
        return outcome;
    }
    let config = watcher::Config::default().fields(&format!("metadata.name={name}"));
    let (store, mut changes) = follow(session.rollouts(), config);
    let mut losses = Losses::default();
    while let Some(news) = changes.next().await {
        losses.tell(news?);
        let Some(found) = listed(&store) else { continue };
        let Some(rollout) = found.into_iter().next() else {
            return Err(Problem::new(format!("rollout '{name}' was deleted")));
        };
        let outcome = outcome(&rollout, last.workload);
        last.tell(rollout)?;
        if let Some(outcome) = outcome {
            return outcome;
        }
    }
    Err(Problem::new(format!("cannot follow rollout '{name}' any longer: the watch has ended")))
}

/// What was told last.
struct Last {
    output: Option<Output>,
    /// The generation of the workload that the rollout has to have seen.
    workload: Option<i64>,
    rollout: Option<Rollout>,
}

impl Last {
    /// Tells what is new to people.
    fn tell(&mut self, rollout: Rollout) -> Result<(), Problem> {
        let is_new =
            self.rollout.as_ref().is_none_or(|last| text(last, self.workload) != text(&rollout, self.workload));
        if is_new && self.output.is_none() {
            term::line(&text(&rollout, self.workload))?;
        }
        self.rollout = Some(rollout);
        Ok(())
    }

    /// Tells programs where it ended.
    fn end(self, outcome: Result<(), Problem>) -> Result<(), Problem> {
        if let (Some(output), Some(rollout)) = (self.output, &self.rollout) {
            let (phase, message) = shown(rollout, self.workload);
            let metadata = &rollout.metadata;
            let shown = json!({
                "name": metadata.name, "namespace": metadata.namespace, "phase": phase, "message": message,
                "waitingOn": rollout.status().waiting_on,
            });
            if let Some(text) = output.structured(&shown) {
                term::print(&text?)?;
            }
        }
        outcome
    }
}

/// Phase and message; of a workload that the controller has not looked at they are not known yet.
fn shown(rollout: &Rollout, workload: Option<i64>) -> (String, String) {
    if has_seen(rollout, workload) {
        return phase::shown(rollout);
    }
    let message = "waiting for rollout spec update to be observed for the reference workload";
    ("Progressing".to_owned(), message.to_owned())
}

fn text(rollout: &Rollout, workload: Option<i64>) -> String {
    match shown(rollout, workload) {
        (phase, message) if message.is_empty() => phase,
        (phase, message) => format!("{phase} - {message}"),
    }
}

/// How it ended, once it has. A pause is no end: somebody may promote.
fn outcome(rollout: &Rollout, workload: Option<i64>) -> Option<Result<(), Problem>> {
    let (phase, message) = shown(rollout, workload);
    match phase.as_str() {
        "Healthy" => Some(Ok(())),
        "Degraded" => Some(Err(Problem::new(format!("The rollout is in a degraded state with message: {message}")))),
        _ => None,
    }
}
