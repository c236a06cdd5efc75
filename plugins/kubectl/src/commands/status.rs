//! `status`.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::time::Instant;

use super::Outcome;
use crate::client::{Cluster, LIVE};
use crate::view::facts;

/// Arguments of `status`.
#[derive(clap::Args)]
pub struct Args {
    /// Name of the rollout
    name: String,
    /// Wait until the rollout is healthy or degraded
    #[arg(long, short, default_value_t = true, num_args = 0..=1, default_missing_value = "true", require_equals = true, action = clap::ArgAction::Set)]
    watch: bool,
    /// Time after which waiting ends, such as 5m; 0 is never
    #[arg(long, short, default_value = "0")]
    timeout: String,
}

/// Prints each change, and ends with what came of it.
pub async fn run(cluster: &Cluster, args: Args) -> Outcome {
    let timeout = sluice_core::time::parse_go_duration(&args.timeout)
        .with_context(|| format!("cannot use --timeout {}", args.timeout))?;
    let timeout = Duration::try_from(timeout).unwrap_or(Duration::ZERO);
    let end = (!timeout.is_zero()).then(|| Instant::now() + timeout);
    let mut shown = String::new();
    loop {
        let (phase, message) = facts::status(&cluster.rollout(&args.name).await?);
        let text = if message.is_empty() { phase.clone() } else { format!("{phase} - {message}") };
        if text != shown {
            println!("{text}");
            shown = text;
        }
        match phase.as_str() {
            "Degraded" if args.watch => bail!("the rollout is in a degraded state with message: {message}"),
            "Healthy" => return Ok(ExitCode::SUCCESS),
            _ if !args.watch => return Ok(ExitCode::SUCCESS),
            _ => {}
        }
        if end.is_some_and(|end| Instant::now() >= end) {
            bail!("rollout status watch exceeded timeout of {}", args.timeout);
        }
        tokio::time::sleep(LIVE).await;
    }
}
