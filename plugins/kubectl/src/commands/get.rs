//! `get rollout`.

use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use tokio::time::Instant;

use super::Outcome;
use crate::client::{Cluster, LIVE};
use crate::view::colour::Colour;
use crate::view::tree;

/// Arguments of `get`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Show a rollout with its revisions and pods
    #[command(visible_aliases = ["ro", "rollouts"])]
    Rollout {
        /// Name of the rollout
        name: String,
        /// Keep the view up to date
        #[arg(long, short)]
        watch: bool,
        /// Plain text
        #[arg(long)]
        no_color: bool,
        /// Seconds after which watching ends; 0 is never
        #[arg(long, default_value_t = 0)]
        timeout_seconds: u64,
    },
}

/// Prints the view, once or again and again.
pub async fn run(cluster: &Cluster, args: Args) -> Outcome {
    let What::Rollout { name, watch, no_color, timeout_seconds } = args.what;
    let colour = Colour::detect(no_color);
    let terminal = std::io::stdout().is_terminal();
    let end = (timeout_seconds > 0).then(|| Instant::now() + Duration::from_secs(timeout_seconds));
    let mut shown = String::new();
    loop {
        let text = tree::render(&cluster.see(&name).await?, colour);
        // A terminal is redrawn; a file or a pipe gets what is new.
        if terminal && watch {
            print!("\u{1b}[H\u{1b}[2J{text}");
        } else if text != shown {
            println!("{text}");
        }
        shown = text;
        if !watch {
            return Ok(ExitCode::SUCCESS);
        }
        if end.is_some_and(|end| Instant::now() >= end) {
            bail!("stopped watching rollout {name} after {timeout_seconds} seconds");
        }
        tokio::time::sleep(LIVE).await;
    }
}
