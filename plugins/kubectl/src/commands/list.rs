//! `list rollouts`.

use std::process::ExitCode;

use anyhow::Context as _;
use kube::api::ListParams;

use super::Outcome;
use crate::client::{Cluster, LIVE, now};
use crate::view::list;

/// Arguments of `list`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// List rollouts
    #[command(visible_aliases = ["ro", "rollout"])]
    Rollouts {
        /// Only the rollout of this name
        #[arg(long)]
        name: Option<String>,
        /// Those of every namespace
        #[arg(long, short = 'A')]
        all_namespaces: bool,
        /// Keep the list up to date
        #[arg(long, short)]
        watch: bool,
        /// Print the time before each list
        #[arg(long)]
        timestamps: bool,
    },
}

/// Prints the list, once or whenever it changes.
pub async fn run(cluster: &Cluster, args: Args) -> Outcome {
    let What::Rollouts { name, all_namespaces, watch, timestamps } = args.what;
    let mut params = ListParams::default();
    if let Some(name) = &name {
        params = params.fields(&format!("metadata.name={name}"));
    }
    let mut shown = String::new();
    loop {
        let api = if all_namespaces { cluster.all_rollouts() } else { cluster.rollouts() };
        let rollouts = api.list(&params).await.context("cannot list rollouts")?.items;
        if rollouts.is_empty() && !watch {
            let place = if all_namespaces { "any".to_owned() } else { format!("{} ", cluster.namespace) };
            eprintln!("No rollouts found in {} namespace.", place.trim_end());
            return Ok(ExitCode::SUCCESS);
        }
        let text = list::render(&rollouts, all_namespaces);
        if text != shown {
            if timestamps {
                println!("{}", now());
            }
            print!("{text}");
            shown = text;
        }
        if !watch {
            return Ok(ExitCode::SUCCESS);
        }
        tokio::time::sleep(LIVE).await;
    }
}
